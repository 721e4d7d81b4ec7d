//! A collector that is dead, or takes connections and never answers.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use callboard_tests::harness::{Callboard, Message};
use serde_json::{Value, json};

/// The time that `callboard execute` says its turn took, in ms, and that its process took.
async fn measure(endpoint: Option<&str>, message: &Message) -> (f64, Duration) {
    let mut command = Callboard::new(["execute", "--json"]).unwrap();
    if let Some(endpoint) = endpoint {
        command = command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    }
    let began = Instant::now();
    let ended = command.input(message.json()).run().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    (report["elapsed_ms"].as_f64().unwrap(), began.elapsed())
}

#[tokio::test]
async fn a_collector_that_never_answers_slows_no_call() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let dead = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = dead.local_addr().unwrap();
    drop(dead);
    let dead = format!("http://{address}");
    let message = (0..200).fold(Message::new(), |message, number| {
        message.call(&format!("c-{number}"), "echo", &json!({"n": number}))
    });
    for endpoint in [&silent, &dead] {
        let (turn_ms, whole) = measure(Some(endpoint), &message).await;
        // 200 calls take some ms. A call that waited for the collector would take its 10 s.
        assert!(turn_ms < 2_000.0, "{endpoint}: {turn_ms}");
        assert!(whole < Duration::from_secs(9), "{endpoint}: {whole:?}");
    }
    let (_, whole) = measure(None, &message).await;
    assert!(whole < Duration::from_secs(9), "{whole:?}");
}
