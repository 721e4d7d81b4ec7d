//! Calls that a worker does not take, or can't read (P10, P13, P21, P24).

use callboard_proto::codec::{Batch, DecodeError, UnreadableItem};
use callboard_proto::message::RefusalCode;
use callboard_proto::{Executed, Failure, FailureKind};

use crate::bench::Bench;
use crate::words::attempt_key;

#[test]
fn what_is_stale_is_sent_again_after_a_moment() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["read"]);
    bench.turn(&["read"]);
    bench.ack("call", "a", "c1#1 stale");
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.wait(100);
    assert_eq!(bench.lines(), ["call a: c1#2"]);
    assert_eq!((bench.counters().stale, bench.counters().moves), (1, 1));
}

#[test]
fn a_write_that_may_be_forgotten_is_sent_again_after_a_moment() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["write"]);
    bench.turn(&["write"]);
    bench.ack("call", "a", "c1#1 forgotten");
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.wait(100);
    assert_eq!(bench.lines(), ["call a: c1#2"]);
    assert_eq!((bench.counters().forgotten, bench.counters().moves), (1, 1));
}

#[test]
fn a_worker_with_another_digest_is_asked_and_gets_no_more_of_it() {
    let mut bench = Bench::new();
    bench.join("a", 2, &["read", "other"]);
    bench.turn(&["read", "read", "other"]);
    bench.ack("call", "a", "c1#1 wrong_digest");
    assert_eq!(
        bench.lines(),
        ["call a: c1#1 c2#1", "describe a", "call a: c3#1"]
    );
    assert_eq!(bench.counters().wrong_digest, 1);
    bench.result("call", "a", "c3#1 ok");
    bench.wait(500);
    assert_eq!(
        bench.lines(),
        ["describe a"],
        "each beat, until it is described"
    );
    bench.announce("a", &["other"]);
    bench.wait(500);
    bench.ack("status", "a", "c2#1 wrong_digest");
    let lines = bench.lines();
    let report = "report settled: c1=no_worker/no #1, c2=no_worker/no #1, c3=ok #1 @a";
    assert!(lines.contains(&report.to_owned()), "{lines:?}");
}

#[test]
fn another_instance_with_the_digest_takes_it() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["read"]);
    bench.turn(&["read"]);
    bench.lines();
    bench.join("b", 1, &["read"]);
    bench.ack("call", "a", "c1#1 wrong_digest");
    assert_eq!(bench.lines(), ["describe a", "call b: c1#2"]);
}

#[test]
fn a_draining_pool_serves_nobody() {
    let mut bench = Bench::new();
    bench.join("a", 2, &["read"]);
    bench.turn(&["read", "read", "read"]);
    bench.ack("call", "a", "c1#1 draining, c2#1 running");
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1"]);
    bench.result("call", "a", "c2#1 ok");
    assert_eq!(
        bench.lines(),
        ["report settled: c1=no_worker/no #1, c2=ok #1 @a, c3=no_worker/no #0"]
    );
    assert_eq!(bench.counters().draining, 1);
    // A beat says the same.
    let mut bench = Bench::new();
    bench.join("a", 2, &["read"]);
    bench.fake("a").draining = true;
    bench.beat("a");
    bench.turn(&["read"]);
    assert_eq!(bench.lines(), ["report settled: c1=no_worker/no #0"]);
    bench.fake("a").draining = false;
    bench.beat("a");
    bench.turn_within(21, 1_000, &["read"]);
    assert_eq!(bench.lines(), ["call a: 21/c1#1"]);
}

#[test]
fn a_call_that_can_not_be_read_is_a_protocol_error_for_itself_alone() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read", "write"]);
    bench.turn(&["read", "write", "read"]);
    bench.lines();
    // A position that isn't there, and one that was heard running, say nothing.
    bench.ack("call", "a", "c1#1 running");
    bench.ack_bad("call", "a", &[1, 7, 0], "");
    bench.result("call", "a", "c1#1 ok, c3#1 ok");
    assert_eq!(
        bench.lines(),
        ["report settled: c1=ok #1 @a, c2=protocol_error/no #1 @a, c3=ok #1 @a"]
    );
    assert_eq!(bench.counters().replies_unknown, 2);
}

#[test]
fn a_refused_message_fails_its_calls_and_a_wrong_instance_moves_them() {
    for code in [
        RefusalCode::Version,
        RefusalCode::Kind,
        RefusalCode::Malformed,
    ] {
        let mut bench = Bench::new();
        bench.join("a", 4, &["read", "write"]);
        bench.turn(&["read", "write"]);
        bench.refuse("call", "a", code);
        assert_eq!(
            bench.lines(),
            [
                "call a: c1#1 c2#1",
                "report settled: c1=protocol_error/no #1 @a, c2=protocol_error/no #1 @a"
            ]
        );
        assert_eq!(bench.counters().refusals, 1);
    }
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn(&["read"]);
    bench.lines();
    bench.join("b", 4, &["read"]);
    bench.refuse("call", "a", RefusalCode::Instance);
    assert_eq!(bench.lines(), ["call b: c1#2"]);
}

#[test]
fn a_refused_grant_ends_the_write_that_never_ran() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["write"]);
    bench.turn(&["write"]);
    bench.ack("call", "a", "c1#1 waiting");
    bench.refuse("grant", "a", RefusalCode::Malformed);
    assert_eq!(
        bench.lines(),
        [
            "call a: c1#1",
            "grant a: c1#1",
            "report settled: c1=protocol_error/no #1 @a"
        ]
    );
}

#[test]
fn an_unreadable_result_ends_its_attempt_and_says_that_it_may_have_run() {
    for (tool, heard, said) in [
        ("read", "", "protocol_error/unknown"),
        ("read", "running", "protocol_error/yes"),
        ("write", "waiting", "protocol_error/unknown"),
    ] {
        let mut bench = Bench::new();
        bench.join("a", 4, &[tool]);
        bench.turn(&[tool]);
        bench.lines();
        if !heard.is_empty() {
            bench.ack("call", "a", &format!("c1#1 {heard}"));
        }
        bench.lines();
        let token = bench.token("call", "a");
        let head = bench.head("a");
        let unreadable = |of| UnreadableItem {
            of,
            error: DecodeError::Trailing,
        };
        let items = vec![
            Err(unreadable(None)),
            Err(unreadable(Some(attempt_key("c1#1")))),
        ];
        let batch = Batch { head, items };
        bench.give(callboard_coordinator_core::Input::Result { token, batch });
        assert_eq!(bench.lines(), [format!("report settled: c1={said} #1 @a")]);
        assert_eq!(bench.counters().replies_unreadable, 2);
    }
}

#[test]
fn a_call_that_failed_before_it_could_be_posted_is_in_the_report() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.open(11, 1_000);
    let failure = Failure::new(FailureKind::UnknownTool, "no such tool", Executed::No);
    bench.call_body(11, "c1", Err(failure));
    let large = "x".repeat(256 * 1024 + 1);
    bench.call_body(11, "c2", Ok(Bench::posting("read", &large)));
    bench.call(11, "c3", "nowhere");
    bench.seal(11);
    assert_eq!(
        bench.lines(),
        ["report settled: c1=unknown_tool/no #0, c2=invalid_arguments/no #0, c3=no_worker/no #0"]
    );
    assert_eq!(bench.core.held_entries(), 0);
}
