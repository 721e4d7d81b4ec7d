//! One thing that happened.

use callboard_coordinator_core::EventKind;
use callboard_proto::{Attempt, Turn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::run::in_ms;

/// One thing that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Its number in its run, from 1, without gaps but for progress that was followed by later progress.
    pub seq: u64,
    /// Milliseconds since the run's start.
    pub at_ms: f64,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// How a call ended: `completed`, `tool_error`, or the kind of failure.
pub type OutcomeWord = std::borrow::Cow<'static, str>;

/// What can happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Happening {
    /// The run began.
    RunStarted {
        /// The run.
        run: String,
        /// The model that drives it.
        model: String,
        /// When, as RFC 3339 in UTC.
        started_at: String,
        /// The trace, as 32 hex digits, where it is recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trace_id: Option<String>,
    },
    /// The model is asked.
    ModelAsked {
        /// The turn that its answer will be.
        turn: u32,
    },
    /// The model answered.
    ModelAnswered {
        /// The turn.
        turn: u32,
        /// What it said.
        text: String,
        /// Calls that it asks for.
        calls: usize,
        /// Tokens that it read, if it said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input_tokens: Option<u64>,
        /// Tokens that it wrote, if it said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output_tokens: Option<u64>,
    },
    /// The model gave no answer.
    ModelFailed {
        /// The turn.
        turn: u32,
        /// Why, with all causes.
        message: String,
    },
    /// A turn was opened for its calls.
    TurnOpened {
        /// The turn.
        turn: u32,
        /// The time that it has, at most, in milliseconds.
        deadline_ms: f64,
    },
    /// A call was opened and waits for a slot.
    CallOpened {
        /// Which call.
        #[serde(flatten)]
        call: CallName,
        /// The tool; absent where the call failed before it could be posted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool: Option<String>,
    },
    /// An attempt was posted.
    CallPosted {
        /// Which call.
        #[serde(flatten)]
        call: CallName,
        /// The attempt, from 1.
        attempt: u32,
        /// The worker that it was placed on.
        worker: String,
        /// That worker's instance.
        instance: String,
    },
    /// A worker said that the attempt runs.
    CallRunning {
        /// Which call.
        #[serde(flatten)]
        call: CallName,
        /// The attempt.
        attempt: u32,
    },
    /// A `write` was granted.
    CallGranted {
        /// Which call.
        #[serde(flatten)]
        call: CallName,
        /// The attempt.
        attempt: u32,
    },
    /// The tool said how far it is. Only the latest of a call is kept.
    CallProgress {
        /// Which call.
        #[serde(flatten)]
        call: CallName,
        /// The attempt.
        attempt: u32,
        /// Percent done, if the tool knows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        percent: Option<u8>,
        /// What the tool says about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// An attempt ended without settling the call, which waits again.
    CallReturned {
        /// Which call.
        #[serde(flatten)]
        call: CallName,
        /// The attempt.
        attempt: u32,
        /// Why: a failure's kind, or `busy`, `stale`, `draining` and their like.
        #[schema(value_type = String)]
        why: OutcomeWord,
        /// How long the call waits at least, in milliseconds.
        delay_ms: f64,
    },
    /// A call has its outcome.
    CallSettled {
        /// Which call.
        #[serde(flatten)]
        call: CallName,
        /// How it ended.
        #[schema(value_type = String)]
        outcome: OutcomeWord,
        /// Whether the tool may have run: `no`, `yes` or `unknown`.
        #[schema(value_type = String)]
        executed: OutcomeWord,
        /// What happened, as the model reads it, for a failure.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Attempts made.
        attempts: u32,
        /// The worker whose answer settled it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worker: Option<String>,
        /// Time from opening to the outcome, in milliseconds.
        elapsed_ms: f64,
        /// Time at the worker before the tool was entered, in milliseconds.
        queued_ms: f64,
        /// Time inside of the tool, in milliseconds.
        executed_ms: f64,
    },
    /// A result came after the report; the model never sees it.
    CallLate {
        /// Which call.
        #[serde(flatten)]
        call: CallName,
        /// The attempt.
        attempt: u32,
        /// How it ended.
        #[schema(value_type = String)]
        outcome: OutcomeWord,
    },
    /// A turn was gathered.
    TurnReported {
        /// The turn.
        turn: u32,
        /// Why gathering stopped: `settled`, `deadline` or `cancelled`.
        #[schema(value_type = String)]
        stopped: OutcomeWord,
        /// Time from opening to the report, in milliseconds.
        gathered_ms: f64,
        /// Whether nobody reads its results, because its response broke off or contradicted itself.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        discarded: bool,
    },
    /// The run ended; nothing follows but results that come late.
    RunEnded {
        /// The reason in one word, such as `answered`.
        #[schema(value_type = String)]
        reason: OutcomeWord,
        /// More about it, where there is more to say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
}

/// A call of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct CallName {
    /// Its turn.
    pub turn: u32,
    /// The provider's id.
    pub id: String,
}

impl Happening {
    /// The word for its type, as its `type` says it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run_started",
            Self::ModelAsked { .. } => "model_asked",
            Self::ModelAnswered { .. } => "model_answered",
            Self::ModelFailed { .. } => "model_failed",
            Self::TurnOpened { .. } => "turn_opened",
            Self::CallOpened { .. } => "call_opened",
            Self::CallPosted { .. } => "call_posted",
            Self::CallRunning { .. } => "call_running",
            Self::CallGranted { .. } => "call_granted",
            Self::CallProgress { .. } => "call_progress",
            Self::CallReturned { .. } => "call_returned",
            Self::CallSettled { .. } => "call_settled",
            Self::CallLate { .. } => "call_late",
            Self::TurnReported { .. } => "turn_reported",
            Self::RunEnded { .. } => "run_ended",
        }
    }

    /// What the dispatcher tells of a call.
    pub(super) fn of_call(turn: Turn, id: &str, event: &EventKind) -> Self {
        let call = CallName {
            turn: turn.0,
            id: id.to_owned(),
        };
        match event {
            EventKind::Opened { tool } => Self::CallOpened {
                call,
                tool: tool.as_ref().map(ToString::to_string),
            },
            EventKind::Posted {
                attempt: Attempt(attempt),
                worker,
                instance,
            } => Self::CallPosted {
                call,
                attempt: *attempt,
                worker: worker.to_string(),
                instance: instance.to_string(),
            },
            EventKind::Running { attempt } => Self::CallRunning {
                call,
                attempt: attempt.0,
            },
            EventKind::Granted { attempt } => Self::CallGranted {
                call,
                attempt: attempt.0,
            },
            EventKind::Progress {
                attempt,
                percent,
                message,
            } => Self::CallProgress {
                call,
                attempt: attempt.0,
                percent: *percent,
                message: message.clone(),
            },
            EventKind::Returned {
                attempt,
                why,
                delay,
            } => Self::CallReturned {
                call,
                attempt: attempt.0,
                why: (*why).into(),
                delay_ms: in_ms(*delay),
            },
            EventKind::Settled {
                kind,
                is_error,
                message,
                executed,
                worker,
                attempts,
                elapsed,
                queued,
                ran_for,
            } => Self::CallSettled {
                call,
                outcome: match kind {
                    Some(kind) => kind.as_str().into(),
                    None if *is_error => "tool_error".into(),
                    None => "completed".into(),
                },
                executed: executed.as_str().into(),
                message: Some(message.clone()).filter(|message| !message.is_empty()),
                attempts: *attempts,
                worker: worker.as_ref().map(ToString::to_string),
                elapsed_ms: in_ms(*elapsed),
                queued_ms: in_ms(*queued),
                executed_ms: in_ms(*ran_for),
            },
            EventKind::LateResult { attempt, kind } => Self::CallLate {
                call,
                attempt: attempt.0,
                outcome: kind.map_or("completed", |kind| kind.as_str()).into(),
            },
        }
    }
}
