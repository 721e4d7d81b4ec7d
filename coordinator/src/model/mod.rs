//! The model port: what answers a conversation. Two adapters: [`http`] asks a provider, [`script`] reads
//! its answers from a file.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use callboard_coordinator_core::Report;
use callboard_coordinator_core::run::{Stop, Usage};
use callboard_proto::{ToolUseId, Turn};
use serde_json::value::RawValue;

use crate::catalogue::Catalogue;

mod details;
mod early;
pub mod http;
mod opening;
mod question;
pub mod script;

pub use details::{Account, FailureDetails};
pub use early::EarlyCalls;
pub use opening::Opening;
pub use question::Question;

/// One call that a model asks for, before it is checked.
#[derive(Clone, Debug)]
pub struct ToolUse {
    /// Names the call in its turn: the provider's id where it is unique there and can be one, else a minted one.
    pub id: ToolUseId,
    /// The tool's name, as the model wrote it.
    pub name: String,
    /// The arguments, as the model wrote them; perhaps no JSON at all.
    pub arguments: Bytes,
    /// How its result is addressed in the provider's format.
    pub reply: Reply,
}

impl ToolUse {
    /// A call whose result is addressed by its id alone.
    #[must_use]
    pub fn new(id: ToolUseId, name: impl Into<String>, arguments: impl Into<Bytes>) -> Self {
        Self {
            id,
            name: name.into(),
            arguments: arguments.into(),
            reply: Reply::default(),
        }
    }
}

/// How the result of a call is addressed in the format that the call came in.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The provider's own id; `None`: the [`ToolUse::id`] is it, or the provider gave none and wants none.
    pub id: Option<String>,
    /// Whether the id was made up, because the call had none or one that another call has.
    pub is_made_up: bool,
    /// Whether the call is one of a free-form tool, whose input is text (OpenAI's custom tools).
    pub is_custom: bool,
    /// A field of the call that its result must repeat, as its name and raw JSON (`caller`, `toolset_name`).
    pub repeat: Option<(&'static str, Box<RawValue>)>,
}

/// A model's answer.
#[derive(Clone, Debug)]
pub struct ModelAnswer {
    /// What the conversation goes on with, byte for byte as the provider wrote it: one message, or each item
    /// of a format whose turns are lists of items. Empty for a model that keeps no history.
    pub echo: Vec<Box<RawValue>>,
    /// What it says.
    pub text: String,
    /// What it wants run, in its order.
    pub calls: Vec<ToolUse>,
    /// Why it stopped.
    pub stop: Stop,
    /// The provider's own word for that; empty where it gave none.
    pub stop_reason: String,
    /// What it used, if it says so.
    pub usage: Option<Usage>,
    /// Of a pause ([`Stop::Paused`]) after which the same question is asked again with this token, and not
    /// with what was said so far: that belongs to one message with what follows (Gemini).
    pub resume: Option<String>,
    /// What to say of a stop that isn't known: who stopped so, and what helps; `None`: the reason alone.
    pub account: Option<Account>,
}

/// Why a model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The scripted model can't go on.
    #[error("the scripted model can't go on")]
    Script(#[from] script::ScriptError),
    /// The provider gave no answer.
    #[error(transparent)]
    Provider(Box<http::ProviderError>),
    /// An adapter of somebody else's failed.
    #[error("the model failed")]
    Other {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
        /// Whether the same question may be asked again.
        is_retryable: bool,
        /// How long to wait before that, if that is known.
        retry_after: Option<Duration>,
    },
}

impl ModelError {
    /// Whether the same question may be asked again, once the calls that were dispatched early are settled.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Script(_) => false,
            Self::Provider(error) => error.again.is_later(),
            Self::Other { is_retryable, .. } => *is_retryable,
        }
    }

    /// How long to wait before that, if that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Script(_) => None,
            Self::Provider(error) => error.again.after(),
            Self::Other { retry_after, .. } => *retry_after,
        }
    }

    /// The error with all its causes, in one line. What helps is left out where it is asked again.
    #[must_use]
    pub fn told(&self) -> String {
        if let Self::Provider(error) = self {
            return error.told();
        }
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }

    /// What helps, where [`Self::told`] leaves it out.
    #[must_use]
    pub fn cure(&self) -> Option<String> {
        match self {
            Self::Script(_) | Self::Other { .. } => None,
            Self::Provider(error) => error.again.is_later().then(|| error.cure()),
        }
    }

    /// A stable code for programs and for `docs/errors/`, where there is one.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        self.details().map(|details| details.code)
    }

    /// What programs need to know of it, where a provider failed.
    #[must_use]
    pub fn details(&self) -> Option<FailureDetails> {
        match self {
            Self::Script(_) | Self::Other { .. } => None,
            Self::Provider(error) => Some(error.details()),
        }
    }
}

/// One model response and what became of its calls.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The turn.
    pub turn: Turn,
    /// The response.
    pub answer: ModelAnswer,
    /// The results, once they are gathered; none for a response without calls: the final one, or one
    /// that was only paused ([`Stop::Paused`]). The exchange after a pause goes on where that one stopped,
    /// so both are repeated as they came, one after the other.
    pub report: Option<Report>,
}

/// A conversation as it stands when the model is asked.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// What the run was started with.
    pub task: Opening,
    /// The tools that the model may use.
    pub catalogue: Arc<Catalogue>,
    /// What was said and done since, oldest first.
    pub exchanges: Vec<Exchange>,
}

/// What answers a conversation.
pub trait Model: Send + 'static {
    /// The model's name, for views and traces.
    fn name(&self) -> &str;

    /// Answers the conversation as it stands. Calls that are surely whole while the response still
    /// streams are offered to the question, in call order; the answer holds them all the same. Retries are
    /// the adapter's own affair, but for a response that broke off after a call was taken early: that is
    /// [`ModelError::is_retryable`] for the run, which settles those calls first. What is told to the
    /// question (tokens of responses that came to nothing, the last failure) counts even if the answer is no
    /// longer waited for.
    ///
    /// # Cancel safety
    /// May be dropped at any time; it is then not asked again in this run.
    fn answer(
        &mut self,
        conversation: &Conversation,
        question: &mut Question,
    ) -> impl Future<Output = Result<ModelAnswer, ModelError>> + Send;
}
