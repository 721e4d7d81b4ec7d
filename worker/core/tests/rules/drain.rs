//! Drain.

use crate::bench::{Bench, look, pay};

#[test]
fn an_idle_instance_is_drained_at_once() {
    let mut bench = Bench::new(2);
    bench.drain(1_000);
    assert_eq!(
        bench.effects(),
        ["beat 2 #2 0/2 draining catalogue 1", "drained"]
    );
    assert!(bench.worker.is_drained());
    bench.at(1_000);
    assert_eq!(
        bench.effects(),
        ["beat 3 #3 0/2 draining catalogue 1"],
        "beats go on, the word that it is drained is said once"
    );
}

#[test]
fn what_runs_ends_and_what_waits_is_refused() {
    let mut bench = Bench::new(4);
    bench
        .call("A1", [look("a"), pay("b")])
        .call("B1", [pay("c")])
        .skip();
    bench.at(10).drain(1_000);
    assert_eq!(
        bench.effects(),
        [
            "beat 2 #4 0/4 draining catalogue 1",
            "ack A1 #5 0/4: b draining",
            "ack B1 #6 0/4: c draining",
        ]
    );
    bench.grant("A2", "b", 8).call("A3", [look("d"), look("a")]);
    assert_eq!(
        bench.effects(),
        [
            "ack A2 #7 0/4: b not_held",
            "ack A3 #8 0/4: d draining, a running"
        ]
    );
    bench.at(20).finish("a");
    assert_eq!(
        bench.effects(),
        ["result A3 #9 0/4: a completed 0+3", "drained"]
    );
    assert_eq!(bench.worker.counters().draining, 3);
}

#[test]
fn after_the_grace_what_runs_is_stopped() {
    let mut bench = Bench::new(4);
    bench.call("A1", [look("a"), look("b")]).skip();
    bench.at(10).drain(500).skip();
    bench.at(20).cancel("A2", ["b"]).skip();
    assert_eq!(bench.timeout(), 510);
    bench.at(510);
    assert_eq!(bench.effects(), ["stop a Drained"]);
    bench.at(515).finish("a").finish("b");
    assert_eq!(
        bench.effects(),
        [
            "result A1 #5 0/4: a completed 0+3",
            "result A2 #6 0/4: b completed 0+3",
            "drained",
        ]
    );
}

#[test]
fn a_further_drain_can_only_shorten_the_grace() {
    let mut bench = Bench::new(4);
    bench.call("A1", [look("a")]).skip();
    bench.at(10).drain(500).skip();
    bench.drain(5_000);
    assert_eq!(bench.timeout(), 510);
    bench.drain(100);
    assert_eq!(bench.timeout(), 110);
}

#[test]
fn grace_without_end_is_no_deadline() {
    let mut bench = Bench::new(4);
    bench.call("A1", [look("a")]).skip();
    bench.at(10);
    bench.input(callboard_worker_core::Input::Drain {
        grace: std::time::Duration::MAX,
    });
    bench.skip();
    assert_eq!(bench.timeout(), 1_000);
}

#[test]
fn what_never_started_when_the_grace_ends_did_not_run() {
    let mut bench = Bench::new(4);
    bench.call("A1", [look("a")]).drain(0);
    bench.worker.handle_timeout(bench.now);
    assert_eq!(
        bench.effects(),
        [
            "beat 2 #2 0/4 draining catalogue 1",
            "result A1 #3 0/4: a interrupted no 0+0",
            "drained",
        ]
    );
}

#[test]
fn offers_end_with_the_drain() {
    let mut bench = Bench::new(1);
    bench.call("A1", [look("a")]).call("B1", [look("b")]).skip();
    bench.drain(1_000).skip();
    bench.finish("a");
    assert_eq!(
        bench.effects(),
        ["result A1 #4 0/1: a completed 0+3", "drained"]
    );
}

#[test]
fn every_message_is_answered_before_the_end() {
    let mut bench = Bench::new(2);
    bench.call("A1", [look("a")]).skip();
    // The copy's answer takes the result; the first message is still owed one.
    bench.call("A2", [look("a")]).finish("a").drain(0);
    assert_eq!(
        bench.effects(),
        [
            "beat 2 #2 0/2 draining catalogue 1",
            "result A2 #3 0/2: a completed 0+3",
            "ack A1 #4 0/2: a done",
            "drained",
        ]
    );
}
