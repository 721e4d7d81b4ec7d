//! Budgets, ages and beats (P12, P13, P16).

use crate::bench::{Bench, look, within};

#[test]
fn a_budget_that_is_over_stops_the_tool_once() {
    let mut bench = Bench::new(1);
    bench.at(10).call("A1", [within(look("a"), 100)]).skip();
    bench.at(109).skip();
    assert_eq!(bench.timeout(), 110);
    bench.at(110);
    assert_eq!(bench.effects(), ["stop a TimedOut"]);
    assert_eq!(bench.timeout(), 1_000);
    bench.cancel("A2", ["a"]);
    assert_eq!(bench.effects(), ["ack A2 #3 0/1: a running"]);
    bench.at(115).finish("a");
    assert_eq!(bench.effects(), ["result A2 #4 1/1: a completed 0+3"]);
    assert_eq!(bench.worker.counters().timed_out, 1);
}

#[test]
fn an_end_that_nobody_waits_for_is_counted() {
    let mut bench = Bench::new(1);
    bench.finish("a");
    bench.call("A1", [look("b")]).skip();
    bench.finish("b").finish("b");
    assert_eq!(bench.effects(), ["result A1 #2 1/1: b completed 0+3"]);
    assert_eq!(bench.worker.counters().finished_unknown, 2);
}

#[test]
fn what_names_a_beat_that_is_too_old_is_stale() {
    let mut bench = Bench::new(4);
    // Beat 1 left at 0. A budget of 500 ms and two beats are 2,500 ms.
    bench.at(2_500).skip();
    bench.call_seen("A1", 1, within(look("a"), 500));
    assert_eq!(bench.effects(), ["start look a read within 500"]);
    bench.at(2_502).skip();
    bench.call_seen("A2", 1, within(look("b"), 500));
    assert_eq!(bench.effects(), ["ack A2 #5 3/4: b stale"]);
    bench.call_seen("A3", 2, within(look("b"), 500));
    assert_eq!(bench.effects(), ["ack A3 #6 3/4: b not_held"]);
    bench.call_seen("A4", 2, within(look("c"), 500));
    assert_eq!(bench.effects(), ["start look c read within 500"]);
    assert_eq!(bench.worker.counters().stale, 1);
}

#[test]
fn a_beat_that_never_left_is_nobodys() {
    let mut bench = Bench::new(4);
    bench.call_seen("A1", 2, look("a"));
    assert_eq!(bench.effects(), ["ack A1 #2 4/4: a stale"]);
    bench.call_seen("A2", 0, look("b"));
    assert_eq!(bench.effects(), ["ack A2 #3 4/4: b stale"]);
}

#[test]
fn before_the_first_beat_is_seen_a_call_is_taken() {
    let mut bench = Bench::new(4);
    bench.at(60_000).skip();
    bench.call("A1", [look("a")]);
    assert_eq!(bench.effects(), ["start look a read within 5000"]);
}

#[test]
fn beats_come_at_their_interval_and_never_in_a_burst() {
    let mut bench = Bench::new(2);
    bench.at(999);
    assert_eq!(bench.effects(), [""; 0]);
    bench.call("A1", [look("a")]).skip();
    bench.at(1_000);
    assert_eq!(bench.effects(), ["beat 2 #2 1/2 catalogue 1"; 1]);
    bench.at(1_001);
    assert_eq!(bench.effects(), ["ack A1 #3 1/2: a running"]);
    bench.stopped_until(4_700);
    bench.worker.handle_timeout(bench.now);
    assert_eq!(bench.effects(), ["beat 3 #4 1/2 catalogue 1"]);
    assert_eq!(bench.timeout(), 5_700);
}
