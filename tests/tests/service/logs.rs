//! What a service and its workers write, for whoever reads it line by line.

use callboard_tests::harness::{Callboard, Message};
use callboard_tests::server::{Options, Server};
use serde_json::{Value, json};

use super::common::client;

#[tokio::test]
async fn a_service_and_its_workers_write_nothing_but_json() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let logged = |command: Callboard| {
        let levels = "warn,callboard::call=debug,callboard_worker=debug";
        command.args(["--log-format", "json", "--log", levels])
    };
    let worker = Callboard::worker("one", &url).unwrap();
    let worker = logged(worker.args(["--tools", "basic"]))
        .offers()
        .await
        .unwrap();
    let service = Callboard::new(["serve", "--listen", "127.0.0.1:0"]).unwrap();
    let mut service = logged(service.nats(&url)).start().unwrap();
    let said = service.hears("serving on http://").await.unwrap();
    let address = said.split("serving on ").nth(1).unwrap();
    let address = address.split_whitespace().next().unwrap();
    let message = Message::new().call("good", "echo", &json!({"n": 1})).json();
    let asked = client(&[]).post(format!("{address}/v1/execute"));
    let asked = asked
        .header("content-type", "application/json")
        .body(message);
    assert_eq!(asked.send().await.unwrap().status(), 200);
    let mut lines = Vec::new();
    for child in [worker, service] {
        child.terminate().unwrap();
        let ended = child.ended().await.unwrap();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        for line in ended.stderr.lines() {
            let line: Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            lines.push(line);
        }
    }
    let said = |part: &str| {
        let mut found = lines.iter().filter(|line| line["target"] == "callboard");
        found.any(|line| {
            line["message"]
                .as_str()
                .is_some_and(|text| text.contains(part))
        })
    };
    assert!(said("offers echo"), "{lines:?}");
    assert!(said("every run has ended"), "{lines:?}");
    let about = lines
        .iter()
        .find(|line| line["message"] == "call completed");
    let about = about.unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!(
        (&about["tool_use_id"], &about["worker"]),
        (&json!("good"), &json!("one"))
    );
    assert_eq!(about["run"].as_str().unwrap().len(), 32);
}
