//! What calls come to.

use callboard_tests::harness::referee::{LOOK, NOTE, ODD, POUR};
use callboard_tests::harness::{Callboard, Ledger, Message, Report, python, referee, workers};
use callboard_tests::server::{Options, Server};
use serde_json::{Value, json};

#[tokio::test]
async fn every_kind_of_end_arrives() {
    let Some(python) = python::python() else {
        return;
    };
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let ledger = Ledger::new().unwrap();
    let _worker = python::start_referee(&python, &url, "py", 4, &ledger)
        .await
        .unwrap();
    let message = Message::new()
        .call("look", LOOK, &json!({"ms": 20}))
        .call("note", NOTE, &json!({"ms": 20}))
        .call("odd", ODD, &json!({"ms": 0}))
        .call("pour", POUR, &json!({"bytes": 400_000}))
        .call("error", "fail", &json!({"how": "error"}))
        .call("crash", "fail", &json!({"how": "out of paper"}))
        .call("bad", LOOK, &json!({"ms": -1}));
    let command = Callboard::new(["execute", "--json"]).unwrap().nats(&url);
    let ended = command.input(message.json()).run().await.unwrap();
    let (report, results) = Report::of(&message, &ended.stdout).unwrap();
    let outcome = |id: &str| {
        let call = report.call(id).unwrap();
        (call.outcome.as_str(), call.executed.as_str(), call.attempts)
    };
    for id in ["look", "note", "odd"] {
        assert_eq!(outcome(id), ("completed", "yes", 1));
        assert_eq!(results.get(id).unwrap().text, format!("done {id}"));
        assert_eq!(ledger.effects_of(id).unwrap(), 1);
    }
    assert_eq!(outcome("pour").0, "completed");
    let poured = &results.get("pour").unwrap().text;
    assert!(poured.contains("of 400000 bytes are left out here"));
    assert_eq!(outcome("error"), ("tool_error", "yes", 1));
    assert_eq!(results.get("error").unwrap().text, "there is no such order");
    assert_eq!(outcome("crash"), ("crashed", "yes", 3));
    let crashed = &results.get("crash").unwrap().text;
    assert!(crashed.contains("RuntimeError: out of paper"), "{crashed}");
    assert_eq!(outcome("bad"), ("invalid_arguments", "no", 0));
}

#[tokio::test]
async fn a_thousand_calls_on_few_slots_complete() {
    let Some(python) = python::python() else {
        return;
    };
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let ledger = Ledger::new().unwrap();
    let _worker = python::start_referee(&python, &url, "py", 8, &ledger)
        .await
        .unwrap();
    let message = (0..1000).fold(Message::new(), |message, number| {
        let tool = if number % 4 == 0 { NOTE } else { LOOK };
        message.call(&format!("c{number}"), tool, &json!({"ms": 1}))
    });
    let command = Callboard::new(["execute", "--json"]).unwrap().nats(&url);
    let ended = command.input(message.json()).run().await.unwrap();
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    assert!(report.calls.iter().all(|call| call.outcome == "completed"));
    assert_eq!(ledger.entries().unwrap().len(), 1000);
}

#[tokio::test]
async fn the_views_show_it_and_its_digests_are_those_of_the_rust_referee() {
    let Some(python) = python::python() else {
        return;
    };
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let ledger = Ledger::new().unwrap();
    let _python = python::start_referee(&python, &url, "py", 4, &ledger)
        .await
        .unwrap();
    let binary = env!("CARGO_BIN_EXE_referee");
    let _rust = referee::start(binary, &url, "rs", 3, &ledger)
        .await
        .unwrap();
    let mut there = workers(&url).await.unwrap();
    there.sort_by(|one, other| one.worker.cmp(&other.worker));
    let seen: Vec<_> = there
        .iter()
        .map(|one| (one.worker.as_str(), one.slots, one.state.as_str()))
        .collect();
    assert_eq!(seen, [("py", 4, "ready"), ("rs", 3, "ready")]);

    let command = Callboard::new(["tools", "--json"]).unwrap().nats(&url);
    let ended = command.run().await.unwrap();
    let tools: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
    for name in [NOTE, LOOK, ODD, POUR] {
        // One row for each name and digest: two would be two tools.
        let rows: Vec<_> = tools.iter().filter(|tool| tool["name"] == name).collect();
        assert_eq!(rows.len(), 1, "{tools:#?}");
    }
}
