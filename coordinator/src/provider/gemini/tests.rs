#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use callboard_coordinator_core::{CallReport, Report, StopReason};
use callboard_proto::{Outcome, Turn, TurnKey};

use crate::model::{ModelAnswer, ToolUse};

mod asking;
mod parsing;
mod rendering;
mod schemas;
mod streaming;

/// Calls in short: id, name, arguments, the provider's own id.
fn calls(calls: &[ToolUse]) -> Vec<String> {
    calls
        .iter()
        .map(|call| {
            format!(
                "{} {} {} {}",
                call.id,
                call.name,
                std::str::from_utf8(&call.arguments).unwrap(),
                call.reply.id.as_deref().unwrap_or("-"),
            )
        })
        .collect()
}

/// All that an answer says, for comparing; the echo as a value, for space between parts means nothing.
fn facts(answer: &ModelAnswer) -> (Vec<String>, String, String, String, Vec<serde_json::Value>) {
    (
        calls(&answer.calls),
        answer.text.clone(),
        format!("{:?} {:?}", answer.stop, answer.usage),
        answer.stop_reason.clone(),
        answer
            .echo
            .iter()
            .map(|echo| serde_json::from_str(echo.get()).unwrap())
            .collect(),
    )
}

/// A report for these calls.
fn report(calls: &[ToolUse], outcomes: Vec<Outcome>) -> Report {
    Report {
        turn: TurnKey {
            run: "00000000000000000000000000000001".parse().unwrap(),
            turn: Turn(1),
        },
        calls: std::iter::zip(calls, outcomes)
            .map(|(call, outcome)| CallReport {
                id: call.id.clone(),
                tool: None,
                outcome,
                attempts: 1,
                worker: None,
                elapsed: Duration::ZERO,
                queued: Duration::ZERO,
                executed: Duration::ZERO,
            })
            .collect(),
        stopped: StopReason::Settled,
        elapsed: Duration::ZERO,
    }
}
