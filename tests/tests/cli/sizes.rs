//! What is too large, and names that no NATS subject can hold.

use callboard_tests::harness::referee::{self, LOOK, ODD, POUR};
use callboard_tests::harness::{Callboard, Child, Ledger, Message, Results};
use callboard_tests::server::{Options, Server};
use serde_json::{Value, json};

/// The largest that travels inline, in bytes.
const INLINE: usize = 256 * 1024;

/// What a result needs beside its text, in bytes, generously.
const ROOM: usize = 64;

/// An object that is `bytes` long as JSON.
fn object(bytes: usize) -> Value {
    let empty = json!({"x": ""}).to_string().len();
    json!({"x": "x".repeat(bytes - empty)})
}

async fn referee(server: &Server) -> (Child, Ledger) {
    let ledger = Ledger::new().unwrap();
    let binary = env!("CARGO_BIN_EXE_referee");
    let child = referee::start(binary, &server.url(), "one", 4, &ledger).await;
    (child.unwrap(), ledger)
}

async fn execute(message: &Message, server: Option<&Server>) -> (Option<i32>, Results) {
    let mut command = Callboard::new(["execute"]).unwrap().input(message.json());
    if let Some(server) = server {
        command = command.nats(&server.url());
    }
    let ended = command.run().await.unwrap();
    assert_eq!(ended.stderr, "");
    let results = Results::of(message, &ended.stdout).unwrap();
    (ended.code, results)
}

#[tokio::test]
async fn arguments_above_the_limit_are_refused_and_below_it_come_back() {
    let message = Message::new()
        .call("fits", "echo", &object(INLINE - ROOM))
        .call("largest", "echo", &object(INLINE))
        .call("larger", "echo", &object(INLINE + 1))
        .call("small", "echo", &json!({}));
    let (code, results) = execute(&message, None).await;
    assert_eq!(code, Some(3));
    assert_eq!(results.get("small").unwrap().text, "{}");
    insta::assert_snapshot!(results.get("larger").unwrap().text);
    let fits = &results.get("fits").unwrap().text;
    assert!(fits == &object(INLINE - ROOM).to_string(), "{fits:.300}");
    // The largest arguments are taken, and what a result needs around them is no longer there.
    let largest = results.get("largest").unwrap();
    assert!(!largest.is_error && largest.text.contains("bytes are left out here"));
}

#[tokio::test]
async fn results_above_the_limit_are_cut_and_say_so() {
    let server = Server::start(&Options::default()).await.unwrap();
    let (_worker, _ledger) = referee(&server).await;
    let message = Message::new()
        .call("large", POUR, &json!({"bytes": INLINE * 8}))
        .call("fits", POUR, &json!({"bytes": INLINE / 2}))
        .call("small", LOOK, &json!({"ms": 0}));
    let (code, results) = execute(&message, Some(&server)).await;
    assert_eq!(code, Some(0));
    assert_eq!(results.get("fits").unwrap().text.len(), INLINE / 2);
    assert_eq!(results.get("small").unwrap().text, "done small");
    let large = &results.get("large").unwrap().text;
    assert!(large.len() <= INLINE, "{} bytes", large.len());
    let said: String = large.split('x').filter(|part| !part.is_empty()).collect();
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn a_server_with_small_messages_lowers_the_limits() {
    let options = Options::default().max_payload_bytes(64 * 1024);
    let server = Server::start(&options).await.unwrap();
    let worker = Callboard::worker("one", &server.url()).unwrap();
    let _basic = worker.args(["--tools", "basic"]).offers().await.unwrap();
    let (_worker, _ledger) = referee(&server).await;
    let limit = 16 * 1024;
    let message = Message::new()
        .call("small", "echo", &object(limit / 2))
        .call("large", "echo", &object(limit + 1))
        .call("larger", "echo", &object(100 * 1024))
        .call("poured", POUR, &json!({"bytes": 100 * 1024}))
        .call("many", "echo", &object(limit / 2));
    let (code, results) = execute(&message, Some(&server)).await;
    assert_eq!(code, Some(3));
    for id in ["small", "many"] {
        assert_eq!(results.get(id).unwrap().text, object(limit / 2).to_string());
    }
    for id in ["large", "larger"] {
        let text = &results.get(id).unwrap().text;
        assert!(text.starts_with("Error (invalid_arguments)"), "{text:.300}");
        assert!(text.contains("Executed: no"), "{text:.300}");
    }
    let poured = &results.get("poured").unwrap().text;
    assert!(poured.len() <= limit, "{} bytes", poured.len());
}

#[tokio::test]
async fn a_tool_of_any_name_can_be_called() {
    let server = Server::start(&Options::default()).await.unwrap();
    let (_worker, ledger) = referee(&server).await;
    let command = Callboard::new(["tools", "--json"]).unwrap();
    let tools = command.nats(&server.url()).run().await.unwrap();
    assert!(tools.stdout.contains(ODD), "{}", tools.stdout);
    let message =
        Message::new()
            .call("a", ODD, &json!({"ms": 0}))
            .call("b", LOOK, &json!({"ms": 0}));
    let (code, results) = execute(&message, Some(&server)).await;
    assert_eq!(code, Some(0));
    assert_eq!(results.get("a").unwrap().text, "done a");
    assert_eq!(ledger.effects_of("a").unwrap(), 1);
}
