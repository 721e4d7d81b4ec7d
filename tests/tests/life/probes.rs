//! `/healthz` and `/readyz`.

use std::net::SocketAddr;
use std::time::Duration;

use callboard_tests::harness::{Callboard, Child, Message, until, workers};
use callboard_tests::server::{Options, Server};
use serde_json::json;
use tokio::net::TcpStream;

use super::common::{execute, probe, talk};

async fn worker(url: &str, port: u16) -> Child {
    let command = Callboard::worker("probed", url).unwrap();
    let health = port.to_string();
    let words = ["--tools", "basic", "--grace", "20s", "--health", &health];
    let mut child = command.args(words).offers().await.unwrap();
    child.says("probes at ").await.unwrap();
    child
}

/// A port that nobody has, and that the tests' own servers don't take.
fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn probes_follow_the_life_of_a_worker() {
    let mut server = Server::start(&Options::default()).await.unwrap();
    let address = free_address();
    let child = worker(&server.url(), address.port()).await;
    let is = async |path: &str, code: u16, expected: serde_json::Value| {
        until(&format!("{path} says {code} {expected}"), async || {
            let (said, mut json) = probe(address, path).await?;
            if let Some(fields) = json.as_object_mut() {
                fields.remove("running");
            }
            Ok((said == code && json == expected).then_some(()))
        })
        .await
        .unwrap();
    };
    is("/readyz", 200, json!({"status": "ready"})).await;
    is("/healthz", 200, json!({"status": "alive"})).await;
    // Without its server it can't be reached, and a restart wouldn't help.
    server.kill9().await.unwrap();
    let away = json!({"status": "not_ready", "reason": "disconnected"});
    is("/readyz", 503, away).await;
    let alive = json!({"status": "alive", "reason": "disconnected"});
    is("/healthz", 200, alive).await;
    server.restart().await.unwrap();
    is("/readyz", 200, json!({"status": "ready"})).await;
    // While it drains, what runs is answered and nothing new is wanted.
    let message = Message::new().call("a", "wait", &json!({"ms": 2500}));
    let url = server.url();
    let call = tokio::spawn(async move { execute(&url, &message, &[]).await });
    until("the call runs", async || {
        let seen = workers(&server.url()).await?;
        Ok(seen
            .iter()
            .any(|worker| worker.running == Some(1))
            .then_some(()))
    })
    .await
    .unwrap();
    child.terminate().unwrap();
    let draining = json!({"status": "not_ready", "reason": "draining"});
    is("/readyz", 503, draining).await;
    let (code, json) = probe(address, "/healthz").await.unwrap();
    assert_eq!((code, &json["running"]), (200, &json!(1)));
    let (report, _) = call.await.unwrap();
    assert_eq!(report.call("a").unwrap().outcome, "completed");
    assert_eq!(child.ended().await.unwrap().code, Some(0));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_probe_has_bounds() {
    let server = Server::start(&Options::default()).await.unwrap();
    let address = free_address();
    let _child = worker(&server.url(), address.port()).await;
    let head = async |request: &str| {
        let answer = talk(address, request.as_bytes()).await.unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(
        head("GET / HTTP/1.1\r\nHost: w\r\n\r\n").await,
        "HTTP/1.1 404 Not Found"
    );
    assert_eq!(
        head("POST /readyz HTTP/1.1\r\nHost: w\r\nContent-Length: 0\r\n\r\n").await,
        "HTTP/1.1 405 Method Not Allowed"
    );
    let long = format!(
        "GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n",
        "w".repeat(20_000)
    );
    assert!(!head(&long).await.contains("200"));
    // Who says nothing is cut off, and so is who says it slowly; the worker answers others meanwhile.
    let began = std::time::Instant::now();
    assert_eq!(talk(address, b"GET /hea").await.unwrap(), "");
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(probe(address, "/readyz").await.unwrap().0, 200);
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let server = Server::start(&Options::default()).await.unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let command = Callboard::worker("probed", &server.url()).unwrap();
    let words = ["--tools", "basic", "--health", &address];
    let ended = command.args(words).run().await.unwrap();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("can't listen on"), "{}", ended.stderr);
    let wrong = Callboard::worker("probed", &server.url()).unwrap();
    let ended = wrong.args(["--health", "nowhere"]).run().await.unwrap();
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("127.0.0.1:PORT"), "{}", ended.stderr);
}
