//! How a run goes, whatever it may spend.

use std::time::Duration;

use super::{answered, bad_call, begin, body, call, drain, key, report, small};
use crate::input::CancelReason;
use crate::run::{Effect, Input, REPORT_GRACE, RunEnd, Stop, TurnStep};

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
        let Some(Effect::Turn {
            step: TurnStep::Open { calls, .. },
            ..
        }) = run.poll_effect()
        else {
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
        "the response holds two calls with the id \"a\", so none of its 2 calls can be answered"
    );
}
