//! What is scraped and the alert rules, judged by Prometheus' own tool.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use callboard_tests::harness::{Callboard, Message};
use callboard_tests::server::{Options, Server};
use serde_json::json;
use tokio::process::Command;
use xtask::paths;

use super::metrics::{asked, said_to};

/// Names a promtool; without it these tests are left out.
const VARIABLE: &str = "PROMTOOL";

fn promtool() -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
    if named.is_none() {
        let line = format!(
            "LEFT OUT: promtool ({VARIABLE} names none; `cargo xtask promtool` gets one and runs this)\n"
        );
        // In one write: other tests are talking, too.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    named.map(PathBuf::from)
}

async fn judged(promtool: &Path, words: &[&str], input: &str) {
    let mut command = Command::new(promtool);
    command.args(words);
    let ended = Callboard::of(command).input(input).run().await.unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}\n{input}");
    // Advice is given without failing.
    assert_eq!(ended.stderr.trim(), "", "{input}");
}

#[tokio::test]
async fn promtool_finds_nothing_wrong_with_what_is_scraped() {
    let Some(promtool) = promtool() else { return };
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let health = port.local_addr().unwrap().to_string();
    drop(port);
    let worker = Callboard::worker("one", &url).unwrap();
    let worker = worker.args(["--tools", "basic", "--health", &health]);
    let _worker = worker.offers().await.unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--nats", &url];
    let mut service = Callboard::new(serve).unwrap().start().unwrap();
    let said = service.hears("http://").await.unwrap();
    let at = said.split("http://").nth(1).unwrap();
    let at = at.split_whitespace().next().unwrap().to_owned();
    let message = Message::new().call("a", "echo", &json!({"n": 1})).json();
    let head = format!(
        "POST /v1/execute HTTP/1.1\r\nHost: {at}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        message.len()
    );
    let executed = said_to(&at, &(head + &message)).await;
    assert!(executed.starts_with("HTTP/1.1 200"), "{executed}");
    for (address, wanted) in [
        (&health, "messaging_process_duration_seconds_bucket"),
        (&at, "gen_ai_execute_tool_duration_seconds_bucket"),
    ] {
        let scraped = asked(address, "/metrics", "*/*").await;
        let (_, body) = scraped.split_once("\r\n\r\n").unwrap();
        assert!(body.contains(wanted), "{body}");
        judged(&promtool, &["check", "metrics"], body).await;
    }
}

#[tokio::test]
async fn promtool_takes_the_alert_rules() {
    let Some(promtool) = promtool() else { return };
    let rules = paths::root().join("deploy/prometheus/callboard.rules.yaml");
    judged(&promtool, &["check", "rules", &rules.to_string_lossy()], "").await;
}
