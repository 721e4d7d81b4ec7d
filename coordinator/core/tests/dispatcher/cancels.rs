//! Cancelling calls and turns (G6).

use callboard_coordinator_core::{CancelReason, Input};

use crate::bench::Bench;
use crate::words::{ack_item, call_key, turn_key};

fn cancel_turn(bench: &mut Bench, reason: CancelReason) {
    let turn = turn_key(11);
    bench.give(Input::CancelTurn { turn, reason });
}

#[test]
fn a_cancelled_turn_ends_what_waits_at_once_and_hears_out_what_runs() {
    let mut bench = Bench::new();
    bench.join("a", 3, &["read", "write"]);
    bench.turn(&["read", "read", "write", "read"]);
    bench.lines();
    bench.fake("a").free = 0;
    bench.ack("call", "a", "c1#1 running, c2#1 running, c3#1 waiting");
    cancel_turn(&mut bench, CancelReason::Asked);
    // The grant was about to leave and doesn't.
    assert_eq!(bench.lines(), ["cancel a: c1#1 c2#1 c3#1"]);
    bench.result("cancel", "a", "c1#1 cancelled/yes");
    bench.ack("cancel", "a", "c2#1 running, c3#1 not_held");
    bench.result("call", "a", "c2#1 ok");
    assert_eq!(
        bench.lines(),
        [
            "report cancelled: c1=cancelled/yes #1, c2=ok #1 @a, c3=cancelled/no #1, \
             c4=cancelled/no #0"
        ]
    );
    assert_eq!(bench.counters().cancels, 3);
    assert_eq!(bench.counters().grants, 0);
}

#[test]
fn after_the_grace_the_last_word_is_not_waited_for() {
    let mut bench = Bench::new();
    bench.join("a", 3, &["read", "write"]);
    bench.turn(&["read", "write", "read"]);
    bench.lines();
    bench.ack("call", "a", "c1#1 running, c2#1 waiting");
    assert_eq!(bench.lines(), ["grant a: c2#1"]);
    cancel_turn(&mut bench, CancelReason::Asked);
    assert_eq!(bench.lines(), ["cancel a: c1#1 c2#1 c3#1"]);
    bench.wait(499);
    assert_eq!(bench.lines(), [""; 0]);
    bench.wait(1);
    assert_eq!(
        bench.lines(),
        [
            "report cancelled: c1=cancelled/yes #1, c2=cancelled/unknown #1, \
             c3=cancelled/unknown #1",
            "cancel a: c1#1 c2#1 c3#1",
        ]
    );
}

#[test]
fn shutting_down_is_an_interruption_for_calls_that_come_later_too() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["read"]);
    bench.open(11, 10_000);
    bench.call(11, "c1", "read");
    bench.call(11, "c2", "read");
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    cancel_turn(&mut bench, CancelReason::ShuttingDown);
    // The first reason counts.
    cancel_turn(&mut bench, CancelReason::Asked);
    bench.call(11, "c3", "read");
    assert_eq!(bench.lines(), ["cancel a: c1#1"]);
    bench.result("call", "a", "c1#1 cancelled/yes");
    assert_eq!(bench.lines(), [""; 0], "not sealed");
    bench.seal(11);
    assert_eq!(
        bench.lines(),
        ["report cancelled: c1=interrupted/yes #1, c2=interrupted/no #0, c3=interrupted/no #0"]
    );
}

#[test]
fn one_call_is_cancelled_and_its_siblings_are_not() {
    let mut bench = Bench::new();
    bench.join("a", 2, &["read"]);
    bench.turn(&["read"; 3]);
    bench.lines();
    for id in ["c3", "c1", "nobody"] {
        bench.give(Input::CancelCall { call: call_key(id) });
    }
    bench.give(Input::CancelCall {
        call: call_key("91/c1"),
    });
    assert_eq!(bench.lines(), ["cancel a: c1#1"]);
    bench.ack("cancel", "a", "c1#1 not_held");
    bench.result("call", "a", "c2#1 ok");
    assert_eq!(
        bench.lines(),
        ["report settled: c1=cancelled/no #1, c2=ok #1 @a, c3=cancelled/no #0"]
    );
}

#[test]
fn a_cancelled_call_is_not_tried_again_wherever_it_comes_back_from() {
    for (word, said) in [
        ("crashed/yes", "crashed/yes"),
        ("cancelled/no", "cancelled/no"),
        ("timed_out/yes", "timed_out/yes"),
    ] {
        let mut bench = Bench::new();
        bench.join("a", 2, &["read"]);
        bench.turn(&["read"]);
        bench.lines();
        bench.give(Input::CancelCall {
            call: call_key("c1"),
        });
        bench.result("call", "a", &format!("c1#1 {word}"));
        let lines = bench.lines();
        let report = format!("report settled: c1={said} #1");
        assert!(lines.last().unwrap().starts_with(&report), "{lines:?}");
    }
    for word in ["busy", "stale", "draining", "not_held", "wrong_digest"] {
        let mut bench = Bench::new();
        bench.join("a", 2, &["read"]);
        bench.join("b", 2, &["idle"]);
        bench.turn(&["read"]);
        bench.lines();
        bench.give(Input::CancelCall {
            call: call_key("c1"),
        });
        bench.lines();
        bench.ack("call", "a", &format!("c1#1 {word}"));
        let lines = bench.lines();
        assert!(
            lines.contains(&"report settled: c1=cancelled/no #1".to_owned()),
            "{word}: {lines:?}"
        );
    }
}

#[test]
fn a_call_that_waits_for_its_retry_is_cancelled_at_once() {
    let mut bench = Bench::new();
    bench.join("a", 2, &["read"]);
    bench.turn(&["read"]);
    bench.result("call", "a", "c1#1 crashed/yes/2000");
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    cancel_turn(&mut bench, CancelReason::Asked);
    assert_eq!(bench.lines(), ["report cancelled: c1=cancelled/yes #1"]);
    assert_eq!(bench.core.held_entries(), 0);
}

/// A call whose first attempt was given up, which runs on all the same, and whose second runs, too.
fn twice_running() -> Bench {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn_within(11, 30_000, &["read"]);
    bench.wait(100);
    let first = bench.token("call", "a");
    bench.join("b", 4, &["read"]);
    bench.wait(2_300);
    bench.ack("call", "b", "c1#2 running");
    bench.ack_under(first, "a", vec![ack_item("c1#1 running")]);
    bench.lines();
    bench
}

#[test]
fn an_attempt_that_was_given_up_and_runs_is_cancelled_when_another_settles_its_call() {
    let mut bench = twice_running();
    bench.result("call", "b", "c1#2 ok");
    let lines = bench.lines();
    assert!(lines.contains(&"cancel a: c1#1".to_owned()), "{lines:?}");
}

#[test]
fn an_attempt_that_was_given_up_and_runs_is_cancelled_with_its_turn() {
    let mut bench = twice_running();
    cancel_turn(&mut bench, CancelReason::Asked);
    let lines = bench.lines();
    assert!(lines.contains(&"cancel a: c1#1".to_owned()), "{lines:?}");
}
