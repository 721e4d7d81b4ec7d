//! One pool of Rust and Python workers for the same tools, under load, and one of each killed.

use callboard_tests::harness::referee::{LOOK, NOTE};
use callboard_tests::harness::{
    Callboard, Ledger, Message, Report, contradictions, python, referee,
};
use callboard_tests::server::{Options, Server};
use serde_json::json;

#[tokio::test]
async fn every_call_is_answered_and_no_write_runs_twice() {
    let Some(python) = python::python() else {
        return;
    };
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let ledger = Ledger::new().unwrap();
    let rust = |name| referee::start(env!("CARGO_BIN_EXE_referee"), &url, name, 8, &ledger);
    let snake = |name| python::start_referee(&python, &url, name, 8, &ledger);
    let mut rust_one = rust("rust-one").await.unwrap();
    let _rust_two = rust("rust-two").await.unwrap();
    let mut python_one = snake("python-one").await.unwrap();
    let _python_two = snake("python-two").await.unwrap();

    let message = (0..600).fold(Message::new(), |message, number| {
        let tool = if number % 2 == 0 { NOTE } else { LOOK };
        message.call(&format!("c{number}"), tool, &json!({"ms": 100}))
    });
    let command = Callboard::new(["execute", "--json"]).unwrap().nats(&url);
    let executing = command.input(message.json()).start().unwrap();
    ledger.grows(100).await.unwrap();
    rust_one.kill9().await.unwrap();
    ledger.grows(100).await.unwrap();
    python_one.kill9().await.unwrap();

    let ended = executing.ended().await.unwrap();
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    let entries = ledger.entries().unwrap();
    assert_eq!(
        contradictions(&report.calls, &entries, |tool| tool == NOTE),
        [""; 0]
    );
    for call in &report.calls {
        let number: u32 = call.id[1..].parse().unwrap();
        let is_lost_write =
            call.outcome == "worker_lost" && call.executed == "unknown" && number.is_multiple_of(2);
        assert!(call.outcome == "completed" || is_lost_write, "{call:?}");
    }
    for name in ["rust-one", "rust-two", "python-one", "python-two"] {
        let count = entries.iter().filter(|entry| entry.worker == name).count();
        assert!(count > 10, "{name} executed {count}");
    }
}
