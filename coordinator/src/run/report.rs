//! What a run tells at its end.

use std::time::Duration;

use callboard_coordinator_core::run::RunEnd;
use callboard_coordinator_core::{CallReport, Report};
use callboard_proto::{FailureKind, Outcome};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::FailureDetails;

/// A run from its end: what was said, what was called, why it ended. As JSON it is what `--json`
/// prints. Arguments and results aren't part of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RunReport {
    /// The run.
    pub run: String,
    /// The model that drove it.
    pub model: String,
    /// Why it ended.
    pub end: EndSummary,
    /// What the model said last; empty where it said nothing.
    pub text: String,
    /// Its turns, in order.
    pub turns: Vec<TurnSummary>,
    /// All its calls, counted.
    pub tally: Tally,
    /// The tokens that the model said it used.
    pub usage: UsageSummary,
    /// Calls that were posted while their response still streamed.
    #[serde(skip_serializing_if = "is_default")]
    pub early_calls: u32,
    /// How much sooner the turns were reported for it, in milliseconds; absent where no call was early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_ms: Option<f64>,
    /// Time from start to end, in milliseconds.
    pub elapsed_ms: f64,
    /// The trace, as 32 hex digits, where it is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EndSummary {
    /// The reason in one word, such as `answered`.
    pub reason: &'static str,
    /// More about it, where there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The code of the model's failure, if that is why; listed in `docs/errors/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The HTTP status that the model's provider answered with, where it is what failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The id of the last request to the provider, as the provider knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How often the model was asked before it was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
}

/// One turn of a run.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TurnSummary {
    /// Its number, from 1.
    pub turn: u32,
    /// What the model said.
    pub text: String,
    /// Why the model stopped, in its provider's own word; absent where it gave none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<String>,
    /// Why the response broke off, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether the results were kept for the record alone, because the response broke off or contradicted
    /// itself after calls of it had begun.
    #[serde(rename = "discarded", skip_serializing_if = "is_default")]
    pub is_discarded: bool,
    /// Why gathering stopped; absent where there was nothing to gather.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<&'static str>,
    /// Time from opening the turn to its report, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gathered_ms: Option<f64>,
    /// Calls that were posted while the response still streamed.
    #[serde(skip_serializing_if = "is_default")]
    pub early_calls: u32,
    /// How much sooner the turn was reported than if all its calls had begun when the response was whole,
    /// each lasting as long as it did, in milliseconds; absent where no call was early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_ms: Option<f64>,
    /// Its calls, in call order.
    pub calls: Vec<CallSummary>,
}

/// One call of a run.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct CallSummary {
    /// The provider's id.
    pub id: String,
    /// The tool, as the model named it.
    pub tool: String,
    /// `completed`, `tool_error`, or the kind of failure.
    pub outcome: &'static str,
    /// Whether the tool may have run: `no`, `yes` or `unknown`.
    pub executed: &'static str,
    /// What happened, for a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Attempts made.
    pub attempts: u32,
    /// The worker whose answer settled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// Time from opening to the outcome, in milliseconds.
    pub elapsed_ms: f64,
    /// Time at the worker before the tool was entered, in milliseconds.
    pub queued_ms: f64,
    /// Time inside of the tool, in milliseconds.
    pub executed_ms: f64,
}

/// Calls, counted by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tally {
    /// All calls that the model's answers asked for.
    pub calls: usize,
    /// Those of them that were refused before anybody was sent them: over a budget or a limit, or asked for by
    /// a response that wasn't to be run.
    #[serde(skip_serializing_if = "is_default")]
    pub refused: usize,
    /// Those whose tool answered.
    pub completed: usize,
    /// Those whose tool answered that it could not do it.
    pub tool_errors: usize,
    /// Those without an answer.
    pub failed: usize,
    /// Those that surely never ran.
    pub not_executed: usize,
    /// Further ones, begun while their response streamed, whose results nobody read: it broke off or
    /// contradicted itself.
    #[serde(skip_serializing_if = "is_default")]
    pub discarded: usize,
}

/// Tokens that a model said it used, those of responses that came to nothing included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UsageSummary {
    /// Tokens that it read.
    pub input_tokens: u64,
    /// Tokens that it wrote.
    pub output_tokens: u64,
}

impl EndSummary {
    /// The end as it is told.
    #[must_use]
    pub fn of(end: &RunEnd) -> Self {
        Self::with(end, None)
    }

    /// The end as it is told; `details` are those of the model's last failure, if that is why.
    #[must_use]
    pub fn with(end: &RunEnd, details: Option<FailureDetails>) -> Self {
        let message = match end {
            RunEnd::ModelFailed { message } => Some(message.clone()),
            RunEnd::TimeExhausted { failure } => failure.clone(),
            RunEnd::Answered
            | RunEnd::TurnsExhausted
            | RunEnd::CallsExhausted
            | RunEnd::TokensExhausted
            | RunEnd::Cancelled(_)
            | RunEnd::Truncated
            | RunEnd::Declined => None,
        };
        let end = Self {
            reason: end.as_str(),
            message,
            code: None,
            status: None,
            request_id: None,
            attempts: None,
        };
        match details {
            None => end,
            Some(details) => Self {
                code: Some(details.code),
                status: details.status,
                request_id: details.request_id,
                attempts: Some(details.attempts),
                ..end
            },
        }
    }
}

impl CallSummary {
    /// A call as it was reported, under the name that the model used.
    #[must_use]
    pub fn new(call: &CallReport, tool: &str) -> Self {
        let (outcome, executed, message) = match &call.outcome {
            Outcome::Completed(completed) if completed.is_error => ("tool_error", "yes", None),
            Outcome::Completed(_) => ("completed", "yes", None),
            Outcome::Failed(failure) => (
                failure.kind.as_str(),
                failure.executed.as_str(),
                Some(failure.message.clone()),
            ),
        };
        Self {
            id: call.id.to_string(),
            tool: tool.to_owned(),
            outcome,
            executed,
            message,
            attempts: call.attempts,
            worker: call.worker.as_ref().map(ToString::to_string),
            elapsed_ms: in_ms(call.elapsed),
            queued_ms: in_ms(call.queued),
            executed_ms: in_ms(call.executed),
        }
    }
}

impl Tally {
    /// Counts the calls of a report; `execute` counts one, a run counts all of its turns.
    pub fn add(&mut self, report: &Report) {
        for call in &report.calls {
            self.calls += 1;
            match &call.outcome {
                Outcome::Completed(completed) if completed.is_error => self.tool_errors += 1,
                Outcome::Completed(_) => self.completed += 1,
                Outcome::Failed(failure) => {
                    self.failed += 1;
                    self.refused += usize::from(call.attempts == 0 && is_refusal(failure.kind));
                    if failure.executed == callboard_proto::Executed::No {
                        self.not_executed += 1;
                    }
                }
            }
        }
    }
}

/// Whether a kind of failure says that a call isn't wanted, or is one too many.
fn is_refusal(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Refused | FailureKind::Overloaded)
}

/// Milliseconds, to the microsecond.
pub(crate) fn in_ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
