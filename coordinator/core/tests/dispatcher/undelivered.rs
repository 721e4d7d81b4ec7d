//! Messages that did not reach their instance (P3, P13, P18, P24).

use callboard_coordinator_core::{Input, Undelivered};

use crate::bench::Bench;

#[test]
fn where_nobody_listens_all_calls_of_the_message_move() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read", "write"]);
    bench.turn(&["read", "write"]);
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1"]);
    bench.join("b", 4, &["read", "write"]);
    bench.undelivered("call", "a", Undelivered::NoResponders);
    assert_eq!(bench.lines(), ["call b: c1#2 c2#2"]);
    assert!(
        bench.core.workers(bench.instant(0))[0].unreachable,
        "a takes nothing until it is heard again"
    );
    bench.undelivered("call", "a", Undelivered::NoResponders);
    assert_eq!(bench.lines(), [""; 0], "told twice, it is true once");
    assert_eq!(
        (bench.counters().no_responders, bench.counters().moves),
        (2, 2)
    );
}

#[test]
fn a_call_without_another_worker_waits_until_the_only_one_is_heard_again() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn(&["read"]);
    bench.undelivered("call", "a", Undelivered::NoResponders);
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.wait(499);
    assert_eq!(bench.lines(), [""; 0]);
    bench.wait(1);
    assert_eq!(bench.lines(), ["call a: c1#2"], "with its beat");
    bench.silence("a");
    bench.undelivered("call", "a", Undelivered::NoResponders);
    bench.wait(4_500);
    assert_eq!(bench.lines(), ["report settled: c1=no_worker/no #2"]);
}

#[test]
fn a_call_that_is_never_delivered_is_given_up() {
    let mut bench = Bench::limited(|limits| limits.moves_max = 3);
    bench.join("a", 4, &["read"]);
    bench.turn(&["read"]);
    for _ in 0..4 {
        bench.undelivered("call", "a", Undelivered::NoResponders);
        bench.beat("a");
    }
    assert_eq!(
        bench.lines(),
        [
            "call a: c1#1",
            "call a: c1#2",
            "call a: c1#3",
            "call a: c1#4",
            "report settled: c1=no_worker/no #4",
        ]
    );
}

#[test]
fn a_single_call_that_is_too_large_fails_and_many_are_cut_smaller() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn(&["read"]);
    bench.undelivered("call", "a", Undelivered::TooLarge);
    assert_eq!(
        bench.lines(),
        [
            "call a: c1#1",
            "report settled: c1=invalid_arguments/no #1 @a"
        ]
    );

    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.fake("a").payload_bytes_max = 64 * 1024;
    bench.announce("a", &["read"]);
    bench.open(11, 10_000);
    let large = "x".repeat(10 * 1024);
    for id in ["c1", "c2", "c3", "c4"] {
        bench.call_body(11, id, Ok(Bench::posting("read", &large)));
    }
    bench.seal(11);
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1 c3#1 c4#1"]);
    bench.undelivered("call", "a", Undelivered::TooLarge);
    // It was believed to take 64 KiB; now 32, less the reserve of 8.
    assert_eq!(bench.lines(), ["call a: c1#2 c2#2", "call a: c3#2 c4#2"]);
    bench.undelivered("call", "a", Undelivered::TooLarge);
    assert_eq!(bench.lines(), ["call a: c3#3", "call a: c4#3"]);
    assert_eq!(bench.counters().too_large, 2);
}

#[test]
fn a_link_that_takes_nothing_is_not_tried_at_the_pace_of_the_processor() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn(&["read"]);
    bench.undelivered("call", "a", Undelivered::LinkDown);
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.wait(100);
    assert_eq!(bench.lines(), ["call a: c1#2"]);
    bench.undelivered("call", "a", Undelivered::LinkDown);
    bench.give(Input::LinkDown);
    bench.wait(1_000);
    assert_eq!(bench.lines(), [""; 0]);
    bench.give(Input::LinkUp);
    assert_eq!(bench.lines(), ["call a: c1#3"]);
    assert_eq!(bench.counters().link_down, 2);
}

#[test]
fn a_late_503_settles_for_certain_what_was_lost_without_a_word() {
    // Both calls of one message are lost with their instance, and then the server says that nobody
    // listened: neither ran.
    let mut bench = Bench::new();
    bench.join_as("a", "name", 4, &["read"], &[]);
    bench.turn_within(11, 2_000, &["read", "read"]);
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1"]);
    bench.silence("a");
    bench.join_as("b", "name", 0, &["read"], &[]);
    bench.undelivered("call", "a", Undelivered::NoResponders);
    bench.lines();
    bench.fake("b").free = 0;
    bench.wait(2_000);
    let lines = bench.lines();
    let report = lines
        .iter()
        .find(|line| line.starts_with("report"))
        .unwrap();
    assert_eq!(
        report.matches("unknown").count(),
        1,
        "only the knock at b: {report}"
    );
    assert_eq!(bench.counters().instances_replaced, 1);
}
