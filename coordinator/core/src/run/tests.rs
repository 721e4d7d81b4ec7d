#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests begin at any instant"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use callboard_proto::{
    Digest, Effect as ToolEffect, Executed, Failure, FailureKind, Manifest, Outcome, RunId,
    ToolName, ToolUseId, Turn, TurnKey,
};

mod eager;
mod limits;
mod schedules;
mod stories;
mod world;

use super::{Answer, Budgets, Effect, Gathered, Input, RunLoop, Stop, Terms, TurnStep};
use crate::input::{NewCall, Posting};
use crate::report::{CallReport, Report, StopReason};

fn run_id() -> RunId {
    "00000000000000000000000000000001".parse().unwrap()
}

fn key(turn: u32) -> TurnKey {
    TurnKey {
        run: run_id(),
        turn: Turn(turn),
    }
}

fn call(id: &str) -> NewCall {
    call_of(id, ToolEffect::Read)
}

fn call_of(id: &str, effect: ToolEffect) -> NewCall {
    NewCall {
        id: ToolUseId::new(id).unwrap(),
        body: Ok(Posting {
            tool: ToolName::new("tool").unwrap(),
            digest: Digest::new([7; 32]),
            manifest: Arc::new(Manifest::new(effect)),
            arguments: Bytes::from_static(b"{}"),
            key: None,
        }),
    }
}

fn bad_call(id: &str) -> NewCall {
    NewCall {
        id: ToolUseId::new(id).unwrap(),
        body: Err(Failure::new(
            FailureKind::InvalidArguments,
            "not JSON",
            Executed::No,
        )),
    }
}

fn answered(turn: u32, stop: Stop, calls: Vec<NewCall>) -> Input {
    Input::ModelAnswered {
        turn: Turn(turn),
        answer: Answer {
            calls,
            stop,
            usage: None,
            account: None,
        },
    }
}

/// What a dispatcher makes of a turn: posted calls complete, the others keep their failure.
fn report(turn: TurnKey, calls: &[NewCall]) -> Report {
    Report {
        turn,
        calls: calls
            .iter()
            .map(|call| CallReport {
                id: call.id.clone(),
                tool: call.body.as_ref().ok().map(|posting| posting.tool.clone()),
                outcome: match &call.body {
                    Ok(_) => Outcome::text("done"),
                    Err(failure) => Outcome::Failed(failure.clone()),
                },
                attempts: u32::from(call.body.is_ok()),
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

/// Everything that the loop wants done now, one line each.
fn drain(run: &mut RunLoop, start: Instant) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(effect) = run.poll_effect() {
        lines.push(match effect {
            Effect::AskModel { turn } => format!("ask {}", turn.turn.0),
            Effect::Turn { turn, step } => self::step(turn.turn.0, step, start),
            Effect::FeedBack(gathered) => format!("feed {}", results(&gathered)),
            Effect::Discard(gathered) => format!("discard {}", results(&gathered)),
            Effect::End(end) => format!("end {}", end.as_str()),
        });
    }
    lines
}

fn step(turn: u32, step: TurnStep, start: Instant) -> String {
    let bodies = |calls: &[NewCall]| calls.iter().map(body).collect::<Vec<_>>().join(", ");
    match step {
        TurnStep::Open {
            calls,
            deadline,
            call_time,
            is_sealed,
        } => {
            assert_eq!(
                call_time.is_none(),
                is_sealed,
                "early calls have their own time"
            );
            let verb = if is_sealed { "open" } else { "begin" };
            let each = call_time.map_or_else(String::new, |time| format!(", {time:?} each"));
            let by = deadline - start;
            format!("{verb} {turn} by {by:?}{each}: {}", bodies(&calls))
        }
        TurnStep::Add { calls, is_sealed } => {
            let verb = if is_sealed { "seal" } else { "add" };
            format!("{verb} {turn}: {}", bodies(&calls))
                .trim_end_matches(": ")
                .to_owned()
        }
        TurnStep::Cancel(reason) => format!("cancel {turn} {reason:?}"),
    }
}

fn results(gathered: &Gathered) -> String {
    let Gathered {
        report,
        early_calls,
        hidden,
    } = gathered;
    let calls: Vec<_> = report
        .calls
        .iter()
        .map(|call| format!("{} {}", call.id, outcome(&call.outcome)))
        .collect();
    let early = match early_calls {
        0 => String::new(),
        early => format!(" ({early} early, {hidden:?} hidden)"),
    };
    format!("{}: {}{early}", report.turn.turn.0, calls.join(", "))
}

fn body(call: &NewCall) -> String {
    match &call.body {
        Ok(_) => call.id.to_string(),
        Err(failure) => format!("{} {}: {}", call.id, failure.kind, failure.message),
    }
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed(_) => "completed".to_owned(),
        Outcome::Failed(failure) => format!("{}/{}", failure.kind, failure.executed),
    }
}

fn begin(budgets: Budgets) -> (RunLoop, Instant) {
    begin_on(Terms {
        budgets,
        ..Terms::default()
    })
}

fn begin_on(terms: Terms) -> (RunLoop, Instant) {
    let start = Instant::now();
    let mut run = RunLoop::new(run_id(), terms, start);
    assert_eq!(drain(&mut run, start), ["ask 1"]);
    (run, start)
}

fn failed(turn: u32, retry_after: Option<Duration>) -> Input {
    Input::ModelFailed {
        turn: Turn(turn),
        message: "the stream broke off".to_owned(),
        retry_after,
    }
}

fn small() -> Budgets {
    Budgets {
        turns: 3,
        calls: 3,
        tokens: Some(100),
        time: Duration::from_secs(60),
        turn_time: Duration::from_secs(20),
    }
}
