//! JSON log lines: every change of a call's state, found by the same ids as its trace.

use callboard_tests::harness::{Callboard, Message};
use callboard_tests::trace::Sink;
use serde_json::{Value, json};

use super::common::traced;

#[tokio::test]
async fn log_lines_carry_the_ids_of_run_call_and_trace() {
    let sink = Sink::start().await.unwrap();
    let message = Message::new()
        .call("good", "echo", &json!({"n": "canary-41"}))
        .call("bad", "echo", &json!([1]));
    let command = Callboard::new(["execute", "--json", "--log-format", "json", "--log"]).unwrap();
    let command = command.args(["warn,callboard::call=debug,callboard_worker=debug"]);
    let command = traced(command.input(message.json()), &sink);
    let ended = command.run().await.unwrap();
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let trace = report["trace_id"].as_str().unwrap();
    let lines: Vec<Value> = ended
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let calls = lines
        .iter()
        .filter(|line| line["target"] == "callboard::call");
    let mut told = Vec::new();
    for line in calls {
        assert_eq!(line["trace_id"], trace, "{line}");
        assert_eq!(line["run"].as_str().unwrap().len(), 32, "{line}");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
        let text = |name: &str| line[name].as_str().unwrap_or("").to_owned();
        told.push(format!("{} {}", text("tool_use_id"), text("message")));
        if line["message"] == "call posted" {
            assert_eq!(
                (&line["worker"], &line["attempt"]),
                (&json!("embedded"), &json!(1))
            );
        }
        if line["message"] == "call failed" {
            assert_eq!(line["error.type"], "invalid_arguments");
        }
    }
    told.sort();
    assert_eq!(
        told,
        [
            "bad call failed",
            "bad call opened",
            "good call completed",
            "good call opened",
            "good call posted"
        ]
    );
    assert!(!ended.stderr.contains("canary-41"), "{}", ended.stderr);
}
