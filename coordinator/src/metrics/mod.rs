//! The metrics of a coordinator: counted from the reports of turns, and read from the dispatcher when they
//! are asked for.
//!
//! `calls` counts what each report says, `runs` what each run says, `standing` reads the dispatcher.

mod calls;
mod runs;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use callboard_telemetry::metrics::Scope;

use crate::dispatch::{DispatchHandle, Gone};
use crate::traces::Traces;

pub use calls::CallMetrics;
pub use runs::RunMetrics;

/// Models that are told apart, at most: where a caller may name any, each name would be series of its own.
/// Chosen, not measured.
const MODELS_MAX: usize = 100;
/// The label of all further ones.
const OTHER_MODEL: &str = "other";

/// The metrics of one coordinator.
#[derive(Debug)]
pub struct CoordinatorMetrics {
    scope: Scope,
    calls: Arc<CallMetrics>,
    standing: Arc<standing::Standing>,
    agent: String,
    models: Mutex<BTreeSet<String>>,
}

impl CoordinatorMetrics {
    /// None yet. Where traces are recorded, durations are told with an exemplar of one.
    #[must_use]
    pub fn new(scope: Scope, agent: &str, traces: Option<&Arc<Traces>>) -> Self {
        let calls = Arc::new(CallMetrics::new(scope.clone(), traces.cloned()));
        let standing = Arc::new(standing::Standing::default());
        scope.add(Arc::clone(&calls) as _);
        scope.add(Arc::clone(&standing) as _);
        Self {
            scope,
            calls,
            standing,
            agent: agent.to_owned(),
            models: Mutex::default(),
        }
    }

    /// Who the dispatcher tells of its reports.
    #[must_use]
    pub fn calls(&self) -> &Arc<CallMetrics> {
        &self.calls
    }

    /// What watches a run with this model.
    #[must_use]
    pub fn run(&self, model: &str) -> RunMetrics {
        RunMetrics::new(
            self.scope.clone(),
            Arc::clone(&self.calls),
            &self.agent,
            self.label(model),
        )
    }

    /// The model as a label, bounded in number.
    fn label<'a>(&self, model: &'a str) -> &'a str {
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if models.contains(model) {
            return model;
        }
        if models.len() >= MODELS_MAX {
            return OTHER_MODEL;
        }
        models.insert(model.to_owned());
        model
    }

    /// Asks the dispatcher how it stands, for the next [`Self::text`] and for what is exported.
    ///
    /// # Errors
    /// When the dispatcher has ended; what it said last is kept.
    pub async fn refresh(&self, dispatch: &DispatchHandle) -> Result<(), Gone> {
        self.standing.set(dispatch.standing().await?);
        Ok(())
    }

    /// All metrics of the process, as [`OPEN_METRICS`](callboard_telemetry::metrics::OPEN_METRICS).
    #[must_use]
    pub fn text(&self) -> String {
        self.scope.metrics().text()
    }
}
