//! Slots between coordinators (P6).

use callboard_worker_core::Input;

use crate::bench::{Bench, call, look, pay, tools, with_slots};

#[test]
fn who_was_refused_hears_of_a_freed_slot() {
    let mut bench = Bench::new(1);
    bench.call("A1", [look("a")]).skip();
    bench.call("B1", [look("b")]);
    assert_eq!(bench.effects(), ["ack B1 #2 0/1: b busy"]);
    bench.at(1).finish("a");
    assert_eq!(
        bench.effects(),
        ["result A1 #3 0/1: a completed 0+3", "free B1 #4 1/1"]
    );
    bench.at(2).call("A2", [look("c")]);
    assert_eq!(bench.effects(), ["ack A2 #5 0/1: c busy"]);
    bench.at(3).call("B2", [look("b#2")]);
    assert_eq!(bench.effects(), ["start look b#2 read within 5000"]);
    let counters = bench.worker.counters();
    assert_eq!((counters.busy, counters.offers, counters.frees), (2, 1, 1));
}

#[test]
fn one_coordinator_alone_gets_all_that_is_free_without_further_words() {
    let mut bench = Bench::new(3);
    bench.call_waiting("A1", 7, [look("a"), look("b"), look("c")]);
    bench.skip();
    bench.at(1).finish("a").finish("b");
    assert_eq!(
        bench.effects(),
        ["result A1 #2 2/3: a completed 0+3, b completed 0+3"]
    );
    bench.call_waiting("A2", 5, [look("d"), look("e")]);
    assert_eq!(
        bench.effects(),
        [
            "start look d read within 5000",
            "start look e read within 5000"
        ]
    );
    bench.finish("c").finish("d");
    assert_eq!(
        bench.effects(),
        [
            "result A1 #3 2/3: c completed 0+3",
            "result A2 #4 2/3: d completed 0+3"
        ]
    );
    assert_eq!(bench.worker.counters().frees, 0);
}

#[test]
fn a_slot_that_frees_without_a_message_is_owed_to_the_lone_one_too() {
    let mut bench = Bench::new(1);
    bench.call("A1", [pay("a"), look("b")]);
    assert_eq!(bench.effects(), ["ack A1 #2 0/1: a waiting, b busy"]);
    bench.at(1_999).skip();
    bench.at(2_000);
    assert_eq!(
        bench.effects(),
        ["beat 3 #4 0/1 catalogue 1", "free A1 #5 1/1"]
    );
}

#[test]
fn slots_go_to_who_has_fewest_and_in_turns() {
    let mut bench = Bench::new(4);
    bench.call_waiting("A1", 9, [look("a"), look("b"), look("c"), look("d")]);
    bench.call_waiting("B1", 9, [look("x")]).skip();
    bench.finish("a").finish("b");
    assert_eq!(
        bench.effects(),
        [
            "result A1 #3 0/4: a completed 0+3, b completed 0+3",
            "free B1 #4 2/4"
        ]
    );
    bench.call_waiting("B2", 8, [look("x#2"), look("y")]).skip();
    bench.finish("c").finish("d");
    assert_eq!(
        bench.effects(),
        ["result A1 #5 2/4: c completed 0+3, d completed 0+3"]
    );
    bench.call_waiting("A2", 5, [look("e"), look("f")]).skip();
    bench.finish("x#2").finish("e");
    assert_eq!(
        bench.effects(),
        [
            "result B2 #6 1/4: x#2 completed 0+3",
            "result A2 #7 1/4: e completed 0+3"
        ]
    );
}

#[test]
fn an_offer_that_nobody_takes_goes_to_the_next() {
    let mut bench = Bench::new(1);
    bench.call_waiting("A1", 3, [look("a")]);
    bench.call("B1", [look("b")]);
    bench.call("C1", [look("c")]).skip();
    bench.at(10).skip();
    bench.finish("a");
    assert_eq!(
        bench.effects(),
        ["result A1 #5 0/1: a completed 0+3", "free B1 #6 1/1"]
    );
    assert_eq!(bench.timeout(), 60);
    bench.at(60);
    assert_eq!(bench.effects(), ["free C1 #7 1/1"]);
    bench.at(110);
    assert_eq!(bench.effects(), ["free A1 #8 1/1"]);
    bench.at(160);
    assert_eq!(bench.effects(), [""; 0]);
    assert_eq!(bench.worker.counters().offers_expired, 3);
    assert_eq!(bench.timeout(), 1_000);
    bench.call("C2", [look("d")]);
    assert_eq!(bench.effects(), ["start look d read within 5000"]);
}

#[test]
fn a_newer_figure_replaces_the_demand() {
    let mut bench = Bench::new(1);
    bench.call("A1", [look("a")]).skip();
    bench.call_waiting("B1", 5, []).skip();
    bench.call_waiting("B2", 0, []).skip();
    bench.finish("a");
    assert_eq!(bench.effects(), ["result A1 #4 1/1: a completed 0+3"]);
}

#[test]
fn what_is_wanted_no_more_is_given_back() {
    let mut bench = Bench::new(2);
    bench.call("A1", [look("a"), look("b")]).skip();
    bench.call_waiting("B1", 2, []).skip();
    bench.finish("a").finish("b");
    assert_eq!(
        bench.effects(),
        [
            "result A1 #3 0/2: a completed 0+3, b completed 0+3",
            "free B1 #4 2/2"
        ]
    );
    bench.call("B2", [look("x")]).skip();
    bench.status("A2", ["a"]);
    assert_eq!(
        bench.effects(),
        ["result A2 #5 1/2: a completed 0+3", "ack A2 #6 1/2: a done"]
    );
}

#[test]
fn slots_that_free_in_the_same_moment_are_not_taken_by_who_comes_first() {
    let mut bench = Bench::new(1);
    bench.call("A1", [look("a")]).skip();
    bench.call("B1", [look("b")]).skip();
    bench.finish("a").call("A2", [look("c")]);
    assert_eq!(
        bench.effects(),
        [
            "result A1 #3 0/1: a completed 0+3",
            "ack A2 #4 0/1: c busy",
            "free B1 #5 1/1",
        ]
    );
}

#[test]
fn who_waits_long_in_silence_is_still_owed_its_slot() {
    let mut bench = Bench::new(1);
    bench.call("A1", [look("a")]).skip();
    bench.call("B1", [look("b")]).skip();
    for second in 1..=30 {
        bench.at(second * 1_000).skip();
        bench.status("A2", ["a"]).skip();
    }
    bench.finish("a");
    assert_eq!(
        bench.effects().last().map(String::as_str),
        Some("free B1 #65 1/1")
    );
}

#[test]
fn a_tools_own_slots_bound_it_and_no_other() {
    let mut bench = Bench::with_tool_slots(8, "look", 2);
    bench.call_waiting("A1", 9, [look("a"), look("b"), look("c"), call("set", "d")]);
    assert_eq!(
        bench.effects(),
        [
            "start look a read within 5000",
            "start look b read within 5000",
            "start set d idempotent within 5000",
            "ack A1 #2 5/8: a running, b running, c busy (tool full), d running",
        ]
    );
    // The refusal is no demand: what A would take besides is held out to it, and one for C is left.
    let counters = bench.worker.counters();
    assert_eq!((counters.busy, counters.tool_busy), (0, 1));
    // A hears by its result that its slot is free; nobody else gets it meanwhile.
    bench.at(1).finish("a");
    assert_eq!(bench.effects(), ["result A1 #3 6/8: a completed 0+3"]);
    bench.at(2).call("B1", [look("x")]);
    assert_eq!(bench.effects(), ["ack B1 #4 0/8: x busy (tool full)"]);
    bench.call("A2", [look("c#2")]);
    assert_eq!(bench.effects(), ["start look c#2 read within 5000"]);
}

#[test]
fn a_line_for_a_tools_slots_dissolves_when_nobody_comes() {
    let mut bench = Bench::with_tool_slots(8, "look", 1);
    bench.call("A1", [look("a")]);
    bench.call("B1", [look("x")]).skip();
    bench.call("C1", [look("z")]).skip();
    bench.at(10).skip();
    bench.finish("a");
    assert_eq!(
        bench.effects(),
        ["result A1 #5 8/8: a completed 0+3", "free B1 #6 8/8"]
    );
    // B doesn't come: it is C's turn.
    bench.at(60);
    assert_eq!(bench.effects(), ["free C1 #7 8/8"]);
    bench.at(110);
    assert_eq!(bench.effects(), [""; 0]);
    bench.at(111).call("A2", [look("b")]);
    assert_eq!(bench.effects(), ["start look b read within 5000"]);
    let counters = bench.worker.counters();
    assert_eq!((counters.offers, counters.offers_expired), (2, 2));
}

#[test]
fn a_write_holds_its_tools_slot_while_it_waits_for_its_grant() {
    let mut bench = Bench::with_tool_slots(8, "pay", 1);
    bench.call("A1", [pay("a"), pay("b")]);
    assert_eq!(
        bench.effects(),
        ["ack A1 #2 7/8: a waiting, b busy (tool full)"]
    );
    bench.at(1_999).skip();
    bench.at(2_000);
    assert_eq!(
        bench.effects(),
        ["beat 3 #4 8/8 catalogue 1", "free A1 #5 8/8"]
    );
}

#[test]
fn slots_that_change_count_what_is_held() {
    let mut bench = Bench::with_tool_slots(8, "look", 1);
    bench.call("A1", [look("a")]).skip();
    bench.input(Input::Tools(with_slots("look", 2)));
    bench.call("A2", [look("b"), look("c")]).skip();
    assert_eq!(bench.worker.counters().tool_busy, 1);
    bench.input(Input::Tools(tools()));
    bench.call("A3", [look("d"), look("e")]).skip();
    assert_eq!(bench.worker.counters().tool_busy, 1);
    assert_eq!(bench.worker.slots_free(), 4);
}
