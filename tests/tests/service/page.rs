//! The live page's files, and what it asks for beyond what others do: a call's content, and where its trace is shown.

use callboard_tests::harness::Callboard;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::common::{Service, run_of};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

async fn keeping() -> Service {
    Service::with(&["--tools", "basic"], |command: Callboard| {
        command
            .env("CALLBOARD_TELEMETRY__CONTENT", "true")
            .env("CALLBOARD_TELEMETRY__JAEGER_URL", "http://jaeger:16686/")
    })
    .await
}

#[tokio::test]
async fn the_page_is_served_with_a_strict_policy_and_sent_once() {
    let service = Service::start().await;
    for path in ["/", "/page/main.js", "/page/page.css", "/page/icon.svg"] {
        let first = service.ask(Method::GET, path).send().await.unwrap();
        assert_eq!(first.status(), StatusCode::OK, "{path}");
        let header = |name: &str| first.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        let again = service.ask(Method::GET, path);
        let again = again.header("if-none-match", header("etag")).send().await;
        let again = again.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(again.text().await.unwrap(), "");
    }
    let missing = service.ask(Method::GET, "/page/../Cargo.toml");
    assert_eq!(
        missing.send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn without_tokens_the_page_is_for_this_machines_names_alone() {
    let service = Service::start().await;
    let asked = service.ask(Method::GET, "/").header("host", "evil.example");
    assert_eq!(asked.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_calls_content_is_told_where_it_is_kept() {
    let service = keeping().await;
    let run = service.begin(run_of("quick")).await;
    let view = service.ended(&run).await;
    assert_eq!(view["keeps_content"], true);
    let content = service.get(&format!("/v1/runs/{run}/calls/1/a")).await;
    let text = |what: &str| content[what]["text"].as_str().unwrap().replace(' ', "");
    assert_eq!(text("arguments"), r#"{"n":1}"#);
    assert_eq!(text("result"), r#"{"n":1}"#);
    for path in ["1/b", "2/a", "0/a", "x/a", "1/a%2Fb"] {
        let unknown = service.ask(Method::GET, &format!("/v1/runs/{run}/calls/{path}"));
        let unknown = unknown.send().await.unwrap();
        assert_eq!(unknown.status(), StatusCode::NOT_FOUND, "{path}");
        let body: Value = serde_json::from_str(&unknown.text().await.unwrap()).unwrap();
        assert_eq!(body["error"]["code"], "call_unknown");
    }
}

#[tokio::test]
async fn a_calls_arguments_are_told_while_it_runs() {
    let service = keeping().await;
    let run = service.begin(run_of("short")).await;
    service.told(&run, "call_posted").await;
    let content = service.get(&format!("/v1/runs/{run}/calls/1/w")).await;
    assert!(
        content["arguments"]["text"]
            .as_str()
            .unwrap()
            .contains("1000")
    );
    assert_eq!(content.get("result"), None);
}

#[tokio::test]
async fn content_that_is_not_kept_is_refused_with_what_helps() {
    let service = Service::start().await;
    let run = service.begin(run_of("quick")).await;
    let view = service.ended(&run).await;
    assert_eq!(view["keeps_content"], false);
    assert_eq!(view.get("trace_url"), None);
    let asked = service.ask(Method::GET, &format!("/v1/runs/{run}/calls/1/a"));
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(body["error"]["code"], "content_off");
    let cure = body["error"]["cure"].as_str().unwrap();
    assert!(cure.contains("telemetry.content"), "{cure}");
}

#[tokio::test]
async fn a_run_says_where_its_trace_is_shown() {
    let service = keeping().await;
    let body = json!({"prompt": "go", "model": "script/quick"});
    let begun = service.post("/v1/runs?wait=true", &body);
    let begun = begun.header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"));
    let view: Value =
        serde_json::from_str(&begun.send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(view["trace_id"], TRACE);
    assert_eq!(
        view["trace_url"],
        format!("http://jaeger:16686/trace/{TRACE}")
    );
}
