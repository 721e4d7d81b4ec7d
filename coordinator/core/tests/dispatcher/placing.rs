//! Which instance a call goes to, and how calls are gathered into messages (P5, P10, P11, P21).

use callboard_coordinator_core::{Effect, TurnOptions};
use callboard_proto::{Attempt, TraceContext};

use crate::bench::Bench;

#[test]
fn a_read_is_answered_by_its_result_alone() {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read"]);
    bench.turn(&["read"]);
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench.result("call", "a", "c1#1 ok");
    assert_eq!(bench.lines(), ["report settled: c1=ok #1 @a"]);
    assert_eq!(bench.counters().results_used, 1);
    assert_eq!(bench.core.held_entries(), 0);
}

#[test]
fn all_calls_for_one_worker_travel_in_one_message() {
    let mut bench = Bench::new();
    bench.join("a", 8, &["read", "write"]);
    bench.turn(&["read", "write", "read", "idle", "read"]);
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1 c3#1 c5#1"]);
    bench.result("call", "a", "c5#1 ok, c1#1 ok, c3#1 error");
    assert_eq!(bench.lines(), [""; 0]);
    bench.ack("call", "a", "c2#1 busy");
    bench.fake("a").slots = 8;
    assert_eq!(bench.lines(), ["call a: c2#2"]);
    bench.ack("call", "a", "c2#2 waiting");
    assert_eq!(bench.lines(), ["grant a: c2#2"]);
    bench.result("grant", "a", "c2#2 ok");
    assert_eq!(
        bench.lines(),
        [
            "report settled: c1=ok #1 @a, c2=ok #2 @a, c3=error #1 @a, c4=no_worker/no #0, \
             c5=ok #1 @a"
        ]
    );
}

#[test]
fn two_turns_share_a_message() {
    let mut bench = Bench::new();
    bench.join("a", 8, &["read"]);
    bench.turn_within(11, 10_000, &["read", "read"]);
    bench.turn_within(21, 10_000, &["read"]);
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1 21/c1#1"]);
    bench.result("call", "a", "21/c1#1 ok, c2#1 ok");
    assert_eq!(bench.lines(), ["report 21 settled: c1=ok #1 @a"]);
    bench.result("call", "a", "c1#1 ok");
    assert_eq!(bench.lines(), ["report settled: c1=ok #1 @a, c2=ok #1 @a"]);
}

#[test]
fn of_two_workers_the_freer_is_taken_until_both_are_full() {
    let mut bench = Bench::new();
    bench.join("a", 2, &["read"]);
    bench.join("b", 6, &["read"]);
    bench.turn(&["read"; 8]);
    let lines = bench.lines();
    // Until b has no more free slots than a, it is taken; then either.
    assert!(
        lines[1].starts_with("call b: c1#1 c2#1 c3#1 c4#1 "),
        "{lines:?}"
    );
    let calls: Vec<usize> = lines.iter().map(|line| line.matches('#').count()).collect();
    assert_eq!(calls, [2, 6]);
}

#[test]
fn labels_are_required_or_preferred() {
    let mut bench = Bench::new();
    bench.join_as("a", "a", 8, &["gpu", "near"], &["zone=there"]);
    bench.join_as("b", "b", 1, &["gpu", "near"], &["gpu=1", "zone=here"]);
    bench.turn(&["near", "near", "gpu"]);
    // The first takes the only slot of b, the second does without, the third must wait for b.
    assert_eq!(bench.lines(), ["call a: c2#1", "call b: c1#1"]);
    bench.result("call", "b", "c1#1 ok");
    assert_eq!(bench.lines(), ["call b: c3#1"]);

    let mut bench = Bench::new();
    bench.join("a", 8, &["gpu"]);
    bench.join("b", 8, &["gpu"]);
    bench.turn(&["gpu"]);
    assert_eq!(bench.lines(), ["report settled: c1=no_worker/no #0"]);
    let text = bench.failure_text();
    let considered = "now; considered: a (without gpu=1), b (without gpu=1)";
    assert!(text.ends_with(considered), "{text}");
}

#[test]
fn an_instance_without_a_description_is_asked_and_gets_nothing() {
    let mut bench = Bench::new();
    bench.join("a", 8, &["read"]);
    let mut stranger = bench.beat_of("a");
    stranger.instance = crate::words::instance("b");
    stranger.worker = callboard_proto::WorkerName::new("b").unwrap();
    bench.give(callboard_coordinator_core::Input::Beat(stranger));
    assert_eq!(bench.lines(), ["describe b"]);
    bench.turn(&["read"; 9]);
    assert_eq!(
        bench.lines(),
        ["call a: c1#1 c2#1 c3#1 c4#1 c5#1 c6#1 c7#1 c8#1"]
    );
}

#[test]
fn a_changed_catalogue_is_asked_for_and_its_old_tools_are_gone() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["read", "old"]);
    bench.turn(&["read", "old"]);
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    let mut beat = bench.beat_of("a");
    beat.catalogue = 2;
    bench.give(callboard_coordinator_core::Input::Beat(beat));
    assert_eq!(bench.lines(), ["describe a"]);
    bench.announce("a", &["read"]);
    bench.result("call", "a", "c1#1 ok");
    assert_eq!(
        bench.lines(),
        ["report settled: c1=ok #1 @a, c2=no_worker/no #0"]
    );
}

#[test]
fn messages_are_cut_by_count_and_by_bytes() {
    let mut bench = Bench::limited(|limits| limits.batch_items_max = 3);
    bench.join("a", 8, &["read"]);
    bench.turn(&["read"; 7]);
    assert_eq!(
        bench.lines(),
        [
            "call a: c1#1 c2#1 c3#1",
            "call a: c4#1 c5#1 c6#1",
            "call a: c7#1"
        ]
    );
    assert_eq!(bench.counters().messages, 3);
    assert_eq!(bench.counters().attempts, 7);

    let mut bench = Bench::new();
    bench.join("a", 8, &["read"]);
    // The worker's own server takes less than ours (P21): 20 KiB less the reserve of 8.
    bench.fake("a").payload_bytes_max = 20 * 1024;
    bench.announce("a", &["read"]);
    bench.open(11, 10_000);
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(5000));
    for id in ["c1", "c2", "c3"] {
        bench.call_body(11, id, Ok(Bench::posting("read", &large)));
    }
    bench.seal(11);
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1", "call a: c3#1"]);
}

#[test]
fn a_message_carries_what_a_worker_must_know() {
    let mut bench = Bench::new();
    bench.join("a", 2, &["slices"]);
    let trace = TraceContext::new([7; 16], [8; 8], true).unwrap();
    let options = TurnOptions {
        trace: Some(trace),
        ..bench.options(10_000)
    };
    bench.open_with(11, options);
    let mut posting = Bench::posting("slices", "{ \"b\":1,\"a\" : 2}");
    posting.key = Some("key".to_owned());
    bench.call_body(11, "c1", Ok(posting));
    bench.call(11, "c2", "slices");
    bench.call(11, "c3", "slices");
    bench.seal(11);
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1"]);
    let Some(Effect::Call { head, items, .. }) = bench.effects.last() else {
        panic!("a call message was the last effect");
    };
    assert_eq!(head.instance, Some(crate::words::instance("a")));
    assert_eq!(head.seen, Some(1), "the last beat that was seen (P13)");
    assert_eq!(head.waiting, 1, "c3 would come too (P6)");
    assert_eq!(&items[0].arguments[..], b"{ \"b\":1,\"a\" : 2}");
    assert_eq!(items[0].key.as_deref(), Some("key"));
    let of = &items[0].of;
    let span = trace.of_attempt(of.turn, &of.id, Attempt(1));
    assert_eq!(items[0].traceparent, Some(span.to_string()));
    assert_ne!(items[1].traceparent, items[0].traceparent);
    assert_eq!(items[0].digest, Some(crate::words::digest("slices")));
    assert_eq!(
        items[0].budget_ms.duration().as_millis(),
        300,
        "the tool's own"
    );
}

#[test]
fn the_cap_of_a_turn_lets_calls_in_one_by_one() {
    let mut bench = Bench::new();
    bench.join("a", 8, &["read"]);
    let options = TurnOptions {
        parallel_max: Some(2),
        ..bench.options(10_000)
    };
    bench.open_with(11, options);
    for id in ["c1", "c2", "c3", "c4"] {
        bench.call(11, id, "read");
    }
    bench.seal(11);
    assert_eq!(bench.lines(), ["call a: c1#1 c2#1"]);
    assert_eq!(bench.core.waiting_calls(), 0);
    bench.result("call", "a", "c2#1 ok");
    assert_eq!(bench.lines(), ["call a: c3#1"]);
    bench.result("call", "a", "c3#1 crashed/yes");
    // Its retry keeps its place under the cap.
    assert_eq!(bench.lines(), [""; 0]);
    bench.wait(100);
    assert_eq!(bench.lines(), ["call a: c3#2"]);
    bench.result("call", "a", "c3#2 ok");
    assert_eq!(bench.lines(), ["call a: c4#1"]);
}

#[test]
fn ten_thousand_held_calls_that_nobody_serves_end_without_recursion() {
    let mut bench = Bench::new();
    bench.join("a", 1, &["read"]);
    let options = TurnOptions {
        parallel_max: Some(1),
        ..bench.options(10_000)
    };
    bench.open_with(11, options);
    for index in 0..10_000 {
        bench.call(11, &format!("c{index}"), "read");
    }
    bench.seal(11);
    assert_eq!(bench.lines(), ["call a: c0#1"]);
    bench.fake("a").draining = true;
    bench.beat("a");
    assert_eq!(bench.lines(), [""; 0]);
    bench.result("call", "a", "c0#1 ok");
    let lines = bench.lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(bench.counters().no_worker, 9_999);
    assert_eq!(bench.core.held_entries(), 0);
}

/// Where calls with keys go that a coordinator posts to these workers, by their order.
fn keyed(workers: [&str; 3]) -> Vec<String> {
    let mut bench = Bench::new();
    for name in workers {
        bench.join(name, 64, &["write"]);
    }
    let posted = (1..=32).map(|run| {
        let turn = run * 10 + 1;
        bench.open(turn, 10_000);
        let mut posting = Bench::posting("write", "{}");
        posting.key = Some("k/c1".to_owned());
        bench.call_body(turn, "c1", Ok(posting));
        bench.seal(turn);
        bench.lines().join(" ")
    });
    posted.collect()
}

#[test]
fn a_call_with_a_key_goes_where_it_went_whoever_repeats_it() {
    let first = keyed(["a", "b", "c"]);
    assert_eq!(first, keyed(["c", "a", "b"]));
    for name in ["a", "b", "c"] {
        let to = format!("call {name}: ");
        let share = first.iter().filter(|line| line.starts_with(&to)).count();
        assert!(share > 3, "{name} got {share} of 32: {first:?}");
    }
}
