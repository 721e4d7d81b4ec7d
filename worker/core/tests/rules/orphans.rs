//! Silent coordinators (P20).

use crate::bench::{Bench, call, look, pay, within};
use crate::bench::{config, ms};

#[test]
fn a_silent_coordinator_loses_all_but_its_granted_writes() {
    let mut config = config(8);
    config.grant_window = ms(60_000);
    let mut bench = Bench::with(config);
    let long = |item| within(item, 60_000);
    bench.call(
        "A1",
        [
            long(look("a")),
            long(call("set", "b")),
            long(pay("c")),
            long(pay("d")),
        ],
    );
    bench.grant_seen("A2", "d", 8, None, 60_000);
    bench.call("B1", [long(look("x"))]).skip();
    bench.at(5_000).status("B2", ["x"]).skip();
    bench.at(9_999).skip();
    bench.at(10_000);
    assert_eq!(
        bench.effects(),
        [
            "stop a Orphaned",
            "stop b Orphaned",
            "beat 11 #15 4/8 catalogue 1",
        ]
    );
    let counters = bench.worker.counters();
    assert_eq!((counters.orphans_dropped, counters.orphans_stopped), (1, 2));
    bench.finish("a").finish("b").finish("d").skip();
    bench.at(11_000).skip();
    bench.status("A3", ["a", "b", "c", "d"]);
    assert_eq!(
        bench.effects(),
        [
            "result A3 #19 7/8: a completed 0+3, b completed 0+3, d completed 0+3",
            "ack A3 #20 7/8: a done, b done, c not_held, d done by 8",
        ]
    );
}

#[test]
fn any_message_keeps_a_coordinator_alive() {
    let mut bench = Bench::new(1);
    bench.call("A1", [within(look("a"), 60_000)]).skip();
    bench.at(9_000).skip();
    bench.status("A2", ["z"]).skip();
    bench.at(18_999).skip();
    assert_eq!(bench.worker.counters().orphans_stopped, 0);
    bench.at(19_000);
    assert_eq!(bench.effects()[0], "stop a Orphaned");
}

#[test]
fn messages_that_were_read_before_the_timer_count() {
    let mut bench = Bench::new(1);
    bench.call("A1", [within(look("a"), 60_000)]).skip();
    bench.at(9_000).skip();
    bench.stopped_until(21_000).status("A2", ["a"]);
    bench.worker.handle_timeout(bench.now);
    assert_eq!(
        bench.effects(),
        ["beat 11 #12 0/1 catalogue 1", "ack A2 #13 0/1: a running"]
    );
}

#[test]
fn who_takes_an_attempt_over_is_who_must_be_heard() {
    let mut bench = Bench::new(1);
    bench.call("A1", [within(look("a"), 60_000)]).skip();
    bench.at(9_000).skip();
    bench.status("B1", ["a"]).skip();
    bench.at(18_999).skip();
    assert_eq!(bench.worker.counters().orphans_stopped, 0);
    bench.at(19_000);
    assert_eq!(bench.effects()[0], "stop a Orphaned");
}

#[test]
fn a_silent_coordinator_wakes_nobody_up_again() {
    let mut bench = Bench::new(1);
    bench.call("A1", [within(pay("a"), 3_600_000)]).skip();
    bench.grant_seen("A2", "a", 8, None, 3_600_000).skip();
    bench.at(10_000).skip();
    assert_eq!(bench.timeout(), 11_000);
    bench.at(11_000).status("A3", ["a"]).skip();
    assert_eq!(bench.timeout(), 12_000);
    bench.at(21_001).skip();
    bench.finish("a");
    assert_eq!(bench.effects(), ["result A3 #26 1/1: a completed 0+3"]);
}
