//! `callboard tail`, on a service that cuts its connections.

use callboard_tests::harness::Callboard;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What a run told.
const EVENTS: [(&str, &str); 9] = [
    (
        "run_started",
        r#""run":"r","model":"claude","started_at":"2026-11-23T00:00:00Z","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736""#,
    ),
    ("model_asked", r#""turn":1"#),
    (
        "model_answered",
        r#""turn":1,"text":"Let me\u001b[2J look.","calls":2"#,
    ),
    ("call_opened", r#""turn":1,"id":"a","tool":"orders""#),
    ("call_opened", r#""turn":1,"id":"b","tool":"weather""#),
    (
        "call_posted",
        r#""turn":1,"id":"a","attempt":2,"worker":"red","instance":"i""#,
    ),
    (
        "call_settled",
        r#""turn":1,"id":"a","outcome":"completed","executed":"yes","attempts":2,"elapsed_ms":12.5,"queued_ms":0.1,"executed_ms":10.0"#,
    ),
    (
        "call_settled",
        r#""turn":1,"id":"b","outcome":"timed_out","executed":"unknown","message":"It took too long.","attempts":1,"elapsed_ms":3000.0,"queued_ms":0.0,"executed_ms":0.0"#,
    ),
    ("run_ended", r#""reason":"answered""#),
];

/// A service that tells three events on each connection, then cuts it; the first connection of all is told
/// to come again. Gives the heads of the requests.
async fn service() -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut heads = Vec::new();
        for _ in 0..EVENTS.len() {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(stream.read_line(&mut head).await.unwrap() > 0, "{head}");
            }
            let last = head
                .lines()
                .find_map(|line| line.strip_prefix("last-event-id: "));
            let after: usize = last.map_or(0, |last| last.parse().unwrap());
            heads.push(head);
            let mut answer = String::new();
            if heads.len() == 1 {
                answer.push_str("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n");
            } else {
                answer.push_str(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: alive\n\n",
                );
                // What was told before is told again, as a careless service might.
                let from = after.saturating_sub(1);
                for (index, (name, data)) in EVENTS.iter().enumerate().skip(from).take(4) {
                    let (seq, at) = (index + 1, f64::from(u32::try_from(index).unwrap()) * 1.5);
                    answer.push_str(&format!(
                        "id: {seq}\nevent: {name}\ndata: {{\"seq\":{seq},\"at_ms\":{at},\"type\":\"{name}\",{data}}}\n\n"
                    ));
                }
                answer.push_str("id: 99\nevent: model_asked\ndata: {\"seq\":");
            }
            stream.get_mut().write_all(answer.as_bytes()).await.unwrap();
            stream.get_mut().shutdown().await.unwrap();
            if after + 3 >= EVENTS.len() {
                break;
            }
        }
        heads
    });
    (url, serving)
}

async fn tail(words: &[&str]) -> (callboard_tests::harness::Ended, Vec<String>) {
    let (url, serving) = service().await;
    let command = Callboard::new(["tail", "--run", "r", "--url", &url]).unwrap();
    let command = command.args(words).env("THE_TOKEN", "canary-token");
    let ended = command.run().await.unwrap();
    (ended, serving.await.unwrap())
}

#[tokio::test]
async fn each_event_is_told_once_whatever_becomes_of_the_connection() {
    let (ended, heads) = tail(&["--token-env", "THE_TOKEN"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    insta::assert_snapshot!(ended.stdout);
    assert!(!ended.stdout.contains('\u{1b}'));
    assert!(heads.len() >= 4, "{heads:?}");
    for head in &heads {
        assert!(head.starts_with("GET /v1/runs/r/events HTTP/1.1"), "{head}");
        assert!(
            head.contains("authorization: Bearer canary-token"),
            "{head}"
        );
    }
    assert!(!ended.stderr.contains("canary-token"), "{}", ended.stderr);
}

#[tokio::test]
async fn events_are_filtered_colored_and_given_as_json() {
    let (ended, _) = tail(&["--errors"]).await;
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ended.stdout);
    assert!(lines[0].contains("weather b: timed_out, may have run"));
    let (ended, _) = tail(&["--tool", "orders", "--color", "always"]).await;
    assert!(ended.stdout.contains("\u{1b}["), "{}", ended.stdout);
    assert!(!ended.stdout.contains("weather"), "{}", ended.stdout);
    let (ended, _) = tail(&["--json"]).await;
    let seqs: Vec<u64> = ended
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(seqs, (1..=9).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_can_not_be_followed_is_told_with_its_cure() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let ended = Callboard::new(["tail", "--run", "r", "--url", &url]).unwrap();
    let ended = ended.run().await.unwrap();
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("callboard serve"), "{}", ended.stderr);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let refusing = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        while stream.buffer().is_empty() {
            stream.fill_buf().await.unwrap();
        }
        let body = json!({"error": {"code": "x", "message": "no such run", "cure": "list them"}});
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = head + &body;
        stream.get_mut().write_all(answer.as_bytes()).await.unwrap();
        stream
    });
    let ended = Callboard::new(["tail", "--run", "r", "--url", &url]).unwrap();
    let ended = ended.run().await.unwrap();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("404: no such run; list them"),
        "{}",
        ended.stderr
    );
    drop(refusing.await);
    for words in [
        ["--url", "ftp://x"],
        ["--token-env", "NOT_THERE"],
        ["--nats", "nats://127.0.0.1:4222"],
    ] {
        let ended = Callboard::new(["tail", "--run", "r"]).unwrap().args(words);
        assert_eq!(ended.run().await.unwrap().code, Some(2));
    }
}
