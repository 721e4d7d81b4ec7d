//! What the program around the service brings: models, workers, and what runs are given by default.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator_core::run::{Budgets, Eager};
use callboard_proto::{Tenant, ToolName};
use callboard_telemetry::metrics::Metrics;
use futures_util::future::BoxFuture;

use super::refusal::Refusal;
use super::runs::NewRun;
use crate::dispatch::DispatchHandle;
use crate::metrics::CoordinatorMetrics;
use crate::model::http::ProviderModel;
use crate::model::script::ScriptedModel;
use crate::model::{Conversation, Model, ModelAnswer, ModelError, Question};
use crate::provider::{Parallel, ToolChoice};
use crate::run_log::RunLogs;
use crate::traces::{Origin, Traces};

/// Brings what the service works with.
pub trait Setup: fmt::Debug + Send + Sync + 'static {
    /// The model for a run.
    ///
    /// # Errors
    /// [`Refusal::Model`], where nobody answers for what is wished.
    fn cast(&self, wish: &NewRun) -> Result<Cast, Refusal>;

    /// Connects the workers of a tenant; its dispatcher tells these logs. Called once for each tenant,
    /// and again after an error.
    fn connect(
        &self,
        tenant: &Tenant,
        logs: Arc<RunLogs>,
    ) -> BoxFuture<'static, Result<Connected, Refusal>>;

    /// What runs are given by default.
    fn defaults(&self) -> &Defaults;

    /// Where the process counts.
    fn metrics(&self) -> &Arc<Metrics>;

    /// Reads anew what is counted elsewhere, before metrics are told. It must not take longer than who asks
    /// for them waits.
    fn refresh(&self) -> BoxFuture<'_, ()>;
}

/// The workers of a tenant.
#[derive(Debug)]
pub struct Connected {
    /// Their dispatcher.
    pub dispatch: DispatchHandle,
    /// Tools that are there from the start, so that nobody is waited for.
    pub tools: Vec<ToolName>,
    /// Who writes spans, where they are exported; told by the dispatcher already.
    pub traces: Option<Arc<Traces>>,
    /// Who counts, where somebody does; told by the dispatcher already.
    pub metrics: Option<Arc<CoordinatorMetrics>>,
}

/// What runs are given by default.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// What a run may spend.
    pub budgets: Budgets,
    /// Longest time for a call.
    pub call_deadline: Option<Duration>,
    /// Calls of a turn in flight at once, at most.
    pub parallel_max: Option<u32>,
    /// How long tools that are wanted are looked for (P10).
    pub discovery_timeout: Duration,
    /// Whether arguments and results of runs are kept, for who may see the run.
    pub keeps_content: bool,
    /// Where traces are shown, such as `http://jaeger:16686`.
    pub traces_url: Option<String>,
}

/// Who answers in a run, and on what terms.
#[derive(Debug)]
pub struct Cast {
    /// Who answers.
    pub model: AnyModel,
    /// What the model is told of tools.
    pub tool_choice: ToolChoice,
    /// How many calls run together.
    pub parallel: Parallel,
    /// Which calls start while their response still streams.
    pub eager: Eager,
    /// The model as its provider calls it, and the provider, for who writes spans.
    pub origin: Origin,
}

/// A model of any kind.
#[derive(Debug)]
pub enum AnyModel {
    /// A provider's.
    Provider(Box<ProviderModel>),
    /// One that answers from a script.
    Script(ScriptedModel),
}

impl Model for AnyModel {
    fn name(&self) -> &str {
        match self {
            Self::Provider(model) => model.name(),
            Self::Script(model) => model.name(),
        }
    }

    async fn answer(
        &mut self,
        conversation: &Conversation,
        question: &mut Question,
    ) -> Result<ModelAnswer, ModelError> {
        match self {
            Self::Provider(model) => model.answer(conversation, question).await,
            Self::Script(model) => model.answer(conversation, question).await,
        }
    }
}
