//! What failures of the dispatcher's own say. Read by models and by people: what happened, and with
//! which numbers; what to do next is added where the outcome is rendered.

use std::time::Duration;

use callboard_proto::{Digest, Label, ToolName, WorkerName};

fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        let text = format!("{:.1}", duration.as_secs_f64());
        format!("{} s", text.trim_end_matches(".0"))
    }
}

pub(crate) fn call_deadline(after: Duration) -> String {
    format!("no result within {}", seconds(after))
}

pub(crate) fn no_slot(after: Duration) -> String {
    format!("no worker had a free slot within {}", seconds(after))
}

pub(crate) fn waiting_room_full(max: usize) -> String {
    format!("{max} calls are waiting for a free slot already, no more are taken")
}

/// Workers that are named at most where none will do (chosen, not measured).
const CONSIDERED_MAX: usize = 5;

/// Who was `considered`, each with what stands against it.
pub(crate) fn no_worker(tool: &ToolName, digest: Digest, considered: &[String]) -> String {
    let mut text = format!(
        "no worker serves the tool {tool} (digest {}) now",
        digest.short()
    );
    let mut separator = "; considered: ";
    for worker in considered.iter().take(CONSIDERED_MAX) {
        text.push_str(separator);
        text.push_str(worker);
        separator = ", ";
    }
    let more = considered.len().saturating_sub(CONSIDERED_MAX);
    if more > 0 {
        text.push_str(&format!(", and {more} more"));
    }
    text
}

pub(crate) fn drains(worker: &WorkerName) -> String {
    format!("{worker} (draining)")
}

pub(crate) fn lacks(worker: &WorkerName, labels: &[&Label]) -> String {
    let labels: Vec<&str> = labels.iter().map(|label| label.as_str()).collect();
    format!("{worker} (without {})", labels.join(" and "))
}

pub(crate) fn session_gone(tool: &ToolName) -> String {
    format!("the worker that held this run's session for {tool} is gone, and the session with it")
}

pub(crate) fn worker_lost(worker: &str, lease: Duration) -> String {
    format!(
        "the worker {worker} that held the call was not heard for {} and is taken for lost",
        seconds(lease)
    )
}

pub(crate) fn worker_replaced(worker: &str) -> String {
    format!("the worker {worker} that held the call ended and was started anew")
}

pub(crate) fn lost_too_often(losses: u32) -> String {
    format!("{losses} workers were lost while they ran this call")
}

pub(crate) fn no_attempt_left(lost: &str, attempts: u32) -> String {
    let times = if attempts == 1 {
        "once"
    } else {
        "as often as its tool allows"
    };
    format!("{lost}; the call was tried {times}, and isn't tried again")
}

pub(crate) fn poison(strikes: u32) -> String {
    format!("{strikes} workers ended while they ran this call; it is not tried again")
}

pub(crate) fn moved_too_often(moves: u32, why: &str) -> String {
    format!(
        "the call was posted {moves} times and never reached a worker that kept it (last: {why})"
    )
}

pub(crate) fn unanswered() -> String {
    "the worker answered neither the call nor the question what became of it".to_owned()
}

pub(crate) fn forgotten() -> String {
    "the worker can't say any more what became of the call".to_owned()
}

pub(crate) fn cancelled() -> String {
    "the call was cancelled".to_owned()
}

pub(crate) fn interrupted() -> String {
    "the coordinator was told to end before the call was settled".to_owned()
}

pub(crate) fn arguments_too_large(bytes: usize, max: usize) -> String {
    format!("the arguments have {bytes} bytes, more than the {max} that can be sent")
}

pub(crate) fn message_too_large() -> String {
    "the call is larger than the server between coordinator and worker delivers".to_owned()
}

pub(crate) fn unreadable_call(reason: &str) -> String {
    format!("the worker could not read the call: {reason}")
}

pub(crate) fn unreadable_result(reason: &str) -> String {
    format!("the worker's answer can't be read: {reason}")
}

pub(crate) fn turn_over() -> String {
    "the turn's deadline had passed when the call came".to_owned()
}
