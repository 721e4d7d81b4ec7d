//! Messages besides calls: refusals, pages of tools, progress.

use std::time::Duration;

use bytes::Bytes;
use callboard_proto::codec::{self, Batch};
use callboard_proto::message::{CallHead, Describe, Drain, Refusal, RefusalCode, ToolsHead};
use callboard_proto::{Budget, CoordinatorId, Effect, InstanceId, Kind, Token, ToolSpec};
use callboard_worker_core::ReplyTo;
use tokio::time::Instant;
use uuid::Uuid;

use super::harness::{COORDINATOR, PAYLOAD_BYTES_MAX, Worker, encode, item, options, spec, tool};
use crate::executor::Why;
use crate::link::Incoming;
use crate::tool::{Answer, digest, tool_fn};

const LONG: Duration = Duration::from_secs(60);

fn fine() -> std::sync::Arc<dyn crate::tool::Tool> {
    tool("fine", |_| async { Ok(Answer::text("fine")) })
}

async fn refusal(worker: &mut Worker) -> Refusal {
    let (_, body) = worker.next_of(Kind::Refusal).await;
    let refusal: Refusal = codec::decode(&body).unwrap();
    assert_eq!(refusal.instance, worker.instance);
    refusal
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_refused_and_the_next_call_is_answered() {
    let mut worker = Worker::of([fine()]);
    let mut texts = Vec::new();
    for kind in [
        Kind::Call,
        Kind::Grant,
        Kind::Cancel,
        Kind::Status,
        Kind::Describe,
        Kind::Drain,
    ] {
        worker.send(kind, Bytes::from_static(b"\xc1 no MessagePack"));
        let refusal = refusal(&mut worker).await;
        assert_eq!(refusal.code, RefusalCode::Malformed);
        texts.push(refusal.message);
    }
    insta::assert_snapshot!(texts.join("\n"), @"
    the call message can't be read: the body isn't the MessagePack that its kind asks for: wrong msgpack marker Reserved
    the grant message can't be read: the body isn't the MessagePack that its kind asks for: wrong msgpack marker Reserved
    the cancel message can't be read: the body isn't the MessagePack that its kind asks for: wrong msgpack marker Reserved
    the status message can't be read: the body isn't the MessagePack that its kind asks for: wrong msgpack marker Reserved
    the describe message can't be read: the body isn't the MessagePack that its kind asks for: wrong msgpack marker Reserved
    the drain message can't be read: the body isn't the MessagePack that its kind asks for: wrong msgpack marker Reserved
    ");
    worker.post(&[item("fine", 1, LONG)]);
    assert_eq!(worker.results().await.len(), 1);
    let snapshot = worker.handle.snapshot().await.unwrap();
    assert_eq!(snapshot.counters.refused, 6);
    assert_eq!(snapshot.counters.messages, 7);
}

#[tokio::test(start_paused = true)]
async fn a_message_for_another_instance_is_refused() {
    let mut worker = Worker::of([fine()]);
    let other = InstanceId::new(Uuid::from_u128(5));
    let head = CallHead {
        coordinator: COORDINATOR,
        instance: Some(other),
        seen: None,
        waiting: 0,
    };
    worker.send(
        Kind::Call,
        codec::encode_batch(&head, &[item("fine", 1, LONG)]),
    );
    assert_eq!(refusal(&mut worker).await.code, RefusalCode::Instance);
    let drain = Drain {
        instance: other,
        grace_ms: Budget::new(Duration::ZERO),
    };
    worker.send(Kind::Drain, encode(&drain));
    assert_eq!(refusal(&mut worker).await.code, RefusalCode::Instance);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_workers_do_not_take_is_refused() {
    let mut worker = Worker::of([fine()]);
    worker.send(Kind::Beat, Bytes::new());
    let refused = refusal(&mut worker).await;
    assert_eq!(refused.code, RefusalCode::Kind);
    insta::assert_snapshot!(refused.message, @"a worker sends beat messages and takes none");
}

#[tokio::test(start_paused = true)]
async fn who_only_looks_is_told_the_tools_and_nothing_else() {
    let mut worker = Worker::of([fine()]);
    for kind in [Kind::Call, Kind::Grant, Kind::Cancel, Kind::Status] {
        worker.bring(Incoming::Request {
            reply: Some(ReplyTo {
                coordinator: CoordinatorId::VIEWER,
                token: Token::new(Uuid::from_u128(1)),
            }),
            kind,
            body: Bytes::new(),
        });
        let refused = refusal(&mut worker).await;
        assert_eq!(refused.code, RefusalCode::Kind);
        assert_eq!(
            refused.message,
            format!("who only looks may ask for the tools, and sends no {kind}")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_header_is_refused_in_its_own_words() {
    let mut worker = Worker::of([fine()]);
    let reply = worker.send(Kind::Beat, Bytes::new());
    worker.bring(Incoming::Unreadable {
        reply: Some(reply),
        code: RefusalCode::Version,
        reason: "version 2 was found, version 1 would be read".to_owned(),
    });
    assert_eq!(refusal(&mut worker).await.code, RefusalCode::Kind);
    let refused = refusal(&mut worker).await;
    assert_eq!(refused.code, RefusalCode::Version);
    assert_eq!(
        refused.message,
        "version 2 was found, version 1 would be read"
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_reply_subject_is_dropped_and_counted() {
    let mut worker = Worker::of([fine()]);
    worker.bring(Incoming::Request {
        reply: None,
        kind: Kind::Call,
        body: Bytes::new(),
    });
    worker.post(&[item("fine", 1, LONG)]);
    worker.results().await;
    let snapshot = worker.handle.snapshot().await.unwrap();
    assert_eq!(snapshot.counters.unanswerable, 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_refuses_ends_the_worker() {
    let mut worker = Worker::of([fine()]);
    worker.bring(Incoming::Refused {
        reason: "no right to subscribe".to_owned(),
    });
    let ended = worker.running.await.unwrap();
    assert_eq!(ended.why, Why::Refused("no right to subscribe".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_ends_the_worker_when_nothing_runs() {
    let mut worker = Worker::of([fine()]);
    let reason = "authorization violation".to_owned();
    worker.bring(Incoming::LoginRefused { reason });
    let ended = worker.running.await.unwrap();
    assert_eq!(
        ended.why,
        Why::Refused("authorization violation".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn what_runs_goes_on_while_the_login_is_refused() {
    let refused = || Incoming::LoginRefused {
        reason: "authorization violation".to_owned(),
    };
    let mut options = options();
    // Its coordinator says nothing meanwhile.
    options.limits.orphan_after = LONG * 60;
    let mut worker = Worker::with(options, [tool("blocked", |_| std::future::pending())]);
    worker.post(&[item("blocked", 1, LONG * 60)]);
    while worker.handle.snapshot().await.unwrap().running.is_empty() {}
    worker.bring(Incoming::Down);
    worker.bring(refused());
    worker.bring(refused());
    worker.bring(Incoming::Up);
    tokio::time::sleep(Duration::from_secs(45)).await;
    assert_eq!(worker.handle.snapshot().await.unwrap().running.len(), 1);
    let since = Instant::now();
    worker.bring(refused());
    let ended = worker.running.await.unwrap();
    assert_eq!(
        ended.why,
        Why::Refused("authorization violation".to_owned())
    );
    assert_eq!(since.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn an_operators_drain_needs_no_reply_subject() {
    let mut worker = Worker::of([fine()]);
    let drain = Drain {
        instance: worker.instance,
        grace_ms: Budget::new(Duration::ZERO),
    };
    worker.bring(Incoming::Request {
        reply: None,
        kind: Kind::Drain,
        body: encode(&drain),
    });
    assert_eq!(worker.running.await.unwrap().why, Why::Drained);
}

#[tokio::test(start_paused = true)]
async fn tools_are_described_page_by_page() {
    let specs: Vec<ToolSpec> = (0..30)
        .map(|number| {
            let mut spec = spec(&format!("tool_{number}"), Effect::Read);
            spec.description = "d".repeat(9_000);
            spec
        })
        .collect();
    let tools = specs.iter().map(|spec| {
        tool_fn(spec.clone(), |_: serde_json::Value, _| async {
            Ok(Answer::text(""))
        })
        .into()
    });
    let mut worker = Worker::of(tools);
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let describe = Describe {
            coordinator: COORDINATOR,
            instance: worker.instance,
            from: u32::try_from(seen.len()).unwrap(),
        };
        worker.send(Kind::Describe, encode(&describe));
        let (_, body) = worker.next_of(Kind::Tools).await;
        assert!(body.len() <= PAYLOAD_BYTES_MAX - 8 * 1024);
        let page: Batch<ToolsHead, ToolSpec> = codec::decode_batch(&body).unwrap();
        assert_eq!(page.head.total, 30);
        assert_eq!(page.head.from, describe.from);
        assert_eq!(page.head.announce.instance, worker.instance);
        let got: Vec<_> = page.items.into_iter().map(Result::unwrap).collect();
        let digests: Vec<_> = got.iter().map(digest).collect();
        assert_eq!(page.head.digests, digests);
        if got.is_empty() {
            break;
        }
        seen.extend(got);
        pages += 1;
    }
    assert_eq!(seen, specs);
    assert_eq!(pages, 5, "six of 9 KB fit into 56 KiB");
}

#[tokio::test(start_paused = true)]
async fn the_latest_progress_wins_four_times_a_second() {
    let chatty = tool("chatty", |call| async move {
        for percent in 1..=100 {
            call.progress(Some(percent), Some("working"));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        std::future::pending().await
    });
    let mut worker = Worker::of([chatty]);
    let began = Instant::now();
    let reply = worker.post(&[item("chatty", 1, LONG)]);
    let mut told = Vec::new();
    while told.last().is_none_or(|(percent, _)| *percent < 100) {
        let (to, item) = worker.progress().await;
        assert_eq!(to, reply);
        told.push((item.percent.unwrap(), began.elapsed()));
    }
    assert!(told.len() <= 6, "at most four a second: {told:?}");
    assert!(
        told.windows(2)
            .all(|pair| pair[1].1 >= pair[0].1 + Duration::from_millis(250))
    );
}

#[tokio::test(start_paused = true)]
async fn beats_say_what_the_worker_is() {
    let mut worker = Worker::of([fine()]);
    let first = worker.beat().await;
    assert_eq!(
        (first.instance, first.load.slots, first.load.free),
        (worker.instance, 8, 8)
    );
    assert!(!first.draining);
    assert_eq!(worker.beat().await.seq, first.seq + 1);
}
