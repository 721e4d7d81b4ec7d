//! Servers that can't be used, beside one that can.

use callboard_tests::harness::{Callboard, Message};
use callboard_tests::server::{Options, Server};
use serde_json::json;

use super::stage::{Stage, execute_on, fake, view};

#[tokio::test]
async fn a_bad_server_is_shown_as_down_and_harms_no_other() {
    let nats = Server::start(&Options::default()).await.unwrap();
    let url = nats.url();
    let quick = "start_timeout = \"700ms\"";
    let file = fake("silent", &["--silent"], quick)
        + &fake("noisy", &["--silent", "--garbage"], quick)
        + &fake("ending", &["--exit", "3"], quick)
        + &fake(
            "secretless",
            &[],
            "env = { A = { env = \"CALLBOARD_NO_SUCH_VARIABLE\" } }",
        )
        + "[[mcp]]\nname = \"nobody\"\nurl = \"http://127.0.0.1:1/mcp\"\n\n"
        + &fake("good", &[], "tools = [\"echo\", \"lacking\"]");
    let stage = Stage::new(&file);
    let mut worker = stage.worker(&url, "worker").await;
    let call = Message::new().call("a", "good_echo", &json!({ "text": "hi" }));
    assert_eq!(execute_on(&url, "execute", &call).await.all()[0].text, "hi");

    let workers = view(Callboard::new(["workers"]).unwrap().nats(&url)).await;
    let mut told = String::new();
    for down in workers[0]["down"].as_array().unwrap() {
        told.push_str(&format!(
            "{}: {}\n",
            down["what"].as_str().unwrap(),
            down["why"].as_str().unwrap()
        ));
    }
    insta::assert_snapshot!(told);
    let shown = Callboard::new(["workers"])
        .unwrap()
        .nats(&url)
        .run()
        .await
        .unwrap();
    assert!(
        shown
            .stdout
            .contains("mcp ending is down: it ended with code 3"),
        "{}",
        shown.stdout
    );

    worker.terminate().unwrap();
    worker.says("has drained and ended").await.unwrap();
    let ended = worker.ended().await.unwrap();
    assert_eq!(ended.code, Some(0));
    for (name, line) in [("silent", 1), ("noisy", 6), ("ending", 11)] {
        let said = format!("the MCP server \"{name}\" (worker.toml, line {line}) is down");
        assert!(ended.stderr.contains(&said), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_worker_whose_only_server_is_down_stands_and_says_so() {
    let nats = Server::start(&Options::default()).await.unwrap();
    let stage = Stage::new(&fake("ending", &["--exit", "1"], ""));
    let worker = stage.worker(&nats.url(), "worker").await;
    let workers = view(Callboard::new(["workers"]).unwrap().nats(&nats.url())).await;
    assert_eq!(workers[0]["tools"], json!([]));
    assert_eq!(workers[0]["down"][0]["what"], "mcp ending");
    worker.terminate().unwrap();
    assert_eq!(worker.ended().await.unwrap().code, Some(0));
}
