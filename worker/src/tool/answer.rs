//! What a tool gives back.

use std::time::Duration;

use callboard_proto::{Completed, Executed, Failure, FailureKind, Part};
use serde::Serialize;

/// What a tool call comes to: an answer, or the reason why there is none.
pub type ToolResult = Result<Answer, ToolError>;

/// A tool's answer: typed parts, and whether the tool itself calls it an error.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Answer(Completed);

impl Answer {
    /// An answer of one text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::parts(vec![Part::Text(text.into())])
    }

    /// An answer of one JSON value.
    ///
    /// # Errors
    /// A [`FailureKind::Internal`] failure when the value can't be JSON, such as a map whose keys
    /// are no text.
    pub fn json<T: Serialize>(value: &T) -> ToolResult {
        match serde_json::to_string(value) {
            Ok(text) => Ok(Self::parts(vec![Part::Json(text)])),
            Err(error) => Err(ToolError::internal(format!(
                "the tool's answer can't be written as JSON: {error}"
            ))),
        }
    }

    /// An answer of several parts, in order.
    #[must_use]
    pub fn parts(content: Vec<Part>) -> Self {
        Self(Completed {
            content,
            is_error: false,
        })
    }

    /// An answer that says why the tool could not do what was asked: name the cause and what the
    /// model can do about it. The tool worked; it is not tried again.
    #[must_use]
    pub fn error(text: impl Into<String>) -> Self {
        Self(Completed {
            content: vec![Part::Text(text.into())],
            is_error: true,
        })
    }

    /// Whether the tool calls its answer an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.0.is_error
    }

    /// The parts, in order.
    #[must_use]
    pub fn content(&self) -> &[Part] {
        &self.0.content
    }

    /// The answer as the wire carries it.
    #[must_use]
    pub fn into_completed(self) -> Completed {
        self.0
    }
}

impl From<Completed> for Answer {
    fn from(completed: Completed) -> Self {
        Self(completed)
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for Answer {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// Why a tool gives no answer.
///
/// A tool that can say what went wrong in its own world, such as "no such order", gives an
/// [`Answer::error`] instead; `?` turns one of those into this type, so both leave a tool the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolError {
    /// The tool answered, and calls its answer an error.
    Answered(Answer),
    /// The call failed.
    Failed(Failure),
}

impl ToolError {
    /// A failure of any kind that the other constructors don't name; `executed` is the truth about
    /// this attempt.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>, executed: Executed) -> Self {
        Self::Failed(Failure::new(kind, message, executed))
    }

    /// The arguments aren't what the tool takes; nothing was done.
    #[must_use]
    pub fn invalid_arguments(message: impl Into<String>) -> Self {
        Self::new(FailureKind::InvalidArguments, message, Executed::No)
    }

    /// The tool won't do this; nothing was done.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Refused, message, Executed::No)
    }

    /// What the tool needs takes no more work now; nothing was done. See [`Self::retry_after`].
    #[must_use]
    pub fn overloaded(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Overloaded, message, Executed::No)
    }

    /// What the tool stands on broke while it ran; a `read` or `idempotent` tool is tried again.
    #[must_use]
    pub fn crashed(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Crashed, message, Executed::Yes)
    }

    /// The tool ended because it was told to. The worker reports why it was told, not this text.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(
            FailureKind::Cancelled,
            "the tool ended early because it was told to",
            Executed::Yes,
        )
    }

    /// A fault of the tool's own code.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Internal, message, Executed::Yes)
    }

    /// Adds when trying again can help. An answer stays as it is: it is not tried again.
    #[must_use]
    pub fn retry_after(self, after: Duration) -> Self {
        match self {
            Self::Failed(failure) => Self::Failed(Failure {
                retry_after: Some(after),
                ..failure
            }),
            Self::Answered(answer) => Self::Answered(answer),
        }
    }
}

impl From<Answer> for ToolError {
    fn from(answer: Answer) -> Self {
        Self::Answered(answer)
    }
}
