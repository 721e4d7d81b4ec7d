//! What can be wrong with what a provider sends.

use std::fmt;
use std::time::Duration;

use callboard_coordinator_core::run::Stop;
use callboard_proto::Turn;

use super::format::Format;
use super::sse::SseError;

/// Why a message can't be run. Nothing of it was, but for calls that were taken early.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// The input isn't UTF-8, so it isn't JSON either.
    #[error("the input isn't UTF-8; save it as UTF-8")]
    NotUtf8(#[source] std::str::Utf8Error),
    /// The input isn't JSON.
    #[error("the input isn't JSON; give {}", .format.input_noun())]
    NotJson {
        /// The format that it was read as.
        format: Format,
        /// Where and why it isn't.
        #[source]
        source: serde_json::Error,
    },
    /// The input is JSON, and no message.
    #[error("the input is JSON, but not what a model wrote; give {}", .format.input_noun())]
    NotAMessage {
        /// The format that it was read as.
        format: Format,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The input is an error of the provider's, and no message.
    #[error("the input is an error that the provider answered with, and no message: {error}")]
    Refused {
        /// What it says.
        error: Box<ApiError>,
    },
    /// The message isn't the assistant's.
    #[error("the message's role is {role:?}; only an assistant's message asks for calls")]
    NotAssistant {
        /// The role that it names.
        role: String,
    },
    /// A block, item or part can't be read.
    #[error("{} {index} can't be read", .format.block_noun())]
    Block {
        /// The format that it was read as.
        format: Format,
        /// Its position, from 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// There is nothing to run.
    #[error("the message holds no {}, so there is nothing to run", .format.call_noun())]
    NothingToRun {
        /// The format that it was read as.
        format: Format,
    },
    /// The response's reason to stop is that calls follow.
    #[error("the response says that calls follow, and holds none")]
    NoCalls,
    /// The response was not finished, or declined.
    #[error("{}", stopped(.stop, .stop_reason, *.calls))]
    Stopped {
        /// Why it stopped.
        stop: Stop,
        /// The reason that it names.
        stop_reason: String,
        /// Calls that it holds.
        calls: usize,
    },
    /// A call has no id, in a format where a result must name one.
    #[error("the {} at {index} has no id, so no result can name it", .format.call_noun())]
    EmptyId {
        /// The format that it was read as.
        format: Format,
        /// The block's position, from 0.
        index: usize,
    },
    /// A call's id isn't one that the API takes back.
    #[error(
        "the id {id:?} of the {} at {index} can't be answered: {}",
        .format.call_noun(), .format.id_rule()
    )]
    BadId {
        /// The format that it was read as.
        format: Format,
        /// The block's position, from 0.
        index: usize,
        /// The id, cut to 80 characters.
        id: String,
    },
    /// Two calls share an id: the API refuses two results for it.
    #[error(
        "the {}s at {first} and {second} have the same id {id:?}; the API takes one result for each id, so they can't be answered",
        .format.call_noun()
    )]
    DuplicateId {
        /// The format that it was read as.
        format: Format,
        /// The id.
        id: String,
        /// Position of the first block, from 0.
        first: usize,
        /// Position of the second block, from 0.
        second: usize,
    },
    /// A call has the id of one of an earlier turn, in a format where neither can be given another.
    #[error(
        "a {} has the id {id:?}, as a call of turn {} has; the API takes each id once in a conversation, so it can't be answered",
        .format.call_noun(), .turn.0
    )]
    RepeatedId {
        /// The format that it was read as.
        format: Format,
        /// The id.
        id: String,
        /// The turn of the call that had it first.
        turn: Turn,
    },
    /// A call names no tool.
    #[error("the {} at {index} names no tool", .format.call_noun())]
    NoName {
        /// The format that it was read as.
        format: Format,
        /// The block's position, from 0.
        index: usize,
    },
}

/// Why the calls of a response that didn't ask for them weren't run, and what helps.
fn stopped(stop: &Stop, reason: &str, calls: usize) -> String {
    let not_run = if calls == 1 {
        "its call was not run".to_owned()
    } else {
        format!("none of its {calls} calls was run")
    };
    match stop {
        Stop::Truncated => format!(
            "the response was cut off ({reason:?}) and its last call may be incomplete, so {not_run}; request it again \
             with a higher token limit"
        ),
        Stop::Declined => format!(
            "the model or its provider declined to answer ({reason:?}), so {not_run}; ask in another way, or go on \
             without it"
        ),
        Stop::Paused => format!(
            "the response was only paused ({reason:?}), so {not_run}; send the conversation again as the provider wants it \
             continued"
        ),
        Stop::Calls | Stop::Done => format!(
            "the response stopped for {reason:?}, which doesn't ask for calls, so {not_run}; it is the answer"
        ),
        Stop::Unknown(_) => format!(
            "the response stopped for {reason:?}, which isn't known to ask for calls, so {not_run}; request it again"
        ),
    }
}

impl ParseError {
    /// A stable code for programs and for `docs/errors/`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotUtf8(_) => "message_not_utf8",
            Self::NotJson { .. } => "message_not_json",
            Self::NotAMessage { .. } => "message_not_a_message",
            Self::Refused { .. } => "message_is_error",
            Self::NotAssistant { .. } => "message_not_assistant",
            Self::Block { .. } => "message_block",
            Self::NothingToRun { .. } => "message_nothing_to_run",
            Self::NoCalls => "message_no_calls",
            Self::Stopped { .. } => "message_stopped",
            Self::EmptyId { .. } => "tool_use_id_empty",
            Self::BadId { .. } => "tool_use_id_bad",
            Self::DuplicateId { .. } => "tool_use_id_duplicate",
            Self::RepeatedId { .. } => "tool_use_id_repeated",
            Self::NoName { .. } => "tool_use_no_name",
        }
    }
}

/// An error that a provider answers with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiError {
    /// The provider's own word for it (`rate_limit_error`, `insufficient_quota`, `RESOURCE_EXHAUSTED`);
    /// empty where the body is not the provider's.
    pub code: String,
    /// A finer word beside it, where there is one (`details.error_code`, a quota's id).
    pub detail: Option<String>,
    /// What it says, for people; cut to 500 characters.
    pub message: String,
    /// The request's id, where the body names it.
    pub request_id: Option<String>,
    /// How long to wait before asking again, where the body says so.
    pub retry_after: Option<Duration>,
    /// Whether asking again is no use although the status would allow it (a spend limit, a day's quota).
    pub is_final: bool,
    /// Whether asking again may help although there is no status that says so (an error in a stream).
    pub is_retryable: bool,
}

/// The provider's own words, each only if there is one.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message.trim_end_matches('.');
        match (self.code.as_str(), &self.detail) {
            ("", _) => {}
            (code, None) => f.write_str(code)?,
            (code, Some(detail)) => write!(f, "{code} ({detail})")?,
        }
        match (self.code.is_empty(), message.is_empty()) {
            (true, true) => f.write_str("it says nothing"),
            (true, false) => f.write_str(message),
            (false, true) => Ok(()),
            (false, false) => write!(f, ": {message}"),
        }
    }
}

/// Why a stream gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// It can't be read as server-sent events.
    #[error("the provider's stream can't be read")]
    Sse(#[from] SseError),
    /// An event's data can't be read.
    #[error("the provider's stream holds an event {name:?} that can't be read")]
    Event {
        /// The event's name, or the field that stands for it.
        name: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// An event contradicts what came before it.
    #[error("the provider's stream contradicts itself: {0}")]
    Contradiction(String),
    /// The provider says that it failed.
    #[error("the provider broke the stream off: {0}")]
    Provider(Box<ApiError>),
    /// It changes what it wrote in a way that isn't known, so it can't be repeated as it must be.
    #[error(
        "the provider's stream holds a {delta:?}, which this version doesn't know; ask without streaming"
    )]
    Unknown {
        /// The type of the change.
        delta: String,
    },
    /// It ended too early.
    #[error("the provider's stream ended before the response was whole")]
    Cut,
    /// What it gave can't be run.
    #[error("the streamed response can't be worked with")]
    Answer(#[from] ParseError),
}

impl StreamError {
    /// A stable code for programs and for `docs/errors/`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Sse(_) => "message_stream_unreadable",
            Self::Event { .. } => "message_stream_event",
            Self::Contradiction(_) => "message_stream_contradiction",
            Self::Provider(_) => "message_stream_broken_off",
            Self::Unknown { .. } => "message_stream_unknown",
            Self::Cut => "message_stream_cut",
            Self::Answer(error) => error.code(),
        }
    }
}
