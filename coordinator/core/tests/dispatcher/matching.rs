//! The reply matrix (P1, P2, P3, P15): what matches nothing is counted and changes nothing.

use callboard_coordinator_core::Input;
use callboard_proto::codec::Batch;
use callboard_proto::{Epoch, Token};
use uuid::Uuid;

use crate::bench::Bench;
use crate::words::{ack_item, result_item};

fn running() -> Bench {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read", "write"]);
    bench.join("b", 4, &["other"]);
    bench.turn(&["read"]);
    bench.turn_within(12, 10_000, &["read", "other"]);
    assert_eq!(bench.lines(), ["call a: c1#1 12/c1#1", "call b: 12/c2#1"]);
    bench
}

#[test]
fn an_answer_of_another_instance_changes_nothing() {
    let mut bench = running();
    let token = bench.token("call", "a");
    bench.result_under(token, "b", vec![result_item("c1#1 ok")]);
    bench.ack_under(token, "b", vec![ack_item("c1#1 busy")]);
    assert_eq!(bench.lines(), [""; 0]);
    assert_eq!(bench.counters().replies_wrong_instance, 2);
    bench.result("call", "a", "c1#1 ok");
    assert_eq!(bench.lines(), ["report settled: c1=ok #1 @a"]);
}

#[test]
fn an_answer_under_a_token_that_its_attempt_was_not_sent_under_changes_nothing() {
    let mut bench = running();
    let stolen = bench.token("call", "b");
    for token in [stolen, Token::new(Uuid::from_u128(3))] {
        bench.result_under(token, "a", vec![result_item("c1#1 ok")]);
        bench.ack_under(token, "a", vec![ack_item("c1#1 not_held")]);
    }
    assert_eq!(bench.lines(), [""; 0]);
    assert_eq!(bench.counters().replies_wrong_token, 4);
}

#[test]
fn an_answer_of_another_epoch_changes_nothing() {
    let mut bench = running();
    let token = bench.token("call", "a");
    let mut result = result_item("c1#1 ok");
    result.of.epoch = Epoch(1);
    bench.result_under(token, "a", vec![result]);
    assert_eq!(bench.lines(), [""; 0]);
    assert_eq!(bench.counters().replies_wrong_epoch, 1);
}

#[test]
fn the_same_tool_use_id_of_another_turn_is_another_call() {
    let mut bench = running();
    bench.result("call", "a", "12/c1#1 ok");
    assert_eq!(bench.lines(), [""; 0]);
    bench.result("call", "b", "12/c2#1 ok");
    assert_eq!(
        bench.lines(),
        ["report 12 settled: c1=ok #1 @a, c2=ok #1 @b"]
    );
    // The next turn of the run, whose id is the same, is not answered by a result of the last.
    bench.turn_within(13, 10_000, &["read"]);
    assert_eq!(bench.lines(), ["call a: 13/c1#1"]);
    bench.result("call", "a", "12/c1#1 ok");
    assert_eq!(bench.lines(), [""; 0]);
    assert_eq!(bench.counters().replies_unknown, 1);
}

#[test]
fn duplicates_and_unknown_results_are_counted() {
    let mut bench = running();
    let token = bench.token("call", "a");
    let twice = vec![result_item("12/c1#1 ok"), result_item("12/c1#1 ok")];
    bench.result_under(token, "a", twice);
    bench.result(
        "call",
        "a",
        "12/c1#1 crashed/yes, 12/c1#2 ok, c9#1 ok, 91/c1#1 ok",
    );
    assert_eq!(bench.lines(), [""; 0]);
    let counters = bench.counters();
    assert_eq!(counters.results_used, 1);
    assert_eq!(counters.results_duplicate, 3);
    assert_eq!(counters.replies_unknown, 2);
}

#[test]
fn an_ack_that_matches_nothing_is_answered_by_one_cancel() {
    let mut bench = running();
    bench.ack(
        "call",
        "a",
        "c9#1 running, c8#1 waiting, c7#1 busy, c6#1 done, c1#1 running",
    );
    assert_eq!(bench.lines(), ["cancel a: c9#1 c8#1"]);
    // What it says to that cancel is no reason for another.
    bench.ack("cancel", "a", "c9#1 running, c8#1 not_held");
    assert_eq!(bench.lines(), [""; 0]);
    assert_eq!(bench.counters().strays_cancelled, 2);
    // A settled call counts as nothing, too.
    bench.result("call", "a", "12/c1#1 ok");
    bench.ack("call", "a", "12/c1#1 running");
    assert_eq!(bench.lines(), ["cancel a: 12/c1#1"]);
    // Nobody can be answered who isn't known.
    let token = bench.token("call", "a");
    let mut head = bench.head("a");
    head.instance = crate::words::instance("z");
    let items = vec![Ok(ack_item("c9#1 running"))];
    let batch = Batch { head, items };
    bench.give(Input::Ack { token, batch });
    assert_eq!(bench.lines(), [""; 0]);
}

#[test]
fn words_that_say_nothing_change_nothing() {
    let mut bench = running();
    bench.ack("call", "a", "c1#1 unknown, 12/c1#1 done");
    bench.give(Input::EndRun {
        run: crate::words::turn_key(91).run,
    });
    bench.give(Input::Echo { seq: 999 });
    assert_eq!(bench.lines(), [""; 0]);
    bench.result("call", "a", "c1#1 ok");
    assert_eq!(bench.lines(), ["report settled: c1=ok #1 @a"]);
}

#[test]
fn the_first_result_of_any_attempt_of_a_read_counts_and_the_others_are_cancelled() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn(&["read"]);
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.join("b", 4, &["read"]);
    // a answers neither the call nor the question.
    bench.wait(2_000);
    assert_eq!(
        bench.lines(),
        ["status a: c1#1", "status a: c1#1", "call b: c1#2"]
    );
    let counters = bench.counters();
    assert_eq!((counters.accept_timeouts, counters.asked_in_vain), (1, 1));
    bench.result("call", "a", "c1#1 ok");
    assert_eq!(
        bench.lines(),
        ["report settled: c1=ok #2 @a", "cancel b: c1#2"]
    );
    // The other's result comes after the report: named, and never used.
    bench.result("call", "b", "c1#2 ok");
    bench.result("call", "b", "c1#2 ok");
    assert_eq!(bench.lines(), ["event c1: late #2 ok"]);
    assert_eq!(bench.counters().results_late, 1);
    assert_eq!(bench.counters().replies_unknown, 1);
}

#[test]
fn a_late_failure_of_a_lost_attempt_leaves_the_newer_one_alone() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn(&["read"]);
    bench.lines();
    bench.join("b", 4, &["read"]);
    bench.wait(2_000);
    bench.result("call", "a", "c1#1 crashed/yes");
    bench.lines();
    bench.ack("call", "b", "c1#2 running");
    assert_eq!(bench.lines(), [""; 0]);
    bench.result("call", "b", "c1#2 refused/no");
    assert_eq!(
        bench.lines(),
        ["report settled: c1=refused/yes #2 @b"],
        "the first attempt ran (P19)"
    );
}
