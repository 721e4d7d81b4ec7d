//! What servers offer and answer.

use callboard_tests::harness::{Message, until};
use serde_json::{Value, json};

use super::stage::{Stage, fake, told, view};

#[tokio::test]
async fn every_tool_of_a_server_is_offered_as_its_operator_declares() {
    let file = fake("plain", &[], "tools = [\"echo\", \"add\", \"wait\"]")
        + &fake(
            "trusted",
            &["--page", "1"],
            "prefix = \"t.\"\ntrust_annotations = true\neffect = \"write\"\naffinity = \"run\"\n\
             tools = [\"echo\", \"add\", \"wait\"]\n\
             [mcp.tool.wait]\neffect = \"read\"\nattempt_timeout = \"5s\"\naffinity = \"none\"\noutput_bytes_max = 2000",
        );
    let stage = Stage::new(&file);
    let tools = view(stage.command("tools")).await;
    let shown: Vec<Value> = (tools.as_array().unwrap().iter())
        .map(|tool| json!([tool["name"], tool["manifest"]]))
        .collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&shown).unwrap());
}

#[tokio::test]
async fn answers_come_as_the_server_gave_them() {
    let stage = Stage::new(&fake("fake", &["--garbage"], ""));
    let message = Message::new()
        .call("echo", "fake_echo", &json!({ "text": "h\u{e9}llo\nworld" }))
        .call("add", "fake_add", &json!({ "a": 1.5, "b": 2 }))
        .call("fail", "fake_fail", &json!({}))
        .call("refuse", "fake_refuse", &json!({}))
        .call("invalid", "fake_echo", &json!({ "txt": 1 }));
    let results = stage.execute(&message).await;
    insta::assert_snapshot!(told(&message, &results));
}

#[tokio::test]
async fn what_is_no_text_comes_as_what_it_is_or_is_told() {
    let stage = Stage::new(&fake("fake", &[], ""));
    let message = Message::new().call("picture", "fake_picture", &json!({}));
    let execute = stage.command("execute").input(message.json());
    let ended = execute.run().await.unwrap();
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&answer).unwrap());
}

#[tokio::test]
async fn a_server_sees_nothing_but_what_it_is_given() {
    let stage = Stage::new(&fake(
        "fake",
        &[],
        "env = { SECRET = { file = \"secret\" }, MORE = \"m\" }",
    ));
    std::fs::write(stage.path().join("secret"), "hush\n").unwrap();
    let message = Message::new().call("about", "fake_about", &json!({}));
    let results = stage.execute(&message).await;
    let about: Value = serde_json::from_str(&results.get("about").unwrap().text).unwrap();
    let mut names: Vec<&str> = (about["env"].as_array().unwrap().iter())
        .map(|name| name.as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LANG", "MORE", "PATH", "SECRET", "TMPDIR"]);
    assert_eq!(about["secret"], "hush");
    let folder = about["cwd"].as_str().unwrap();
    assert!(folder.contains("callboard-server-"), "{folder}");
    // And nothing of it is left.
    until("the server's folder is gone", async || {
        Ok((!std::path::Path::new(folder).exists()).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn calls_to_one_server_run_together() {
    let stage = Stage::new(&("[worker]\nslots = 100\n\n".to_owned() + &fake("fake", &[], "")));
    let mut message = Message::new();
    for number in 0..100 {
        message = message.call(&format!("c{number}"), "fake_wait", &json!({ "ms": 500 }));
    }
    let began = std::time::Instant::now();
    let results = stage.execute(&message).await;
    assert!(results.all().iter().all(|result| result.text == "waited"));
    // One after the other they would take 50 s.
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}
