//! Workers that are told to end, and workers that stand still for longer than their lease.

use callboard_tests::harness::referee::{LOOK, NOTE};
use callboard_tests::harness::{Callboard, Entry, Message, Report, until, workers};
use callboard_tests::server::{Options, Server};
use serde_json::json;

use super::common::{Referees, are_ready, execute};

#[tokio::test]
async fn a_worker_that_is_told_to_end_answers_what_it_runs() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let tools = ["--tools", "basic", "--slots", "4"];
    let one = Callboard::worker("one", &url).unwrap().args(tools);
    let two = Callboard::worker("two", &url).unwrap().args(tools);
    let (one, mut two) = (one.offers().await.unwrap(), two.offers().await.unwrap());

    // More than both can run at once: some calls are placed while one of the workers drains.
    let message = (0..16).fold(Message::new(), |message, number| {
        message.call(&format!("wait-{number}"), "wait", &json!({"ms": 2500}))
    });
    let executing = execute(&message, &url).start().unwrap();
    until("calls on both workers", async || {
        let all = workers(&url).await?;
        Ok((all.iter().filter(|w| w.running == Some(4)).count() == 2).then_some(()))
    })
    .await
    .unwrap();
    one.terminate().unwrap();
    let drained = one.ended().await.unwrap();
    assert_eq!(drained.code, Some(0), "{}", drained.stderr);

    let ended = executing.ended().await.unwrap();
    let (report, results) = Report::of(&message, &ended.stdout).unwrap();
    assert_eq!(ended.code, Some(0), "{report:?}");
    for (call, result) in report.calls.iter().zip(results.all()) {
        assert_eq!((call.outcome.as_str(), call.attempts), ("completed", 1));
        assert_eq!(result.text, "waited 2500 ms");
    }
    assert!(two.runs().unwrap());
    are_ready(&url, &["two"]).await;
}

#[tokio::test]
async fn a_worker_that_stood_still_for_longer_than_its_lease_changes_nothing() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let referees = Referees::start(&url, 8).await;
    let mut message = Message::new();
    for number in 0..6 {
        message = message
            .call(&format!("look-{number}"), LOOK, &json!({"ms": 1500}))
            .call(&format!("note-{number}"), NOTE, &json!({"ms": 1500}));
    }
    // Keeps the turn open until the frozen worker has spoken again.
    message = message.call("last", LOOK, &json!({"ms": 9000}));
    let executing = execute(&message, &url).start().unwrap();
    let of = |entries: &[Entry], worker: &str| {
        let mut ids: Vec<String> = entries
            .iter()
            .filter(|entry| entry.worker == worker && entry.id != "last")
            .map(|entry| entry.id.clone())
            .collect();
        ids.sort();
        ids
    };
    until("all calls begun", async || {
        let entries = referees.ledger.entries()?;
        Ok((entries.len() == message.ids().len()).then_some(()))
    })
    .await
    .unwrap();
    referees.one.pause().unwrap();
    let held = of(&referees.ledger.entries().unwrap(), "one");
    assert!(!held.is_empty(), "the first worker was given nothing");

    // Its reads move once its lease is over; then it speaks again.
    let reads: Vec<&String> = held.iter().filter(|id| id.starts_with("look")).collect();
    until("the reads on the other worker", async || {
        let moved = of(&referees.ledger.entries()?, "two");
        Ok(reads.iter().all(|id| moved.contains(id)).then_some(()))
    })
    .await
    .unwrap();
    referees.one.resume().unwrap();

    let ended = executing.ended().await.unwrap();
    let (report, results) = Report::of(&message, &ended.stdout).unwrap();
    referees.check(&message, &report);
    for call in &report.calls {
        let is_lost_write = held.contains(&call.id) && call.id.starts_with("note");
        match call.outcome.as_str() {
            "completed" => {
                let text = &results.get(&call.id).unwrap().text;
                assert_eq!(*text, format!("done {}", call.id));
            }
            "worker_lost" => {
                assert!(is_lost_write, "{call:?}");
                assert_eq!(call.executed, "unknown", "{call:?}");
            }
            other => panic!("{other}: {call:?}"),
        }
    }
    // What it held is told to nobody else, and it takes new work.
    are_ready(&url, &["one", "two"]).await;
}
