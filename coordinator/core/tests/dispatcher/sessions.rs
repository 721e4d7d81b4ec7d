//! Runs whose calls stay on one instance (P11).

use callboard_coordinator_core::{Input, Undelivered};

use crate::bench::Bench;

/// Run 1 is bound to `a`, which was heard to hold its session.
fn bound() -> Bench {
    let mut bench = Bench::new();
    bench.join("a", 4, &["session"]);
    bench.turn_within(11, 60_000, &["session"]);
    bench.lines();
    bench.result("call", "a", "c1#1 ok");
    bench.join("b", 64, &["session"]);
    bench.lines();
    bench
}

#[test]
fn a_run_stays_on_its_instance_and_another_run_is_free() {
    let mut bench = bound();
    bench.turn_within(12, 60_000, &["session", "session"]);
    bench.turn_within(21, 60_000, &["session"]);
    assert_eq!(
        bench.lines(),
        ["call a: 12/c1#1 12/c2#1", "call b: 21/c1#1"]
    );
}

#[test]
fn when_the_instance_is_lost_its_session_is_gone() {
    let mut bench = bound();
    bench.fake("a").free = 1;
    bench.turn_within(12, 60_000, &["session"]);
    bench.beat("a");
    bench.turn_within(13, 60_000, &["session"]);
    bench.lines();
    bench.silence("a");
    bench.wait(6_000);
    let lines = bench.lines();
    let reports: Vec<&String> = lines
        .iter()
        .filter(|line| line.starts_with("report"))
        .collect();
    assert_eq!(reports.len(), 2, "{lines:?}");
    assert!(
        reports.iter().all(|line| line.contains("worker_lost")),
        "{reports:?}"
    );
    bench.turn_within(14, 60_000, &["session"]);
    assert_eq!(bench.lines(), ["report 14 settled: c1=worker_lost/no #0"]);
    // A run that ended and begins anew is not held to it.
    bench.give(Input::EndRun {
        run: crate::words::turn_key(11).run,
    });
    bench.turn_within(15, 60_000, &["session"]);
    assert_eq!(bench.lines(), ["call b: 15/c1#1"]);
}

#[test]
fn a_draining_instance_takes_its_sessions_with_it() {
    let mut bench = bound();
    bench.fake("a").draining = true;
    bench.beat("a");
    bench.turn_within(12, 60_000, &["session"]);
    assert_eq!(bench.lines(), ["report 12 settled: c1=worker_lost/no #0"]);
}

#[test]
fn what_never_began_may_begin_elsewhere() {
    for case in ["503", "draining", "wrong_digest", "refused"] {
        let mut bench = Bench::new();
        bench.join("a", 4, &["session"]);
        bench.turn_within(11, 60_000, &["session", "session"]);
        assert_eq!(bench.lines(), ["call a: c1#1 c2#1"], "{case}");
        bench.join("b", 4, &["session"]);
        match case {
            "503" => bench.undelivered("call", "a", Undelivered::NoResponders),
            "refused" => bench.refuse("call", "a", callboard_proto::message::RefusalCode::Instance),
            word => bench.ack("call", "a", &format!("c1#1 {word}, c2#1 {word}")),
        }
        let lines = bench.lines();
        assert_eq!(lines.last().unwrap(), "call b: c1#2 c2#2", "{case}");
    }
}

#[test]
fn a_busy_instance_is_waited_for() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["session"]);
    bench.turn_within(11, 60_000, &["session"]);
    bench.lines();
    bench.join("b", 4, &["session"]);
    bench.fake("a").free = 0;
    bench.ack("call", "a", "c1#1 busy");
    assert_eq!(bench.lines(), [""; 0]);
    bench.free("a", 1);
    assert_eq!(bench.lines(), ["call a: c1#2"]);
}

#[test]
fn one_call_that_is_not_taken_does_not_move_the_session_of_its_sibling() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["session"]);
    bench.turn_within(11, 60_000, &["session", "session"]);
    bench.lines();
    bench.join("b", 64, &["session"]);
    bench.ack("call", "a", "c1#1 not_held, c2#1 running");
    assert_eq!(bench.lines(), ["call a: c1#2"]);
}
