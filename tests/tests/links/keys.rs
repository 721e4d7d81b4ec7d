//! A server that is locked down by what `callboard keys` makes: every role does its work, and nothing else
//! is taken from it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_nats::{ConnectOptions, Event, ServerError};
use callboard_proto::subject::{self, Verb};
use callboard_proto::{CoordinatorId, InstanceId, Pool, Tenant, Token, ToolName};
use callboard_tests::harness::{Callboard, Message};
use callboard_tests::server::{Options, Server};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Longest time from an attempt to the server's word on it. Generous: the machine may be busy.
const NOTICED: Duration = Duration::from_secs(5);

/// Refusals that wait to be looked at: each is taken before the next is asked for.
const REFUSALS: usize = 8;

struct Locked {
    folder: TempDir,
    server: Server,
}

impl Locked {
    /// Two tenants, one with two pools, behind TLS.
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        keys(
            folder.path(),
            "acme --pool main --pool gpu --tls localhost --tls 127.0.0.1",
        )
        .await;
        keys(folder.path(), "other --pool main").await;
        let text =
            |name: &str| std::fs::read_to_string(folder.path().join("keys").join(name)).unwrap();
        let server_file = text("nats.conf");
        assert!(server_file.contains("include \"accounts.conf\""));
        // The harness says where the server listens, and its file stands elsewhere.
        let tls = folder.path().join("keys/tls/");
        let rest = server_file
            .replace("include \"accounts.conf\"", &text("accounts.conf"))
            .replace("port: 4222\n", "")
            .replace("\"tls/", &format!("\"{}", tls.display()));
        let server = Server::start(&Options::default().config(&rest))
            .await
            .unwrap();
        Self { folder, server }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("keys").join(name)
    }

    /// A command of `tenant` under the key of `role`.
    fn command(&self, words: &str, tenant: &str, role: &str) -> Callboard {
        let url = format!("tls://localhost:{}", self.server.address().port());
        Callboard::new(words.split(' '))
            .unwrap()
            .nats(&url)
            .args(["--tenant", tenant])
            .env(
                "CALLBOARD_NATS__NKEY_FILE",
                &text(&self.path(&format!("{tenant}/{role}.nk"))),
            )
            .env(
                "CALLBOARD_NATS__ROOT_CERTIFICATES_FILE",
                &text(&self.path("tls/ca.pem")),
            )
    }

    /// A plain client under the key of `role`, and what the server refuses it.
    async fn client(&self, role: &str) -> (async_nats::Client, mpsc::Receiver<String>) {
        let (sender, refusals) = mpsc::channel(REFUSALS);
        let seed = std::fs::read_to_string(self.path(&format!("acme/{role}.nk"))).unwrap();
        let client = ConnectOptions::with_nkey(seed.trim().to_owned())
            .add_root_certificates(self.path("tls/ca.pem"))
            .event_callback(move |event| {
                if let Event::ServerError(ServerError::Other(text)) = event {
                    let _ = sender.try_send(text);
                }
                std::future::ready(())
            })
            .connect(format!("tls://localhost:{}", self.server.address().port()))
            .await
            .unwrap();
        (client, refusals)
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

async fn keys(folder: &Path, words: &str) -> Value {
    let ended = Callboard::new("keys --json --dir keys --tenant".split(' '))
        .unwrap()
        .args(words.split(' '))
        .folder(folder)
        .run()
        .await
        .unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

#[tokio::test]
async fn every_role_does_its_work_over_tls() {
    let locked = Locked::start().await;
    let worker = locked
        .command(
            "worker --tools basic --pool main --name one",
            "acme",
            "worker-main",
        )
        .offers()
        .await
        .unwrap();
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
        ended.stderr.contains("may not publish to"),
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
        ("beat", subject::beat(&tenant, &main, instance)),
        ("beat of gpu", subject::beat(&tenant, &gpu, instance)),
        (
            "reply",
            subject::reply(&tenant, coordinator, Token::new(id)),
        ),
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

    let mut slowest = Duration::ZERO;
    for (role, publish, subscribe) in [
        (
            "coordinator",
            "call grant cancel status call-of-gpu echo discover",
            "beat beat-of-gpu reply echo",
        ),
        (
            "worker-main",
            "beat reply ping",
            "call grant cancel status drain discover ping",
        ),
        (
            "worker-gpu",
            "beat-of-gpu reply ping",
            "call-of-gpu discover ping",
        ),
        (
            "viewer",
            "status echo discover",
            "beat beat-of-gpu reply echo",
        ),
        (
            "operator",
            "status drain echo discover",
            "beat beat-of-gpu reply echo",
        ),
    ] {
        let (client, mut refusals) = locked.client(role).await;
        let allowed =
            |list: &str, name: &str| list.split(' ').any(|word| word == name.replace(' ', "-"));
        for (name, subject) in subjects() {
            if !allowed(publish, name) {
                let began = Instant::now();
                client
                    .publish(subject.clone(), "forged".into())
                    .await
                    .unwrap();
                let refusal = tokio::time::timeout(NOTICED, refusals.recv()).await;
                let refusal = refusal
                    .unwrap_or_else(|_| panic!("{role} may publish to {name}"))
                    .unwrap();
                assert!(
                    refusal.to_lowercase().contains("publish"),
                    "{role}, {name}: {refusal}"
                );
                assert!(refusal.contains(&subject), "{role}, {name}: {refusal}");
                slowest = slowest.max(began.elapsed());
            }
            if !allowed(subscribe, name) {
                let _silent = client.subscribe(subject.clone()).await.unwrap();
                let refusal = tokio::time::timeout(NOTICED, refusals.recv()).await;
                let refusal = refusal
                    .unwrap_or_else(|_| panic!("{role} may subscribe to {name}"))
                    .unwrap();
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
        let message = tokio::time::timeout(NOTICED, heard.next())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (message.subject.as_str(), &message.payload[..]),
            (subject.as_str(), &b"last"[..]),
            "{role}"
        );
    }
    assert!(slowest < NOTICED, "{slowest:?}");
}
