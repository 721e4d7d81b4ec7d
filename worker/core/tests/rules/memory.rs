//! What is kept, for how long, and what forgetting leaves behind (P16).

use std::time::Duration;

use callboard_proto::message::{CallItem, ResultItem};
use callboard_proto::{Executed, FailureKind, Outcome, codec};
use callboard_worker_core::Config;

use crate::bench::{Bench, config, look, ms, of, pay, within};

fn keeping(results: usize, tombstones: usize) -> Bench {
    let result = ResultItem {
        of: of("a"),
        outcome: Outcome::text("ok"),
        queued: Duration::ZERO,
        executed: ms(3),
    };
    Bench::with(Config {
        // An entry, and "ok" as the result of a call with a name of one letter.
        results_bytes_max: results * (160 + codec::item_bytes(&result)),
        tombstones_max: tombstones,
        ..config(4)
    })
}

#[test]
fn a_result_is_kept_for_a_minute() {
    let mut bench = Bench::new(4);
    bench.call_seen("A1", 1, look("a")).skip();
    bench.at(1).finish("a").skip();
    bench.at(60_000).skip();
    bench.status("A2", ["a"]);
    assert_eq!(
        bench.effects(),
        [
            "result A2 #63 4/4: a completed 0+3",
            "ack A2 #64 4/4: a done"
        ]
    );
    bench.at(60_001).status("A3", ["a"]);
    assert_eq!(bench.effects(), ["ack A3 #65 4/4: a forgotten"]);
    assert_eq!(bench.worker.counters().results_expired, 1);
    assert_eq!(bench.worker.remembered(), 0);
}

#[test]
fn a_forgotten_horizon_separates_what_never_came() {
    let mut bench = Bench::new(4);
    bench.call_seen("A1", 1, look("a")).skip();
    bench.at(1).finish("a").skip();
    bench.at(61_000).skip();
    // Nothing newer than beat 1 was forgotten.
    bench.status_seen("A2", Some(2), ["b"]);
    assert_eq!(bench.effects(), ["ack A2 #64 4/4: b not_held"]);
    bench.status_seen("A3", Some(1), ["c"]);
    assert_eq!(bench.effects(), ["ack A3 #65 4/4: c forgotten"]);
    bench.status_seen("A4", None, ["d"]);
    assert_eq!(bench.effects(), ["ack A4 #66 4/4: d forgotten"]);
}

#[test]
fn the_oldest_results_go_first_when_there_are_too_many() {
    let mut bench = keeping(2, 10);
    bench
        .call_seen("A1", 1, look("a"))
        .call_seen("A1", 1, look("b"))
        .call_seen("A1", 1, look("c"))
        .skip();
    bench.finish("b").finish("a").finish("c").skip();
    bench.status("A2", ["a", "b", "c"]);
    assert_eq!(
        bench.effects(),
        [
            "result A2 #3 4/4: a completed 0+3, c completed 0+3",
            "ack A2 #4 4/4: a done, b forgotten, c done",
        ]
    );
    assert_eq!(bench.worker.counters().results_evicted, 1);
    assert_eq!(bench.worker.remembered(), 2);
}

#[test]
fn a_result_that_fits_nowhere_still_leaves() {
    let mut bench = keeping(0, 10);
    bench.call("A1", [look("a")]).skip();
    bench.finish("a");
    assert_eq!(bench.effects(), ["result A1 #2 4/4: a completed 0+3"]);
    bench.status("A2", ["a"]);
    assert_eq!(bench.effects(), ["ack A2 #3 4/4: a forgotten"]);
}

#[test]
fn a_write_whose_result_is_forgotten_never_runs_again() {
    let mut bench = keeping(0, 10);
    bench.call("A1", [pay("a")]).skip();
    bench.grant("A2", "a", 8).skip();
    bench.finish("a").skip();
    bench.call("A1", [pay("a")]);
    assert_eq!(bench.effects(), ["ack A1 #4 4/4: a forgotten"]);
    bench.grant("A2", "a", 8);
    assert_eq!(bench.effects(), ["ack A2 #5 4/4: a forgotten"]);
    bench.cancel("A3", ["a"]);
    assert_eq!(bench.effects(), ["ack A3 #6 4/4: a forgotten"]);
}

#[test]
fn a_forgotten_end_that_ran_nothing_stays_a_binding_no() {
    let mut bench = keeping(0, 10);
    bench.call("A1", [look("a")]).skip();
    bench
        .finish_with(
            "a",
            Outcome::failed(FailureKind::InvalidArguments, "", Executed::No),
        )
        .skip();
    bench.status("A2", ["a"]);
    assert_eq!(bench.effects(), ["ack A2 #3 4/4: a not_held"]);
}

/// A call each millisecond from a coordinator that sees beats as they leave; gives the last that it saw.
fn flood(bench: &mut Bench, tool: fn(&str) -> CallItem, each: impl Fn(&mut Bench, &str)) -> u64 {
    for index in 0..1_000 {
        bench.at(index).skip();
        let name = format!("c{index}");
        let seen = bench.worker.counters().beats;
        bench.call_seen("A1", seen, tool(&name)).skip();
        each(bench, &name);
    }
    bench.worker.counters().beats
}

#[test]
fn a_flood_refuses_no_write_that_names_the_newest_beat() {
    let mut bench = keeping(40, 60);
    flood(&mut bench, pay, |bench, name| {
        bench.grant("A2", name, 8).skip();
        bench.finish(name).skip();
    });
    let counters = bench.worker.counters();
    assert_eq!((counters.started, counters.stale), (1_000, 0));
    assert!(counters.tombstones_dropped > 800);
    // Beats that leave early are no flood of their own.
    assert!(counters.beats <= 65, "{} in a second", counters.beats);
}

#[test]
fn a_flood_of_reads_takes_no_refusal_its_binding_word() {
    let mut bench = keeping(100, 10);
    let seen = flood(&mut bench, look, |bench, name| {
        bench.finish(name).skip();
    });
    assert!(bench.worker.counters().results_evicted > 800);
    for name in ["r", "s", "t", "u"] {
        bench.call_seen("A3", seen, look(name)).skip();
    }
    bench.call_seen("A4", seen, look("v"));
    let answers = bench.effects();
    assert!(
        answers.iter().any(|answer| answer.ends_with("v busy")),
        "{answers:?}"
    );
}

#[test]
fn what_refusals_are_forgotten_refuse_by_the_horizon() {
    let mut bench = keeping(10, 2);
    bench.status("A1", ["a", "b"]).skip();
    bench.at(1_000).skip();
    bench.status("A2", ["c"]).skip();
    assert_eq!(bench.worker.counters().tombstones_dropped, 1);
    // a is forgotten; all that was recorded before it named at most beat 1.
    bench.call_seen("A3", 1, look("a"));
    assert_eq!(bench.effects(), ["ack A3 #6 4/4: a stale"]);
    assert_eq!(
        bench.worker.remembered(),
        2,
        "the horizon needs no tombstone"
    );
    bench.call_seen("A4", 2, look("d"));
    assert_eq!(bench.effects(), ["start look d read within 5000"]);
    bench.call_seen("A5", 1, look("b"));
    assert_eq!(bench.effects(), ["ack A5 #7 3/4: b not_held"]);
}

#[test]
fn a_dropped_write_that_named_no_beat_keeps_such_writes_out() {
    let mut bench = keeping(0, 0);
    bench.call("A1", [pay("a")]).skip();
    bench.grant("A2", "a", 8).skip();
    bench.finish("a").skip();
    assert_eq!(bench.worker.remembered(), 0);
    bench.call("A1", [pay("a")]);
    assert_eq!(
        bench.effects(),
        ["ack A1 #4 4/4: a forgotten"],
        "no binding word about what may have run"
    );
    bench.grant("A2", "a", 8);
    assert_eq!(bench.effects(), ["ack A2 #5 4/4: a forgotten"]);
    bench.call("A3", [look("b")]);
    assert_eq!(bench.effects(), ["start look b read within 5000"]);
}

#[test]
fn a_forgotten_read_may_run_again() {
    let mut bench = keeping(0, 10);
    bench.call_seen("A1", 1, look("a")).skip();
    bench.finish("a").skip();
    bench.call_seen("A1", 1, look("a"));
    assert_eq!(bench.effects(), ["start look a read within 5000"]);
}

#[test]
fn no_word_about_a_forgotten_read_denies_that_it_ran() {
    let mut bench = keeping(0, 10);
    let again = |bench: &mut Bench| {
        bench.call_seen("A1", 1, look("a"));
    };
    again(&mut bench);
    bench.skip();
    bench.finish("a").skip();
    // It runs again, and ends before it starts.
    again(&mut bench);
    bench.cancel("A2", ["a"]);
    assert_eq!(
        bench.effects(),
        [
            "result A2 #3 4/4: a cancelled unknown 0+0",
            "ack A2 #4 4/4: a done"
        ]
    );
    // It would be busy, stale, draining, or have no time.
    bench
        .call_seen("B1", 1, look("w"))
        .call_seen("B1", 1, look("x"))
        .call_seen("B1", 1, look("y"))
        .call_seen("B1", 1, look("z"))
        .skip();
    again(&mut bench);
    assert_eq!(bench.effects(), ["ack A1 #5 0/4: a forgotten"]);
    bench.status("A3", ["a"]);
    assert_eq!(bench.effects(), ["ack A3 #6 0/4: a forgotten"]);
    bench.finish("w").skip();
    bench.call_seen("A4", 1, within(look("v"), 0));
    assert_eq!(bench.effects(), ["start look v read within 0"]);
}

#[test]
fn an_ack_tells_of_a_result_that_is_forgotten_already() {
    let mut bench = keeping(0, 10);
    bench.call("A1", [look("a"), pay("b"), look("c")]).skip();
    bench.finish("a").call("A2", [look("c"), pay("b")]);
    assert_eq!(
        bench.effects(),
        [
            "result A1 #3 2/4: a completed 0+3",
            "ack A2 #4 2/4: c running, b waiting",
        ]
    );
}
