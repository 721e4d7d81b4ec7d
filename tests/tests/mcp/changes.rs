//! Servers whose tools change while they are hosted.

use callboard_tests::harness::{Callboard, Message, until};
use callboard_tests::server::{Options, Server};
use serde_json::{Value, json};

use super::stage::{Stage, execute_on, fake, told, view};

async fn names(url: &str) -> Vec<String> {
    let tools = view(Callboard::new(["tools"]).unwrap().nats(url)).await;
    let tools: Vec<Value> = serde_json::from_value(tools).unwrap();
    let names = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned());
    names.collect()
}

#[tokio::test]
async fn tools_come_and_go_with_the_servers_word() {
    let nats = Server::start(&Options::default()).await.unwrap();
    let url = nats.url();
    let stage = Stage::new(&fake(
        "fake",
        &[],
        "effect = \"read\"\ntools = [\"change\", \"new\"]",
    ));
    let _worker = stage.worker(&url, "worker").await;
    assert_eq!(names(&url).await, ["fake_change"]);

    let change = |id: &str, tools: &[&str]| {
        Message::new().call(id, "fake_change", &json!({ "tools": tools }))
    };
    execute_on(&url, "execute", &change("a", &["new"])).await;
    until("the new tool is on offer", async || {
        Ok((names(&url).await == ["fake_change", "fake_new"]).then_some(()))
    })
    .await
    .unwrap();
    let call = Message::new().call("n", "fake_new", &json!({}));
    assert_eq!(
        execute_on(&url, "execute", &call).await.all()[0].text,
        "new"
    );
    // The queue group of a foreign client is joined too: somebody listens there.
    execute_on(&url, "execute", &change("b", &[])).await;
    until("the tool is withdrawn", async || {
        Ok((names(&url).await == ["fake_change"]).then_some(()))
    })
    .await
    .unwrap();
    let results = execute_on(&url, "execute", &call).await;
    insta::assert_snapshot!(told(&call, &results));
}
