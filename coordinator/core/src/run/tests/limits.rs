//! What ends a run, or a part of it: budgets, pauses, retries.

use std::time::{Duration, Instant};

use callboard_proto::Turn;

use super::{answered, bad_call, begin, begin_on, call, drain, failed, key, report, run_id, small};
use crate::input::CancelReason;
use crate::run::{Answer, Budgets, Effect, Input, PAUSES_MAX, RunEnd, RunLoop, Stop, Terms, Usage};

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
                account: None,
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
        let terms = Terms {
            budgets,
            ..Terms::default()
        };
        let mut run = RunLoop::new(run_id(), terms, start);
        assert_eq!(drain(&mut run, start), [end]);
    }
}

#[test]
fn pauses_are_asked_on_until_there_are_too_many() {
    let (mut run, start) = begin(Budgets::default());
    for turn in 1..=PAUSES_MAX {
        run.handle_input(answered(turn, Stop::Paused, vec![]), start);
        assert_eq!(drain(&mut run, start), [format!("ask {}", turn + 1)]);
    }
    let mut other = begin(Budgets::default()).0;
    for turn in 1..=PAUSES_MAX {
        other.handle_input(answered(turn, Stop::Paused, vec![]), start);
    }
    run.handle_input(answered(PAUSES_MAX + 1, Stop::Paused, vec![]), start);
    let Some(Effect::End(RunEnd::ModelFailed { message })) = run.poll_effect() else {
        panic!("a model that never goes on ends the run");
    };
    assert_eq!(message, "the response was paused 17 times in a row");

    drain(&mut other, start);
    let calls = vec![call("a")];
    other.handle_input(answered(PAUSES_MAX + 1, Stop::Calls, calls.clone()), start);
    other.handle_input(Input::Reported(report(key(PAUSES_MAX + 1), &calls)), start);
    drain(&mut other, start);
    other.handle_input(answered(PAUSES_MAX + 2, Stop::Paused, vec![]), start);
    assert_eq!(
        drain(&mut other, start),
        [format!("ask {}", PAUSES_MAX + 3)],
        "only pauses in a row count"
    );
}

#[test]
fn a_pause_counts_as_a_turn() {
    let (mut run, start) = begin(small());
    for turn in 1..=3 {
        run.handle_input(answered(turn, Stop::Paused, vec![]), start);
    }
    assert_eq!(
        drain(&mut run, start),
        ["ask 2", "ask 3", "end turns_exhausted"]
    );
}

#[test]
fn calls_of_a_paused_response_are_refused_and_it_goes_on() {
    let (mut run, start) = begin(small());
    run.handle_input(answered(1, Stop::Paused, vec![call("a")]), start);
    assert_eq!(
        drain(&mut run, start),
        [
            "open 1 by 20s: a refused: the response was only paused, which leaves no call waiting; the call was not run"
        ]
    );
    run.handle_input(Input::ReportLost { turn: Turn(1) }, start);
    assert_eq!(drain(&mut run, start), ["feed 1: a refused/no", "ask 2"]);
}

#[test]
fn a_run_without_calls_refuses_those_that_come_anyway() {
    let (mut run, start) = begin_on(Terms {
        budgets: small(),
        refuses_calls: true,
        ..Terms::default()
    });
    let why = "this run allows no calls; the call was not run";
    for (turn, next) in [(1, "ask 2"), (2, "end calls_exhausted")] {
        let calls = vec![call("a"), bad_call("b")];
        run.handle_input(answered(turn, Stop::Calls, calls), start);
        assert_eq!(
            drain(&mut run, start),
            [format!(
                "open {turn} by 20s: a refused: {why}, b invalid_arguments: not JSON"
            )]
        );
        run.handle_input(Input::ReportLost { turn: Turn(turn) }, start);
        assert_eq!(
            drain(&mut run, start),
            [
                format!("feed {turn}: a refused/no, b invalid_arguments/no"),
                next.to_owned()
            ]
        );
    }
    assert_eq!(run.calls_posted(), 0);
}

#[test]
fn a_failed_model_is_asked_again_as_often_as_it_may_be() {
    let (mut run, start) = begin(Budgets::default());
    let second = Duration::from_secs(1);
    run.handle_input(failed(1, Some(second)), start);
    assert!(drain(&mut run, start).is_empty(), "it waits first");
    assert!(!run.is_asking());
    assert_eq!(run.poll_timeout(), Some(start + second));
    run.handle_timeout(start + second / 2);
    assert!(drain(&mut run, start).is_empty());
    run.handle_timeout(start + second);
    assert_eq!(drain(&mut run, start), ["ask 2"]);
    run.handle_input(failed(2, Some(Duration::ZERO)), start + second);
    assert_eq!(drain(&mut run, start), ["ask 3"]);
    run.handle_input(failed(3, Some(Duration::ZERO)), start + second);
    assert_eq!(drain(&mut run, start), ["end model_failed"]);

    for (terms, delay) in [
        (small(), None),
        (small(), Some(Duration::MAX)),
        (small(), Some(Duration::from_secs(60))),
    ] {
        let (mut run, start) = begin(terms);
        run.handle_input(failed(1, delay), start);
        assert_eq!(drain(&mut run, start), ["end model_failed"], "{delay:?}");
    }
}

#[test]
fn a_response_that_broke_off_costs_no_turn_and_its_tokens() {
    let (mut run, start) = begin(Budgets {
        turns: 1,
        ..small()
    });
    let usage = |tokens| Usage {
        input_tokens: tokens,
        output_tokens: 1,
    };
    run.handle_input(Input::Discarded(usage(9)), start);
    run.handle_input(failed(1, Some(Duration::ZERO)), start);
    assert_eq!(
        drain(&mut run, start),
        ["ask 2"],
        "the only one is still to come"
    );
    run.handle_input(answered(2, Stop::Paused, vec![]), start);
    assert_eq!(drain(&mut run, start), ["end turns_exhausted"]);
    run.handle_input(Input::Discarded(usage(4)), start);
    assert_eq!(run.usage().total(), 15);

    let (mut run, start) = begin(small());
    run.handle_input(Input::Discarded(usage(99)), start);
    run.handle_input(failed(1, Some(Duration::ZERO)), start);
    assert_eq!(drain(&mut run, start), ["end tokens_exhausted"]);
}

#[test]
fn a_stop_that_is_not_known_is_told_with_its_account() {
    for (account, expected) in [
        (
            None,
            "the response stopped for the reason \"new\", which is unknown",
        ),
        (Some("who and what"), "who and what"),
    ] {
        let (mut run, start) = begin(small());
        let answer = Answer {
            calls: Vec::new(),
            stop: Stop::Unknown("new".to_owned()),
            usage: None,
            account: account.map(str::to_owned),
        };
        let turn = Turn(1);
        run.handle_input(Input::ModelAnswered { turn, answer }, start);
        let Some(Effect::End(RunEnd::ModelFailed { message })) = run.poll_effect() else {
            panic!("nobody knows how to go on");
        };
        assert_eq!(message, expected);
    }
}

#[test]
fn a_wait_for_the_next_question_can_be_ended() {
    let (mut run, start) = begin(small());
    run.handle_input(failed(1, Some(Duration::from_secs(5))), start);
    run.handle_input(Input::Cancel(CancelReason::Asked), start);
    assert_eq!(drain(&mut run, start), ["end cancelled"]);

    let (mut run, start) = begin(small());
    run.handle_input(failed(1, Some(Duration::from_secs(5))), start);
    run.handle_timeout(start + Duration::from_secs(61));
    assert_eq!(drain(&mut run, start), ["end time_exhausted"]);
}
