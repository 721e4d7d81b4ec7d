//! Calls that end workers (P8), and workers that only fail (P9).

use crate::bench::Bench;

#[test]
fn two_instances_that_end_while_they_run_a_call_make_it_poison() {
    let mut bench = Bench::new();
    bench.join_as("a1", "a", 4, &["read"], &[]);
    bench.turn(&["read", "read"]);
    bench.ack("call", "a1", "c1#1 running, c2#1 running");
    assert_eq!(bench.lines(), ["call a1: c1#1 c2#1"]);
    bench.silence("a1");
    bench.join_as("a2", "a", 4, &["read"], &[]);
    // Each alone, and the second only when the first is gone: no sibling is called poison with it.
    assert_eq!(bench.lines(), ["call a2: c1#2"]);
    assert_eq!(bench.counters().strikes, 2);
    assert_eq!(bench.counters().instances_replaced, 1);
    bench.ack("call", "a2", "c1#2 running");
    assert_eq!(bench.lines(), [""; 0]);
    bench.silence("a2");
    bench.join_as("a3", "a", 4, &["read"], &[]);
    assert_eq!(bench.lines(), ["call a3: c2#2"]);
    bench.result("call", "a3", "c2#2 ok");
    assert_eq!(
        bench.lines(),
        ["report settled: c1=poison/yes #2, c2=ok #2 @a3"].map(|line| line.replace("@a3", "@a"))
    );
    assert_eq!(bench.counters().poison, 1);
}

#[test]
fn what_was_not_heard_running_has_no_strike() {
    let mut bench = Bench::new();
    bench.join_as("a1", "a", 4, &["read"], &[]);
    bench.turn(&["read", "read"]);
    bench.lines();
    bench.silence("a1");
    bench.join_as("a2", "a", 4, &["read"], &[]);
    assert_eq!(bench.lines(), ["call a2: c1#2 c2#2"]);
    assert_eq!(bench.counters().strikes, 0);
}

#[test]
fn a_lost_instance_that_turns_out_to_have_ended_is_a_strike_after_all() {
    let mut bench = Bench::new();
    bench.join_as("a1", "a", 4, &["read"], &[]);
    bench.turn_within(11, 20_000, &["read"]);
    bench.ack("call", "a1", "c1#1 running");
    bench.join("z", 0, &["read"]);
    bench.silence("a1");
    bench.wait(5_000);
    bench.lines();
    assert_eq!(
        (bench.counters().leases_ended, bench.counters().strikes),
        (1, 0)
    );
    bench.join_as("a2", "a", 4, &["read"], &[]);
    assert_eq!(bench.counters().strikes, 1);
}

#[test]
fn three_lost_workers_are_enough() {
    let mut bench = Bench::new();
    for name in ["a", "b", "c", "d"] {
        bench.join(name, 1, &["read"]);
    }
    bench.turn_within(11, 60_000, &["read"]);
    for attempt in 1..=3 {
        let lines = bench.lines();
        let posted = lines.iter().rfind(|line| line.starts_with("call"));
        let to = posted.expect("it is posted anew")[5..6].to_owned();
        bench.ack("call", &to, &format!("c1#{attempt} running"));
        bench.silence(&to);
        while bench.counters().leases_ended < attempt {
            bench.wait(100);
        }
    }
    let lines = bench.lines();
    let last = lines.last().unwrap();
    assert!(
        last.starts_with("report settled: c1=worker_lost/yes #3"),
        "{lines:?}"
    );
}

#[test]
fn five_failures_in_a_row_suspend_a_tool_until_a_probe_succeeds() {
    let mut bench = Bench::limited(|limits| limits.retry_budget_min = 0);
    bench.join("a", 8, &["once", "read"]);
    bench.turn(&["once"; 5]);
    bench.lines();
    bench.result(
        "call",
        "a",
        "c1#1 crashed/yes, c2#1 internal/yes, c3#1 protocol_error/no, c4#1 crashed/yes, \
         c5#1 crashed/yes",
    );
    bench.lines();
    assert_eq!(bench.counters().suspensions, 1);
    assert_eq!(bench.core.workers(bench.instant(0))[0].suspended.len(), 1);
    bench.turn_within(21, 30_000, &["once", "once", "read"]);
    assert_eq!(
        bench.lines(),
        ["call a: 21/c3#1"],
        "another tool of it works on"
    );
    bench.result("call", "a", "21/c3#1 ok");
    bench.wait(999);
    assert_eq!(bench.lines(), [""; 0]);
    bench.wait(1);
    assert_eq!(bench.lines(), ["call a: 21/c1#1"], "one probe");
    bench.result("call", "a", "21/c1#1 crashed/yes");
    assert_eq!(bench.counters().suspensions, 2);
    bench.wait(1_999);
    assert_eq!(bench.lines(), [""; 0], "twice as long");
    bench.wait(1);
    assert_eq!(bench.lines(), ["call a: 21/c2#1"]);
    bench.turn_within(31, 30_000, &["once", "once"]);
    assert_eq!(bench.lines(), [""; 0]);
    bench.result("call", "a", "21/c2#1 ok");
    let lines = bench.lines();
    assert_eq!(lines[1], "call a: 31/c1#1 31/c2#1", "{lines:?}");
}

#[test]
fn a_success_between_failures_clears_the_count() {
    let mut bench = Bench::new();
    bench.join("a", 8, &["once"]);
    bench.turn(&["once"; 6]);
    bench.result(
        "call",
        "a",
        "c1#1 crashed/yes, c2#1 crashed/yes, c3#1 crashed/yes, c4#1 crashed/yes, c5#1 ok, \
         c6#1 crashed/yes",
    );
    assert_eq!(bench.counters().suspensions, 0);
}

#[test]
fn a_worker_that_reads_nothing_is_suspended_too() {
    let mut bench = Bench::new();
    bench.join("a", 8, &["once"]);
    bench.turn(&["once"; 5]);
    bench.lines();
    bench.refuse("call", "a", callboard_proto::message::RefusalCode::Kind);
    assert_eq!(bench.counters().suspensions, 1);
}
