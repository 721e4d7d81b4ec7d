//! What a call comes to, by how its tool ended: every text here is read by a model.

use std::any::Any;

use callboard_proto::{Executed, Failure, FailureKind, Outcome};
use callboard_worker_core::StopReason;

use crate::executor::cut;
use crate::tool::{Answer, Phase, ToolError};

/// Longest text of a failure, in bytes (chosen, not measured).
const MESSAGE_BYTES_MAX: usize = 8 * 1024;

/// The outcome of a tool that answered.
pub(super) fn of_answer(answer: Answer, bytes_max: usize) -> Outcome {
    match cut::fit(answer.into_completed(), bytes_max) {
        Ok(completed) => Outcome::Completed(completed),
        Err(too_large) => Outcome::failed(
            FailureKind::OutputTooLarge,
            too_large.to_string(),
            Executed::Yes,
        ),
    }
}

/// The outcome of a tool that gave no answer; a stop that it was told of names the kind.
pub(super) fn of_error(error: ToolError, stop: Option<StopReason>, bytes_max: usize) -> Outcome {
    let failure = match error {
        ToolError::Answered(answer) => return of_answer(answer, bytes_max),
        ToolError::Failed(failure) => failure,
    };
    let mut failure = match stop {
        // What says that nothing was done stands, unless the stop itself is all that it says.
        Some(reason)
            if failure.executed != Executed::No || failure.kind == FailureKind::Cancelled =>
        {
            Failure {
                message: if failure.kind == FailureKind::Cancelled
                    && failure.executed == Executed::Yes
                {
                    reason_text(reason).to_owned()
                } else {
                    format!(
                        "{}; the tool said: {}",
                        reason_text(reason),
                        failure.message
                    )
                },
                kind: kind(reason),
                executed: failure.executed,
                retry_after: None,
            }
        }
        Some(_) | None => failure,
    };
    failure.message = cut::text(&failure.message, MESSAGE_BYTES_MAX);
    Outcome::Failed(failure)
}

/// The outcome of a tool that panicked.
pub(super) fn of_panic(panic: &(dyn Any + Send)) -> Outcome {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = match said {
        Some(said) => format!(
            "the tool crashed after it had begun: {}",
            cut::text(said, MESSAGE_BYTES_MAX)
        ),
        None => "the tool crashed after it had begun, without saying why".to_owned(),
    };
    Outcome::failed(FailureKind::Crashed, message, Executed::Yes)
}

/// The outcome of a tool that was stopped and did not end by itself.
pub(super) fn of_stop(reason: StopReason, phase: Phase, is_on_thread: bool) -> Outcome {
    let (message, executed) = match phase {
        Phase::Queued => (
            format!("{}; it had not begun", reason_text(reason)),
            Executed::No,
        ),
        Phase::Entered if is_on_thread => (
            format!(
                "{}; its thread could not be stopped and may still be working",
                reason_text(reason)
            ),
            Executed::Yes,
        ),
        Phase::Entered => (reason_text(reason).to_owned(), Executed::Yes),
    };
    Outcome::failed(kind(reason), message, executed)
}

fn kind(reason: StopReason) -> FailureKind {
    match reason {
        StopReason::TimedOut => FailureKind::TimedOut,
        StopReason::Cancelled | StopReason::Orphaned => FailureKind::Cancelled,
        StopReason::Drained => FailureKind::Interrupted,
    }
}

fn reason_text(reason: StopReason) -> &'static str {
    match reason {
        StopReason::TimedOut => "the tool was stopped because its time was up",
        StopReason::Cancelled => "the tool was stopped because its call was cancelled",
        StopReason::Orphaned => {
            "the tool was stopped because the worker had not heard from whoever called it"
        }
        StopReason::Drained => "the tool was stopped because its worker is shutting down",
    }
}
