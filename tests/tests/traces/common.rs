//! What these tests share.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use callboard_tests::harness::{Callboard, until, workers};
use callboard_tests::server::{Options, Server};
use callboard_tests::trace::{FanOut, Sink, Span};
use serde_json::Value;

/// A script of one turn with `calls` calls of `ms` each, and an answer.
pub(crate) fn script(folder: &Path, calls: usize, ms: u64) -> PathBuf {
    let mut text = "name = \"fan-out\"\n[[turn]]\ntext = \"All at once.\"\n".to_owned();
    for number in 0..calls {
        writeln!(
            text,
            "[[turn.call]]\nid = \"call-{number}\"\ntool = \"wait\"\narguments = {{ ms = {ms} }}"
        )
        .unwrap();
    }
    text.push_str("[[turn]]\ntext = \"Done.\"\n");
    let path = folder.join("script.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// Has a command export to a sink.
pub(crate) fn traced(command: Callboard, sink: &Sink) -> Callboard {
    traced_to(command, &sink.url())
}

/// Has a command export to a collector.
pub(crate) fn traced_to(command: Callboard, collector: &str) -> Callboard {
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
}

/// What the trace of [`fan_out`] must be.
pub(crate) const FAN_OUT: FanOut<'static> = FanOut {
    calls: 8,
    workers_min: 2,
    is_retried: true,
    // The argument, and what the tool answers.
    canaries: &["3456", "waited"],
};

/// Runs a fan-out of 8 on three workers, one of which is killed when all calls run; gives its report when
/// all have exported to this collector what they have to say.
pub(crate) async fn fan_out(collector: &str) -> Value {
    let server = Server::start(&Options::default()).await.unwrap();
    let url = server.url();
    let mut children = Vec::new();
    for name in ["one", "two", "three"] {
        let worker = Callboard::worker(name, &url).unwrap();
        let worker = worker.args(["--tools", "basic", "--slots", "4"]);
        children.push(traced_to(worker, collector).offers().await.unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let script = script(folder.path(), 8, 3456);
    let run = Callboard::new(["run", "Go.", "--json", "--script"]).unwrap();
    let run = traced_to(run.args([&script]).nats(&url), collector)
        .env("CALLBOARD_TELEMETRY__JAEGER_URL", "http://jaeger:16686/");
    let run = run.start().unwrap();
    let lost = until("all calls begun", async || {
        let all = workers(&url).await?;
        let running: u32 = all.iter().filter_map(|worker| worker.running).sum();
        let holder = all.iter().find(|worker| worker.running > Some(0));
        Ok(holder
            .filter(|_| running == 8)
            .map(|worker| worker.worker.clone()))
    })
    .await
    .unwrap();
    let index = ["one", "two", "three"]
        .iter()
        .position(|name| *name == lost);
    children[index.unwrap()].kill9().await.unwrap();

    let ended = run.ended().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    for child in children {
        if child.terminate().is_ok() {
            let _ = child.ended().await.unwrap();
        }
    }
    report
}

/// The spans with no text but that of attributes that are texts: how long a call took may have a canary's
/// digits, too; arguments are texts.
pub(crate) fn without_numbers(spans: &[Span]) -> Vec<Span> {
    let mut spans = spans.to_vec();
    for span in &mut spans {
        let texts = span.attributes.values();
        let texts = texts.filter(|value| value.parse::<f64>().is_err());
        span.text = texts.map(|value| format!("{value}\n")).collect();
    }
    spans
}
