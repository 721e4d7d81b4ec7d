//! The waiting room (P5) and the slots that are owed (P6).

use callboard_coordinator_core::TurnOptions;

use crate::bench::Bench;

#[test]
fn calls_wait_in_call_order_and_come_back_to_their_place() {
    let mut bench = Bench::new();
    bench.join("a", 2, &["read"]);
    bench.turn(&["read"; 5]);
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1"]);
    assert_eq!(bench.core.waiting_calls(), 3);
    bench.fake("a").free = 0;
    bench.ack("call", "a", "c1#1 running, c2#1 busy");
    assert_eq!(bench.lines(), [""; 0]);
    assert_eq!(bench.core.waiting_calls(), 4);
    bench.free("a", 2);
    // c2 was before c3 and still is.
    assert_eq!(bench.lines(), ["call a: c2#2 c3#1"]);
    assert_eq!(bench.counters().busy, 1);
    assert_eq!(bench.counters().moves, 0, "busy costs nothing");
    assert_eq!(bench.counters().retries, 0);
    assert_eq!(bench.counters().free, 1);
}

#[test]
fn a_full_pool_holds_up_nobody_elses_lane() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["read"]);
    bench.join("b", 4, &["other"]);
    bench.turn(&["read", "read", "other", "read", "other"]);
    assert_eq!(bench.lines(), ["call a: c1#1", "call b: c3#1 c5#1"]);
}

#[test]
fn lanes_of_one_instance_take_turns_in_call_order() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["read", "other"]);
    bench.turn(&["read", "other", "read", "other"]);
    let mut order = bench.lines();
    for id in ["c1", "c2", "c3"] {
        bench.result("call", "a", &format!("{id}#1 ok"));
        order.extend(bench.lines());
    }
    assert_eq!(
        order,
        [
            "call a: c1#1",
            "call a: c2#1",
            "call a: c3#1",
            "call a: c4#1"
        ]
    );
}

#[test]
fn the_waiting_room_has_a_bound_and_more_is_overloaded() {
    let mut bench = Bench::limited(|limits| limits.waiting_calls_max = 2);
    bench.join("a", 1, &["read"]);
    bench.turn(&["read"]);
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.turn_within(21, 10_000, &["read", "read", "read", "read"]);
    assert_eq!(bench.lines(), [""; 0]);
    assert_eq!(bench.core.waiting_calls(), 2);
    assert_eq!(bench.counters().overloaded, 2);
    bench.result("call", "a", "c1#1 ok");
    bench.result("call", "a", "21/c1#1 ok");
    bench.result("call", "a", "21/c2#1 ok");
    assert_eq!(
        bench.lines(),
        [
            "report settled: c1=ok #1 @a",
            "call a: 21/c1#1",
            "call a: 21/c2#1",
            "report 21 settled: c1=ok #1 @a, c2=ok #1 @a, c3=overloaded/no #0, c4=overloaded/no #0",
        ]
    );
}

#[test]
fn calls_that_a_cap_holds_back_count_for_all_turns() {
    let mut bench = Bench::limited(|limits| limits.waiting_calls_max = 3);
    bench.join("a", 8, &["read"]);
    for turn in [11, 21] {
        let options = TurnOptions {
            parallel_max: Some(1),
            ..bench.options(10_000)
        };
        bench.open_with(turn, options);
        for id in ["c1", "c2", "c3"] {
            bench.call(turn, id, "read");
        }
        bench.seal(turn);
        bench.lines();
    }
    // Two of the first turn are held and one of the second waits; the others find no room.
    assert_eq!(bench.counters().overloaded, 2);
    bench.give(callboard_coordinator_core::Input::CancelTurn {
        turn: crate::words::turn_key(11),
        reason: callboard_coordinator_core::CancelReason::Asked,
    });
    bench.turn_within(31, 10_000, &["read", "read", "read"]);
    assert_eq!(
        bench.counters().overloaded,
        2,
        "the cancelled ones made room"
    );
}

#[test]
fn a_free_slot_that_is_held_out_is_used_and_one_call_knocks_where_none_is_known() {
    let mut bench = Bench::new();
    bench.join("a", 2, &["read"]);
    bench.free("a", 0);
    bench.turn(&["read"; 3]);
    // No slot is known to be free: one call knocks, so that the worker knows who waits.
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.ack("call", "a", "c1#1 busy");
    assert_eq!(bench.lines(), [""; 0]);
    // The worker owes a `free`: nobody knocks again before two beats.
    bench.wait(1_900);
    assert_eq!(bench.lines(), [""; 0]);
    bench.free("a", 1);
    assert_eq!(bench.lines(), ["call a: c1#2"]);
    bench.fake("a").free = 0;
    bench.ack("call", "a", "c1#2 running");
    assert_eq!(
        bench.lines(),
        [""; 0],
        "who holds a call there hears of slots anyway"
    );
}

#[test]
fn a_lost_free_is_made_up_for_by_knocking_again() {
    let mut bench = Bench::new();
    bench.join("a", 2, &["read"]);
    bench.free("a", 0);
    bench.turn(&["read"]);
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.ack("call", "a", "c1#1 busy");
    bench.wait(2_600);
    assert_eq!(bench.lines(), ["call a: c1#2"], "with the beat at 2.5 s");
}

#[test]
fn an_older_report_of_slots_changes_nothing() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    let mut old = bench.beat_of("a");
    old.load.free = 0;
    old.draining = true;
    bench.free("a", 4);
    bench.beat("a");
    old.seq = 1;
    bench.give(callboard_coordinator_core::Input::Beat(old));
    bench.turn(&["read"]);
    assert_eq!(bench.lines(), ["call a: c1#1"], "neither full nor draining");
}

#[test]
fn a_tool_that_is_full_somewhere_takes_no_slot_from_others_and_is_asked_no_more() {
    let mut bench = Bench::new();
    bench.join("a", 8, &["read", "other"]);
    bench.turn(&["read", "read", "read", "read", "other"]);
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1 c3#1 c4#1 c5#1"]);
    bench.fake("a").free = 6;
    bench.ack(
        "call",
        "a",
        "c1#1 running, c2#1 tool_full, c3#1 tool_full, c4#1 tool_full, c5#1 running",
    );
    // Slots are free, and none of the tool is.
    assert_eq!(bench.lines(), [""; 0]);
    assert_eq!((bench.counters().tool_busy, bench.counters().busy), (3, 0));
    // One slot is ours: when it frees it is used again, and no more than it.
    bench.result("call", "a", "c1#1 ok");
    assert_eq!(bench.lines(), ["call a: c2#2"]);
    assert_eq!(
        bench.waiting_said(),
        0,
        "no slot of the instance would help"
    );
    bench.ack("call", "a", "c2#2 running");
    assert_eq!(bench.lines(), [""; 0]);
    // A word of a freed slot allows one more.
    bench.free("a", 7);
    assert_eq!(bench.lines(), ["call a: c3#2"]);
    bench.ack("call", "a", "c3#2 tool_full");
    assert_eq!(bench.lines(), [""; 0]);
    assert_eq!(bench.counters().moves, 0, "it costs nothing");
    // After two seconds without a word all of it is tried again.
    bench.wait(1_900);
    assert!(!bench.lines().iter().any(|line| line.starts_with("call")));
    bench.wait(1_100);
    let lines = bench.lines();
    assert!(lines.contains(&"call a: c3#3 c4#2".to_owned()), "{lines:?}");
}
