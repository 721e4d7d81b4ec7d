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

mod schedules;

use super::{Answer, Budgets, Effect, Input, REPORT_GRACE, RunEnd, RunLoop, Stop, Usage};
use crate::input::{CancelReason, NewCall, Posting};
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
    NewCall {
        id: ToolUseId::new(id).unwrap(),
        body: Ok(Posting {
            tool: ToolName::new("tool").unwrap(),
            digest: Digest::new([7; 32]),
            manifest: Arc::new(Manifest::new(ToolEffect::Read)),
            arguments: Bytes::from_static(b"{}"),
            key: None,
            traceparent: None,
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
            Effect::OpenTurn {
                turn,
                calls,
                deadline,
            } => format!(
                "open {} by {:?}: {}",
                turn.turn.0,
                deadline - start,
                calls.iter().map(body).collect::<Vec<_>>().join(", ")
            ),
            Effect::CancelTurn { turn, reason } => format!("cancel {} {reason:?}", turn.turn.0),
            Effect::FeedBack(report) => format!(
                "feed {}: {}",
                report.turn.turn.0,
                report
                    .calls
                    .iter()
                    .map(|call| format!("{} {}", call.id, outcome(&call.outcome)))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            Effect::End(end) => format!("end {}", end.as_str()),
        });
    }
    lines
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
    let start = Instant::now();
    let mut run = RunLoop::new(run_id(), budgets, start);
    assert_eq!(drain(&mut run, start), ["ask 1"]);
    (run, start)
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

#[test]
fn a_chain_ends_with_the_final_answer() {
    let (mut run, start) = begin(small());
    let calls = vec![call("a"), bad_call("b")];
    run.handle_input(answered(1, Stop::Calls, calls.clone()), start);
    assert_eq!(
        drain(&mut run, start),
        ["open 1 by 20s: a, b invalid_arguments: not JSON"]
    );
    run.handle_input(Input::Reported(report(key(1), &calls)), start);
    assert_eq!(
        drain(&mut run, start),
        ["feed 1: a completed, b invalid_arguments/no", "ask 2"]
    );
    assert_eq!(
        run.calls_posted(),
        1,
        "a call that was never posted costs nothing"
    );
    run.handle_input(answered(2, Stop::Done, vec![]), start);
    assert_eq!(drain(&mut run, start), ["end answered"]);
    assert_eq!(run.poll_timeout(), None);
}

#[test]
fn the_stop_reason_decides_whether_calls_run() {
    for (stop, why, end) in [
        (Stop::Done, "the response was final", "answered"),
        (
            Stop::Truncated,
            "the response was cut off by a length limit, so its calls may be incomplete",
            "truncated",
        ),
        (Stop::Declined, "the response was a refusal", "declined"),
        (
            Stop::Unknown("new".to_owned()),
            "the response stopped for an unknown reason (\"new\")",
            "model_failed",
        ),
    ] {
        let (mut run, start) = begin(small());
        run.handle_input(answered(1, stop, vec![call("a"), bad_call("b")]), start);
        let Some(Effect::OpenTurn { calls, .. }) = run.poll_effect() else {
            panic!("the calls must be answered");
        };
        assert_eq!(
            calls.iter().map(body).collect::<Vec<_>>(),
            [
                format!("a refused: {why}; the call was not run"),
                "b invalid_arguments: not JSON".to_owned(),
            ]
        );
        run.handle_input(Input::Reported(report(key(1), &calls)), start);
        assert_eq!(
            drain(&mut run, start),
            [
                "feed 1: a refused/no, b invalid_arguments/no".to_owned(),
                format!("end {end}"),
            ]
        );
        assert_eq!(run.calls_posted(), 0);
    }
}

#[test]
fn calls_over_the_budget_are_refused_before_their_siblings_run() {
    let (mut run, start) = begin(small());
    let calls = ["a", "b", "c", "d", "e"].map(call).to_vec();
    run.handle_input(answered(1, Stop::Calls, calls), start);
    assert_eq!(
        drain(&mut run, start),
        [
            "open 1 by 20s: a, b, c, d refused: call budget of 3 used up, \
          e refused: call budget of 3 used up"
        ]
    );
    run.handle_input(Input::Reported(report(key(1), &[])), start);
    assert_eq!(
        drain(&mut run, start).last().unwrap(),
        "ask 2",
        "it may still answer"
    );
    run.handle_input(answered(2, Stop::Calls, vec![call("f")]), start);
    assert_eq!(
        drain(&mut run, start),
        ["open 2 by 20s: f refused: call budget of 3 used up"]
    );
    run.handle_input(Input::ReportLost { turn: Turn(2) }, start);
    assert_eq!(
        drain(&mut run, start),
        ["feed 2: f refused/no", "end calls_exhausted"]
    );
}

#[test]
fn the_last_turn_is_still_gathered() {
    let (mut run, start) = begin(Budgets {
        turns: 1,
        ..small()
    });
    let calls = vec![call("a")];
    run.handle_input(answered(1, Stop::Calls, calls.clone()), start);
    drain(&mut run, start);
    run.handle_input(Input::Reported(report(key(1), &calls)), start);
    assert_eq!(
        drain(&mut run, start),
        ["feed 1: a completed", "end turns_exhausted"]
    );
}

#[test]
fn tokens_end_the_run_before_the_next_question() {
    let (mut run, start) = begin(small());
    let calls = vec![call("a")];
    run.handle_input(
        Input::ModelAnswered {
            turn: Turn(1),
            answer: Answer {
                calls: calls.clone(),
                stop: Stop::Calls,
                usage: Some(Usage {
                    input_tokens: 90,
                    output_tokens: 10,
                }),
            },
        },
        start,
    );
    assert_eq!(drain(&mut run, start), ["open 1 by 20s: a"]);
    run.handle_input(Input::Reported(report(key(1), &calls)), start);
    assert_eq!(
        drain(&mut run, start),
        ["feed 1: a completed", "end tokens_exhausted"]
    );
    assert_eq!(run.usage().total(), 100);
}

#[test]
fn time_ends_a_question_and_caps_a_turn() {
    let (mut run, start) = begin(small());
    let late = start + Duration::from_secs(50);
    run.handle_input(answered(1, Stop::Calls, vec![call("a")]), late);
    assert_eq!(drain(&mut run, start), ["open 1 by 60s: a"]);
    let end = start + Duration::from_secs(60);
    run.handle_timeout(end);
    assert!(
        drain(&mut run, start).is_empty(),
        "the dispatcher keeps the deadline"
    );
    run.handle_input(Input::Reported(report(key(1), &[call("a")])), end);
    assert_eq!(
        drain(&mut run, start),
        ["feed 1: a completed", "end time_exhausted"]
    );

    let (mut run, start) = begin(small());
    assert_eq!(run.poll_timeout(), Some(start + Duration::from_secs(60)));
    run.handle_timeout(start + Duration::from_secs(60));
    assert_eq!(drain(&mut run, start), ["end time_exhausted"]);
    run.handle_input(answered(1, Stop::Done, vec![]), start);
    assert!(
        drain(&mut run, start).is_empty(),
        "an answer after the end changes nothing"
    );
}

#[test]
fn a_report_that_never_comes_is_given_up() {
    let (mut run, start) = begin(small());
    run.handle_input(
        answered(1, Stop::Calls, vec![call("a"), bad_call("b")]),
        start,
    );
    drain(&mut run, start);
    let give_up = start + Duration::from_secs(20) + REPORT_GRACE;
    assert_eq!(run.poll_timeout(), Some(give_up));
    run.handle_timeout(give_up);
    assert_eq!(
        drain(&mut run, start),
        [
            "cancel 1 Asked",
            "feed 1: a internal/unknown, b invalid_arguments/no",
            "ask 2"
        ]
    );
    run.handle_input(Input::Reported(report(key(1), &[call("a")])), give_up);
    assert!(
        drain(&mut run, start).is_empty(),
        "the late report changes nothing"
    );
}

#[test]
fn cancel_waits_for_the_report_but_not_for_the_model() {
    let (mut run, start) = begin(small());
    run.handle_input(Input::Cancel(CancelReason::Asked), start);
    assert_eq!(drain(&mut run, start), ["end cancelled"]);

    let (mut run, start) = begin(small());
    run.handle_input(answered(1, Stop::Calls, vec![call("a")]), start);
    drain(&mut run, start);
    run.handle_input(Input::Cancel(CancelReason::ShuttingDown), start);
    run.handle_input(Input::Cancel(CancelReason::Asked), start + REPORT_GRACE / 2);
    assert_eq!(drain(&mut run, start), ["cancel 1 ShuttingDown"]);
    assert_eq!(run.poll_timeout(), Some(start + REPORT_GRACE));
    run.handle_input(Input::Reported(report(key(1), &[call("a")])), start);
    assert_eq!(
        drain(&mut run, start),
        ["feed 1: a completed", "end interrupted"]
    );
}

#[test]
fn answers_that_make_no_sense_end_the_run() {
    let (mut run, start) = begin(small());
    run.handle_input(answered(1, Stop::Calls, vec![]), start);
    assert_eq!(drain(&mut run, start), ["end model_failed"]);

    let (mut run, start) = begin(small());
    run.handle_input(answered(1, Stop::Calls, vec![call("a"), call("a")]), start);
    let Some(Effect::End(RunEnd::ModelFailed { message })) = run.poll_effect() else {
        panic!("a repeated id ends the run");
    };
    assert_eq!(
        message,
        "the response holds two calls with the id \"a\", so none of its 2 calls was run"
    );
}

#[test]
fn a_budget_of_nothing_asks_nothing() {
    let start = Instant::now();
    for (budgets, end) in [
        (
            Budgets {
                turns: 0,
                ..small()
            },
            "end turns_exhausted",
        ),
        (
            Budgets {
                time: Duration::ZERO,
                ..small()
            },
            "end time_exhausted",
        ),
        (
            Budgets {
                tokens: Some(0),
                ..small()
            },
            "end tokens_exhausted",
        ),
    ] {
        let mut run = RunLoop::new(run_id(), budgets, start);
        assert_eq!(drain(&mut run, start), [end]);
    }
}
