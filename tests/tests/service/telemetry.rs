//! Metrics and traces of the service: told in whole, told apart by tenants, and flushed at its end.

use std::collections::BTreeSet;

use callboard_mock_provider::Format;
use callboard_telemetry::metrics::names;
use callboard_tests::harness::{Callboard, until, workers};
use callboard_tests::server::{Options, Server};
use callboard_tests::trace::Sink;
use reqwest::Method;
use serde_json::json;

use super::common::{Service, folder, run_of, value};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn metrics(service: &Service, accept: &str) -> String {
    let asked = service
        .ask(Method::GET, "/metrics")
        .header("accept", accept);
    let response = asked.send().await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap();
    let is_open = kind.starts_with("application/openmetrics-text");
    assert_eq!(is_open, accept.contains("openmetrics"), "{kind}");
    response.text().await.unwrap()
}

#[tokio::test]
async fn every_metric_of_a_coordinator_is_told() {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let worker = Callboard::worker("one", &url).unwrap();
    let worker = worker.args(["--tools", "basic"]).offers().await.unwrap();
    let mock = super::common::mock("[[turn]]\ntext = \"hello\"\n").await;
    let sink = Sink::start().await.unwrap();
    let service = Service::with(&["--nats", &url], |command| {
        command
            .env("ANTHROPIC_API_KEY", "sk-test")
            .env(
                "CALLBOARD_PROVIDER__ANTHROPIC__BASE_URL",
                &mock.base_url(Format::Anthropic),
            )
            .env("CALLBOARD_SERVE__MODELS", "[\"anthropic/mock\"]")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.url())
    })
    .await;
    for model in ["anthropic/mock", "script/quick"] {
        let body = json!({"prompt": "go", "model": model});
        let begun = service.post("/v1/runs?wait=true", &body).send().await;
        let view = value(begun.unwrap()).await;
        assert_eq!(view["reason"], "answered", "{view}");
    }
    // A worker that stands still lets a turn come to its deadline.
    let run = json!({"prompt": "go", "model": "script/slow", "budgets": {"turn_time_ms": 1500}});
    let run = service.begin(run).await;
    until("the call runs", async || {
        let all = workers(&url).await?;
        let runs = all.iter().any(|worker| worker.running == Some(1));
        Ok(runs.then_some(()))
    })
    .await
    .unwrap();
    worker.pause().unwrap();
    service.ended(&run).await;
    worker.resume().unwrap();

    let told = metrics(&service, "application/openmetrics-text;version=1.0.0").await;
    assert!(told.ends_with("# EOF\n"), "{told}");
    assert!(told.contains("# {trace_id=\""), "{told}");
    let there: BTreeSet<&str> = told
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let of_worker =
        |name: &str| name.starts_with("callboard_worker_") || name.starts_with("messaging_");
    for spec in names::ALL.iter().filter(|spec| !of_worker(spec.name)) {
        let is_there = [spec.name.to_owned(), format!("{}_count", spec.name)];
        let is_there = is_there.iter().any(|name| there.contains(name.as_str()));
        assert!(is_there, "{} isn't told: {told}", spec.name);
    }
    assert!(!told.contains(&run), "no id is a label");
    let plain = metrics(&service, "*/*").await;
    assert!(
        plain.contains("# TYPE callboard_calls_total counter\n"),
        "{plain}"
    );
    assert!(!plain.contains("trace_id"), "{plain}");
}

#[tokio::test]
async fn tenants_and_their_embedded_workers_are_told_apart() {
    let folder = folder();
    let mut entries = String::new();
    let mut tokens = Vec::new();
    for (tenant, more) in [("one", ""), ("two", ""), ("watch", "metrics = \"all\"\n")] {
        let ended = Callboard::new(["token", "new", tenant])
            .unwrap()
            .run()
            .await;
        let ended = ended.unwrap();
        tokens.push(ended.stdout.trim().to_owned());
        entries += &format!("{}\ntenant = \"{tenant}\"\n{more}", ended.stderr.trim());
    }
    std::fs::write(folder.path().join("tokens.toml"), entries).unwrap();
    let words = ["--tools", "basic", "--tokens", "tokens.toml"];
    let service = Service::start_in(folder.path(), &words, |command| command).await;
    for (token, runs) in tokens.iter().zip([1, 2]) {
        let asker = service.as_who(token);
        for _ in 0..runs {
            let asked = asker.post("/v1/runs?wait=true", &run_of("quick")).send();
            assert_eq!(value(asked.await.unwrap()).await["reason"], "answered");
        }
    }
    let told = service.as_who(&tokens[0]).ask(Method::GET, "/metrics");
    let own = told.send().await.unwrap().text().await.unwrap();
    assert!(own.contains("callboard_runs_total{end=\"answered\",tenant=\"one\"} 1.0\n"));
    assert!(!own.contains("tenant=\"two\""), "{own}");
    let told = service.as_who(&tokens[2]).ask(Method::GET, "/metrics");
    let told = told.send().await.unwrap().text().await.unwrap();
    for (tenant, runs) in [("one", "1.0"), ("two", "2.0")] {
        for line in [
            format!("callboard_runs_total{{end=\"answered\",tenant=\"{tenant}\"}} {runs}"),
            format!(
                "callboard_calls_total{{tool=\"echo\",outcome=\"completed\",tenant=\"{tenant}\"}} {runs}"
            ),
            format!("callboard_attempts_total{{tenant=\"{tenant}\"}} {runs}"),
            format!(
                "callboard_worker_attempts_total{{tool=\"echo\",outcome=\"completed\",tenant=\"{tenant}\"}} {runs}"
            ),
            format!("callboard_worker_link_up{{tenant=\"{tenant}\"}} 1.0"),
        ] {
            assert!(told.lines().any(|one| one == line), "{line}\n{told}");
        }
    }
    let series: Vec<&str> = told
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' ').map(|(series, _)| series))
        .collect();
    let different: BTreeSet<&str> = series.iter().copied().collect();
    assert_eq!(
        different.len(),
        series.len(),
        "a series is told twice: {told}"
    );
}

#[tokio::test]
async fn a_clients_trace_goes_on_and_is_flushed_when_the_service_ends() {
    let sink = Sink::start().await.unwrap();
    let service = Service::with(&["--tools", "basic"], |command| {
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.url())
            .env("CALLBOARD_TELEMETRY__JAEGER_URL", "http://jaeger:16686/")
            // Nothing is away before the end.
            .env("OTEL_BSP_SCHEDULE_DELAY", "600000")
    })
    .await;
    let message = json!({"role": "assistant", "content": [
        {"type": "tool_use", "id": "t1", "name": "echo", "input": {"n": 1}}
    ]});
    for (path, body) in [
        ("/v1/runs?wait=true", run_of("quick")),
        ("/v1/execute", message),
    ] {
        let asked = service.post(path, &body).header("traceparent", PARENT);
        let response = asked.send().await.unwrap();
        assert_eq!(response.headers()["callboard-trace-id"], TRACE, "{path}");
        let url = format!("http://jaeger:16686/trace/{TRACE}");
        assert_eq!(response.headers()["callboard-trace-url"], url, "{path}");
        let told = value(response).await;
        if path.starts_with("/v1/runs") {
            assert_eq!(told["trace_id"], TRACE);
            let run = format!("/v1/runs/{}", told["id"].as_str().unwrap());
            assert_eq!(service.get(&run).await["trace_id"], TRACE);
        }
    }
    assert!(sink.spans().is_empty());
    service.child.terminate().unwrap();
    let ended = service.child.ended().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let spans = sink.spans();
    assert!(spans.iter().all(|span| span.trace == TRACE), "{spans:#?}");
    let mut roots: Vec<&str> = spans
        .iter()
        .filter(|span| span.parent == "00f067aa0ba902b7")
        .map(|span| span.name.as_str())
        .collect();
    roots.sort_unstable();
    assert_eq!(roots, ["execute", "invoke_agent callboard"]);
    let calls = spans
        .iter()
        .filter(|span| span.name == "process tools.default.echo");
    assert_eq!(calls.count(), 2, "{spans:#?}");
}
