//! How a worker ends: in order, at once, without a farewell; and what becomes of its calls.

use std::time::Duration;

use callboard_tests::harness::referee::{LOOK, NOTE};
use callboard_tests::harness::{
    Callboard, Ledger, Message, Report, contradictions, python, until, workers,
};
use callboard_tests::server::{Options, Server};
use serde_json::json;

/// How long nothing must happen for everything to have come to a stop.
const QUIET: Duration = Duration::from_millis(700);

fn fifty(ms: u64) -> Message {
    (0..50).fold(Message::new(), |message, number| {
        let tool = if number % 2 == 0 { NOTE } else { LOOK };
        message.call(&format!("c{number}"), tool, &json!({"ms": ms}))
    })
}

fn execute(message: &Message, url: &str) -> Callboard {
    let command = Callboard::new(["execute", "--json"]).unwrap().nats(url);
    command.input(message.json())
}

#[tokio::test]
async fn a_worker_that_is_told_to_end_answers_the_fifty_calls_that_it_runs() {
    let Some(python) = python::python() else {
        return;
    };
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let ledger = Ledger::new().unwrap();
    let worker = python::start_referee(&python, &url, "py", 50, &ledger)
        .await
        .unwrap();
    let message = fifty(1500);
    let executing = execute(&message, &url).start().unwrap();
    ledger.grows(50).await.unwrap();
    worker.terminate().unwrap();
    let drained = worker.ended().await.unwrap();
    assert_eq!(drained.code, Some(0), "{}", drained.stderr);
    let ended = executing.ended().await.unwrap();
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    for call in &report.calls {
        assert_eq!(
            (call.outcome.as_str(), call.attempts),
            ("completed", 1),
            "{call:?}"
        );
    }
    assert_eq!(ledger.entries().unwrap().len(), 50);
}

#[tokio::test]
async fn the_grace_ends_what_runs_and_a_second_interrupt_ends_all() {
    let Some(python) = python::python() else {
        return;
    };
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let ledger = Ledger::new().unwrap();
    let message = Message::new().call("long", LOOK, &json!({"ms": 600_000}));

    let patient = python::referee(&python, &url, "py", 4, &ledger).args(["--grace", "300ms"]);
    let patient = patient.offers().await.unwrap();
    let executing = execute(&message, &url)
        .args(["--deadline", "20s"])
        .start()
        .unwrap();
    ledger.grows(1).await.unwrap();
    patient.terminate().unwrap();
    assert_eq!(patient.ended().await.unwrap().code, Some(0));
    executing.interrupt().unwrap();
    let _settled = executing.ended().await.unwrap();

    let mut hasty = python::start_referee(&python, &url, "py", 4, &ledger)
        .await
        .unwrap();
    let before = ledger.entries().unwrap().len();
    let executing = execute(&message, &url)
        .args(["--deadline", "20s"])
        .start()
        .unwrap();
    until("the call begun", async || {
        Ok((ledger.entries()?.len() > before).then_some(()))
    })
    .await
    .unwrap();
    hasty.interrupt().unwrap();
    hasty.says("again quits at once").await.unwrap();
    hasty.interrupt().unwrap();
    assert_eq!(hasty.ended().await.unwrap().code, Some(130));
    executing.interrupt().unwrap();
    let _settled = executing.ended().await.unwrap();
}

#[tokio::test]
async fn a_cancel_reaches_the_tool_and_frees_its_slot() {
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
        .call("look", LOOK, &json!({"ms": 600_000}))
        .call("note", NOTE, &json!({"ms": 3000}));
    let executing = execute(&message, &url).start().unwrap();
    ledger.grows(2).await.unwrap();
    executing.interrupt().unwrap();
    let ended = executing.ended().await.unwrap();
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    for call in &report.calls {
        assert_eq!(
            (call.outcome.as_str(), call.executed.as_str()),
            ("cancelled", "yes"),
            "{call:?}"
        );
    }
    until("an idle worker", async || {
        let there = workers(&url).await?;
        Ok((there.len() == 1 && there[0].running == Some(0)).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn what_a_killed_worker_ran_moves_where_it_may() {
    let Some(python) = python::python() else {
        return;
    };
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let ledger = Ledger::new().unwrap();
    let mut one = python::start_referee(&python, &url, "one", 8, &ledger)
        .await
        .unwrap();
    let _two = python::start_referee(&python, &url, "two", 8, &ledger)
        .await
        .unwrap();
    let message = fifty(400);
    let executing = execute(&message, &url).start().unwrap();
    ledger.grows(16).await.unwrap();
    one.kill9().await.unwrap();
    let ended = executing.ended().await.unwrap();
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    let entries = ledger.entries().unwrap();
    assert_eq!(
        contradictions(&report.calls, &entries, |tool| tool == NOTE),
        [""; 0]
    );
    let lost: Vec<_> = report
        .calls
        .iter()
        .filter(|call| call.outcome != "completed")
        .collect();
    assert!(!lost.is_empty() && lost.len() <= 8, "{lost:?}");
    for call in lost {
        let number: u32 = call.id[1..].parse().unwrap();
        assert!(number.is_multiple_of(2), "a read was lost: {call:?}");
        assert_eq!(
            (call.outcome.as_str(), call.executed.as_str()),
            ("worker_lost", "unknown")
        );
    }
}

#[tokio::test]
async fn a_server_that_is_killed_and_comes_back_loses_no_call() {
    let Some(python) = python::python() else {
        return;
    };
    let mut server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let ledger = Ledger::new().unwrap();
    let mut worker = python::start_referee(&python, &url, "py", 16, &ledger)
        .await
        .unwrap();
    let message = fifty(1000);
    let executing = execute(&message, &url).start().unwrap();
    ledger.grows(16).await.unwrap();
    server.kill9().await.unwrap();
    ledger.stands_still(QUIET).await.unwrap();
    server.restart().await.unwrap();
    let ended = executing.ended().await.unwrap();
    let (report, _) = Report::of(&message, &ended.stdout).unwrap();
    let entries = ledger.entries().unwrap();
    assert_eq!(
        contradictions(&report.calls, &entries, |tool| tool == NOTE),
        [""; 0]
    );
    for call in &report.calls {
        assert_eq!(call.outcome, "completed", "{call:?}");
    }
    assert!(worker.runs().unwrap());
}
