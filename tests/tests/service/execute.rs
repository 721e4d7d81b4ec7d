//! `POST /v1/execute`: what a model sent in, what its conversation goes on with out.

use callboard_tests::harness::until;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::common::{Events, Service, value};

fn anthropic(calls: Value) -> Value {
    json!({"role": "assistant", "content": calls})
}

fn call(id: &str, tool: &str, input: Value) -> Value {
    json!({"type": "tool_use", "id": id, "name": tool, "input": input})
}

#[tokio::test]
async fn each_format_gets_its_own_shape_back() {
    let service = Service::start().await;
    let arguments = "{\"n\":7}";
    for (provider, message, pointer) in [
        (
            "anthropic",
            anthropic(json!([call("t1", "echo", json!({"n": 7}))])),
            "/content/0/tool_use_id",
        ),
        (
            "openai-chat",
            json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "t1", "type": "function", "function": {"name": "echo", "arguments": arguments}}]}),
            "/0/tool_call_id",
        ),
        (
            "openai",
            json!([{"type": "function_call", "call_id": "t1", "name": "echo", "arguments": arguments}]),
            "/0/call_id",
        ),
        (
            "gemini",
            json!({"role": "model", "parts": [{"functionCall": {"id": "t1", "name": "echo", "args": {"n": 7}}}]}),
            "/parts/0/functionResponse/id",
        ),
    ] {
        let path = format!("/v1/execute?provider={provider}");
        let response = service.post(&path, &message).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{provider}");
        let body = value(response).await;
        assert_eq!(
            body.pointer(pointer),
            Some(&json!("t1")),
            "{provider}: {body}"
        );
        let report = value(
            service
                .post(&format!("{path}&report=true"), &message)
                .send()
                .await
                .unwrap(),
        )
        .await;
        assert_eq!(report["calls"][0]["outcome"], "completed", "{provider}");
    }
}

#[tokio::test]
async fn partial_failures_are_results_like_others() {
    let service = Service::start().await;
    let message = anthropic(json!([
        call("a", "echo", json!({})),
        call("b", "nobody_offers_this", json!({})),
        call("c", "wait", json!({"ms": 60000})),
    ]));
    let response = service
        .post("/v1/execute?deadline_ms=500", &message)
        .send()
        .await
        .unwrap();
    let body = value(response).await;
    let results = body["content"].as_array().unwrap();
    let errors: Vec<bool> = results
        .iter()
        .map(|result| result["is_error"] == true)
        .collect();
    assert_eq!(errors, [false, true, true]);
}

#[tokio::test]
async fn progress_is_told_and_the_result_comes_last() {
    let service = Service::start().await;
    let message = anthropic(json!([
        call("a", "echo", json!({})),
        call("b", "echo", json!({}))
    ]));
    let request = service
        .post("/v1/execute", &message)
        .header("accept", "text/event-stream");
    let events = Events::of(request.send().await.unwrap()).all().await;
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(
        names.iter().filter(|name| **name == "call_settled").count(),
        2
    );
    assert_eq!(names.last(), Some(&"result"));
    assert_eq!(
        events.last().unwrap().data["message"]["content"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_key_gives_the_same_results_again() {
    let service = Service::start().await;
    let message = anthropic(json!([call("a", "echo", json!({"n": 1}))]));
    let ask = || {
        service
            .post("/v1/execute", &message)
            .header("idempotency-key", "e-1")
            .send()
    };
    let first = ask().await.unwrap().text().await.unwrap();
    let again = ask().await.unwrap();
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.text().await.unwrap(), first);
    let metrics = service
        .ask(reqwest::Method::GET, "/metrics")
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains("callboard_attempts_total{tenant=\"default\"} 1.0\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_calls_unless_a_key_stands_for_them() {
    let service = Service::start().await;
    let message = anthropic(json!([call("w", "wait", json!({"ms": 60000}))]));
    let in_flight = async |wanted: &str| {
        until("so many are in flight", async || {
            let metrics = service
                .ask(reqwest::Method::GET, "/metrics")
                .send()
                .await?
                .text()
                .await?;
            Ok(metrics
                .contains(&format!("callboard_service_in_flight {wanted}.0\n"))
                .then_some(()))
        })
        .await
        .unwrap();
    };
    let waiting = tokio::spawn(service.post("/v1/execute", &message).send());
    in_flight("1").await;
    waiting.abort();
    in_flight("0").await;
    let short = anthropic(json!([call("w", "wait", json!({"ms": 700}))]));
    let ask = || {
        service
            .post("/v1/execute", &short)
            .header("idempotency-key", "stays")
            .send()
    };
    let waiting = tokio::spawn(ask());
    in_flight("1").await;
    waiting.abort();
    let response = ask().await.unwrap();
    assert_eq!(response.headers()["idempotency-replayed"], "true");
    assert_ne!(value(response).await["content"][0]["is_error"], true);
}
