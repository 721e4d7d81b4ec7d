//! One message for what leaves together (P7), and never one that is too large (P21).

use callboard_proto::message::{AckState, ReplyHead};
use callboard_worker_core::Effect;

use crate::bench::{Bench, INSTANCE, config, look, of, pay, reply, unreadable};

#[test]
fn each_token_gets_its_own_results() {
    let mut bench = Bench::new(4);
    bench
        .call("A1", [look("a"), look("b")])
        .call("A2", [look("c")])
        .call("B1", [look("d")])
        .skip();
    bench.finish("a").finish("d").finish("c").finish("b");
    assert_eq!(
        bench.effects(),
        [
            "result A1 #2 4/4: a completed 0+3, b completed 0+3",
            "result B1 #3 4/4: d completed 0+3",
            "result A2 #4 4/4: c completed 0+3",
        ]
    );
}

#[test]
fn messages_are_cut_by_items() {
    let mut config = config(8);
    config.batch_items_max = 2;
    let mut bench = Bench::with(config);
    bench
        .call("A1", [look("a"), look("b"), look("c"), pay("d"), pay("e")])
        .skip();
    bench
        .finish("a")
        .finish("b")
        .finish("c")
        .status("A2", ["a"]);
    assert_eq!(
        bench.effects(),
        [
            "result A1 #5 6/8: a completed 0+3, b completed 0+3",
            "result A1 #6 6/8: c completed 0+3",
            "result A2 #7 6/8: a completed 0+3",
            "ack A2 #8 6/8: a done",
        ]
    );
}

#[test]
fn acks_are_cut_by_items_and_bad_items_come_first() {
    let mut config = config(8);
    config.batch_items_max = 2;
    let mut bench = Bench::with(config);
    bench.post(
        "A1",
        |_| {},
        vec![Ok(pay("a")), Ok(pay("b")), unreadable(None), Ok(pay("c"))],
    );
    assert_eq!(
        bench.effects(),
        [
            "ack A1 #2 5/8 bad 2 (more bytes follow the end of the message): a waiting",
            "ack A1 #3 5/8: b waiting, c waiting",
        ]
    );
}

#[test]
fn messages_are_cut_by_bytes_and_what_is_too_large_travels_alone() {
    let mut bench = Bench::new(8);
    bench.worker.set_batch_bytes_max(1_000);
    bench.call("A1", [look("a"), look("b"), look("c")]).skip();
    let long = callboard_proto::Outcome::text("x".repeat(2_000));
    bench.finish("a").finish_with("b", long).finish("c");
    assert_eq!(
        bench.effects(),
        [
            "result A1 #2 8/8: a completed 0+3",
            "result A1 #3 8/8: b completed 0+3",
            "result A1 #4 8/8: c completed 0+3",
        ]
    );
}

#[test]
fn a_bad_item_harms_no_sibling() {
    let mut bench = Bench::new(8);
    bench.post(
        "A1",
        |_| {},
        vec![Ok(look("a")), unreadable(None), unreadable(Some(of("c")))],
    );
    assert_eq!(
        bench.effects(),
        [
            "start look a read within 5000",
            "result A1 #2 7/8: c protocol_error no 0+0",
            "ack A1 #3 7/8 bad 1 (more bytes follow the end of the message): a running, c done",
        ]
    );
    bench.call("A2", [look("c")]);
    assert_eq!(
        bench.effects(),
        ["result A2 #4 7/8: c protocol_error no 0+0"]
    );
    bench.post("A3", |_| {}, vec![unreadable(Some(of("a")))]);
    assert_eq!(bench.effects(), ["ack A3 #5 7/8: a running"]);
}

#[test]
fn a_message_without_calls_is_answered_too() {
    let mut bench = Bench::new(1);
    bench.call("A1", []);
    assert_eq!(bench.effects(), ["ack A1 #2 1/1: "]);
}

#[test]
fn effects_hold_what_their_text_shows() {
    let mut bench = Bench::new(1);
    bench.call("A1", [pay("a")]);
    let effects: Vec<_> = std::iter::from_fn(|| bench.worker.poll_effect()).collect();
    let [Effect::Ack { to, head, items }] = &effects[..] else {
        panic!("one ack was expected, not {effects:?}");
    };
    assert_eq!(*to, reply("A1"));
    assert_eq!(
        *head,
        ReplyHead {
            instance: INSTANCE,
            load: callboard_proto::message::Load {
                seq: 2,
                slots: 1,
                free: 0
            },
            bad: Vec::new(),
        }
    );
    assert_eq!(items[0].of, of("a"));
    assert_eq!(items[0].state, AckState::Waiting);
    assert_eq!(items[0].grant, None);
}
