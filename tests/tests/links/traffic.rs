//! Many messages at once, small servers, and links that are closed.

use bytes::Bytes;
use callboard_coordinator::link::nats::NatsLink as CoordinatorLink;
use callboard_coordinator::link::{Incoming, Link as _, Outgoing};
use callboard_coordinator_core::{Address, Undelivered};
use callboard_proto::server::ServerOptions;
use callboard_proto::{Kind, Token};
use callboard_tests::link::{
    Adapter, Local, Nats, announce, coordinator_id, instance_id, pool, tenant, token,
};
use callboard_tests::server::{Options, Server};
use callboard_worker::link::nats::NatsLink as WorkerLink;
use callboard_worker::link::{self as worker, Link as _};
use uuid::Uuid;

const BURST: u64 = 10_000;

fn call(number: u64, body: Bytes) -> Outgoing {
    Outgoing::ToInstance {
        to: Address {
            pool: pool(),
            instance: instance_id("w1"),
        },
        kind: Kind::Call,
        token: Token::new(Uuid::from_u64_pair(0, number)),
        body,
    }
}

/// A burst goes out whole and in order, and all its answers come back, with both sides on one task.
async fn burst(
    mut coordinator: impl callboard_coordinator::link::Link,
    mut worker: impl worker::Link,
) {
    for number in 0..BURST {
        coordinator.send(call(number, Bytes::copy_from_slice(&number.to_be_bytes())));
    }
    let (mut heard, mut asked) = (Vec::new(), Vec::new());
    let (mut next, mut answered) = (0_u64, 0_u64);
    while answered < BURST {
        tokio::select! {
            () = coordinator.receive(&mut heard) => {}
            () = worker.receive(&mut asked) => {}
        }
        for request in asked.drain(..) {
            let worker::Incoming::Request { reply, kind, body } = request else {
                panic!("{request:?}")
            };
            assert_eq!((kind, body.as_ref()), (Kind::Call, &next.to_be_bytes()[..]));
            next += 1;
            worker.send(worker::Outgoing::Reply {
                to: reply.unwrap(),
                kind: Kind::Result,
                body,
            });
        }
        for answer in heard.drain(..) {
            let Incoming::Reply { token, body, .. } = answer else {
                panic!("{answer:?}")
            };
            assert_eq!(token.uuid(), Uuid::from_u64_pair(0, answered));
            assert_eq!(body.as_ref(), &answered.to_be_bytes()[..]);
            answered += 1;
        }
    }
}

#[tokio::test]
async fn a_burst_passes_by_nats() {
    let nats = Nats::start().await.unwrap();
    let worker = WorkerLink::connect(&nats.options(), tenant(), announce("w1", &[]))
        .await
        .unwrap();
    let coordinator = CoordinatorLink::connect(&nats.options(), tenant(), coordinator_id("c1"))
        .await
        .unwrap();
    burst(coordinator, worker).await;
}

#[tokio::test]
async fn a_burst_passes_within_the_process() {
    let board = callboard_coordinator::link::local::Switchboard::default();
    let worker = callboard_tests::link::join(&board, &announce("w1", &[]));
    burst(board.connect(coordinator_id("c1")), worker).await;
}

#[tokio::test]
async fn a_small_server_makes_small_messages() {
    let server = Server::start(&Options::default().max_payload_bytes(16 * 1024))
        .await
        .unwrap();
    let options = ServerOptions::new(server.url().parse().unwrap());
    let mut coordinator = CoordinatorLink::connect(&options, tenant(), coordinator_id("c1"))
        .await
        .unwrap();
    let mut worker = WorkerLink::connect(&options, tenant(), announce("w1", &[]))
        .await
        .unwrap();
    let max = coordinator.payload_bytes_max();
    assert!((16_000..16 * 1024).contains(&max), "{max}");
    assert_eq!(worker.payload_bytes_max(), max);

    coordinator.send(call(1, Bytes::from(vec![0; max + 1])));
    coordinator.send(call(2, Bytes::from(vec![0; max])));
    let mut heard = Vec::new();
    coordinator.receive(&mut heard).await;
    let [Incoming::Undelivered { token, why }] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    assert_eq!(token.uuid(), Uuid::from_u64_pair(0, 1));
    assert_eq!(why, &Undelivered::TooLarge);
    // The largest that fits takes no more than the server allows, headers included.
    let mut asked = Vec::new();
    worker.receive(&mut asked).await;
    let [worker::Incoming::Request { body, .. }] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!(body.len(), max);
}

#[tokio::test]
async fn what_was_sent_before_closing_has_reached_the_server() {
    let nats = Nats::start().await.unwrap();
    let mut worker = WorkerLink::connect(&nats.options(), tenant(), announce("w1", &[]))
        .await
        .unwrap();
    let mut coordinator = CoordinatorLink::connect(&nats.options(), tenant(), coordinator_id("c1"))
        .await
        .unwrap();
    for number in 0..BURST {
        coordinator.send(call(number, Bytes::from_static(b"last words")));
    }
    coordinator.close().await.unwrap();
    let mut asked = Vec::new();
    while asked.len() < usize::try_from(BURST).unwrap() {
        worker.receive(&mut asked).await;
    }
    worker.close().await.unwrap();
}

#[tokio::test]
async fn a_worker_that_was_closed_is_known_to_be_gone() {
    let nats = Nats::start().await.unwrap();
    let worker = WorkerLink::connect(&nats.options(), tenant(), announce("w1", &[]))
        .await
        .unwrap();
    let mut coordinator = CoordinatorLink::connect(&nats.options(), tenant(), coordinator_id("c1"))
        .await
        .unwrap();
    worker.close().await.unwrap();
    let mut heard = Vec::new();
    let mut number = 0;
    // The server may need a moment for the goodbye; each call after it is refused at once.
    while heard.is_empty() {
        number += 1;
        coordinator.send(call(number, Bytes::new()));
        coordinator.send(Outgoing::Echo { seq: number });
        let mut echoed = Vec::new();
        while !echoed
            .iter()
            .any(|heard| matches!(heard, Incoming::Echo { .. }))
        {
            coordinator.receive(&mut echoed).await;
        }
        heard.extend(
            echoed
                .into_iter()
                .filter(|heard| !matches!(heard, Incoming::Echo { .. })),
        );
    }
    assert!(
        matches!(
            heard.as_slice(),
            [Incoming::Undelivered {
                why: Undelivered::NoResponders,
                ..
            }]
        ),
        "{heard:?}"
    );
}

#[tokio::test]
async fn a_full_inbox_within_the_process_is_as_good_as_nobody() {
    let board = callboard_coordinator::link::local::Switchboard::default();
    let _worker = callboard_tests::link::join(&board, &announce("w1", &[]));
    let mut coordinator = board.connect(coordinator_id("c1"));
    for number in 0..65_536 {
        coordinator.send(call(number, Bytes::new()));
    }
    coordinator.send(Outgoing::ToInstance {
        to: Address {
            pool: pool(),
            instance: instance_id("w1"),
        },
        kind: Kind::Call,
        token: token("last"),
        body: Bytes::new(),
    });
    let mut heard = Vec::new();
    coordinator.receive(&mut heard).await;
    let [Incoming::Undelivered { token: of, why }] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    assert_eq!((of, why), (&token("last"), &Undelivered::NoResponders));
}

#[tokio::test]
async fn an_instance_that_is_dropped_leaves_the_switchboard() {
    let local = Local::default();
    let (worker, _line) = local.worker(announce("w1", &[])).await.unwrap();
    let (mut coordinator, _line) = local.coordinator(coordinator_id("c1")).await.unwrap();
    worker.ended().await;
    coordinator.send(call(1, Bytes::new())).await.unwrap();
    let undelivered = callboard_tests::link::Heard::Undelivered {
        token: Token::new(Uuid::from_u64_pair(0, 1)),
        why: Undelivered::NoResponders,
    };
    coordinator.expect(&undelivered).await.unwrap();
}
