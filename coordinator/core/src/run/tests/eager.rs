//! Calls that start while their response still streams.

use std::time::{Duration, Instant};

use callboard_proto::{Effect as ToolEffect, Turn};

use super::{answered, bad_call, begin_on, call, call_of, drain, failed, key, report, small};
use crate::input::{CancelReason, NewCall};
use crate::report::Report;
use crate::run::{
    Budgets, Eager, Effect, Input, REPORT_GRACE, RETRIES_MAX, RunEnd, RunLoop, Stop, Terms,
};

fn eager(budgets: Budgets) -> (RunLoop, Instant) {
    begin_on(Terms {
        budgets,
        eager: Eager::Read,
        ..Terms::default()
    })
}

fn early(run: &mut RunLoop, turn: u32, call: NewCall, now: Instant) {
    let turn = Turn(turn);
    run.handle_input(Input::EarlyCall { turn, call }, now);
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A report whose calls took so long, each from its own opening.
fn took(turn: u32, calls: &[NewCall], elapsed: &[u64]) -> Report {
    let mut report = report(key(turn), calls);
    for (call, elapsed) in std::iter::zip(&mut report.calls, elapsed) {
        call.elapsed = ms(*elapsed);
    }
    report
}

#[test]
fn a_read_starts_at_once_and_the_rest_when_the_response_is_whole() {
    let (mut run, start) = eager(small());
    assert!(run.takes_early());
    early(&mut run, 1, call("a"), start + ms(100));
    assert_eq!(drain(&mut run, start), ["begin 1 by 60s, 20s each: a"]);
    early(&mut run, 1, bad_call("b"), start + ms(200));
    assert_eq!(
        drain(&mut run, start),
        ["add 1: b invalid_arguments: not JSON"]
    );
    assert!(run.is_asking(), "the answer is still waited for");
    let calls = vec![
        call("a"),
        bad_call("b"),
        call_of("c", ToolEffect::Write),
        call("d"),
    ];
    run.handle_input(answered(1, Stop::Calls, calls.clone()), start + ms(400));
    assert_eq!(drain(&mut run, start), ["seal 1: c, d"]);
    assert!(!run.is_asking());
    assert_eq!(
        run.poll_timeout(),
        Some(start + ms(20_400) + REPORT_GRACE),
        "the turn's time counts from the whole response"
    );
    // Without a head start, a would have been the last to come, 350 ms after the response; with it, d is.
    run.handle_input(
        Input::Reported(took(1, &calls, &[350, 0, 90, 100])),
        start + ms(500),
    );
    assert_eq!(
        drain(&mut run, start),
        [
            "feed 1: a completed, b invalid_arguments/no, c completed, d completed (1 early, 250ms hidden)",
            "ask 2"
        ]
    );
    assert_eq!(run.calls_posted(), 3);
}

#[test]
fn what_is_hidden_is_what_the_turn_was_sooner() {
    // When two early calls were opened, when the response was whole, how long each call took: and the gain.
    for (opened, whole, elapsed, hidden) in [
        ([0, 0], 1_000, [300, 200, 0], "300ms"),
        ([0, 900], 1_000, [300, 300, 0], "100ms"),
        ([0, 0], 1_000, [300, 200, 300], "0ns"),
        ([0, 0], 100, [300, 300, 250], "50ms"),
        ([0, 0], 0, [300, 300, 0], "0ns"),
    ] {
        let (mut run, start) = eager(small());
        let calls = vec![call("a"), call("b"), call("c")];
        early(&mut run, 1, call("a"), start + ms(opened[0]));
        early(&mut run, 1, call("b"), start + ms(opened[1]));
        run.handle_input(answered(1, Stop::Calls, calls.clone()), start + ms(whole));
        drain(&mut run, start);
        let report = took(1, &calls, &elapsed);
        run.handle_input(Input::Reported(report), start + ms(2_000));
        assert_eq!(
            drain(&mut run, start)[0],
            format!("feed 1: a completed, b completed, c completed (2 early, {hidden} hidden)"),
            "{opened:?} {whole} {elapsed:?}"
        );
    }
}

#[test]
fn all_calls_may_be_early() {
    let (mut run, start) = eager(small());
    early(&mut run, 1, call("a"), start);
    run.handle_input(answered(1, Stop::Calls, vec![call("a")]), start);
    assert_eq!(
        drain(&mut run, start),
        ["begin 1 by 60s, 20s each: a", "seal 1"]
    );
}

#[test]
fn the_first_call_that_may_not_start_holds_up_all_that_follow() {
    let stops: [(NewCall, &str); 3] = [
        (call_of("w", ToolEffect::Write), "w"),
        (call_of("i", ToolEffect::Idempotent), "i"),
        // A repeated id, which the whole response can't have.
        (call("a"), "x"),
    ];
    for (stop, rest) in stops {
        let (mut run, start) = eager(small());
        early(&mut run, 1, call("a"), start);
        early(&mut run, 1, stop, start);
        assert!(!run.takes_early());
        early(&mut run, 1, call("b"), start);
        assert_eq!(drain(&mut run, start), ["begin 1 by 60s, 20s each: a"]);
        let calls = vec![call("a"), call(rest), call("b")];
        run.handle_input(answered(1, Stop::Calls, calls), start);
        assert_eq!(drain(&mut run, start), [format!("seal 1: {rest}, b")]);
    }

    let (mut run, start) = eager(small());
    early(&mut run, 1, call_of("w", ToolEffect::Write), start);
    early(&mut run, 1, call("a"), start);
    let calls = vec![call_of("w", ToolEffect::Write), call("a")];
    run.handle_input(answered(1, Stop::Calls, calls), start);
    assert_eq!(
        drain(&mut run, start),
        ["open 1 by 20s: w, a"],
        "a turn without early calls is like any other"
    );
}

#[test]
fn nothing_starts_early_where_nobody_asked_for_it() {
    let refusing = Terms {
        budgets: small(),
        eager: Eager::Read,
        refuses_calls: true,
    };
    let off = Terms {
        eager: Eager::Off,
        refuses_calls: false,
        ..refusing.clone()
    };
    for terms in [off, refusing] {
        let (mut run, start) = begin_on(terms);
        assert!(!run.takes_early());
        early(&mut run, 1, call("a"), start);
        assert!(drain(&mut run, start).is_empty());
    }
    let (mut run, start) = eager(small());
    early(&mut run, 2, call("a"), start);
    early(&mut run, 0, call("a"), start);
    early(&mut run, 1, call("a"), start + small().time);
    assert!(drain(&mut run, start).is_empty(), "wrong turn, or too late");
}

#[test]
fn the_budget_for_calls_is_the_same_early_or_not() {
    let (mut run, start) = eager(small());
    for id in ["a", "b", "c", "d"] {
        early(&mut run, 1, call(id), start);
    }
    assert_eq!(
        drain(&mut run, start),
        ["begin 1 by 60s, 20s each: a", "add 1: b", "add 1: c"]
    );
    let calls = ["a", "b", "c", "d"].map(call);
    run.handle_input(answered(1, Stop::Calls, calls.to_vec()), start);
    assert_eq!(
        drain(&mut run, start),
        ["seal 1: d refused: call budget of 3 used up"]
    );
    run.handle_input(Input::Reported(report(key(1), &calls)), start);
    assert_eq!(
        drain(&mut run, start).last().unwrap(),
        "ask 2",
        "it may still answer"
    );
    early(&mut run, 2, call("e"), start);
    assert!(drain(&mut run, start).is_empty());
}

#[test]
fn a_response_that_is_not_to_be_run_keeps_its_results_to_itself() {
    for (stop, end) in [
        (Stop::Truncated, "truncated"),
        (Stop::Declined, "declined"),
        (Stop::Done, "answered"),
        (Stop::Unknown("new".to_owned()), "model_failed"),
    ] {
        let (mut run, start) = eager(small());
        early(&mut run, 1, call("a"), start);
        drain(&mut run, start);
        let why = format!("{}; the call was not run", stop.describe());
        run.handle_input(answered(1, stop, vec![call("a"), call("b")]), start + ms(5));
        assert_eq!(
            drain(&mut run, start),
            [
                format!("seal 1: b refused: {why}"),
                "cancel 1 Asked".to_owned()
            ]
        );
        run.handle_input(Input::ReportLost { turn: Turn(1) }, start + ms(9));
        assert_eq!(
            drain(&mut run, start),
            [
                "feed 1: a internal/unknown, b refused/no (1 early, 0ns hidden)".to_owned(),
                format!("end {end}")
            ]
        );
    }
}

#[test]
fn a_paused_response_has_results_for_what_it_began() {
    let (mut run, start) = eager(small());
    early(&mut run, 1, call("a"), start);
    run.handle_input(answered(1, Stop::Paused, vec![call("a")]), start + ms(50));
    assert_eq!(
        drain(&mut run, start),
        ["begin 1 by 60s, 20s each: a", "seal 1"]
    );
    run.handle_input(
        Input::Reported(took(1, &[call("a")], &[80])),
        start + ms(80),
    );
    assert_eq!(
        drain(&mut run, start),
        ["feed 1: a completed (1 early, 50ms hidden)", "ask 2"]
    );
}

#[test]
fn a_response_that_breaks_off_is_settled_first_and_then_asked_for_anew() {
    let (mut run, start) = eager(Budgets::default());
    let mut now = start;
    for turn in 1..=RETRIES_MAX + 1 {
        early(&mut run, turn, call("a"), now);
        drain(&mut run, start);
        run.handle_input(failed(turn, Some(ms(500))), now);
        assert_eq!(
            drain(&mut run, start),
            [format!("seal {turn}"), format!("cancel {turn} Asked")]
        );
        assert!(!run.is_asking());
        assert_eq!(run.poll_timeout(), Some(now + REPORT_GRACE));
        early(&mut run, turn, call("b"), now);
        run.handle_input(answered(turn, Stop::Done, vec![]), now);
        assert!(drain(&mut run, start).is_empty(), "the question is closed");
        run.handle_input(Input::Reported(took(turn, &[call("a")], &[3])), now + ms(3));
        let settled = drain(&mut run, start);
        assert_eq!(
            settled[0],
            format!("discard {turn}: a completed (1 early, 0ns hidden)")
        );
        if turn > RETRIES_MAX {
            assert_eq!(settled[1], "end model_failed");
        } else {
            assert_eq!(settled.len(), 1, "it waits before it asks again");
            now += ms(500);
            run.handle_timeout(now);
            assert_eq!(drain(&mut run, start), [format!("ask {}", turn + 1)]);
        }
    }
    assert_eq!(run.calls_posted(), 3, "what ran was spent");
}

#[test]
fn a_response_that_contradicts_its_stream_ends_the_run() {
    let other_arguments = {
        let mut other = call("a");
        other.body.as_mut().unwrap().arguments = bytes::Bytes::from_static(b"{ }");
        other
    };
    for calls in [
        vec![],
        vec![call("b"), call("a")],
        vec![other_arguments],
        vec![bad_call("a")],
        vec![call("a"), call("a")],
    ] {
        let (mut run, start) = eager(small());
        early(&mut run, 1, call("a"), start);
        drain(&mut run, start);
        let stop = if calls.is_empty() {
            Stop::Done
        } else {
            Stop::Calls
        };
        run.handle_input(answered(1, stop, calls.clone()), start);
        assert_eq!(
            drain(&mut run, start),
            ["seal 1", "cancel 1 Asked"],
            "{calls:?}"
        );
        run.handle_input(Input::Reported(report(key(1), &[call("a")])), start);
        assert_eq!(
            drain(&mut run, start),
            [
                "discard 1: a completed (1 early, 0ns hidden)",
                "end model_failed"
            ]
        );
    }

    let (mut run, start) = eager(small());
    early(&mut run, 1, call("a"), start);
    run.handle_input(answered(1, Stop::Done, vec![]), start);
    run.handle_input(Input::ReportLost { turn: Turn(1) }, start);
    let end = std::iter::from_fn(|| run.poll_effect()).last();
    let Some(Effect::End(RunEnd::ModelFailed { message })) = end else {
        panic!("a contradiction ends the run");
    };
    assert_eq!(
        message,
        "call 1 of the response, \"a\", is not what it was while the response streamed, so none of its results was used; \
         this is a fault of the model's adapter"
    );
}

#[test]
fn cancel_and_deadline_settle_what_has_begun() {
    let (mut run, start) = eager(small());
    early(&mut run, 1, call("a"), start);
    drain(&mut run, start);
    run.handle_input(Input::Cancel(CancelReason::ShuttingDown), start);
    run.handle_input(Input::Cancel(CancelReason::Asked), start + ms(1));
    assert_eq!(drain(&mut run, start), ["seal 1", "cancel 1 ShuttingDown"]);
    assert_eq!(run.poll_timeout(), Some(start + REPORT_GRACE));
    run.handle_input(Input::Reported(report(key(1), &[call("a")])), start);
    assert_eq!(
        drain(&mut run, start),
        [
            "discard 1: a completed (1 early, 0ns hidden)",
            "end interrupted"
        ]
    );

    let (mut run, start) = eager(small());
    early(&mut run, 1, call("a"), start);
    drain(&mut run, start);
    let end = start + small().time;
    run.handle_timeout(end);
    assert_eq!(
        drain(&mut run, start),
        ["seal 1"],
        "the dispatcher keeps the deadline"
    );
    run.handle_timeout(end + REPORT_GRACE);
    assert_eq!(
        drain(&mut run, start),
        [
            "cancel 1 Asked",
            "discard 1: a internal/unknown (1 early, 0ns hidden)",
            "end time_exhausted"
        ]
    );
}

#[test]
fn a_cancel_wins_over_a_retry() {
    let (mut run, start) = eager(small());
    early(&mut run, 1, call("a"), start);
    run.handle_input(failed(1, Some(ms(500))), start);
    drain(&mut run, start);
    run.handle_input(Input::Cancel(CancelReason::Asked), start);
    assert_eq!(drain(&mut run, start), ["cancel 1 Asked"]);
    run.handle_input(Input::Reported(report(key(1), &[call("a")])), start);
    assert_eq!(
        drain(&mut run, start),
        [
            "discard 1: a completed (1 early, 0ns hidden)",
            "end cancelled"
        ]
    );
}
