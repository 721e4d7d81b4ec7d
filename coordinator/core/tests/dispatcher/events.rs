//! What people and traces are told, and what a dispatcher shows of itself.

use callboard_coordinator_core::Input;
use callboard_proto::codec::Batch;
use callboard_proto::message::{ProgressHead, ProgressItem};

use crate::bench::{Bench, config};
use crate::words::{attempt_key, instance};

fn telling() -> Bench {
    let mut config = config();
    config.events = true;
    Bench::with(config)
}

#[test]
fn the_life_of_a_write_is_told_event_by_event() {
    let mut bench = telling();
    bench.join("a", 1, &["write"]);
    bench.turn(&["write", "nowhere"]);
    assert_eq!(
        bench.lines(),
        [
            "event c1: opened write",
            "event c2: opened nowhere",
            "event c2: settled no_worker/no",
            "event c1: posted #1 @a",
            "call a: c1#1",
        ]
    );
    bench.ack("call", "a", "c1#1 stale");
    assert_eq!(bench.lines(), ["event c1: returned #1 stale"]);
    bench.wait(100);
    bench.ack("call", "a", "c1#2 waiting");
    assert_eq!(
        bench.lines(),
        [
            "event c1: posted #2 @a",
            "call a: c1#2",
            "event c1: granted #2",
            "grant a: c1#2",
        ]
    );
    bench.ack("grant", "a", "c1#2 running");
    bench.ack("grant", "a", "c1#2 running");
    let token = bench.token("grant", "a");
    let item = |of| {
        Ok(ProgressItem {
            of: attempt_key(of),
            percent: Some(40),
            message: None,
        })
    };
    let batch = Batch {
        head: ProgressHead {
            instance: instance("a"),
        },
        items: vec![item("c1#2"), item("c1#1"), item("c9#1")],
    };
    bench.give(Input::Progress { token, batch });
    bench.result("grant", "a", "c1#2 ok");
    assert_eq!(
        bench.lines(),
        [
            "event c1: running #2",
            "event c1: progress #2 Some(40) None",
            "event c1: settled ok",
            "report settled: c1=ok #2 @a, c2=no_worker/no #0",
        ]
    );
}

#[test]
fn a_result_after_the_report_is_told_with_its_true_outcome() {
    let mut bench = telling();
    bench.join("a", 2, &["read"]);
    bench.turn_within(11, 500, &["read", "read"]);
    bench.wait(500);
    bench.lines();
    bench.result("call", "a", "c1#1 ok, c2#1 timed_out/yes");
    assert_eq!(
        bench.lines(),
        ["event c1: late #1 ok", "event c2: late #1 timed_out"]
    );
}

#[test]
fn workers_are_shown_by_name_with_what_is_known_of_them() {
    let mut bench = Bench::new();
    bench.join("b", 3, &["read"]);
    bench.join_as("a", "a", 2, &["other"], &["gpu=1"]);
    bench.turn(&["read", "read"]);
    assert_eq!(bench.lines(), ["call b: c1#1 c2#1"]);
    bench.wait(400);
    let views = bench.core.workers(bench.instant(bench.now));
    let names: Vec<&str> = views.iter().map(|view| view.worker.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let view = &views[1];
    assert_eq!(
        (view.slots, view.free, view.available, view.in_flight),
        (3, 3, 1, 2)
    );
    assert_eq!((view.beat, view.silent_for.as_millis()), (Some(1), 400));
    assert_eq!(bench.core.serving(crate::words::digest("read")), 1);
    assert_eq!(bench.core.open_turns(), 1);
    let named = bench.counters().named();
    assert!(named.contains(&("attempts", 2)), "{named:?}");
}
