//! The harness's own promises: a server starts, breaks and comes back, spawned and in a container; the proxy breaks
//! the way to it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use async_nats::{Client, ConnectOptions, Event};
use bytes::Bytes;
use callboard_tests::proxy::{Direction, Proxy};
use callboard_tests::server::{Options, Server};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a condition may take to come true before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a request may go unanswered before it counts as lost.
const ANSWER: Duration = Duration::from_millis(250);

/// How long something must not happen.
const SILENCE: Duration = Duration::from_millis(300);

async fn connect(url: &str) -> Client {
    options().connect(url).await.unwrap()
}

fn options() -> ConnectOptions {
    ConnectOptions::new()
        .ping_interval(Duration::from_millis(500))
        .request_timeout(Some(ANSWER))
        .reconnect_delay_callback(|_| Duration::from_millis(20))
}

/// A client that answers `echo`, and one that asks it without pause and counts the answers.
struct Load {
    answered: watch::Receiver<u64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    async fn start(url: &str) -> Self {
        let worker = connect(url).await;
        let mut calls = worker.subscribe("echo").await.unwrap();
        worker.flush().await.unwrap();
        let answering = tokio::spawn(async move {
            while let Some(call) = calls.next().await {
                let _ = worker.publish(call.reply.unwrap(), call.payload).await;
            }
        });
        let (count, answered) = watch::channel(0);
        let caller = connect(url).await;
        let asking = tokio::spawn(async move {
            loop {
                let answer = caller.request("echo", Bytes::from_static(b"call")).await;
                if answer.is_ok() {
                    count.send_modify(|count| *count += 1);
                } else {
                    // Without a server a request fails at once; the others need the thread.
                    tokio::task::yield_now().await;
                }
            }
        });
        Self {
            answered,
            tasks: vec![answering, asking],
        }
    }

    /// Waits until `more` requests have been answered from now on.
    async fn flows(&mut self, more: u64) {
        let goal = *self.answered.borrow() + more;
        timeout(PATIENCE, self.answered.wait_for(|count| *count >= goal))
            .await
            .unwrap()
            .unwrap();
    }

    /// Asserts that nothing is answered once what was on its way has arrived.
    async fn stands_still(&mut self) {
        let until_quiet =
            async { while timeout(SILENCE, self.answered.changed()).await.is_ok() {} };
        timeout(PATIENCE, until_quiet).await.unwrap();
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The same faults for every place that a server can run in.
async fn survives_faults(mut server: Server) {
    let address = server.address();
    let mut load = Load::start(&server.url()).await;
    load.flows(100).await;

    server.pause().await.unwrap();
    load.stands_still().await;
    server.resume().await.unwrap();
    load.flows(100).await;

    server.kill9().await.unwrap();
    load.stands_still().await;
    server.restart().await.unwrap();
    assert_eq!(server.address(), address);
    load.flows(100).await;

    server.restart().await.unwrap();
    load.flows(100).await;
}

#[tokio::test]
async fn a_server_survives_pause_kill_and_restart_under_load() {
    survives_faults(Server::start(&Options::default()).await.unwrap()).await;
}

#[tokio::test]
async fn a_server_in_a_container_survives_pause_kill_and_restart_under_load() {
    // Where no engine runs this is a spawned server again, and `cargo xtask test` says so.
    survives_faults(Server::start_for_faults(&Options::default()).await.unwrap()).await;
}

#[tokio::test]
async fn a_paused_server_is_gone_when_dropped() {
    for server in [
        Server::start(&Options::default()).await.unwrap(),
        Server::start_for_faults(&Options::default()).await.unwrap(),
    ] {
        let address = server.address();
        server.pause().await.unwrap();
        drop(server);
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    }
}

#[tokio::test]
async fn options_reach_the_server_wherever_it_runs() {
    let asked = Options::default()
        .max_payload_bytes(4096)
        .jetstream()
        .authorization(
            r#"users: [{ user: "one", password: "secret", permissions: { publish: "allowed" } }]"#,
        );
    for server in [
        Server::start(&asked).await.unwrap(),
        Server::start_for_faults(&asked).await.unwrap(),
    ] {
        assert!(
            options()
                .max_reconnects(1)
                .connect(server.url())
                .await
                .is_err()
        );
        let (told, mut denied) = watch::channel(false);
        let client = options()
            .user_and_password("one".into(), "secret".into())
            .event_callback(move |event| {
                if let Event::ServerError(_) = event {
                    told.send_replace(true);
                }
                async {}
            })
            .connect(server.url())
            .await
            .unwrap();
        let info = client.server_info();
        assert_eq!(info.max_payload, 4096);
        assert!(info.jetstream);
        assert_eq!(info.version, server.version().to_string());
        client.publish("forbidden", Bytes::new()).await.unwrap();
        timeout(PATIENCE, denied.wait_for(|denied| *denied))
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn a_bad_configuration_is_told_with_the_servers_own_words() {
    let error = Server::start(&Options::default().config("no_such_option: 1"))
        .await
        .unwrap_err();
    assert!(format!("{error:#}").contains("no_such_option"), "{error:#}");
}

#[tokio::test]
async fn the_proxy_stalls_and_heals_without_losing_a_byte() {
    let server = Server::start(&Options::default()).await.unwrap();
    let mut proxy = Proxy::start(server.address()).await.unwrap();
    let far = connect(&proxy.url()).await;
    let near = connect(&server.url()).await;
    let mut seen = near.subscribe("numbers").await.unwrap();
    near.flush().await.unwrap();
    // A round trip, so that the subscription is known before anything is sent.
    assert!(near.request("nobody", Bytes::new()).await.is_err());

    proxy.stall();
    for number in 0..1000_u32 {
        far.publish("numbers", number.to_be_bytes().to_vec().into())
            .await
            .unwrap();
    }
    assert!(timeout(SILENCE, seen.next()).await.is_err());
    proxy.heal().await.unwrap();
    for number in 0..1000_u32 {
        let message = timeout(PATIENCE, seen.next()).await.unwrap().unwrap();
        assert_eq!(message.payload.as_ref(), number.to_be_bytes());
    }
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn the_proxy_stalls_one_direction_alone() {
    let server = Server::start(&Options::default()).await.unwrap();
    let mut proxy = Proxy::start(server.address()).await.unwrap();
    let near = connect(&server.url()).await;
    let mut load = Load::start(&proxy.url()).await;
    load.flows(10).await;
    let mut seen = near.subscribe("echo").await.unwrap();
    assert!(near.request("nobody", Bytes::new()).await.is_err());

    // The far caller is heard but hears nothing.
    proxy.stall_only(Direction::ToClient);
    timeout(PATIENCE, seen.next()).await.unwrap().unwrap();
    load.stands_still().await;
    proxy.heal().await.unwrap();
    load.flows(10).await;
}

#[tokio::test]
async fn the_proxy_delays_both_ways() {
    let server = Server::start(&Options::default()).await.unwrap();
    let mut proxy = Proxy::start(server.address()).await.unwrap();
    let client = connect(&proxy.url()).await;
    let late = Duration::from_millis(40);
    proxy.delay(late);
    let began = Instant::now();
    // No responders: the server's own answer, so one trip each way.
    assert!(client.request("nobody", Bytes::new()).await.is_err());
    assert!(began.elapsed() >= 2 * late, "{:?}", began.elapsed());
    proxy.heal().await.unwrap();
}

#[tokio::test]
async fn the_proxy_cuts_refuses_and_heals() {
    let server = Server::start(&Options::default()).await.unwrap();
    let mut proxy = Proxy::start(server.address()).await.unwrap();
    let mut load = Load::start(&proxy.url()).await;
    load.flows(10).await;
    assert_eq!(proxy.connections(), 2);

    proxy.cut();
    timeout(PATIENCE, proxy.connected(4)).await.unwrap();
    load.flows(10).await;

    proxy.refuse().await;
    assert!(
        tokio::net::TcpStream::connect(proxy.address())
            .await
            .is_err()
    );
    load.stands_still().await;
    let before = proxy.connections();
    proxy.heal().await.unwrap();
    timeout(PATIENCE, proxy.connected(before + 2))
        .await
        .unwrap();
    load.flows(10).await;
}
