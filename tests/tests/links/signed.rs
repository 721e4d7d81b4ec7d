//! Signed messages on a real server: what is signed by who is listed arrives; forged, changed and replayed
//! words don't, or say nothing new.

use std::path::PathBuf;

use async_nats::{HeaderMap, Message};
use callboard_coordinator::link::nats::NatsLink as CoordinatorLink;
use callboard_coordinator::link::{Incoming, Link as _, Outgoing};
use callboard_coordinator_core::Address;
use callboard_proto::message::{AckItem, Announce, Refusal, RefusalCode, ReplyHead};
use callboard_proto::server::{ServerOptions, Signing};
use callboard_proto::signature::{HEADER_SIGNATURE, PublicKey};
use callboard_proto::{Kind, Pool, codec, subject};
use callboard_tests::link::{announce, beat, coordinator_id, instance_id, pool, tenant, token};
use callboard_tests::server::{Options, Server};
use callboard_worker::link::nats::NatsLink as WorkerLink;
use callboard_worker::link::{self as worker, Link as _};
use callboard_worker_core::ReplyTo;
use futures_util::StreamExt as _;
use nkeys::KeyPair;
use tempfile::TempDir;

/// Whose key: a place among those of the stage.
const COORDINATOR: usize = 0;
const WORKER: usize = 1;
const STRANGER: usize = 2;

struct Stage {
    folder: TempDir,
    keys: [KeyPair; 3],
    server: Server,
    /// Who hears all, and may publish anything.
    hostile: async_nats::Client,
}

impl Stage {
    async fn start() -> Self {
        let server = Server::start(&Options::default()).await.unwrap();
        let hostile = async_nats::connect(server.url()).await.unwrap();
        let folder = TempDir::new().unwrap();
        Self {
            folder,
            keys: std::array::from_fn(|_| KeyPair::new_user()),
            server,
            hostile,
        }
    }

    /// Options that sign with a key. The server asks for no login, so it doesn't look at it.
    fn options(&self, who: usize, require: bool) -> ServerOptions {
        let path: PathBuf = self.folder.path().join(who.to_string());
        std::fs::write(&path, self.keys[who].seed().unwrap()).unwrap();
        let key = |who: usize| PublicKey::new(self.keys[who].public_key()).unwrap();
        let other = Pool::new("other").unwrap();
        ServerOptions {
            nkey_file: Some(path),
            signing: Signing {
                sign: true,
                require,
                coordinators: vec![key(COORDINATOR)],
                workers: [(pool(), vec![key(WORKER)]), (other, vec![key(STRANGER)])].into(),
            },
            ..ServerOptions::new(self.server.url().parse().unwrap())
        }
    }

    async fn coordinator(&self, options: &ServerOptions) -> CoordinatorLink {
        self.coordinator_of("c1", options).await
    }

    async fn coordinator_of(&self, name: &str, options: &ServerOptions) -> CoordinatorLink {
        let id = coordinator_id(name);
        CoordinatorLink::connect(options, tenant(), id)
            .await
            .unwrap()
    }

    async fn worker(&self, options: &ServerOptions) -> WorkerLink {
        let announce: Announce = announce("w1", &["fs_read"]);
        WorkerLink::connect(options, tenant(), announce)
            .await
            .unwrap()
    }

    /// Publishes what was heard once more, with its headers or others.
    async fn again(&self, heard: &Message, body: &[u8], headers: Option<HeaderMap>) {
        let headers = headers.unwrap_or_else(|| heard.headers.clone().unwrap());
        let (subject, body) = (heard.subject.clone(), body.to_vec().into());
        let client = &self.hostile;
        match heard.reply.clone() {
            Some(reply) => {
                client
                    .publish_with_reply_and_headers(subject, reply, headers, body)
                    .await
            }
            None => client.publish_with_headers(subject, headers, body).await,
        }
        .unwrap();
    }
}

fn unsigned(kind: Kind) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(callboard_proto::HEADER_VERSION, callboard_proto::VERSION);
    headers.insert(callboard_proto::HEADER_KIND, kind.as_str());
    headers
}

fn call(kind: Kind) -> Outgoing {
    Outgoing::ToInstance {
        to: Address {
            pool: pool(),
            instance: instance_id("w1"),
        },
        kind,
        token: token("t1"),
        body: "as it came".into(),
    }
}

fn ack() -> bytes::Bytes {
    let head = ReplyHead {
        instance: instance_id("w1"),
        load: beat("w1", 1).load,
        bad: Vec::new(),
    };
    codec::encode_batch(&head, &[] as &[AckItem])
}

async fn at_worker(link: &mut WorkerLink) -> worker::Incoming {
    let mut into = Vec::new();
    link.receive(&mut into).await;
    assert_eq!(into.len(), 1, "{into:?}");
    into.remove(0)
}

/// The next answer, or what is said of one.
async fn at_coordinator(link: &mut CoordinatorLink) -> Incoming {
    let mut into = Vec::new();
    link.receive(&mut into).await;
    assert_eq!(into.len(), 1, "{into:?}");
    into.remove(0)
}

#[tokio::test]
async fn a_worker_takes_calls_of_listed_coordinators_alone() {
    let stage = Stage::start().await;
    let mut worker = stage.worker(&stage.options(WORKER, true)).await;
    let mut ours = stage.coordinator(&stage.options(COORDINATOR, true)).await;
    let theirs = stage.options(STRANGER, true);
    let mut theirs = stage.coordinator_of("c2", &theirs).await;
    let mut ear = stage.hostile.subscribe("cb.v1.worker.>").await.unwrap();
    stage.hostile.flush().await.unwrap();
    for kind in [Kind::Call, Kind::Grant, Kind::Cancel, Kind::Status] {
        ours.send(call(kind));
        let (heard, got) = tokio::join!(ear.next(), async {
            tokio::select! {
                got = at_worker(&mut worker) => got,
                said = at_coordinator(&mut ours) => unreachable!("nobody answers: {said:?}"),
            }
        });
        assert!(
            matches!(got, worker::Incoming::Request { .. }),
            "{kind}: {got:?}"
        );
        let heard = heard.unwrap();

        // What was captured is let through as it was, and the core knows it again; the least change isn't.
        stage.again(&heard, &heard.payload, None).await;
        ear.next().await.unwrap();
        let got = at_worker(&mut worker).await;
        assert!(
            matches!(got, worker::Incoming::Request { .. }),
            "{kind}: {got:?}"
        );
        for (body, headers) in [("As it came", None), ("as it came", Some(unsigned(kind)))] {
            stage.again(&heard, body.as_bytes(), headers).await;
            ear.next().await.unwrap();
            let got = at_worker(&mut worker).await;
            let worker::Incoming::Unreadable { reason, .. } = got else {
                panic!("{kind}: {got:?}");
            };
            assert!(
                reason.contains("only signed by a listed coordinator"),
                "{reason}"
            );
        }
    }
    theirs.send(call(Kind::Grant));
    let got = tokio::select! {
        got = at_worker(&mut worker) => got,
        said = at_coordinator(&mut theirs) => unreachable!("nobody answers: {said:?}"),
    };
    assert!(format!("{got:?}").contains("isn't listed"), "{got:?}");
}

#[tokio::test]
async fn a_coordinator_takes_answers_of_their_own_pools_keys_alone() {
    let stage = Stage::start().await;
    let mut ours = stage.coordinator(&stage.options(COORDINATOR, true)).await;
    let reply = ReplyTo {
        coordinator: coordinator_id("c1"),
        token: token("t1"),
    };
    let answer = |kind, body| worker::Outgoing::Reply {
        to: reply,
        kind,
        body,
    };
    // Signed by a key that is listed, and not for this pool.
    let mut forger = stage.worker(&stage.options(STRANGER, true)).await;
    let mut honest = stage.worker(&stage.options(WORKER, true)).await;
    ours.send(call(Kind::Call));
    forger.send(answer(Kind::Result, ack()));
    let forged = tokio::select! {
        got = at_coordinator(&mut ours) => got,
        () = async { loop { forger.receive(&mut Vec::new()).await } } => unreachable!(),
    };
    let Incoming::Unsigned { reason, is_first } = forged else {
        panic!("{forged:?}");
    };
    assert!(is_first && reason.contains("isn't listed"), "{reason}");
    for kind in [Kind::Ack, Kind::Result] {
        honest.send(answer(kind, ack()));
        let got = tokio::select! {
            got = at_coordinator(&mut ours) => got,
            () = async { loop { honest.receive(&mut Vec::new()).await } } => unreachable!(),
        };
        assert!(matches!(got, Incoming::Reply { .. }), "{kind}: {got:?}");
    }
    // Neither unsigned, nor a refusal that anybody could ask for; each is counted, one was logged.
    let refusal = codec::encode(&Refusal {
        instance: instance_id("w1"),
        code: RefusalCode::Malformed,
        message: "forged".to_owned(),
    });
    let subject = subject::reply(&tenant(), coordinator_id("c1"), token("t1"));
    for (kind, body) in [(Kind::Ack, ack()), (Kind::Refusal, refusal)] {
        let (client, headers) = (&stage.hostile, unsigned(kind));
        client
            .publish_with_headers(subject.clone(), headers, body)
            .await
            .unwrap();
        let got = at_coordinator(&mut ours).await;
        assert!(
            matches!(
                got,
                Incoming::Unsigned {
                    is_first: false,
                    ..
                }
            ),
            "{kind}: {got:?}"
        );
    }
}

#[tokio::test]
async fn signing_can_be_rolled_out_before_it_is_required() {
    let stage = Stage::start().await;
    let mut worker = stage.worker(&stage.options(WORKER, false)).await;
    let plain = ServerOptions::new(stage.server.url().parse().unwrap());
    let signing = stage.options(COORDINATOR, false);
    let mut ear = stage.hostile.subscribe("cb.v1.worker.>").await.unwrap();
    stage.hostile.flush().await.unwrap();
    for (options, is_signed) in [(&plain, false), (&signing, true)] {
        let mut coordinator = stage.coordinator(options).await;
        coordinator.send(call(Kind::Call));
        let got = tokio::select! {
            got = at_worker(&mut worker) => got,
            _ = at_coordinator(&mut coordinator) => unreachable!("nobody answers"),
        };
        assert!(matches!(got, worker::Incoming::Request { .. }), "{got:?}");
        let headers = ear.next().await.unwrap().headers.unwrap();
        assert_eq!(headers.get(HEADER_SIGNATURE).is_some(), is_signed);
    }
}
