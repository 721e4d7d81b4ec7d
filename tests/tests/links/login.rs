//! Servers that can't be used, and what the errors say of them.

use callboard_coordinator::link::nats::NatsLink as CoordinatorLink;
use callboard_coordinator::link::{Incoming, Link as _, Outgoing};
use callboard_coordinator_core::Address;
use callboard_proto::server::{Denied, LinkError, Operation, ServerOptions};
use callboard_proto::{Kind, codec};
use callboard_tests::link::{announce, beat, coordinator_id, instance_id, pool, tenant, token};
use callboard_tests::server::{Options, Server};
use callboard_worker::link::nats::NatsLink as WorkerLink;
use callboard_worker::link::{self as worker, Link as _};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

fn options(url: &str) -> ServerOptions {
    ServerOptions::new(url.parse().unwrap())
}

async fn coordinator(url: &str) -> Result<CoordinatorLink, LinkError> {
    CoordinatorLink::connect(&options(url), tenant(), coordinator_id("c1")).await
}

async fn worker(url: &str) -> Result<WorkerLink, LinkError> {
    WorkerLink::connect(&options(url), tenant(), announce("w1", &["fs_read"])).await
}

/// An error's text with that of all its causes.
fn text(error: &LinkError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_server_that_is_too_old_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let mut socket = BufReader::new(socket);
            let info = "INFO {\"server_id\":\"old\",\"version\":\"2.9.25\",\"proto\":1,\
                        \"headers\":true,\"max_payload\":1048576}\r\n";
            socket.write_all(info.as_bytes()).await.unwrap();
            let mut line = String::new();
            while socket.read_line(&mut line).await.unwrap_or(0) > 0 {
                if line.starts_with("PING") {
                    socket.write_all(b"PONG\r\n").await.unwrap();
                }
                line.clear();
            }
        }
    });
    let url = format!("nats://{address}");
    let expected = format!(
        "the NATS server at {url} has version \"2.9.25\", and 2.10 is the oldest that will do; \
         upgrade it, or name another"
    );
    for error in [
        coordinator(&url).await.err().unwrap(),
        worker(&url).await.err().unwrap(),
    ] {
        assert!(matches!(error, LinkError::TooOld { .. }), "{error:?}");
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = coordinator(&format!("nats://me:hunter2@{address}"))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, LinkError::Unreachable { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!("no NATS server answers at nats://{address}; start one there, or name another")
    );
    assert!(!text(&error).contains("hunter2"));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = options(&format!("nats://{}", listener.local_addr().unwrap()));
    options.connection_timeout = std::time::Duration::from_millis(50);
    let error = CoordinatorLink::connect(&options, tenant(), coordinator_id("c1")).await;
    assert!(matches!(
        error.err().unwrap(),
        LinkError::Unreachable { .. }
    ));
}

#[tokio::test]
async fn logins_are_checked_and_never_shown() {
    let server = Server::start(
        &Options::default().authorization("users: [{ user: \"me\", password: \"p@ss:word\" }]"),
    )
    .await
    .unwrap();
    let address = server.address();
    for url in [
        format!("nats://me:hunter2@{address}"),
        format!("nats://{address}"),
    ] {
        for error in [
            coordinator(&url).await.err().unwrap(),
            worker(&url).await.err().unwrap(),
        ] {
            assert!(matches!(error, LinkError::Login { .. }), "{error:?}");
            assert!(!text(&error).contains("hunter2"), "{}", text(&error));
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }
    let url = format!("nats://me:p%40ss%3Aword@{address}");
    coordinator(&url).await.unwrap().close().await.unwrap();
    worker(&url).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_missing_credentials_file_is_named() {
    let mut options = options("nats://127.0.0.1:1");
    options.credentials_file = Some("/nowhere/user.creds".into());
    let error = CoordinatorLink::connect(&options, tenant(), coordinator_id("c1"))
        .await
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "the credentials file /nowhere/user.creds can't be read; it must be a NATS `.creds` file"
    );
}

/// Everything that each side needs, as an operator would allow it, with one permission taken out.
async fn server_without(taken_out: &str) -> Server {
    let list = |subjects: &[&str]| {
        let quoted: Vec<String> = subjects
            .iter()
            .filter(|subject| **subject != taken_out)
            .map(|subject| format!("\"{subject}\""))
            .collect();
        quoted.join(", ")
    };
    let coordinator_publish = list(&[
        "cb.v1.worker.stage.>",
        "cb.v1.coordinator.stage.*.echo",
        "$SRV.INFO.callboard-worker",
    ]);
    let coordinator_subscribe = list(&[
        "cb.v1.reply.stage.>",
        "cb.v1.beat.stage.>",
        "cb.v1.coordinator.stage.>",
    ]);
    let worker_publish = list(&[
        "cb.v1.reply.stage.>",
        "cb.v1.beat.stage.main.*",
        "$SRV.PING.callboard-worker.*",
    ]);
    let worker_subscribe = list(&["cb.v1.worker.stage.main.>", "cb.v1.call.stage.>", "$SRV.>"]);
    Server::start(&Options::default().authorization(&format!(
        "users: [
          {{ user: \"c\", password: \"c\", permissions: {{
             publish: [{coordinator_publish}], subscribe: [{coordinator_subscribe}] }} }},
          {{ user: \"w\", password: \"w\", permissions: {{
             publish: [{worker_publish}], subscribe: [{worker_subscribe}] }} }}
        ]"
    )))
    .await
    .unwrap()
}

fn url(user: &str, server: &Server) -> String {
    format!("nats://{user}:{user}@{}", server.address())
}

#[tokio::test]
async fn the_stated_permissions_are_enough() {
    let server = server_without("nothing").await;
    let mut worker = worker(&url("w", &server)).await.unwrap();
    let mut coordinator = coordinator(&url("c", &server)).await.unwrap();
    coordinator.send(Outgoing::Discover);
    let mut heard = Vec::new();
    // Whoever is driven first, the other must be driven too: both are polled until it is over.
    let mut asked = Vec::new();
    while heard.is_empty() {
        tokio::select! {
            () = coordinator.receive(&mut heard) => {}
            () = worker.receive(&mut asked) => {}
        }
    }
    assert!(
        matches!(heard.as_slice(), [Incoming::Announce(_)]),
        "{heard:?}"
    );
    assert!(asked.is_empty(), "{asked:?}");
    worker.send(worker::Outgoing::Beat(codec::encode(&beat("w1", 1))));
    worker.close().await.unwrap();
    heard.clear();
    coordinator.receive(&mut heard).await;
    assert!(matches!(heard.as_slice(), [Incoming::Beat(_)]), "{heard:?}");
    coordinator.close().await.unwrap();
}

#[tokio::test]
async fn a_missing_permission_is_told_when_the_link_is_opened() {
    for (taken_out, side, operation, subject) in [
        (
            "cb.v1.coordinator.stage.*.echo",
            "c",
            Operation::Publish,
            "cb.v1.coordinator.stage.63310000000000000000000000000000.echo",
        ),
        (
            "$SRV.PING.callboard-worker.*",
            "w",
            Operation::Publish,
            "$SRV.PING.callboard-worker.77310000000000000000000000000000",
        ),
        (
            "cb.v1.coordinator.stage.>",
            "c",
            Operation::Subscribe,
            "cb.v1.coordinator.stage.63310000000000000000000000000000.echo",
        ),
        ("$SRV.>", "w", Operation::Subscribe, "$SRV.*"),
    ] {
        let server = server_without(taken_out).await;
        let error = match side {
            "c" => coordinator(&url("c", &server)).await.err().unwrap(),
            _ => worker(&url("w", &server)).await.err().unwrap(),
        };
        let LinkError::Permission { denied, .. } = &error else {
            panic!("{taken_out}: {error:?}")
        };
        let expected = Denied {
            operation,
            subject: subject.to_owned(),
        };
        assert_eq!(*denied, expected);
        assert!(error.to_string().contains(subject), "{error}");
        assert!(error.to_string().contains("allow it under"), "{error}");
    }
}

/// What is heard of a link whose subscription is refused: at once, by the error of `connect` or as
/// the first thing that it brings.
async fn refusal_of_coordinator(taken_out: &str, then: Option<Outgoing>) -> String {
    let server = server_without(taken_out).await;
    match coordinator(&url("c", &server)).await {
        Err(error) => error.to_string(),
        Ok(mut link) => {
            if let Some(word) = then {
                link.send(word);
            }
            let mut heard = Vec::new();
            link.receive(&mut heard).await;
            let Some(Incoming::Refused { reason }) = heard.first() else {
                panic!("{heard:?}")
            };
            reason.clone()
        }
    }
}

#[tokio::test]
async fn a_missing_permission_is_told_when_it_is_missed() {
    let call = Outgoing::ToInstance {
        to: Address {
            pool: pool(),
            instance: instance_id("w1"),
        },
        kind: Kind::Call,
        token: token("t1"),
        body: "x".into(),
    };
    for (taken_out, then, subject) in [
        (
            "cb.v1.reply.stage.>",
            None,
            "cb.v1.reply.stage.63310000000000000000000000000000.*",
        ),
        ("cb.v1.beat.stage.>", None, "cb.v1.beat.stage.>"),
        (
            "cb.v1.worker.stage.>",
            Some(call),
            "cb.v1.worker.stage.main.77310000000000000000000000000000.call",
        ),
        (
            "$SRV.INFO.callboard-worker",
            Some(Outgoing::Discover),
            "$SRV.INFO.callboard-worker",
        ),
    ] {
        let reason = refusal_of_coordinator(taken_out, then).await;
        assert!(reason.contains(subject), "{taken_out}: {reason}");
        assert!(reason.contains("allow it under"), "{taken_out}: {reason}");
    }

    let server = server_without("cb.v1.beat.stage.main.*").await;
    let mut link = worker(&url("w", &server)).await.unwrap();
    link.send(worker::Outgoing::Beat(codec::encode(&beat("w1", 1))));
    let mut heard = Vec::new();
    link.receive(&mut heard).await;
    let Some(worker::Incoming::Refused { reason }) = heard.first() else {
        panic!("{heard:?}")
    };
    assert_eq!(
        reason,
        "the NATS user may not publish to \
         \"cb.v1.beat.stage.main.77310000000000000000000000000000\"; \
         allow it under `permissions.publish` of that user"
    );
}
