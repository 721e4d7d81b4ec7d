//! Grants of `write` tools (P17, P18).

use callboard_coordinator_core::Undelivered;

use crate::bench::Bench;

fn waiting_write() -> Bench {
    let mut bench = Bench::new();
    bench.join("a", 1, &["write"]);
    bench.join("b", 1, &["write"]);
    // Whichever is drawn: the other is full.
    bench.free("b", 0);
    bench.turn(&["write"]);
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.fake("a").free = 0;
    bench.ack("call", "a", "c1#1 waiting");
    assert_eq!(bench.lines(), ["grant a: c1#1"]);
    bench
}

#[test]
fn a_write_is_granted_once_and_the_same_again_when_it_still_waits() {
    let mut bench = waiting_write();
    // The same ack, doubled by the network, asks for nothing.
    bench.ack("call", "a", "c1#1 waiting");
    assert_eq!(bench.lines(), [""; 0]);
    bench.wait(1_000);
    assert_eq!(bench.lines(), ["status a: c1#1"]);
    bench.ack("status", "a", "c1#1 waiting");
    assert_eq!(bench.lines(), ["grant a: c1#1"]);
    let ids = bench.granted();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(
        (bench.counters().grants, bench.counters().grants_again),
        (2, 1)
    );
    bench.result("grant", "a", "c1#1 ok");
    assert_eq!(bench.lines(), ["report settled: c1=ok #1 @a"]);
}

#[test]
fn two_words_that_it_waits_in_one_wake_up_make_one_grant() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["write"]);
    bench.wait(100);
    bench.turn(&["write"]);
    bench.wait(1_000);
    assert_eq!(bench.lines(), ["call a: c1#1", "status a: c1#1"]);
    bench.ack_twice();
    assert_eq!(bench.lines(), ["grant a: c1#1"]);
}

impl Bench {
    fn ack_twice(&mut self) {
        let status = self.token("status", "a");
        let call = self.token("call", "a");
        for token in [call, status] {
            self.ack_under(token, "a", vec![crate::words::ack_item("c1#1 waiting")]);
        }
    }
}

#[test]
fn nobody_listens_for_the_only_grant_so_the_write_moves() {
    let mut bench = waiting_write();
    bench.undelivered("grant", "a", Undelivered::NoResponders);
    bench.free("b", 1);
    assert_eq!(bench.lines(), ["call b: c1#2"]);
    assert_eq!(bench.counters().no_responders, 1);
    bench.ack("call", "b", "c1#2 waiting");
    assert_eq!(bench.lines(), ["grant b: c1#2"]);
    let ids = bench.granted();
    assert_ne!(ids[0], ids[1], "one attempt, one grant");
}

#[test]
fn nobody_listens_for_a_second_grant_and_the_first_may_have_arrived() {
    let mut bench = waiting_write();
    bench.wait(1_000);
    bench.ack("status", "a", "c1#1 waiting");
    assert_eq!(bench.lines(), ["status a: c1#1", "grant a: c1#1"]);
    bench.undelivered("grant", "a", Undelivered::NoResponders);
    bench.free("b", 1);
    assert_eq!(bench.lines(), [""; 0]);
    // Its lease ends: it may have run.
    bench.silence("a");
    bench.wait(6_000);
    let lines = bench.lines();
    let last = lines.last().unwrap();
    assert_eq!(
        last, "report settled: c1=worker_lost/unknown #1 @a",
        "{lines:?}"
    );
}

#[test]
fn a_write_that_was_heard_running_is_not_undelivered() {
    let mut bench = waiting_write();
    bench.ack("grant", "a", "c1#1 running");
    bench.undelivered("grant", "a", Undelivered::NoResponders);
    bench.refuse(
        "grant",
        "a",
        callboard_proto::message::RefusalCode::Malformed,
    );
    bench.free("b", 1);
    assert_eq!(bench.lines(), [""; 0]);
    bench.result("grant", "a", "c1#1 ok");
    assert_eq!(bench.lines(), ["report settled: c1=ok #1 @a"]);
}

#[test]
fn a_granted_write_moves_after_a_binding_word_only() {
    for word in ["not_held", "stale", "draining", "busy"] {
        let mut bench = waiting_write();
        bench.wait(1_000);
        bench.lines();
        bench.ack("status", "a", &format!("c1#1 {word}"));
        bench.free("b", 1);
        bench.wait(100);
        let lines = bench.lines();
        assert_eq!(lines, ["call b: c1#2"], "{word}");
    }
    // Who said that the tool was entered can't take it back.
    for word in ["not_held", "forgotten"] {
        let mut bench = waiting_write();
        bench.ack("grant", "a", "c1#1 running");
        bench.wait(1_000);
        bench.lines();
        bench.free("b", 1);
        bench.ack("status", "a", &format!("c1#1 {word}"));
        assert_eq!(
            bench.lines(),
            ["report settled: c1=worker_lost/unknown #1 @a"],
            "{word}"
        );
    }
}

#[test]
fn a_failed_write_is_tried_again_only_if_it_never_ran() {
    for (word, next) in [
        ("crashed/yes", "report settled: c1=crashed/yes #1 @a"),
        (
            "crashed/unknown",
            "report settled: c1=crashed/unknown #1 @a",
        ),
        ("interrupted/no", "call b: c1#2"),
        ("error", "report settled: c1=error #1 @a"),
    ] {
        let mut bench = waiting_write();
        bench.free("b", 1);
        bench.result("grant", "a", &format!("c1#1 {word}"));
        bench.wait(100);
        assert_eq!(bench.lines(), [next], "{word}");
    }
}

#[test]
fn a_worker_that_ended_leaves_a_granted_write_unknown_and_an_ungranted_one_moves() {
    let mut bench = Bench::new();
    bench.join_as("a1", "a", 2, &["write"], &[]);
    bench.turn(&["write", "write"]);
    bench.ack("call", "a1", "c1#1 waiting");
    assert_eq!(bench.lines(), ["call a1: c1#1 c2#1", "grant a1: c1#1"]);
    bench.silence("a1");
    bench.join_as("a2", "a", 2, &["write"], &[]);
    assert_eq!(bench.lines(), ["call a2: c2#2"]);
    bench.ack("call", "a2", "c2#2 waiting");
    bench.lines();
    bench.result("grant", "a2", "c2#2 ok");
    assert_eq!(
        bench.lines(),
        ["report settled: c1=worker_lost/unknown #1 @a, c2=ok #2 @a"]
    );
}

#[test]
fn an_unanswered_write_moves_because_it_never_runs_without_a_grant() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["write"]);
    bench.join("b", 1, &["write"]);
    bench.free("b", 0);
    bench.turn(&["write"]);
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.wait(1_000);
    bench.free("b", 1);
    let lines = bench.lines();
    assert!(lines.contains(&"status a: c1#1".to_owned()), "{lines:?}");
    bench.wait(1_000);
    let lines = bench.lines();
    assert!(lines.contains(&"call b: c1#2".to_owned()), "{lines:?}");
    // When the first attempt is found at last, it is cancelled (P15).
    bench.ack("call", "a", "c1#1 waiting");
    assert_eq!(bench.lines(), ["cancel a: c1#1"]);
    assert_eq!(bench.counters().strays_cancelled, 1);
}

#[test]
fn a_read_whose_worker_waits_for_a_grant_is_a_write_from_then_on() {
    let mut bench = Bench::new();
    bench.join_as("a1", "a", 1, &["read"], &[]);
    bench.turn(&["read"]);
    bench.ack("call", "a1", "c1#1 waiting");
    assert_eq!(bench.lines(), ["call a1: c1#1", "grant a1: c1#1"]);
    bench.join_as("a2", "a", 1, &["read"], &[]);
    assert_eq!(
        bench.lines(),
        ["report settled: c1=worker_lost/unknown #1 @a"]
    );
}
