//! The same fan-out, looked at through a real Jaeger v2.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;

use callboard_tests::harness::{Callboard, Child, until};
use callboard_tests::trace::{Span, broken, waterfall};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use xtask::jaeger::{VARIABLE, named};

use super::common::{FAN_OUT, fan_out, without_numbers};

/// A Jaeger with its traces in memory; it ends with the value.
struct Jaeger {
    _child: Child,
    _folder: TempDir,
    collector: String,
    api: String,
    client: Client,
}

impl Jaeger {
    async fn start(binary: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [otlp, http, grpc, own] = ports.each_ref().map(|port| port.local_addr().unwrap());
        let configuration = format!(
            r#"service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {{ receivers: [otlp], processors: [batch], exporters: [jaeger_storage_exporter] }}
  telemetry:
    metrics:
      readers: [ {{ pull: {{ exporter: {{ prometheus: {{ host: 127.0.0.1, port: {} }} }} }} }} ]
extensions:
  jaeger_query:
    storage: {{ traces: memory }}
    http: {{ endpoint: "{http}" }}
    grpc: {{ endpoint: "{grpc}" }}
  jaeger_storage:
    backends: {{ memory: {{ memory: {{ max_traces: 1000 }} }} }}
receivers:
  otlp: {{ protocols: {{ grpc: {{ endpoint: "{otlp}" }} }} }}
processors:
  batch: {{ timeout: 50ms }}
exporters:
  jaeger_storage_exporter: {{ trace_storage: memory }}
"#,
            own.port()
        );
        let file = folder.path().join("jaeger.yaml");
        std::fs::write(&file, configuration).unwrap();
        drop(ports);
        let mut command = Command::new(binary);
        command.arg("--config").arg(&file);
        let child = Callboard::of(command).start().unwrap();
        let roots = rustls::RootCertStore::empty();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .build()
            .unwrap();
        let jaeger = Self {
            _child: child,
            _folder: folder,
            collector: format!("http://{otlp}"),
            api: format!("http://{http}/api/v3"),
            client,
        };
        until("Jaeger answers", async || Ok(jaeger.ask("services").await))
            .await
            .unwrap();
        jaeger
    }

    /// What a path of its API answers; nothing where it doesn't, yet.
    async fn ask(&self, path: &str) -> Option<Value> {
        let asked = self.client.get(format!("{}/{path}", self.api)).send();
        let response = asked.await.ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        serde_json::from_str(&response.text().await.ok()?).ok()
    }

    async fn spans(&self, trace: &str) -> Vec<Span> {
        let told = self.ask(&format!("traces/{trace}")).await;
        let told = told.unwrap_or_default();
        let resources = told["result"]["resourceSpans"].as_array();
        resources.into_iter().flatten().flat_map(spans_of).collect()
    }
}

fn spans_of(resource: &Value) -> Vec<Span> {
    let about = attributes(&resource["resource"]["attributes"]);
    let named = |name: &str| about.iter().find(|(key, _)| key == name);
    let named = |name: &str| named(name).map_or_else(String::new, |(_, value)| value.clone());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let nanos = |value: &Value| text(value).parse().unwrap_or(0);
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    list(&resource["scopeSpans"])
        .iter()
        .flat_map(|scope| list(&scope["spans"]))
        .map(|span| Span {
            service: named("service.name"),
            instance: named("service.instance.id"),
            trace: text(&span["traceId"]),
            id: text(&span["spanId"]),
            parent: text(&span["parentSpanId"]),
            name: text(&span["name"]),
            start: nanos(&span["startTimeUnixNano"]),
            end: nanos(&span["endTimeUnixNano"]),
            attributes: attributes(&span["attributes"]).into_iter().collect(),
            links: list(&span["links"])
                .iter()
                .map(|link| text(&link["spanId"]))
                .collect(),
            is_error: span["status"]["code"] == 2 || span["status"]["code"] == "STATUS_CODE_ERROR",
            text: span.to_string(),
        })
        .collect()
}

fn attributes(told: &Value) -> Vec<(String, String)> {
    let pairs = told.as_array().into_iter().flatten();
    let text = |value: &Value| match value.as_object().and_then(|value| value.values().next()) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    pairs
        .map(|pair| {
            let key = pair["key"].as_str().unwrap_or_default();
            (key.to_owned(), text(&pair["value"]))
        })
        .collect()
}

#[tokio::test]
async fn a_fan_out_is_one_tree_in_jaeger() {
    let Some(binary) = named() else {
        let line = format!(
            "LEFT OUT: Jaeger ({VARIABLE} names none; `cargo xtask jaeger` gets one and runs this)\n"
        );
        // In one write: other tests are talking, too.
        let _ = std::io::stderr().write_all(line.as_bytes());
        return;
    };
    let jaeger = Jaeger::start(&binary).await;
    let report = fan_out(&jaeger.collector).await;
    let trace = report["trace_id"].as_str().unwrap();
    // The last batch may still be on its way through Jaeger.
    let mut wrong = Vec::new();
    let spans = until("the trace is whole", async || {
        let spans = jaeger.spans(trace).await;
        wrong = broken(&without_numbers(&spans), &FAN_OUT);
        Ok(wrong.is_empty().then_some(spans))
    })
    .await
    .unwrap_or_else(|error| panic!("{error}: {wrong:#?}"));
    let services = jaeger.ask("services").await.unwrap();
    let mut services: Vec<&str> = services["services"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    services.sort_unstable();
    assert_eq!(services, ["callboard-coordinator", "callboard-worker"]);
    let told = format!("trace {trace}, as Jaeger has it:\n{}", waterfall(&spans));
    let _ = std::io::stderr().write_all(told.as_bytes());
}
