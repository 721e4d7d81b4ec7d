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

#[tokio::test]
async fn a_server_that_answers_with_an_error_is_told_by_its_own_words() {
    let nats = Server::start(&Options::default()).await.unwrap();
    let stage = Stage::new(
        &(fake("first", &["--refuse", "initialize"], "")
            + &fake("second", &["--refuse", "tools/list"], "")),
    );
    let worker = stage.worker(&nats.url(), "worker").await;
    let workers = view(Callboard::new(["workers"]).unwrap().nats(&nats.url())).await;
    let why = |at: usize| workers[0]["down"][at]["why"].as_str().unwrap().to_owned();
    let stands = "; the last that it said: \"mcp-server: the fake server stands\"";
    assert_eq!(
        why(0),
        format!("it refuses `initialize`: not today (-32603){stands}")
    );
    assert!(
        why(1).starts_with("its tools can't be listed: ") && why(1).contains("not today"),
        "{}",
        why(1)
    );
    // How it ended is no news: it was ended from here.
    assert!(!why(1).contains("signal"), "{}", why(1));
    worker.terminate().unwrap();
    assert_eq!(worker.ended().await.unwrap().code, Some(0));
}

#[tokio::test]
async fn an_entry_that_is_no_tool_is_left_out_and_named() {
    let nats = Server::start(&Options::default()).await.unwrap();
    let url = nats.url();
    let stage = Stage::new(&fake("fake", &["--broken", "--page", "5"], ""));
    let _worker = stage.worker(&url, "worker").await;
    let call = Message::new().call("a", "fake_about", &json!({}));
    let results = execute_on(&url, "execute", &call).await;
    assert!(!results.all()[0].is_error, "{results:?}");
    let workers = view(Callboard::new(["workers"]).unwrap().nats(&url)).await;
    assert_eq!(workers[0]["tools"].as_array().unwrap().len(), 11);
    let down = workers[0]["down"].as_array().unwrap();
    let told: Vec<&str> = (down.iter())
        .map(|down| down["why"].as_str().unwrap())
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    its tool "odd" is left out: it can't be read: invalid type: string "anything", expected a map
    number 4 of its list of tools is left out: it can't be read: it is no JSON object
    "#);
}
