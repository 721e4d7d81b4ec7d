//! Leases, the own echo, status and the identity of instances (P2, P14, P16).

use callboard_coordinator_core::Input;

use crate::bench::Bench;

#[test]
fn a_silent_worker_is_lost_and_its_reads_move() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read", "idempotent"]);
    bench.turn_within(11, 30_000, &["read", "idempotent"]);
    bench.ack("call", "a", "c1#1 running, c2#1 running");
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1"]);
    bench.join("b", 4, &["read", "idempotent"]);
    bench.silence("a");
    bench.wait(3_000);
    let lines = bench.lines();
    assert!(
        !lines.iter().any(|line| line.starts_with("call")),
        "{lines:?}"
    );
    bench.wait(1_001);
    let lines = bench.lines();
    assert!(lines.contains(&"call b: c1#2 c2#2".to_owned()), "{lines:?}");
    assert_eq!(bench.counters().leases_ended, 1);
    bench.result("call", "b", "c1#2 ok, c2#2 ok");
    assert_eq!(bench.lines(), ["report settled: c1=ok #2 @b, c2=ok #2 @b"]);
}

#[test]
fn each_second_every_instance_is_asked_about_what_is_older_than_a_second() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.join("b", 4, &["other"]);
    bench.turn(&["read", "other"]);
    bench.ack("call", "a", "c1#1 running");
    bench.ack("call", "b", "c2#1 running");
    bench.wait(500);
    bench.turn_within(21, 10_000, &["read"]);
    bench.ack("call", "a", "21/c1#1 running");
    assert_eq!(
        bench.lines(),
        ["call a: c1#1", "call b: c2#1", "call a: 21/c1#1"]
    );
    bench.wait(500);
    assert_eq!(bench.lines(), ["status a: c1#1", "status b: c2#1"]);
    bench.wait(1_000);
    assert_eq!(bench.lines(), ["status a: c1#1 21/c1#1", "status b: c2#1"]);
    assert_eq!(bench.counters().status, 5);
    // What is answered by its result is asked about no more.
    bench.result("status", "a", "c1#1 ok");
    bench.wait(1_000);
    assert_eq!(bench.lines(), ["status a: 21/c1#1", "status b: c2#1"]);
}

#[test]
fn three_unanswered_questions_end_the_lease_of_one_that_beats() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn_within(11, 30_000, &["read"]);
    bench.ack("call", "a", "c1#1 running");
    bench.join("b", 4, &["read"]);
    bench.lines();
    // Asked at 1, 2 and 3 s; the third had its time at 4 s.
    bench.wait(3_900);
    assert_eq!(bench.counters().leases_ended, 0);
    bench.wait(100);
    assert_eq!(bench.counters().leases_ended, 1);
    assert_eq!(bench.lines().last().unwrap(), "call b: c1#2");
}

#[test]
fn an_answer_to_an_earlier_question_counts() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn_within(11, 30_000, &["read"]);
    bench.ack("call", "a", "c1#1 running");
    bench.lines();
    let mut earlier = None;
    for _ in 0..10 {
        bench.wait(1_000);
        let asked = bench.token("status", "a");
        // Each answer comes a second after the next question.
        if let Some(token) = earlier.replace(asked) {
            bench.ack_under(token, "a", vec![crate::words::ack_item("c1#1 running")]);
        }
    }
    assert_eq!(bench.counters().leases_ended, 0);
}

#[test]
fn a_question_before_its_time_is_not_counted() {
    // The accept timeout asks just before the tick does.
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.wait(900);
    bench.turn_within(11, 30_000, &["read"]);
    bench.wait(3_000);
    assert_eq!(bench.counters().leases_ended, 0, "asked at 1.9, 2 and 3 s");
}

#[test]
fn without_the_own_echo_nobody_is_lost_and_no_answer_is_due() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.join("b", 4, &["read"]);
    bench.wait(100);
    bench.echoes = false;
    bench.silence("a");
    bench.silence("b");
    bench.turn_within(11, 60_000, &["read"]);
    bench.wait(20_000);
    let lines = bench.lines();
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("call")).count(),
        1,
        "{lines:?}"
    );
    let counters = bench.counters();
    assert_eq!((counters.leases_ended, counters.asked_in_vain), (0, 0));
    let gaps = counters.link_gaps;
    // The echo is back: status is asked at once, and one whole lease passes.
    bench.echoes = true;
    let seq = bench.latest_echo();
    bench.give(Input::Echo { seq });
    let lines = bench.lines();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("status"), "{lines:?}");
    assert_eq!(bench.counters().link_gaps, gaps + 1);
    bench.wait(2_900);
    assert_eq!(bench.counters().leases_ended, 0);
    bench.wait(2_000);
    assert_eq!(bench.counters().leases_ended, 2);
}

#[test]
fn a_link_that_went_down_and_up_is_a_gap() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn_within(11, 60_000, &["read"]);
    bench.ack("call", "a", "c1#1 running");
    bench.wait(100);
    bench.lines();
    bench.give(Input::LinkDown);
    bench.turn_within(21, 60_000, &["read"]);
    bench.wait(400);
    assert_eq!(bench.lines(), [""; 0], "nothing is posted meanwhile");
    bench.give(Input::LinkUp);
    bench.wait(0);
    let mut lines = bench.lines();
    lines.sort();
    assert_eq!(lines, ["call a: 21/c1#1", "status a: c1#1 21/c1#1"]);
    assert_eq!(
        bench.counters().link_gaps,
        2,
        "the first echo of all was one"
    );
}

#[test]
fn a_replaced_instance_ends_at_once_and_its_words_do_not_count() {
    let mut bench = Bench::new();
    bench.join_as("a1", "a", 4, &["read", "write"], &[]);
    bench.turn_within(11, 30_000, &["read", "write"]);
    bench.ack("call", "a1", "c2#1 waiting");
    assert_eq!(bench.lines(), ["call a1: c1#1 c2#1", "grant a1: c2#1"]);
    bench.silence("a1");
    bench.join_as("a2", "a", 4, &["read", "write"], &[]);
    assert_eq!(bench.lines(), ["call a2: c1#2"]);
    // A delayed beat and announcement of the old one bring nothing back.
    bench.beat("a1");
    bench.announce("a1", &["read", "write"]);
    bench.turn_within(21, 30_000, &["write"]);
    assert_eq!(bench.lines(), ["call a2: 21/c1#1"]);
    bench.result("call", "a2", "c1#2 ok");
    // Only the live instance could have answered under that token.
    assert_eq!(bench.lines(), [""; 0]);
    assert_eq!(bench.counters().replies_wrong_token, 1);
}

#[test]
fn a_replaced_instance_that_beats_on_is_believed_and_both_are_used() {
    let mut bench = Bench::new();
    bench.join_as("a1", "a", 1, &["read"], &[]);
    bench.join_as("a2", "a", 1, &["read"], &[]);
    assert_eq!(bench.lines(), [""; 0]);
    bench.beat("a1");
    assert_eq!(bench.lines(), [""; 0]);
    bench.beat("a1");
    assert_eq!(bench.lines(), ["describe a1"]);
    bench.announce("a1", &["read"]);
    assert_eq!(bench.counters().instances_revived, 1);
    bench.turn(&["read", "read", "read"]);
    let mut lines = bench.lines();
    lines.sort();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].starts_with("call a1") && lines[1].starts_with("call a2"),
        "{lines:?}"
    );
}

#[test]
fn a_lost_read_that_comes_back_alive_settles_its_call() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn_within(11, 30_000, &["read"]);
    bench.ack("call", "a", "c1#1 running");
    bench.silence("a");
    bench.wait(4_500);
    let lines = bench.lines();
    assert_eq!(
        lines.last().unwrap(),
        "report settled: c1=worker_lost/yes #1 @a",
        "{lines:?}"
    );
    // With another worker it moved, and the old one is faster after all.
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn_within(11, 30_000, &["read"]);
    bench.ack("call", "a", "c1#1 running");
    bench.join("b", 4, &["read"]);
    bench.silence("a");
    bench.wait(4_500);
    bench.ack("call", "b", "c1#2 running");
    bench.lines();
    bench.result("call", "a", "c1#1 ok");
    assert_eq!(
        bench.lines(),
        ["report settled: c1=ok #2 @a", "cancel b: c1#2"]
    );
}

#[test]
fn an_echo_that_was_lost_is_a_gap_and_time_since_the_last_one_counts_for_whom_it_brought() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.join("b", 4, &["read"]);
    bench.wait(2_000);
    // One echo is lost while the own link is cut; two returns are two seconds apart.
    let gaps = bench.counters().link_gaps;
    bench.echoes = false;
    bench.wait(1_500);
    bench.echoes = true;
    bench.wait(500);
    assert_eq!(bench.counters().link_gaps, gaps + 1);
    // A worker whose last word came just before an echo is not older than that word.
    bench.wait(900);
    bench.beat("a");
    bench.silence("a");
    bench.wait(3_000);
    assert_eq!(bench.counters().leases_ended, 0);
    bench.wait(1_100);
    assert_eq!(bench.counters().leases_ended, 1);
}

#[test]
fn a_late_beat_of_a_lost_instance_says_nothing_against_its_successor() {
    let mut bench = Bench::new();
    bench.join_as("a1", "a", 4, &["write"], &[]);
    let late = bench.beat_of("a1");
    bench.silence("a1");
    bench.wait(5_000);
    assert_eq!(bench.counters().leases_ended, 1);
    bench.join_as("a2", "a", 4, &["write"], &[]);
    bench.turn_within(11, 30_000, &["write"]);
    bench.ack("call", "a2", "c1#1 waiting");
    bench.lines();
    bench.ack("grant", "a2", "c1#1 running");
    // It was held up in the cut that ended the lease.
    bench.give(Input::Beat(late));
    bench.wait(10);
    assert_eq!(bench.lines(), [""; 0]);
    assert_eq!(bench.counters().instances_replaced, 0);
    bench.result("grant", "a2", "c1#1 ok");
    assert_eq!(bench.lines(), ["report settled: c1=ok #1 @a"]);
}
