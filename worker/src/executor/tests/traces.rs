//! What is written of an attempt whose trace is recorded, and what its tool sees of it.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callboard_proto::message::CallItem;
use callboard_proto::{Tenant, TraceContext};
use callboard_telemetry::{Service, Telemetry, semconv};
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::Instrument as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;

use super::harness::{Worker, item, options, tool};
use crate::tool::{Answer, blocking};
use crate::traces::Traces;

const SECOND: Duration = Duration::from_secs(1);
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct Stage {
    telemetry: Telemetry,
    exporter: InMemorySpanExporter,
    traces: Arc<Traces>,
}

impl Stage {
    fn set() -> (Self, crate::executor::Options) {
        let exporter = InMemorySpanExporter::default();
        let service = Service {
            name: "callboard-worker",
            version: "1".to_owned(),
            instance: "one".to_owned(),
        };
        let telemetry = Telemetry::with_exporter(exporter.clone(), None, &service).unwrap();
        let mut options = options();
        let tenant = Tenant::new("default").unwrap();
        let traces = Traces::start(&telemetry, options.identity(), tenant, "nats").unwrap();
        options.traces = Some(Arc::clone(&traces));
        let stage = Self {
            telemetry,
            exporter,
            traces,
        };
        (stage, options)
    }

    async fn spans(&self) -> Vec<SpanData> {
        self.traces.write();
        self.telemetry.flush().await;
        self.exporter.get_finished_spans().unwrap()
    }
}

fn traced(tool: &str, number: u32) -> CallItem {
    CallItem {
        traceparent: Some(PARENT.to_owned()),
        ..item(tool, number, SECOND)
    }
}

fn attribute(span: &SpanData, name: &str) -> Option<String> {
    let mut pairs = span.attributes.iter();
    let found = pairs.find(|pair| pair.key.as_str() == name);
    found.map(|pair| pair.value.to_string())
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_a_span_below_the_one_that_posted_it() {
    let (stage, options) = Stage::set();
    let said = tool("say", |call| async move {
        Ok(Answer::text(call.traceparent().unwrap_or("nothing")))
    });
    let slow = tool("slow", |_| async move { std::future::pending().await });
    let mut worker = Worker::with(options, [said, slow]);
    worker.post(&[traced("say", 1)]);
    let answer = format!("{:?}", worker.outcome().await);
    worker.post(&[traced("slow", 2)]);
    worker.failure().await;
    // Neither of these is recorded.
    let unsampled = PARENT.replace("-01", "-00");
    let mut calls = [traced("say", 3), item("say", 4, SECOND)];
    calls[0].traceparent = Some(unsampled.clone());
    worker.post(&calls);
    let passed_on = format!("{:?}", worker.results().await);
    assert!(passed_on.contains(&unsampled), "{passed_on}");

    let spans = stage.spans().await;
    assert_eq!(spans.len(), 2);
    let parent: TraceContext = PARENT.parse().unwrap();
    for span in &spans {
        assert_eq!(span.span_context.trace_id().to_bytes(), parent.trace_id());
        assert_eq!(span.parent_span_id.to_bytes(), parent.span_id());
        assert!(span.parent_span_is_remote);
        assert_eq!(
            span.links[0].span_context.span_id().to_bytes(),
            parent.span_id()
        );
        // A viewer would count the call twice.
        assert_eq!(attribute(span, semconv::OPERATION_NAME), None);
        assert!(attribute(span, semconv::TOOL_CALL_ID).is_some());
    }
    assert_eq!(spans[0].name, "process tools.default.say");
    assert!(
        answer.contains(&spans[0].span_context.span_id().to_string()),
        "the tool is given its own attempt's span: {answer}"
    );
    let error = |span| attribute(span, semconv::ERROR_TYPE);
    assert_eq!(error(&spans[0]), None);
    assert_eq!(error(&spans[1]).as_deref(), Some("timed_out"));
    assert_eq!(
        attribute(&spans[1], semconv::EXEC_MS).as_deref(),
        Some("1000")
    );
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_a_tool_traces_and_logs_belongs_to_its_call() {
    let own = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(own.clone())
        .build();
    let lines = Lines::default();
    let writer = lines.clone();
    // An embedding program exports the spans of its tools; ours are on their way already.
    let exported = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("tool"))
        .with_filter(filter_fn(|about| about.target() == "tool"));
    let logged = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(move || writer.clone());
    let subscriber = tracing_subscriber::registry().with(exported).with(logged);
    let _set = tracing::subscriber::set_default(subscriber);

    // Other tests come by the same spans at the same time and listen to nobody, which the library remembers
    // for all; with somebody who listens everywhere it doesn't.
    let _set_before = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    let (stage, options) = Stage::set();
    let waits = tool("waits", |_| {
        let work = async {
            tokio::task::yield_now().await;
            tracing::info!("a line of the tool");
            Ok(Answer::text("waited"))
        };
        work.instrument(tracing::info_span!(target: "tool", "query"))
    });
    let blocks = tool("blocks", |call| {
        blocking(call, |_| {
            let seen = opentelemetry::Context::current();
            Ok(Answer::text(
                seen.span().span_context().span_id().to_string(),
            ))
        })
    });
    let mut worker = Worker::with(options, [waits, blocks]);
    let mut answers = Vec::new();
    for name in ["waits", "blocks"] {
        worker.post(&[traced(name, 1)]);
        answers.push(format!("{:?}", worker.outcome().await));
    }
    let spans = stage.spans().await;
    let id = |index: usize| spans[index].span_context.span_id();
    let queries = own.get_finished_spans().unwrap();
    assert_eq!(queries.len(), 1);
    assert_eq!(queries[0].parent_span_id, id(0));
    assert!(answers[1].contains(&id(1).to_string()), "{answers:?}");
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let line = logged
        .lines()
        .find(|line| line.contains("a line of the tool"));
    let line: serde_json::Value = serde_json::from_str(line.unwrap()).unwrap();
    let call = &line["spans"][0];
    assert_eq!(call["tool_use_id"], "waits-1");
    assert_eq!(call["attempt"], 1);
    assert_eq!(call["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
}
