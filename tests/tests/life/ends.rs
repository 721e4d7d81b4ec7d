//! How a worker ends: by SIGTERM with all answers given, by a second signal at once.

use callboard_tests::harness::{Callboard, Message, until, workers};
use callboard_tests::server::{Options, Server};
use serde_json::json;

use super::common::execute;

/// Waits until a worker runs so many calls.
async fn runs(url: &str, name: &str, calls: u32) {
    until(&format!("{name} runs {calls} calls"), async || {
        let seen = workers(url).await?;
        let found = seen.iter().find(|worker| worker.worker == name);
        Ok(found
            .is_some_and(|worker| worker.running == Some(calls))
            .then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn sigterm_with_fifty_calls_in_flight_gives_fifty_answers() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let command = Callboard::worker("leaving", &url).unwrap();
    let words = "--tools basic --slots 50 --grace 30s".split(' ');
    let leaving = command.args(words).offers().await.unwrap();
    let message = (0..50).fold(Message::new(), |message, number| {
        message.call(&format!("c{number}"), "wait", &json!({"ms": 3000 + number}))
    });
    let turn = tokio::spawn({
        let url = url.clone();
        async move { execute(&url, &message, &[]).await }
    });
    runs(&url, "leaving", 50).await;
    leaving.terminate().unwrap();
    let (report, _) = turn.await.unwrap();
    assert_eq!(report.calls.len(), 50);
    for call in &report.calls {
        let told = (call.outcome.as_str(), call.attempts, call.worker.as_deref());
        assert_eq!(told, ("completed", 1, Some("leaving")), "{}", call.id);
    }
    let ended = leaving.ended().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("drained and ended"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let command = Callboard::worker("hasty", &url).unwrap();
    let words = "--tools basic --grace 1h".split(' ');
    let mut hasty = command.args(words).offers().await.unwrap();
    let message = Message::new().call("a", "wait", &json!({"ms": 600_000}));
    let turn = tokio::spawn({
        let url = url.clone();
        async move { execute(&url, &message, &["--deadline", "20s"]).await }
    });
    runs(&url, "hasty", 1).await;
    hasty.interrupt().unwrap();
    hasty.says("Ctrl-C again quits at once").await.unwrap();
    hasty.interrupt().unwrap();
    assert_eq!(hasty.ended().await.unwrap().code, Some(130));
    let (report, _) = turn.await.unwrap();
    assert_ne!(report.call("a").unwrap().outcome, "completed");
}
