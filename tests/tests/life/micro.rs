//! The stock NATS tools see workers: `nats micro ls`, `info` and `stats` ask as this test does.

use std::time::Duration;

use callboard_tests::harness::Callboard;
use callboard_tests::server::{Options, Server};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

/// All that is answered to a question of the micro protocol: whoever has something to say does so at once.
async fn ask(client: &async_nats::Client, subject: &str, answers: usize) -> Vec<Value> {
    let inbox = client.new_inbox();
    let mut replies = client.subscribe(inbox.clone()).await.unwrap();
    let subject = subject.to_owned();
    client
        .publish_with_reply(subject, inbox, "".into())
        .await
        .unwrap();
    let mut found = Vec::new();
    while found.len() < answers {
        let reply = tokio::time::timeout(Duration::from_secs(30), replies.next()).await;
        let reply = reply.expect("an answer").expect("a message");
        found.push(serde_json::from_slice(&reply.payload).unwrap());
    }
    found
}

#[tokio::test]
async fn workers_are_a_micro_service() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let start = async |name: &str| {
        let command = Callboard::worker(name, &url).unwrap();
        command.args(["--tools", "basic"]).offers().await.unwrap()
    };
    let (_one, _two) = (start("one").await, start("two").await);
    let client = async_nats::connect(&url).await.unwrap();
    let mut ids = Vec::new();
    for subject in ["$SRV.PING", "$SRV.PING.callboard-worker"] {
        let pings = ask(&client, subject, 2).await;
        for ping in &pings {
            assert_eq!(ping["type"], "io.nats.micro.v1.ping_response");
            assert_eq!(ping["name"], "callboard-worker");
            assert_eq!(ping["metadata"]["callboard_tenant"], "default");
        }
        ids = pings
            .iter()
            .map(|ping| ping["id"].as_str().unwrap().to_owned())
            .collect();
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2);
    for id in &ids {
        let info = ask(&client, &format!("$SRV.INFO.callboard-worker.{id}"), 1)
            .await
            .remove(0);
        assert_eq!(info["type"], "io.nats.micro.v1.info_response");
        let endpoints: Vec<&str> = info["endpoints"]
            .as_array()
            .unwrap()
            .iter()
            .map(|endpoint| endpoint["name"].as_str().unwrap())
            .collect();
        assert_eq!(endpoints, ["instance", "echo", "wait"]);
        let announce: Value =
            serde_json::from_str(info["metadata"]["callboard"].as_str().unwrap()).unwrap();
        assert_eq!(announce["tools"].as_array().unwrap().len(), 2);
        let stats = ask(&client, &format!("$SRV.STATS.callboard-worker.{id}"), 1)
            .await
            .remove(0);
        assert_eq!(stats["type"], "io.nats.micro.v1.stats_response");
        assert_eq!(stats["endpoints"][0]["num_errors"], json!(0));
        assert!(stats["started"].as_str().is_some());
    }
}
