//! `callboard doctor` and the collector: asked as it will be asked for spans.

use callboard_tests::harness::Callboard;
use callboard_tests::trace::Sink;
use serde_json::Value;

use super::common::traced;

async fn collector(command: Callboard) -> Value {
    let ended = command.run().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let said: Value = serde_json::from_str(&ended.stdout).unwrap();
    let mut checks = said["checks"].as_array().unwrap().iter();
    let found = checks.find(|check| check["what"] == "collector");
    found.unwrap().clone()
}

fn doctor() -> Callboard {
    Callboard::new(["doctor", "--json"]).unwrap()
}

#[tokio::test]
async fn a_collector_that_takes_spans_is_told() {
    let sink = Sink::start().await.unwrap();
    let check = collector(traced(doctor(), &sink)).await;
    assert_eq!(check["status"], "ok", "{check}");
    assert!(
        check["finding"].as_str().unwrap().ends_with("takes spans"),
        "{check}"
    );
}

#[tokio::test]
async fn a_collector_that_is_not_there_is_a_warning_without_its_login() {
    let command = doctor().env(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "http://somebody:hunter2@127.0.0.1:1",
    );
    let check = collector(command).await;
    assert_eq!(check["status"], "warning", "{check}");
    let finding = check["finding"].as_str().unwrap();
    assert!(finding.contains("127.0.0.1:1"), "{check}");
    assert!(!check.to_string().contains("hunter2"), "{check}");
    let cure = check["cure"].as_str().unwrap();
    assert!(cure.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{check}");
}

#[tokio::test]
async fn none_is_said_to_be_none() {
    let check = collector(doctor()).await;
    assert_eq!(check["status"], "ok", "{check}");
    assert!(
        check["finding"]
            .as_str()
            .unwrap()
            .starts_with("none is set"),
        "{check}"
    );
}
