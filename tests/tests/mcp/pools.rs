//! Several instances of one server.

use callboard_tests::harness::Message;
use callboard_tests::server::{Options, Server};
use serde_json::json;

use super::stage::{Stage, execute_on, fake, told};

#[tokio::test]
async fn a_server_that_takes_one_call_at_a_time_has_a_pool() {
    // It ends itself when it hears a second call before the first is answered.
    let more = "instances = 4\nparallel = 1";
    let stage = Stage::new(&fake("fake", &["--serial"], more));
    let mut message = Message::new();
    for number in 0..16 {
        message = message.call(&format!("c{number}"), "fake_wait", &json!({ "ms": 50 }));
    }
    let results = stage.execute(&message).await;
    let waited = results
        .all()
        .iter()
        .filter(|result| result.text == "waited");
    assert_eq!(waited.count(), 16, "{}", told(&message, &results));
}

#[tokio::test]
async fn a_run_stays_on_the_instance_that_it_began_on() {
    let nats = Server::start(&Options::default()).await.unwrap();
    let more = "instances = 3\naffinity = \"run\"\neffect = \"read\"";
    let stage = Stage::new(&fake("fake", &[], more));
    let _worker = stage.worker(&nats.url(), "worker").await;
    let run = async |key: &str, message: &Message| {
        let words = format!("execute --idempotency-key {key}");
        execute_on(&nats.url(), &words, message).await
    };
    for key in ["one", "two", "three", "four"] {
        let remember =
            Message::new().call("r", "fake_remember", &json!({ "key": "k", "value": key }));
        run(key, &remember).await;
    }
    for key in ["one", "two", "three", "four"] {
        let mut recall = Message::new();
        for number in 0..4 {
            recall = recall.call(&format!("g{number}"), "fake_recall", &json!({ "key": "k" }));
        }
        let results = run(key, &recall).await;
        // Four runs on three instances: one may have written over another's, as a shared memory does.
        let first = &results.all()[0].text;
        assert!(results.all().iter().all(|result| result.text == *first));
        assert_ne!(first, "null", "{key}");
    }
    // The session ends with its process, and nothing else is put in its place.
    run("one", &Message::new().call("x", "fake_crash", &json!({}))).await;
    let after = Message::new().call("y", "fake_recall", &json!({ "key": "k" }));
    let results = run("one", &after).await;
    insta::assert_snapshot!(told(&after, &results));
}
