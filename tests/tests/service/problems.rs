//! Whatever is refused has one shape, a stable code, a cure and the request's id.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::common::{Service, run_of};

/// Sends what should be refused; gives its code with the status.
async fn refused(request: RequestBuilder) -> String {
    let request = request.header("x-request-id", "asked-by-a-test");
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.headers()["x-request-id"], "asked-by-a-test");
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    let error = &body["error"];
    for field in ["code", "message", "cure"] {
        assert!(
            error[field].as_str().is_some_and(|text| !text.is_empty()),
            "{body}"
        );
    }
    assert_eq!(error["request_id"], "asked-by-a-test");
    assert_eq!(body.as_object().unwrap().len(), 1);
    format!("{status} {}", error["code"].as_str().unwrap())
}

#[tokio::test]
async fn every_refusal_has_the_same_shape() {
    let service = Service::with(&["--tools", "basic"], |command| {
        command.env("CALLBOARD_SERVE__BODY_BYTES_MAX", "2000")
    })
    .await;
    let get = |path: &str| service.ask(Method::GET, path);
    let post = |path: &str, body: &str| {
        service
            .ask(Method::POST, path)
            .header("content-type", "application/json")
            .body(body.to_owned())
    };
    let with = |field: &str, value: Value| {
        let mut body = run_of("quick");
        body[field] = value;
        service.post("/v1/runs", &body)
    };
    let elsewhere = "/v1/runs/01a205d3-7957-87e3-b744-3cf97de1035a";
    for (expected, request) in [
        ("404 path_unknown", get("/page/nothing.js")),
        ("404 path_unknown", get("/v1/nothing")),
        (
            "405 method_not_allowed",
            service.ask(Method::PUT, "/v1/runs"),
        ),
        (
            "405 method_not_allowed",
            service.ask(Method::DELETE, "/healthz"),
        ),
        ("404 run_unknown", get("/v1/runs/xyz")),
        ("404 run_unknown", get("/v1/runs/%FF")),
        (
            "404 run_unknown",
            get("/v1/runs/3f9d6a2e-7a0b-4d0e-9c9d-000000000000"),
        ),
        ("410 run_gone", get(elsewhere)),
        ("410 run_gone", get(&format!("{elsewhere}/events"))),
        ("410 run_gone", service.ask(Method::DELETE, elsewhere)),
        ("400 query_invalid", get("/v1/runs?status=lost")),
        ("400 query_invalid", get("/v1/runs?limit=0")),
        ("400 query_invalid", get("/v1/runs?before=x")),
        ("400 query_invalid", get("/v1/runs?unknown=1")),
        (
            "415 media_type",
            service.ask(Method::POST, "/v1/runs").body("{}"),
        ),
        ("400 body_not_json", post("/v1/runs", "{")),
        ("422 body_invalid", post("/v1/runs", "[]")),
        ("422 body_invalid", post("/v1/runs", "{}")),
        (
            "422 body_invalid",
            post("/v1/runs", "{\"prompt\":\"a\",\"more\":1}"),
        ),
        ("413 body_too_large", post("/v1/runs", &" ".repeat(2001))),
        (
            "400 key_invalid",
            service
                .post("/v1/runs", &run_of("quick"))
                .header("idempotency-key", ""),
        ),
        (
            "400 key_invalid",
            service
                .post("/v1/runs", &run_of("quick"))
                .header("idempotency-key", "k".repeat(129)),
        ),
        ("422 model_refused", with("model", json!("script/none"))),
        (
            "422 model_refused",
            with("model", json!("anthropic/claude")),
        ),
        ("422 model_refused", with("model", json!("nothing"))),
        (
            "422 tool_unknown",
            with("tools", json!(["echo", "nobody_has"])),
        ),
        ("422 message_not_a_message", post("/v1/execute", "7")),
        ("422 message_not_json", post("/v1/execute", "x")),
        (
            "422 message_nothing_to_run",
            post("/v1/execute", "{\"role\":\"assistant\",\"content\":[]}"),
        ),
        ("400 query_invalid", post("/v1/execute?provider=none", "{}")),
        ("400 query_invalid", post("/v1/execute?deadline_ms=0", "{}")),
        (
            "403 host_refused",
            get("/v1/runs").header("host", "evil.example"),
        ),
        (
            "403 host_refused",
            get("/healthz").header("host", "evil.example"),
        ),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(refused(request).await, expected, "{shown}");
    }
}

#[tokio::test]
async fn what_is_described_is_what_there_is() {
    let service = Service::start().await;
    let document = service.get("/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "/v1/runs",
        "/v1/runs/{id}",
        "/v1/runs/{id}/events",
        "/v1/execute",
        "/v1/tools",
        "/v1/workers",
        "/healthz",
        "/readyz",
        "/metrics",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    for path in ["/v1/tools", "/v1/workers", "/readyz"] {
        service.get(path).await;
    }
    let response = service.ask(Method::GET, "/v1/runs").send().await.unwrap();
    assert!(
        response
            .headers()
            .get("access-control-allow-origin")
            .is_none()
    );
}
