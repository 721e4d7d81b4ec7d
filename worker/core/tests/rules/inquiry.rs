//! `status` and `cancel` (P15, P16).

use callboard_proto::codec::Batch;
use callboard_proto::message::{CancelHead, StatusHead};
use callboard_worker_core::Input;

use crate::bench::{Bench, INSTANCE, look, of, pay, reply, unreadable};

#[test]
fn status_says_what_is_held_and_gives_what_is_kept() {
    let mut bench = Bench::new(3);
    bench.call("A1", [look("a"), pay("b"), look("c")]).skip();
    bench.at(1).finish("c").skip();
    bench.at(2).status("A2", ["a", "b", "c", "d"]);
    assert_eq!(
        bench.effects(),
        [
            "result A2 #4 1/3: c completed 0+3",
            "ack A2 #5 1/3: a running, b waiting, c done, d not_held",
        ]
    );
}

#[test]
fn who_asked_last_gets_the_result() {
    let mut bench = Bench::new(1);
    bench.call("A1", [look("a")]).skip();
    bench.at(1).status("B2", ["a"]).skip();
    bench.at(2);
    assert_eq!(bench.effects(), ["ack A1 #3 0/1: a running"]);
    bench.finish("a");
    assert_eq!(bench.effects(), ["result B2 #4 1/1: a completed 0+3"]);
}

#[test]
fn not_held_is_binding() {
    let mut bench = Bench::new(1);
    bench.status("A1", ["a"]);
    assert_eq!(bench.effects(), ["ack A1 #2 1/1: a not_held"]);
    bench.call("A2", [look("a")]);
    assert_eq!(bench.effects(), ["ack A2 #3 1/1: a not_held"]);
    assert_eq!(bench.worker.counters().not_held, 2);
}

#[test]
fn cancel_ends_a_waiting_write_for_ever() {
    let mut bench = Bench::new(1);
    bench.call("A1", [pay("a")]).skip();
    bench.at(7).cancel("A2", ["a"]);
    assert_eq!(
        bench.effects(),
        [
            "result A2 #3 1/1: a cancelled no 7+0",
            "ack A2 #4 1/1: a done"
        ]
    );
    bench.grant("A3", "a", 8);
    assert_eq!(bench.effects(), ["ack A3 #5 1/1: a done"]);
    bench.call("A4", [pay("a")]);
    assert_eq!(bench.effects(), ["result A4 #6 1/1: a cancelled no 7+0"]);
    assert_eq!(bench.worker.counters().cancelled_unstarted, 1);
}

#[test]
fn cancel_that_is_read_with_its_call_lets_nothing_start() {
    let mut bench = Bench::new(1);
    bench.call("A1", [look("a")]).cancel("A2", ["a"]);
    assert_eq!(
        bench.effects(),
        [
            "result A2 #2 1/1: a cancelled no 0+0",
            "ack A2 #3 1/1: a done"
        ]
    );
}

#[test]
fn cancel_stops_a_running_tool_once() {
    let mut bench = Bench::new(1);
    bench.call("A1", [look("a")]).skip();
    bench.at(5).skip();
    bench.cancel("A2", ["a"]);
    assert_eq!(
        bench.effects(),
        ["stop a Cancelled", "ack A2 #3 0/1: a running"]
    );
    bench.cancel("A3", ["a"]);
    assert_eq!(bench.effects(), ["ack A3 #4 0/1: a running"]);
    bench.finish("a");
    assert_eq!(bench.effects(), ["result A3 #5 1/1: a completed 0+3"]);
    bench.cancel("A4", ["a"]);
    assert_eq!(
        bench.effects(),
        ["result A4 #6 1/1: a completed 0+3", "ack A4 #7 1/1: a done"]
    );
    assert_eq!(bench.worker.counters().cancelled, 1);
}

#[test]
fn cancel_of_nothing_keeps_its_call_out() {
    let mut bench = Bench::new(1);
    bench.cancel("A1", ["a"]);
    assert_eq!(bench.effects(), ["ack A1 #2 1/1: a not_held"]);
    bench.call("A2", [look("a")]);
    assert_eq!(bench.effects(), ["ack A2 #3 1/1: a not_held"]);
}

#[test]
fn what_cannot_be_read_is_named_and_not_acted_upon() {
    let mut bench = Bench::new(1);
    bench.call("A1", [pay("a")]).skip();
    let to = reply("A2");
    bench.input(Input::Cancel {
        reply: to,
        batch: Batch {
            head: CancelHead {
                coordinator: to.coordinator,
                instance: INSTANCE,
            },
            items: vec![unreadable(Some(of("a")))],
        },
    });
    assert_eq!(
        bench.effects(),
        ["ack A2 #3 0/1 bad 0 (more bytes follow the end of the message): "]
    );
    bench.input(Input::Status {
        reply: to,
        batch: Batch {
            head: StatusHead {
                coordinator: to.coordinator,
                instance: INSTANCE,
            },
            items: vec![unreadable(None)],
        },
    });
    assert_eq!(
        bench.effects(),
        ["ack A2 #4 0/1 bad 0 (more bytes follow the end of the message): "]
    );
    assert_eq!(bench.worker.counters().unreadable, 2);
}

#[test]
fn another_life_is_not_asked() {
    let mut bench = Bench::new(1);
    let to = reply("A2");
    let other = callboard_proto::InstanceId::new(uuid::Uuid::from_u128(1));
    bench.input(Input::Cancel {
        reply: to,
        batch: Batch {
            head: CancelHead {
                coordinator: to.coordinator,
                instance: other,
            },
            items: Vec::new(),
        },
    });
    bench.input(Input::Status {
        reply: to,
        batch: Batch {
            head: StatusHead {
                coordinator: to.coordinator,
                instance: other,
            },
            items: Vec::new(),
        },
    });
    assert_eq!(bench.effects(), [""; 0]);
    assert_eq!(bench.worker.counters().other_instance, 2);
}
