//! Deadlines of calls and turns, and budgets (P5, P12, P19; G3).

use std::time::Duration;

use callboard_coordinator_core::{Effect, TurnOptions};

use crate::bench::Bench;

#[test]
fn a_call_that_only_waited_is_overloaded_at_its_deadline() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["read", "brief"]);
    bench.turn(&["read", "brief"]);
    bench.fake("a").free = 0;
    bench.ack("call", "a", "c1#1 running");
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.wait(600);
    assert_eq!(bench.lines(), [""; 0]);
    assert_eq!(bench.counters().overloaded, 1);
    assert_eq!(bench.counters().call_deadlines, 1);
    bench.result("call", "a", "c1#1 ok");
    assert_eq!(
        bench.lines(),
        ["report settled: c1=ok #1 @a, c2=overloaded/no #0"]
    );
}

#[test]
fn a_posted_call_times_out_with_what_is_known_of_it() {
    // (tool, what is heard of it, what is said at the deadline)
    for (tool, heard, said) in [
        ("read", "", "timed_out/unknown"),
        ("read", "running", "timed_out/yes"),
        ("write", "", "timed_out/no"),
        ("write", "waiting", "timed_out/unknown"),
        ("write", "running", "timed_out/yes"),
    ] {
        let mut bench = Bench::new();
        bench.join("a", 1, &[tool]);
        bench.turn_within(11, 500, &[tool]);
        bench.lines();
        if heard == "running" && tool == "write" {
            bench.ack("call", "a", "c1#1 waiting");
            bench.lines();
            bench.ack("grant", "a", "c1#1 running");
        } else if !heard.is_empty() {
            bench.ack("call", "a", &format!("c1#1 {heard}"));
        }
        bench.lines();
        bench.wait(499);
        assert_eq!(bench.lines(), [""; 0], "{tool} {heard}");
        bench.wait(1);
        assert_eq!(
            bench.lines(),
            [
                format!("report deadline: c1={said} #1"),
                "cancel a: c1#1".to_owned()
            ],
            "{tool} {heard}"
        );
    }
}

#[test]
fn a_turn_is_reported_at_its_deadline_with_what_came_back() {
    let mut bench = Bench::new();
    bench.join("a", 3, &["read", "write"]);
    bench.turn_within(11, 1_000, &["read", "read", "write", "read"]);
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1 c3#1"]);
    bench.fake("a").free = 0;
    bench.ack("call", "a", "c1#1 running, c2#1 running, c3#1 waiting");
    bench.result("call", "a", "c2#1 ok");
    assert_eq!(bench.lines(), ["grant a: c3#1"]);
    bench.wait(1_000);
    assert_eq!(
        bench.lines(),
        [
            "report deadline: c1=timed_out/yes #1, c2=ok #1 @a, c3=timed_out/unknown #1, \
             c4=overloaded/no #0",
            "cancel a: c1#1 c3#1",
        ]
    );
    assert_eq!(bench.counters().turn_deadlines, 1);
    assert_eq!(bench.core.open_turns(), 0);
}

#[test]
fn the_shortest_of_the_deadlines_counts() {
    let mut bench = Bench::new();
    bench.join("a", 8, &["read", "brief"]);
    let options = TurnOptions {
        call_deadline: Some(Duration::from_millis(800)),
        ..bench.options(10_000)
    };
    bench.open_with(11, options);
    bench.call(11, "c1", "read");
    bench.call(11, "c2", "brief");
    bench.seal(11);
    bench.lines();
    let Some(Effect::Call { items, .. }) = bench.effects.last() else {
        panic!("a call message was the last effect");
    };
    let budgets: Vec<u128> = items
        .iter()
        .map(|item| item.budget_ms.duration().as_millis())
        .collect();
    assert_eq!(
        budgets,
        [780, 480],
        "what is left less the reply margin (P12)"
    );
    bench.wait(500);
    assert_eq!(bench.lines(), ["cancel a: c2#1"]);
    bench.wait(300);
    assert_eq!(
        bench.lines(),
        [
            // Its calls ended it, not its own deadline.
            "report settled: c1=timed_out/unknown #1, c2=timed_out/unknown #1",
            "cancel a: c1#1",
        ]
    );
}

#[test]
fn of_very_little_time_half_is_kept_for_the_way() {
    let mut bench = Bench::new();
    bench.join("a", 8, &["read"]);
    bench.turn_within(11, 20, &["read"]);
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    let Some(Effect::Call { items, .. }) = bench.effects.last() else {
        panic!("a call message was the last effect");
    };
    assert_eq!(items[0].budget_ms.duration(), Duration::from_millis(10));
}

#[test]
fn a_call_that_can_not_be_back_in_time_is_neither_posted_nor_granted() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["read", "write"]);
    bench.turn_within(11, 1_000, &["write", "read"]);
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.wait(985);
    bench.fake("a").free = 1;
    bench.ack("call", "a", "c1#1 waiting");
    assert_eq!(
        bench.lines(),
        [""; 0],
        "15 ms are left and 20 ms is the margin: no grant, and c2 is given up"
    );
    assert_eq!(bench.counters().overloaded, 1);
    bench.wait(15);
    assert_eq!(
        bench.lines(),
        [
            "report deadline: c1=timed_out/no #1, c2=overloaded/no #0",
            "cancel a: c1#1"
        ]
    );
}

#[test]
fn the_margin_grows_with_the_measured_round_trip() {
    let mut bench = Bench::new();
    bench.echoes = false;
    bench.join("a", 8, &["read"]);
    // The echo of second 1 is back after 100 ms.
    bench.wait(1_100);
    let seq = bench.latest_echo();
    bench.core.handle_input(
        callboard_coordinator_core::Input::Echo { seq },
        bench.instant(1_100),
    );
    bench.turn_within(11, 1_000, &["read"]);
    bench.lines();
    let Some(Effect::Call { items, .. }) = bench.effects.last() else {
        panic!("a call message was the last effect");
    };
    assert_eq!(items[0].budget_ms.duration(), Duration::from_millis(800));
}

#[test]
fn a_turn_that_is_sealed_after_its_deadline_was_stopped_by_it() {
    let mut bench = Bench::new();
    bench.join("a", 8, &["read"]);
    bench.open(11, 1_000);
    bench.call(11, "c1", "read");
    bench.lines();
    bench.result("call", "a", "c1#1 ok");
    bench.wait(1_200);
    assert_eq!(bench.lines(), [""; 0], "an unsealed turn has no report");
    bench.call(11, "c2", "read");
    bench.seal(11);
    assert_eq!(
        bench.lines(),
        ["report deadline: c1=ok #1 @a, c2=timed_out/no #0"]
    );
    assert_eq!(bench.core.held_entries(), 0);
}

#[test]
fn a_turn_without_calls_is_reported_when_it_is_sealed() {
    let mut bench = Bench::new();
    bench.turn(&[]);
    assert_eq!(bench.lines(), ["report settled: "]);
    assert_eq!(bench.core.held_entries(), 0);
}

#[test]
fn limits_that_no_clock_holds_are_no_limits() {
    let mut bench = Bench::new();
    bench.join("a", 8, &["read"]);
    let options = TurnOptions {
        call_deadline: Some(Duration::MAX),
        ..bench.options(1_000)
    };
    bench.open_with(11, options);
    bench.call(11, "c1", "read");
    bench.seal(11);
    assert_eq!(bench.lines(), ["call a: c1#1"]);
}
