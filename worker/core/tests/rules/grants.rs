//! Grants (P17).

use callboard_proto::AttemptKey;
use callboard_worker_core::Config;

use crate::bench::{Bench, config, look, of, pay, unreadable, within};

#[test]
fn a_grant_lets_a_write_run_and_its_result_goes_to_the_grant() {
    let mut bench = Bench::new(1);
    bench.call("A1", [pay("a")]);
    assert_eq!(bench.effects(), ["ack A1 #2 0/1: a waiting"]);
    assert_eq!(bench.worker.running(), 0);
    bench.at(10).grant("A2", "a", 8);
    assert_eq!(bench.effects(), ["start pay a write within 5000"]);
    bench.at(11).finish("a");
    assert_eq!(bench.effects(), ["result A2 #3 1/1: a completed 10+3"]);
    assert_eq!(bench.timeout(), 1_000);
}

#[test]
fn a_grant_whose_result_takes_long_is_acked() {
    let mut bench = Bench::new(1);
    bench.call("A1", [pay("a")]).skip();
    bench.at(10).grant("A2", "a", 8).skip();
    bench.at(12);
    assert_eq!(bench.effects(), ["ack A2 #3 0/1: a running by 8"]);
}

#[test]
fn a_grant_acts_once() {
    let mut bench = Bench::new(1);
    bench.call("A1", [pay("a")]).skip();
    bench.at(10).grant("A2", "a", 8).skip();
    bench.at(12).skip();
    bench.at(13).grant("A3", "a", 8);
    assert_eq!(bench.effects(), [""; 0]);
    bench.at(15);
    assert_eq!(bench.effects(), ["ack A3 #4 0/1: a running by 8"]);
    bench.at(20).finish("a");
    assert_eq!(bench.effects(), ["result A3 #5 1/1: a completed 10+3"]);
    bench.at(21).grant("A4", "a", 8);
    assert_eq!(bench.effects(), ["result A4 #6 1/1: a completed 10+3"]);
    assert_eq!(bench.worker.counters().grants, 1);
    assert_eq!(bench.worker.counters().grants_repeated, 2);
}

#[test]
fn another_grant_for_the_same_attempt_is_ignored() {
    let mut bench = Bench::new(2);
    bench.call("A1", [pay("a"), look("b")]).skip();
    bench.at(10).grant("A2", "a", 8).skip();
    bench.at(12).skip();
    bench.at(13).grant("A3", "a", 9).grant("A4", "b", 9);
    assert_eq!(
        bench.effects(),
        ["ack A3 #4 0/2: a running by 8", "ack A4 #5 0/2: b running"]
    );
    bench.finish("a");
    assert_eq!(bench.effects(), ["result A2 #6 1/2: a completed 10+3"]);
    bench.grant("A5", "a", 9);
    assert_eq!(bench.effects(), ["ack A5 #7 1/2: a done by 8"]);
    assert_eq!(bench.worker.counters().grants_ignored, 3);
}

#[test]
fn without_a_grant_the_window_ends_and_the_slot_is_free() {
    let mut bench = Bench::new(1);
    bench.at(100).call("A1", [pay("a")]).skip();
    bench.at(2_099).skip();
    assert_eq!(bench.worker.slots_free(), 0);
    assert_eq!(bench.timeout(), 2_100);
    bench.at(2_100);
    assert_eq!(bench.effects(), [""; 0]);
    assert_eq!(bench.worker.slots_free(), 1);
    bench.grant("A2", "a", 8);
    assert_eq!(bench.effects(), ["ack A2 #5 1/1: a not_held"]);
    assert_eq!(bench.worker.counters().grants_void, 1);
}

#[test]
fn a_grant_that_is_read_after_the_window_is_void_though_no_timer_fired() {
    let mut bench = Bench::new(1);
    bench.call("A1", [pay("a")]).skip();
    bench.stopped_until(2_000).grant("A2", "a", 8);
    assert_eq!(bench.effects(), ["ack A2 #3 1/1: a not_held"]);
}

#[test]
fn the_window_begins_when_the_ack_leaves() {
    let mut bench = Bench::new(1);
    bench.call("A1", [pay("a")]);
    bench.stopped_until(300).call("A2", [look("b")]).skip();
    bench.at(2_299).skip();
    bench.grant("A3", "a", 8);
    assert_eq!(bench.effects(), ["start pay a write within 5000"]);
}

#[test]
fn a_budget_that_is_over_before_the_grant_is_a_timeout_that_ran_nothing() {
    let mut bench = Bench::new(1);
    bench.call("A1", [within(pay("a"), 50)]).skip();
    assert_eq!(bench.timeout(), 50);
    bench.at(50);
    assert_eq!(bench.effects(), ["result A1 #3 1/1: a timed_out no 50+0"]);
    bench.grant("A2", "a", 8);
    assert_eq!(bench.effects(), ["ack A2 #4 1/1: a done"]);
    assert_eq!(bench.worker.counters().timed_out_unstarted, 1);
}

#[test]
fn a_grant_brings_its_own_budget() {
    let mut bench = Bench::new(1);
    bench.call("A1", [within(pay("a"), 50)]).skip();
    bench.at(40).grant_seen("A2", "a", 8, Some(1), 100).skip();
    bench.at(139).skip();
    assert_eq!(bench.timeout(), 140);
    bench.at(140);
    assert_eq!(bench.effects(), ["stop a TimedOut"]);
}

#[test]
fn a_grant_without_time_ends_the_write() {
    let mut bench = Bench::new(1);
    bench.call("A1", [pay("a")]).skip();
    bench.at(5).grant_seen("A2", "a", 8, None, 0);
    assert_eq!(bench.effects(), ["result A2 #3 1/1: a timed_out no 5+0"]);
}

#[test]
fn a_stale_grant_ends_the_write_for_ever() {
    let mut bench = Bench::new(1);
    // A window of ten seconds, so that the grant's age is what counts.
    let mut config = crate::bench::config(1);
    config.grant_window = crate::bench::ms(10_000);
    bench.worker = callboard_worker_core::Worker::new(
        crate::bench::identity(),
        config,
        crate::bench::tools(),
        bench.start,
    );
    bench.skip();
    bench.call("A1", [pay("a")]).skip();
    bench.at(2_101).skip();
    bench.grant_seen("A2", "a", 8, Some(1), 100);
    assert_eq!(bench.effects(), ["ack A2 #5 1/1: a not_held"]);
    bench.grant("A3", "a", 8);
    assert_eq!(bench.effects(), ["ack A3 #6 1/1: a not_held"]);
    assert_eq!(bench.worker.counters().grants_stale, 1);
}

#[test]
fn a_stale_copy_of_a_grant_says_nothing_about_a_write_that_runs() {
    let mut bench = Bench::new(1);
    bench.call("A1", [pay("a")]).skip();
    bench.grant_seen("A2", "a", 8, Some(1), 60_000).skip();
    bench.at(9_000).skip();
    bench.grant_seen("A3", "a", 8, Some(1), 10).skip();
    bench.at(9_002);
    assert_eq!(bench.effects(), ["ack A3 #13 0/1: a running by 8"]);
}

#[test]
fn a_grant_for_nothing_is_refused_and_so_is_its_call() {
    let mut bench = Bench::new(1);
    bench.grant("A1", "a", 8);
    assert_eq!(bench.effects(), ["ack A1 #2 1/1: a not_held"]);
    bench.call("A2", [pay("a")]);
    assert_eq!(bench.effects(), ["ack A2 #3 1/1: a not_held"]);
}

#[test]
fn a_grant_that_cannot_be_read_ends_its_write_alone() {
    let mut bench = Bench::new(2);
    bench.call("A1", [pay("a"), pay("b")]).skip();
    bench.grant_items(
        "A2",
        None,
        vec![
            unreadable(Some(of("a"))),
            unreadable(None::<AttemptKey>),
            unreadable(Some(of("z"))),
        ],
    );
    assert_eq!(
        bench.effects(),
        [
            "result A2 #3 1/2: a protocol_error no 0+0",
            "ack A2 #4 1/2 bad 1 (more bytes follow the end of the message): a done, z not_held",
        ]
    );
    bench.grant("A3", "b", 8);
    assert_eq!(bench.effects(), ["start pay b write within 5000"]);
    bench.grant_items("A4", None, vec![unreadable(Some(of("b")))]);
    assert_eq!(bench.effects(), ["ack A4 #5 1/2: b running by 8"]);
}

#[test]
fn nothing_binding_is_said_of_a_stale_grant_of_what_may_have_run() {
    let mut bench = Bench::with(Config {
        results_bytes_max: 0,
        ..config(2)
    });
    bench.call_seen("A1", 1, look("r")).skip();
    bench.finish("r").skip();
    // A result of the same beat is forgotten: the write may be a copy of one that ran.
    bench.at(1_500).skip();
    bench.call_seen("A1", 1, within(pay("a"), 60_000)).skip();
    bench.at(2_800).skip();
    bench.grant_seen("A2", "a", 8, Some(1), 500);
    let said = bench.effects().join("; ");
    assert!(said.contains("a forgotten"), "{said}");
    assert_eq!(bench.worker.counters().grants_stale, 1);
}
