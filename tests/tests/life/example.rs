//! The example of a worker of one's own: built as a user would, and called.

use callboard_tests::harness::{Callboard, Message, example_worker, until};
use callboard_tests::server::{Options, Server};
use serde_json::{Value, json};
use tokio::process::Command;

use super::common::{execute, probe};

#[tokio::test]
async fn the_example_worker_serves_its_three_tools() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let command = Callboard::of(Command::new(example_worker().unwrap()))
        .env("NATS_URL", &url)
        .env("HEALTH", &address.to_string());
    let mut example = command.start().unwrap();
    example
        .says(" offers report, book, digest on ")
        .await
        .unwrap();
    until("it is ready", async || {
        Ok((probe(address, "/readyz").await?.0 == 200).then_some(()))
    })
    .await
    .unwrap();
    let message = Message::new()
        .call("r", "report", &json!({"months": 2}))
        .call("b", "book", &json!({"account": "17", "cents": 250}))
        .call("d", "digest", &json!({"text": "ab", "rounds": 2}))
        .call("n", "book", &json!({"account": "17", "cents": 0}))
        .call("w", "digest", &json!({"text": "ab", "more": 1}));
    let (report, results) = execute(&url, &message, &[]).await;
    let outcomes: Vec<&str> = report
        .calls
        .iter()
        .map(|call| call.outcome.as_str())
        .collect();
    let expected = [
        "completed",
        "completed",
        "completed",
        "tool_error",
        "invalid_arguments",
    ];
    assert_eq!(outcomes, expected);
    let booked: Value = serde_json::from_str(&results.get("b").unwrap().text).unwrap();
    assert_eq!(
        (&booked["account"], &booked["cents"]),
        (&json!("17"), &json!(250))
    );
    assert!(
        booked["booking"].as_str().unwrap().ends_with("/1/b"),
        "{booked}"
    );
    // A deadline stops the one that watches for it.
    let slow = Message::new().call("s", "report", &json!({"months": 24}));
    let (report, _) = execute(&url, &slow, &["--call-deadline", "200ms"]).await;
    assert_eq!(report.call("s").unwrap().outcome, "timed_out");
    example.terminate().unwrap();
    let ended = example.ended().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
