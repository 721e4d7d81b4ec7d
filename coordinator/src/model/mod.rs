//! The model port: what answers a conversation. One adapter so far, [`script`]; providers come beside it.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use callboard_coordinator_core::Report;
use callboard_coordinator_core::run::{Stop, Usage};
use callboard_proto::{ToolUseId, Turn};

use crate::catalogue::Catalogue;

pub mod script;

/// One call that a model asks for, before it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolUse {
    /// The provider's id, or a minted one.
    pub id: ToolUseId,
    /// The tool's name, as the model wrote it.
    pub name: String,
    /// The arguments, as the model wrote them; perhaps no JSON at all.
    pub arguments: Bytes,
}

/// A model's answer.
#[derive(Clone, Debug)]
pub struct ModelAnswer {
    /// What it says.
    pub text: String,
    /// What it wants run, in its order.
    pub calls: Vec<ToolUse>,
    /// Why it stopped.
    pub stop: Stop,
    /// What it used, if it says so.
    pub usage: Option<Usage>,
}

/// Why a model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The scripted model can't go on.
    #[error("the scripted model can't go on")]
    Script(#[from] script::ScriptError),
}

/// One model response and what became of its calls.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The turn.
    pub turn: Turn,
    /// The response.
    pub answer: ModelAnswer,
    /// The results, once they are gathered; none for a response without calls.
    pub report: Option<Report>,
}

/// A conversation as it stands when the model is asked.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// What the run was started with.
    pub task: String,
    /// The tools that the model may use.
    pub catalogue: Arc<Catalogue>,
    /// What was said and done since, oldest first.
    pub exchanges: Vec<Exchange>,
}

/// What answers a conversation.
pub trait Model: Send + 'static {
    /// The model's name, for views and traces.
    fn name(&self) -> &str;

    /// Answers the conversation as it stands. Retries are the adapter's own affair: an error is final.
    ///
    /// # Cancel safety
    /// May be dropped at any time; it is then not asked again in this run.
    fn answer(
        &mut self,
        conversation: &Conversation,
    ) -> impl Future<Output = Result<ModelAnswer, ModelError>> + Send;
}
