//! Words that somebody says in another's name: they change nothing but what nobody else can know (P3, P4).

use callboard_coordinator_core::Input;
use callboard_proto::message::{Announce, Beat};
use callboard_proto::{Pool, Token, WorkerName};
use uuid::Uuid;

use crate::bench::Bench;
use crate::words;

fn running() -> Bench {
    let mut bench = Bench::new();
    bench.join("a", 4, &["read", "write"]);
    bench.turn_within(11, 30_000, &["read"]);
    bench.ack("call", "a", "c1#1 running");
    assert_eq!(bench.lines(), ["call a: c1#1"]);
    bench
}

#[test]
fn an_announcement_of_a_namesake_ends_nobody() {
    let mut bench = running();
    let forged = Announce {
        instance: words::instance("forged"),
        tools: Vec::new(),
        ..bench.announcement("a", &[])
    };
    bench.give(Input::Announce(forged));
    // Whoever is meant is asked, on the subject that only that pool may listen to.
    assert_eq!(bench.lines(), ["describe forged"]);
    assert_eq!(bench.counters().instances_replaced, 0);
    bench.result("call", "a", "c1#1 ok");
    assert_eq!(bench.lines(), ["report settled: c1=ok #1 @a"]);
}

#[test]
fn an_announcement_takes_no_tool_away() {
    let mut bench = running();
    let forged = bench.announcement("a", &[]);
    bench.give(Input::Announce(forged));
    assert_eq!(bench.lines(), ["describe a"]);
    bench.turn_within(12, 30_000, &["write"]);
    assert_eq!(bench.lines(), ["call a: 12/c1#1"]);
    // The same again, as each discovery brings it, asks nothing.
    let same = bench.announcement("a", &["read", "write"]);
    bench.give(Input::Announce(same));
    assert_eq!(bench.lines(), [""; 0]);
}

#[test]
fn nobody_describes_an_instance_as_another() {
    let mut bench = running();
    for (pool, name) in [("other", "a"), ("pool", "b")] {
        let forged = Announce {
            pool: Pool::new(pool).unwrap(),
            worker: WorkerName::new(name).unwrap(),
            ..bench.announcement("a", &[])
        };
        bench.give(Input::Described(forged));
    }
    assert_eq!(bench.counters().replies_unknown, 2);
    bench.turn_within(12, 30_000, &["write"]);
    assert_eq!(bench.lines(), ["call a: 12/c1#1"]);
}

#[test]
fn a_beat_of_another_pool_says_nothing_of_an_instance() {
    let mut bench = running();
    let own = bench.beat_of("a");
    for (pool, name) in [("other", "a"), ("pool", "b")] {
        let forged = Beat {
            pool: Pool::new(pool).unwrap(),
            worker: WorkerName::new(name).unwrap(),
            seq: own.seq + 1_000,
            draining: true,
            ..own.clone()
        };
        bench.give(Input::Beat(forged));
    }
    assert_eq!(bench.lines(), [""; 0]);
    bench.turn_within(12, 30_000, &["write"]);
    assert_eq!(bench.lines(), ["call a: 12/c1#1"]);
}

#[test]
fn slots_are_held_out_only_under_a_token_of_the_instance() {
    let mut bench = running();
    bench.fake("a").free = 0;
    bench.free_under(Token::new(Uuid::from_u128(7)), "a");
    assert_eq!(
        (bench.counters().free, bench.counters().replies_unknown),
        (0, 1)
    );
    bench.turn_within(12, 30_000, &["read", "read"]);
    assert_eq!(bench.lines(), ["call a: 12/c1#1 12/c2#1"]);
    bench.free("a", 2);
    assert_eq!(bench.counters().free, 1);
}
