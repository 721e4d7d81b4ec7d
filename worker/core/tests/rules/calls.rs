//! Admission: P1, P2, P10, duplicates, and the effect that counts.

use callboard_proto::Effect as ToolEffect;

use crate::bench::{Bench, INSTANCE, call, call_head, digest, look, of, pay, reply, within};

#[test]
fn results_that_are_ready_in_time_replace_the_ack() {
    let mut bench = Bench::new(4);
    bench.call("A1", [look("a"), call("set", "b")]);
    assert_eq!(
        bench.effects(),
        [
            "start look a read within 5000",
            "start set b idempotent within 5000"
        ]
    );
    assert_eq!(bench.timeout(), 2);
    bench.at(1).finish("b").finish("a");
    assert_eq!(
        bench.effects(),
        ["result A1 #2 4/4: b completed 0+3, a completed 0+3"]
    );
    assert_eq!(bench.timeout(), 1000);
}

#[test]
fn results_that_come_one_by_one_replace_the_ack_too() {
    let mut bench = Bench::new(4);
    bench.call("A1", [look("a"), look("b")]).skip();
    bench.at(1).finish("a");
    assert_eq!(bench.effects(), ["result A1 #2 3/4: a completed 0+3"]);
    bench.at(2).finish("b");
    assert_eq!(bench.effects(), ["result A1 #3 4/4: b completed 0+3"]);
    assert_eq!(bench.timeout(), 1000);
}

#[test]
fn a_late_result_is_preceded_by_an_ack_that_names_every_call() {
    let mut bench = Bench::new(4);
    bench.call("A1", [look("a"), look("b")]).skip();
    bench.at(1).finish("a").skip();
    bench.at(2);
    assert_eq!(bench.effects(), ["ack A1 #3 3/4: a done, b running"]);
    bench.at(9).finish("b");
    assert_eq!(bench.effects(), ["result A1 #4 4/4: b completed 0+3"]);
    assert_eq!(bench.timeout(), 1000);
}

#[test]
fn what_the_coordinator_must_act_on_is_told_at_once() {
    let mut bench = Bench::new(2);
    let mut elsewhere = look("d");
    elsewhere.digest = Some(digest(9));
    bench.call(
        "A1",
        [
            look("a"),
            pay("b"),
            look("c"),
            elsewhere,
            call("dance", "e"),
        ],
    );
    assert_eq!(
        bench.effects(),
        [
            "start look a read within 5000",
            "ack A1 #2 0/2: a running, b waiting, c busy, d wrong_digest, e wrong_digest",
        ]
    );
    let counters = bench.worker.counters();
    assert_eq!((counters.busy, counters.wrong_digest), (1, 2));
    assert_eq!((bench.worker.slots_free(), bench.worker.running()), (0, 1));
}

#[test]
fn the_right_digest_is_taken() {
    let mut bench = Bench::new(1);
    let mut item = look("a");
    item.digest = Some(digest(1));
    bench.call("A1", [item]);
    assert_eq!(bench.effects(), ["start look a read within 5000"]);
}

#[test]
fn the_stronger_word_about_an_effect_counts() {
    let mut bench = Bench::new(4);
    let mut as_write = look("a");
    as_write.effect = ToolEffect::Write;
    let mut as_idempotent = look("b");
    as_idempotent.effect = ToolEffect::Idempotent;
    let mut as_read = pay("c");
    as_read.effect = ToolEffect::Read;
    bench.call("A1", [as_write, as_idempotent, as_read]);
    assert_eq!(
        bench.effects(),
        [
            "start look b idempotent within 5000",
            "ack A1 #2 1/4: a waiting, b running, c waiting",
        ]
    );
}

#[test]
fn a_call_is_run_turn_id_and_attempt() {
    let mut bench = Bench::new(4);
    bench.call("A1", [look("call_0"), look("2/call_0"), look("call_0#2")]);
    assert_eq!(
        bench.effects(),
        [
            "start look call_0 read within 5000",
            "start look 2/call_0 read within 5000",
            "start look call_0#2 read within 5000",
        ]
    );
}

#[test]
fn a_call_that_arrives_again_runs_once_and_answers_to_the_newest() {
    let mut bench = Bench::new(4);
    bench.call("A1", [look("a")]).skip();
    bench.at(1).call("A2", [look("a")]);
    assert_eq!(bench.effects(), [""; 0]);
    bench.at(2);
    assert_eq!(bench.effects(), ["ack A1 #2 3/4: a running"]);
    bench.at(3);
    assert_eq!(bench.effects(), ["ack A2 #3 3/4: a running"]);
    bench.at(4).finish("a");
    assert_eq!(bench.effects(), ["result A2 #4 4/4: a completed 0+3"]);
    bench.at(5).call("A3", [look("a")]);
    assert_eq!(bench.effects(), ["result A3 #5 4/4: a completed 0+3"]);
    assert_eq!(bench.worker.counters().duplicates, 2);
    assert_eq!(bench.worker.counters().started, 1);
}

#[test]
fn a_waiting_write_that_arrives_again_waits_on() {
    let mut bench = Bench::new(4);
    bench.call("A1", [pay("a")]).skip();
    bench.at(1_500).skip();
    bench.call("A2", [pay("a")]);
    assert_eq!(bench.effects(), ["ack A2 #4 3/4: a waiting"]);
    assert_eq!(
        bench.timeout(),
        2_000,
        "its window is still that of its first ack"
    );
}

#[test]
fn a_refused_call_never_runs() {
    let mut bench = Bench::new(1);
    bench.call("A1", [look("a"), look("b")]).skip();
    bench.at(1).finish("a").skip();
    bench.at(2).call("A2", [look("b"), look("b#2")]);
    assert_eq!(
        bench.effects(),
        [
            "start look b#2 read within 5000",
            "ack A2 #4 0/1: b not_held, b#2 running",
        ]
    );
}

#[test]
fn other_arguments_under_the_same_attempt_fail_and_leave_the_first_alone() {
    let mut bench = Bench::new(4);
    let mut other = look("a");
    other.arguments = "{\"b\":1}".into();
    bench.call("A1", [look("a")]).skip();
    bench.call("A2", [other.clone()]);
    assert_eq!(
        bench.effects(),
        ["result A2 #2 3/4: a protocol_error no 0+0"]
    );
    bench.finish("a");
    assert_eq!(bench.effects(), ["result A1 #3 4/4: a completed 0+3"]);
    bench.call("A3", [other, look("a")]);
    assert_eq!(
        bench.effects(),
        ["result A3 #4 4/4: a protocol_error no 0+0, a completed 0+3"]
    );
    assert_eq!(bench.worker.counters().conflicting, 2);
}

#[test]
fn a_message_for_another_life_changes_nothing() {
    let mut bench = Bench::new(4);
    let other = callboard_proto::InstanceId::new(uuid::Uuid::from_u128(1));
    assert!(bench.worker.names_us(None));
    assert!(bench.worker.names_us(Some(INSTANCE)));
    assert!(!bench.worker.names_us(Some(other)));
    bench.post(
        "A1",
        |head| head.instance = Some(other),
        vec![Ok(look("a"))],
    );
    assert_eq!(bench.effects(), [""; 0]);
    assert_eq!(bench.worker.counters().other_instance, 1);
    assert_eq!(bench.worker.remembered(), 0);
    bench.post("A1", |head| head.instance = None, vec![Ok(look("a"))]);
    assert_eq!(bench.effects(), ["start look a read within 5000"]);
}

#[test]
fn no_time_at_all_is_no_start() {
    let mut bench = Bench::new(4);
    bench.call("A1", [within(look("a"), 0), within(pay("b"), 0)]);
    assert_eq!(
        bench.effects(),
        ["result A1 #2 4/4: a timed_out no 0+0, b timed_out no 0+0"]
    );
    bench.call("A2", [within(look("a"), 0)]);
    assert_eq!(bench.effects(), ["result A2 #3 4/4: a timed_out no 0+0"]);
}

#[test]
fn a_start_carries_all_that_the_tool_needs() {
    use callboard_worker_core::{Effect, Start};

    let mut bench = Bench::new(1);
    let mut item = look("a");
    item.arguments = "{\"x\":1}".into();
    item.key = Some("k".into());
    item.traceparent = Some("00-1-2-01".into());
    bench.call("A1", [item.clone()]);
    assert_eq!(
        bench.worker.poll_effect(),
        Some(Effect::Start(Start {
            of: of("a"),
            place: 0,
            reply: reply("A1"),
            tool: item.tool,
            effect: ToolEffect::Read,
            arguments: item.arguments,
            budget: item.budget_ms.duration(),
            queued: std::time::Duration::ZERO,
            key: item.key,
            traceparent: item.traceparent,
        }))
    );
    assert_eq!(call_head(reply("A1")).instance, Some(INSTANCE));
}
