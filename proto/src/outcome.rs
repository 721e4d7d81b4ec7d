//! How a call ends.

use std::time::Duration;

use crate::content::Part;
use crate::effect::{Executed, word};

word!(
    /// Why a call has no result of its tool. A closed set; an unknown word reads as [`FailureKind::Internal`].
    FailureKind, safe = Internal,
    /// The arguments are no JSON object, or not what the tool's schema asks for.
    InvalidArguments = "invalid_arguments",
    /// The run's frozen list holds no such tool.
    UnknownTool = "unknown_tool",
    /// A policy, a limit or an operator said no.
    Refused = "refused",
    /// The tool is listed, and nobody serves it now.
    NoWorker = "no_worker",
    /// The waiting room is full, or the deadline can't be met any more.
    Overloaded = "overloaded",
    /// A deadline came first.
    TimedOut = "timed_out",
    /// The worker that held the call was lost.
    WorkerLost = "worker_lost",
    /// The call ended two instances that ran it.
    Poison = "poison",
    /// The tool panicked, or its process ended without an answer.
    Crashed = "crashed",
    /// Somebody asked for the end.
    Cancelled = "cancelled",
    /// The coordinator was told to end before the call was settled.
    Interrupted = "interrupted",
    /// The result is larger than may travel.
    OutputTooLarge = "output_too_large",
    /// The peers don't understand each other.
    ProtocolError = "protocol_error",
    /// A fault of Callboard's own.
    Internal = "internal",
);

/// The terminal state of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The tool answered.
    Completed(Completed),
    /// The tool gave no answer.
    Failed(Failure),
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Completed {
    /// The answer, part by part.
    pub content: Vec<Part>,
    /// Whether the tool calls its own answer an error.
    pub is_error: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The reason, from the closed set.
    pub kind: FailureKind,
    /// What happened, for the model and for people.
    pub message: String,
    /// Whether the tool may have run.
    pub executed: Executed,
    /// When trying again can help, if somebody knows.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure without advice on when to try again.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>, executed: Executed) -> Self {
        Self {
            kind,
            message: message.into(),
            executed,
            retry_after: None,
        }
    }
}

impl Outcome {
    /// A completed outcome of one text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Completed(Completed {
            content: vec![Part::Text(text.into())],
            is_error: false,
        })
    }

    /// A failed outcome without advice on when to try again.
    #[must_use]
    pub fn failed(kind: FailureKind, message: impl Into<String>, executed: Executed) -> Self {
        Self::Failed(Failure::new(kind, message, executed))
    }

    /// Bytes of payload that the outcome holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Completed(completed) => completed.content.iter().map(Part::bytes).sum(),
            Self::Failed(failure) => failure.message.len(),
        }
    }
}
