//! Ctrl-C while calls run: the message is complete all the same, and a second one doesn't wait for it.

use std::process::Stdio;

use callboard_tests::harness::{Callboard, Message, PATIENCE, Results, callboard, until, workers};
use callboard_tests::server::{Options, Server};
use callboard_tests::signal::{self, catches_interrupts};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::common::are_ready;

fn message() -> Message {
    Message::new()
        .call("echo", "echo", &json!({"said": 1}))
        .call("wait-1", "wait", &json!({"ms": 600_000}))
        .call("wait-2", "wait", &json!({"ms": 600_000}))
}

async fn are_waiting(url: &str) {
    until("two calls on the worker", async || {
        let all = workers(url).await?;
        Ok((all.first().is_some_and(|worker| worker.running == Some(2))).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn an_interrupt_settles_every_call_and_a_second_one_quits() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let worker = Callboard::worker("one", &url)
        .unwrap()
        .args(["--tools", "basic"]);
    let worker = worker.offers().await.unwrap();
    let message = message();
    let execute = || {
        let command = Callboard::new(["execute"]).unwrap().nats(&url);
        command.input(message.json()).start().unwrap()
    };

    let executing = execute();
    are_waiting(&url).await;
    executing.interrupt().unwrap();
    let ended = executing.ended().await.unwrap();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let results = Results::of(&message, &ended.stdout).unwrap();
    assert_eq!(results.get("echo").unwrap().text, r#"{"said":1}"#);
    for id in ["wait-1", "wait-2"] {
        let result = results.get(id).unwrap();
        assert!(
            result.is_error && result.text.starts_with("Error (cancelled)"),
            "{result:?}"
        );
    }
    // The tools have been told, and the worker is free for others.
    are_ready(&url, &["one"]).await;

    // A worker that doesn't answer keeps the first interrupt waiting.
    let mut executing = execute();
    are_waiting(&url).await;
    worker.pause().unwrap();
    executing.interrupt().unwrap();
    executing.says("Ctrl-C again quits at once").await.unwrap();
    executing.interrupt().unwrap();
    let ended = executing.ended().await.unwrap();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(130), ""));
}

#[tokio::test]
async fn an_interrupt_settles_embedded_calls_too() {
    let message = message();
    let executing = Callboard::new(["execute"]).unwrap().input(message.json());
    let executing = executing.start().unwrap();
    until("its own handler", async || {
        Ok(catches_interrupts(executing.pid())?.then_some(()))
    })
    .await
    .unwrap();
    executing.interrupt().unwrap();
    let ended = executing.ended().await.unwrap();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let results = Results::of(&message, &ended.stdout).unwrap();
    for id in ["wait-1", "wait-2"] {
        let result = results.get(id).unwrap();
        assert!(result.text.starts_with("Error (cancelled)"), "{result:?}");
    }
}

#[tokio::test]
async fn a_reader_that_does_not_read_keeps_nobody_from_interrupting() {
    let large = json!({"x": "x".repeat(200_000)});
    let plain = (0..5).fold(Message::new(), |message, number| {
        message.call(&format!("c{number}"), "echo", &large)
    });
    // Settled by itself, and settled by a first interrupt.
    let waiting = plain.clone().call("wait", "wait", &json!({"ms": 600_000}));
    for (message, interrupts) in [(plain, 1), (waiting, 2)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("message.json");
        std::fs::write(&path, message.json()).unwrap();
        let mut child = tokio::process::Command::new(callboard().unwrap())
            .arg("execute")
            .arg(path)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let pid = child.id().unwrap();
        if interrupts == 2 {
            until("its own handler", async || {
                Ok(catches_interrupts(pid)?.then_some(()))
            })
            .await
            .unwrap();
            signal::interrupt(pid).unwrap();
        }
        // It has begun to write what no pipe can hold.
        let mut output = child.stdout.take().unwrap();
        output.read_u8().await.unwrap();
        signal::interrupt(pid).unwrap();
        let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
        assert_eq!(status.code(), Some(130), "{interrupts}");
    }
}
