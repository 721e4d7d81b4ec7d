//! `require` and `prefer`, over NATS.

use callboard_tests::harness::{Callboard, Child, Message};
use callboard_tests::server::{Options, Server};
use serde_json::json;

use super::common::execute;

const FILE: &str = r#"
[[tool]]
name = "nearby"
description = "Is best run in one zone."
effect = "read"
prefer = ["zone=eu"]
input_schema = '{"type":"object"}'
process.argv = ["true"]

[[tool]]
name = "render"
description = "Needs a card."
effect = "read"
require = ["gpu=a100", "region=eu"]
input_schema = '{"type":"object"}'
process.argv = ["true"]
"#;

async fn worker(url: &str, name: &str, file: &str, labels: &[&str]) -> Child {
    let command = Callboard::worker(name, url).unwrap();
    let labels = labels.iter().flat_map(|label| ["--label", label]);
    let words = ["--config", file, "--slots", "4"].into_iter().chain(labels);
    command.args(words).offers().await.unwrap()
}

#[tokio::test]
async fn labels_decide_who_is_taken() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("worker.toml");
    std::fs::write(&file, FILE).unwrap();
    let file = file.to_str().unwrap();
    let card = ["gpu=a100", "region=eu"];
    let there = [&card[..], &["zone=us"]].concat();
    let here = [&card[..], &["zone=eu"]].concat();
    let _there = worker(&url, "there", file, &there).await;
    let mut here = worker(&url, "here", file, &here).await;
    let message = (0..4).fold(Message::new(), |message, number| {
        message.call(&format!("n{number}"), "nearby", &json!({}))
    });
    let message = message.call("r", "render", &json!({}));
    let (report, _) = execute(&url, &message, &[]).await;
    for call in &report.calls {
        assert_eq!(call.outcome, "completed", "{call:?}");
    }
    let at = |id: &str| report.call(id).unwrap().worker.clone();
    for id in ["n0", "n1", "n2", "n3"] {
        assert_eq!(at(id).as_deref(), Some("here"), "{id}");
    }
    // What is preferred and gone is done without.
    here.kill9().await.unwrap();
    let again = Message::new().call("a", "nearby", &json!({}));
    let (report, _) = execute(&url, &again, &[]).await;
    assert_eq!(report.call("a").unwrap().worker.as_deref(), Some("there"));
    // A worker that could never be taken doesn't start.
    let bare = Callboard::worker("bare", &url).unwrap();
    let words = ["--config", file, "--label", "gpu=a100"];
    let ended = bare.args(words).run().await.unwrap();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let told = "the tool \"render\" requires the label region=eu, which this worker doesn't carry";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}
