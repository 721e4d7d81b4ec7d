//! Calls that are stopped, servers that end in the middle of one, and what is left behind.

use callboard_tests::harness::{Callboard, Message, Results, until};
use callboard_tests::server::{Options, Server};
use serde_json::json;
use uuid::Uuid;

use super::stage::{Stage, execute_on, fake, told};

#[tokio::test]
async fn a_server_that_ends_mid_call_ends_its_own_calls_alone() {
    let nats = Server::start(&Options::default()).await.unwrap();
    let url = nats.url();
    let file = fake("bad", &[], "") + &fake("good", &[], "");
    let stage = Stage::new(&file);
    let _worker = stage.worker(&url, "worker").await;
    let message = Message::new()
        .call("waits", "bad_wait", &json!({ "ms": 60_000 }))
        .call("crashes", "bad_crash", &json!({}))
        .call("goes_on", "good_wait", &json!({ "ms": 500 }));
    let results = execute_on(&url, "execute", &message).await;
    insta::assert_snapshot!(told(&message, &results));
    // It is started again, and calls wait for it meanwhile.
    let after = Message::new().call("after", "bad_echo", &json!({ "text": "again" }));
    assert_eq!(
        execute_on(&url, "execute", &after).await.all()[0].text,
        "again"
    );
}

#[tokio::test]
async fn a_call_that_is_stopped_is_cancelled_at_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let more = "effect = \"read\"\nattempts = 1\n[mcp.tool.wait]\nattempt_timeout = \"300ms\"";
    let words = ["--ledger", path.to_str().unwrap()];
    let stage = Stage::new(&fake("fake", &words, more));
    let message = Message::new().call("late", "fake_wait", &json!({ "ms": 60_000 }));
    let results = stage.execute(&message).await;
    insta::assert_snapshot!(told(&message, &results));
    let ledger = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = ledger.lines().collect();
    assert_eq!(lines.len(), 2, "{ledger}");
    let id = lines[0].split(' ').nth(1).unwrap();
    assert_eq!(lines[1], format!("cancelled {id}"));
}

#[tokio::test]
async fn nothing_stays_behind_a_worker_that_is_killed_drained_or_done() {
    let nats = Server::start(&Options::default()).await.unwrap();
    let mark = Uuid::new_v4().to_string();
    let more = format!("env = {{ MARK = {mark:?} }}\ninstances = 2");
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger");
    let words = ["--ledger", ledger.to_str().unwrap()];
    let stage = Stage::new(&fake("fake", &words, &more));
    for (calls, is_killed) in [(1, true), (2, false)] {
        let mut worker = stage.worker(&nats.url(), "worker --grace 300ms").await;
        until("both instances", async || {
            Ok((processes(&mark).len() == 2).then_some(()))
        })
        .await
        .unwrap();
        let message = Message::new().call("a", "fake_wait", &json!({ "ms": 60_000 }));
        let execute = Callboard::new(["execute", "--deadline", "60s"]).unwrap();
        let execute = execute.nats(&nats.url()).input(message.json());
        let executing = execute.start().unwrap();
        until("the call at its server", async || {
            let heard = std::fs::read_to_string(&ledger).unwrap_or_default();
            Ok((heard.matches("call ").count() >= calls).then_some(()))
        })
        .await
        .unwrap();
        if is_killed {
            worker.kill9().await.unwrap();
            are_gone(&mark).await;
        } else {
            worker.terminate().unwrap();
            let ended = worker.ended().await.unwrap();
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            // Not "soon": the worker has seen them off.
            assert_eq!(processes(&mark), Vec::<String>::new());
        }
        executing.interrupt().unwrap();
        let ended = executing.ended().await.unwrap();
        Results::of(&message, &ended.stdout).unwrap();
    }
    let message = Message::new().call("a", "fake_echo", &json!({ "text": "b" }));
    stage.execute(&message).await;
    assert_eq!(processes(&mark), Vec::<String>::new());
}

/// Processes that carry this mark.
pub(super) fn processes(mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(environ) = std::fs::read(entry.path().join("environ")) else {
            continue;
        };
        if String::from_utf8_lossy(&environ).contains(mark) {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

async fn are_gone(mark: &str) {
    until("no process of the server", async || {
        Ok(processes(mark).is_empty().then_some(()))
    })
    .await
    .unwrap();
}
