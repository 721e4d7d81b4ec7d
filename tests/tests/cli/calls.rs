//! Calls that can't be made, their siblings, and the exit codes.

use std::fmt::Write as _;

use callboard_tests::harness::{Callboard, Ended, Message, Report, Results};
use callboard_tests::server::{Options, Server};
use serde_json::{Value, json};

async fn execute(message: &Message) -> Ended {
    let command = Callboard::new(["execute", "--tools", "basic,shop"]).unwrap();
    command.input(message.json()).run().await.unwrap()
}

#[tokio::test]
async fn a_call_that_can_not_be_made_fails_alone() {
    let deep = (0..200).fold(json!({}), |inner, _| json!({"x": inner}));
    let wrong = [
        ("unknown_tool", "no_such_tool", json!({})),
        ("nearly", "ecko", json!({})),
        ("no_name", "", json!({})),
        ("dots", "a.b.*.>", json!({})),
        ("control", "a\nb", json!({})),
        ("too_long", &"x".repeat(300), json!({})),
        ("list", "echo", json!([1])),
        ("text", "echo", json!("{}")),
        ("null", "echo", Value::Null),
        ("missing", "wait", json!({})),
        ("type", "wait", json!({"ms": "long"})),
        ("range", "wait", json!({"ms": -1})),
        ("extra", "wait", json!({"ms": 1, "s": 1})),
        ("deep", "echo", deep),
    ];
    let message = wrong.iter().fold(
        Message::new().call("first", "echo", &json!({"n": 1})),
        |message, (id, tool, input)| message.call(id, tool, input),
    );
    let message = message.call("last", "wait", &json!({"ms": 1}));
    let ended = execute(&message).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(3), ""));
    let results = Results::of(&message, &ended.stdout).unwrap();
    assert_eq!(results.get("first").unwrap().text, r#"{"n":1}"#);
    assert_eq!(results.get("last").unwrap().text, "waited 1 ms");
    let mut text = String::new();
    for (id, ..) in &wrong {
        let result = results.get(id).unwrap();
        writeln!(
            text,
            "# {id} (is_error: {})\n{}\n",
            result.is_error, result.text
        )
        .unwrap();
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn arguments_that_are_no_json_spoil_the_whole_message() {
    // No provider sends them: whatever holds such a message isn't JSON itself.
    let input = r#"{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"echo","input":{"n":}}]}"#;
    let command = Callboard::new(["execute"]).unwrap().input(input);
    let ended = command.run().await.unwrap();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("line 1 column"), "{}", ended.stderr);
}

#[tokio::test]
async fn exit_codes_say_how_the_calls_ended() {
    let echo = Message::new().call("a", "echo", &json!({}));
    for (message, code) in [
        (echo.clone(), 0),
        (echo.clone().call("b", "no_such_tool", &json!({})), 3),
        // The tool ran, and answered that it found nothing.
        (
            Message::new().call("a", "order_details", &json!({"order_id": "O-0"})),
            3,
        ),
        (Message::new().call("a", "no_such_tool", &json!({})), 4),
        (
            Message::new()
                .call("a", "no_such_tool", &json!({}))
                .call("b", "wait", &json!({})),
            4,
        ),
    ] {
        let ended = execute(&message).await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        Results::of(&message, &ended.stdout).unwrap();
    }
}

#[tokio::test]
async fn a_deadline_ends_the_turn_with_what_there_is() {
    let message = Message::new()
        .call("slow", "wait", &json!({"ms": 600_000}))
        .call("fast", "wait", &json!({"ms": 5}));
    let command = Callboard::new("execute --deadline 400ms --json".split(' ')).unwrap();
    let ended = command.input(message.json()).run().await.unwrap();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let (report, results) = Report::of(&message, &ended.stdout).unwrap();
    assert_eq!(report.call("slow").unwrap().outcome, "timed_out");
    assert_eq!(results.get("fast").unwrap().text, "waited 5 ms");
    assert!(report.elapsed_ms < 400.0 + 250.0, "{}", report.elapsed_ms);
}

#[tokio::test]
async fn a_tool_that_nobody_offers_is_told_from_one_that_nobody_has() {
    let server = Server::start(&Options::default()).await.unwrap();
    let message = Message::new().call("a", "echo", &json!({}));
    let command = Callboard::new(["execute"]).unwrap().nats(&server.url());
    let ended = command.input(message.json()).run().await.unwrap();
    assert_eq!(ended.code, Some(4));
    // The model learns that it can't call it, the operator why.
    let results = Results::of(&message, &ended.stdout).unwrap();
    assert!(results.get("a").unwrap().text.contains("Executed: no"));
    assert!(
        ended.stderr.contains("start a worker"),
        "{:?}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_key_makes_repeating_a_message_safe() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let ledger = callboard_tests::harness::Ledger::new().unwrap();
    let binary = env!("CARGO_BIN_EXE_referee");
    // More than one: a message that is repeated has to find the worker that remembers it.
    let mut workers = Vec::new();
    for name in ["one", "two", "three"] {
        let worker = callboard_tests::harness::referee::start(binary, &url, name, 4, &ledger);
        workers.push(worker.await.unwrap());
    }
    let message = Message::new().call("a", "note", &json!({"ms": 0}));
    let execute = async |key: &[&str]| {
        let command = Callboard::new(["execute"]).unwrap().nats(&url).args(key);
        let ended = command.input(message.json()).run().await.unwrap();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        Results::of(&message, &ended.stdout).unwrap()
    };
    let key = ["--idempotency-key", "order-7"];
    let first = execute(&key).await;
    assert_eq!(execute(&key).await, first);
    assert_eq!(ledger.effects_of("a").unwrap(), 1);
    for key in ["order-8", "order-9", "order-10"] {
        execute(&["--idempotency-key", key]).await;
        execute(&["--idempotency-key", key]).await;
    }
    assert_eq!(ledger.effects_of("a").unwrap(), 4);
    execute(&[]).await;
    execute(&[]).await;
    assert_eq!(ledger.effects_of("a").unwrap(), 6);

    // A key stands for one message.
    let other = Message::new().call("a", "note", &json!({"ms": 1}));
    let command = Callboard::new(["execute"]).unwrap().nats(&url).args(key);
    let ended = command.input(other.json()).run().await.unwrap();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(
        ended.stderr.contains("give this one a key of its own"),
        "{}",
        ended.stderr
    );
    assert_eq!(ledger.effects_of("a").unwrap(), 6);
}
