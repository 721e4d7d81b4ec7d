//! A server that is locked down by what `callboard keys` makes: every role does its work, and nothing else
//! is taken from it.

use std::time::Duration;

use callboard_proto::subject::{self, Verb};
use callboard_proto::{CoordinatorId, InstanceId, Pool, Tenant, Token, ToolName};
use callboard_tests::harness::{Child, Message};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::locked::{Locked, Refusal, keys, text};

/// Longest time from an attempt to the server's word on it, at the client (the issue that built this).
const NOTICED: Duration = Duration::from_millis(100);
/// How often an attempt is made that was noticed too late: a busy machine can keep this process from running,
/// a server that notices late does so each time.
const TRIES: usize = 5;
/// How long a test waits for what must come. Nothing waits this long unless it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A worker of the pool `main` under its own key.
async fn worker(locked: &Locked) -> Child {
    let words = "worker --tools basic --pool main --name one";
    let worker = locked.command(words, "acme", "worker-main");
    worker.offers().await.unwrap()
}

#[tokio::test]
async fn every_role_does_its_work_over_tls() {
    let locked = Locked::start().await;
    let worker = worker(&locked).await;
    let message = Message::new().call("a", "echo", &json!({"said": 1}));
    let execute = |tenant, role| {
        let command = locked.command("execute --deadline 3s", tenant, role);
        command.input(message.json()).run()
    };
    let ended = execute("acme", "coordinator").await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("said"), "{}", ended.stdout);

    let ended = locked
        .command("workers --json", "acme", "viewer")
        .run()
        .await
        .unwrap();
    let seen: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(seen[0]["worker"], "one", "{}", ended.stderr);

    let ended = execute("acme", "viewer").await.unwrap();
    assert_ne!(ended.code, Some(0), "a viewer posts nothing");
    assert!(
        ended
            .stderr
            .contains("may not subscribe to \"cb.v1.reply.acme."),
        "{}",
        ended.stderr
    );

    // The other tenant's coordinator sees nobody, though the tool and the pool have the same names.
    let ended = execute("other", "coordinator").await.unwrap();
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    drop(worker);
}

#[tokio::test]
async fn a_worker_under_the_key_of_another_pool_is_told_what_is_missing() {
    let locked = Locked::start().await;
    let ended = locked
        .command("worker --tools basic --pool main", "acme", "worker-gpu")
        .run()
        .await
        .unwrap();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("may not subscribe to \"cb.v1.worker.acme.main."),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_login_is_named() {
    let locked = Locked::start().await;
    let tools = |role| locked.command("tools", "acme", role);
    let untrusted = tools("viewer").env(
        "CALLBOARD_NATS__ROOT_CERTIFICATES_FILE",
        &text(&locked.path("tls/server.pem")),
    );
    let ended = untrusted.run().await.unwrap();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("no TLS connection to the NATS server"),
        "{}",
        ended.stderr
    );

    let stranger = TempDir::new().unwrap();
    keys(stranger.path(), "acme").await;
    let foreign = text(&stranger.path().join("keys/acme/viewer.nk"));
    let ended = tools("viewer")
        .env("CALLBOARD_NATS__NKEY_FILE", &foreign)
        .run()
        .await
        .unwrap();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("refuses the login"),
        "{}",
        ended.stderr
    );

    let ended = tools("nobody").run().await.unwrap();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("nobody.nk can't be used"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_rotation_leaves_no_gap() {
    let locked = Locked::start().await;
    let before = keys(locked.folder.path(), "acme").await;
    let rotated = keys(locked.folder.path(), "acme --rotate").await;
    let user = |view: &Value, index: usize| view["users"][index].clone();
    assert_eq!(
        user(&rotated, 0)["previous_public_key"],
        user(&before, 0)["public_key"]
    );
    assert_eq!(user(&rotated, 0)["state"], "rotated");
    let accounts = std::fs::read_to_string(locked.path("accounts.conf")).unwrap();
    for view in [&before, &rotated] {
        assert!(accounts.contains(user(view, 0)["public_key"].as_str().unwrap()));
    }
    let forgotten = keys(locked.folder.path(), "acme --forget-previous").await;
    assert_eq!(user(&forgotten, 0)["previous_public_key"], Value::Null);
    let accounts = std::fs::read_to_string(locked.path("accounts.conf")).unwrap();
    assert!(!accounts.contains(user(&before, 0)["public_key"].as_str().unwrap()));
}

/// Every subject of the protocol, by name, and some that aren't of it.
fn subjects() -> Vec<(&'static str, String)> {
    let tenant = Tenant::new("acme").unwrap();
    let (main, gpu) = (Pool::new("main").unwrap(), Pool::new("gpu").unwrap());
    let id = uuid::Uuid::from_u128(7);
    let (instance, coordinator) = (InstanceId::new(id), CoordinatorId::new(id));
    let to = |pool, verb| subject::worker(&tenant, pool, instance, verb);
    vec![
        ("call", to(&main, Verb::Call)),
        ("grant", to(&main, Verb::Grant)),
        ("cancel", to(&main, Verb::Cancel)),
        ("status", to(&main, Verb::Status)),
        ("drain", to(&main, Verb::Drain)),
        ("call of gpu", to(&gpu, Verb::Call)),
        ("grant of gpu", to(&gpu, Verb::Grant)),
        ("cancel of gpu", to(&gpu, Verb::Cancel)),
        ("status of gpu", to(&gpu, Verb::Status)),
        ("drain of gpu", to(&gpu, Verb::Drain)),
        ("beat", subject::beat(&tenant, &main, instance)),
        ("beat of gpu", subject::beat(&tenant, &gpu, instance)),
        (
            "reply",
            subject::reply(&tenant, coordinator, Token::new(id)),
        ),
        (
            "reply to viewers",
            subject::reply(&tenant, CoordinatorId::VIEWER, Token::new(id)),
        ),
        ("replica", subject::replica_ask(&tenant, 7)),
        ("echo", subject::echo(&tenant, coordinator)),
        (
            "tool",
            subject::call(&tenant, &ToolName::new("echo").unwrap()),
        ),
        ("discover", subject::DISCOVER.to_owned()),
        ("ping", subject::service_ping(instance)),
        ("inbox", "_INBOX.stranger.1".to_owned()),
        ("jetstream", "$JS.API.STREAM.DELETE.x".to_owned()),
        ("system", "$SYS.REQ.SERVER.PING".to_owned()),
    ]
}

#[tokio::test]
async fn what_a_role_may_not_do_is_refused_at_once_and_has_no_effect() {
    let locked = Locked::start().await;
    // Whoever may read hears what is published: an effect would be seen here.
    let (coordinator, _) = locked.client("coordinator").await;
    let (worker, _) = locked.client("worker-main").await;
    let mut ears = Vec::new();
    for (client, pattern) in [
        (&coordinator, "cb.v1.reply.acme.*.*"),
        (&coordinator, "cb.v1.beat.acme.>"),
        (&coordinator, "cb.v1.coordinator.acme.*.echo"),
        (&worker, "cb.v1.worker.acme.main.*.*"),
        (&worker, "$SRV.>"),
    ] {
        ears.push(client.subscribe(pattern).await.unwrap());
    }
    let queue = subject::QUEUE_GROUP.to_owned();
    ears.push(
        worker
            .queue_subscribe("cb.v1.call.acme.*", queue)
            .await
            .unwrap(),
    );
    let mut heard = futures_util::stream::select_all(ears);

    for (role, publish, subscribe) in [
        (
            "coordinator",
            "call grant cancel status call-of-gpu grant-of-gpu cancel-of-gpu status-of-gpu replica echo discover",
            "beat beat-of-gpu reply reply-to-viewers replica echo",
        ),
        (
            "worker-main",
            "beat reply reply-to-viewers ping",
            "call grant cancel status drain discover ping",
        ),
        (
            "worker-gpu",
            "beat-of-gpu reply reply-to-viewers ping",
            "call-of-gpu grant-of-gpu cancel-of-gpu status-of-gpu drain-of-gpu discover ping",
        ),
        (
            "viewer",
            "status status-of-gpu echo discover",
            "beat beat-of-gpu reply-to-viewers echo",
        ),
        (
            "operator",
            "status drain status-of-gpu drain-of-gpu echo discover",
            "beat beat-of-gpu reply-to-viewers echo",
        ),
    ] {
        let (client, mut refusals) = locked.client(role).await;
        let allowed =
            |list: &str, name: &str| list.split(' ').any(|word| word == name.replace(' ', "-"));
        for (name, subject) in subjects() {
            if !allowed(publish, name) {
                let attempt = async || {
                    let body = "forged".into();
                    client.publish(subject.clone(), body).await.unwrap();
                };
                let refusal = noticed(attempt, &mut refusals, (role, name)).await;
                assert!(
                    refusal.to_lowercase().contains("publish"),
                    "{role}, {name}: {refusal}"
                );
                assert!(refusal.contains(&subject), "{role}, {name}: {refusal}");
            }
            if !allowed(subscribe, name) {
                let attempt = async || {
                    let _silent = client.subscribe(subject.clone()).await.unwrap();
                };
                let refusal = noticed(attempt, &mut refusals, (role, name)).await;
                assert!(
                    refusal.to_lowercase().contains("subscription"),
                    "{role}, {name}: {refusal}"
                );
            }
        }
        // What it may do arrives, and nothing that was forged did before it.
        let last = if role.starts_with("worker") {
            "ping"
        } else {
            "discover"
        };
        let (_, subject) = subjects()
            .into_iter()
            .find(|(name, _)| *name == last)
            .unwrap();
        client
            .publish(subject.clone(), "last".into())
            .await
            .unwrap();
        let message = tokio::time::timeout(PATIENCE, heard.next())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (message.subject.as_str(), &message.payload[..]),
            (subject.as_str(), &b"last"[..]),
            "{role}"
        );
    }
}

/// What the server says of an attempt that it must refuse; it is noticed in time.
async fn noticed(
    attempt: impl AsyncFn(),
    refusals: &mut mpsc::Receiver<Refusal>,
    what: (&str, &str),
) -> String {
    let mut late = Vec::new();
    for _ in 0..TRIES {
        let began = Instant::now();
        attempt().await;
        let refusal = tokio::time::timeout(PATIENCE, refusals.recv()).await;
        let refusal = refusal
            .unwrap_or_else(|_| panic!("{what:?} is allowed"))
            .unwrap();
        let took = refusal.at - began;
        if took <= NOTICED {
            return refusal.text;
        }
        late.push(took);
    }
    panic!("{what:?} was noticed after {late:?}");
}

#[tokio::test]
async fn an_inbox_that_the_server_refuses_ends_no_worker() {
    let locked = Locked::start().await;
    let _worker = worker(&locked).await;
    // A worker may answer each question once: the second answer is refused, because both name one inbox.
    let (viewer, _refusals) = locked.client("viewer").await;
    for _ in 0..2 {
        viewer
            .publish_with_reply(subject::DISCOVER, "_INBOX.same", "".into())
            .await
            .unwrap();
    }
    viewer.flush().await.unwrap();
    let message = Message::new().call("a", "echo", &json!({"said": 1}));
    let execute = locked.command("execute --deadline 3s", "acme", "coordinator");
    let ended = execute.input(message.json()).run().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
