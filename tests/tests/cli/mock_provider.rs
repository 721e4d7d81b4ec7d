//! `callboard mock-provider`: what it prints, what it answers, how it ends.

use std::process::Stdio;

use callboard_tests::harness::callboard;
use callboard_tests::signal;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

use super::common::{folder, transcript};

const SCRIPT: &str = "[[turn]]\ntext = \"Hello.\"\n[[turn.fault]]\nkind = \"overloaded\"\n";

/// Starts it on any free port; its lines are JSON.
async fn start(words: &[&str], key: Option<&str>) -> (Child, Lines<BufReader<ChildStdout>>, Value) {
    let mut command = Command::new(callboard().unwrap());
    command
        .args(["mock-provider", "--listen", "127.0.0.1:0", "--json"])
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(key) = key {
        command.env("MOCK_KEY", key);
    }
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    (child, lines, serde_json::from_str(&first).unwrap())
}

/// Asks for a completion; gives the status.
async fn ask(address: &str, key: &str, body: &Value) -> u16 {
    let body = body.to_string();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: mock\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn line(text: Option<String>) -> Value {
    serde_json::from_str(&text.unwrap()).unwrap()
}

#[tokio::test]
async fn it_says_where_it_is_and_what_each_request_got_and_ends_in_order() {
    let files = folder(&[("script.toml", SCRIPT)]);
    let script = files.path().join("script.toml");
    let words = [
        "--script",
        script.to_str().unwrap(),
        "--api-key-env",
        "MOCK_KEY",
    ];
    let (mut child, mut lines, started) = start(&words, Some("hush-hush")).await;
    let address = started["address"].as_str().unwrap();
    assert_eq!(started["model"], "mock");
    assert_eq!(
        started["base_urls"]["openai"],
        format!("http://{address}/v1")
    );
    assert_eq!(
        started["base_urls"]["anthropic"],
        format!("http://{address}")
    );
    let good = json!({"model": "mock", "messages": [{"role": "user", "content": "Hi."}]});
    let mut odd = good.clone();
    odd["bogus"] = json!(1);
    let mut told = Vec::new();
    for (key, body, status) in [
        ("hush-hush", &odd, 400),
        ("other", &good, 401),
        ("hush-hush", &good, 503),
        ("hush-hush", &good, 200),
    ] {
        assert_eq!(ask(address, key, body).await, status);
        let said = line(lines.next_line().await.unwrap());
        assert_eq!(said["status"], status);
        assert_eq!(said["format"], "openai-chat");
        told.push(
            [&said["rule"], &said["fault"], &said["turn"]]
                .map(Value::to_string)
                .join(" "),
        );
    }
    assert_eq!(
        told,
        [
            "\"request\" null null",
            "\"key\" null null",
            "null \"overloaded\" 1",
            "null null 1"
        ]
    );
    signal::interrupt(child.id().unwrap()).unwrap();
    let mut errors = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut errors).await.unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(0), "{errors}");
    assert!(!errors.contains("hush"), "{errors}");
    assert!(
        errors.contains("mock provider for the model \"mock\""),
        "{errors}"
    );
    assert!(lines.next_line().await.unwrap().is_none());
}

#[tokio::test]
async fn what_it_cannot_start_with_is_said_with_its_cure() {
    let files = folder(&[
        (
            "odd.toml",
            "[[turn]]\n[[turn.fault]]\nkind = \"close\"\nstatus = 3\n",
        ),
        ("empty.json", "{}"),
    ]);
    let told = transcript(
        &[
            "mock-provider --script none.toml",
            "mock-provider --script odd.toml",
            "mock-provider --script empty.json",
            "mock-provider --api-key-env NO_SUCH_KEY",
            "mock-provider --listen nowhere",
            "mock-provider --listen 203.0.113.1:80",
        ],
        files.path(),
    )
    .await;
    insta::assert_snapshot!(told);
}
