//! What a server says of its progress reaches whoever called.

use callboard_proto::HEADER_KIND;
use callboard_tests::harness::Message;
use callboard_tests::server::{Options, Server};
use futures_util::StreamExt as _;
use serde_json::json;

use super::stage::{Stage, execute_on, fake};

#[tokio::test]
async fn progress_is_passed_on() {
    let nats = Server::start(&Options::default()).await.unwrap();
    let client = async_nats::connect(nats.url()).await.unwrap();
    let mut replies = client.subscribe("cb.v1.reply.>").await.unwrap();
    client.flush().await.unwrap();
    let stage = Stage::new(&fake("fake", &[], ""));
    let _worker = stage.worker(&nats.url(), "worker").await;
    let message = Message::new().call("w", "fake_wait", &json!({ "ms": 100, "steps": 4 }));
    let results = execute_on(&nats.url(), "execute", &message).await;
    assert_eq!(results.all()[0].text, "waited");
    loop {
        let reply = replies.next().await.unwrap();
        let headers = reply.headers.unwrap_or_default();
        if headers
            .get(HEADER_KIND)
            .is_some_and(|kind| kind.as_str() == "progress")
        {
            let body = String::from_utf8_lossy(&reply.payload).into_owned();
            assert!(body.contains("step ") && body.contains("percent"), "{body}");
            return;
        }
    }
}
