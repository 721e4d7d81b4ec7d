#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::TcpListener;
use std::time::{Duration, Instant, SystemTime};

use callboard_proto::TraceContext;
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler};

use super::*;

fn service() -> Service {
    Service {
        name: "callboard-test",
        version: "1".to_owned(),
        instance: "one".to_owned(),
    }
}

fn context(span: u8) -> TraceContext {
    TraceContext::new([7; 16], [span; 8], true).unwrap()
}

fn draft(span: u8, error: Option<&'static str>) -> SpanDraft {
    SpanDraft {
        context: context(span),
        parent: context(1),
        is_remote: false,
        name: "one".into(),
        kind: SpanKind::Producer,
        start: SystemTime::now(),
        end: SystemTime::now(),
        attributes: Vec::new(),
        events: Vec::new(),
        links: vec![SpanLink {
            to: context(9),
            relation: "again",
        }],
        error,
    }
}

#[tokio::test]
async fn spans_are_written_under_the_ids_that_they_were_given() {
    let exporter = InMemorySpanExporter::default();
    let telemetry = Telemetry::with_exporter(exporter.clone(), None, &service()).unwrap();
    let spans = telemetry.spans().unwrap().clone();
    spans.write(draft(2, None));
    spans.write(draft(3, Some("timed_out")));
    let counts = std::sync::Arc::clone(telemetry.counts());
    // The test's exporter forgets what it has when it is shut down.
    telemetry.flush().await;
    let written = exporter.get_finished_spans().unwrap();
    telemetry.close(Duration::from_secs(5)).await;
    assert_eq!((counts.exported(), counts.dropped()), (2, 0));
    for (span, error) in [(2, None), (3, Some("timed_out"))] {
        let found = written
            .iter()
            .find(|found| found.span_context == context_of(&context(span), false))
            .unwrap();
        assert_eq!(found.parent_span_id.to_bytes(), [1; 8]);
        assert_eq!(found.links[0].span_context.span_id().to_bytes(), [9; 8]);
        let says = found
            .attributes
            .iter()
            .find(|pair| pair.key.as_str() == semconv::ERROR_TYPE);
        assert_eq!(
            says.map(|pair| pair.value.to_string()),
            error.map(str::to_owned)
        );
        assert_eq!(
            matches!(found.status, Status::Error { .. }),
            error.is_some()
        );
    }
}

#[tokio::test]
async fn the_root_decides_for_its_trace() {
    let never = Some(Sampler::TraceIdRatioBased(0.0));
    let telemetry =
        Telemetry::with_exporter(InMemorySpanExporter::default(), never, &service()).unwrap();
    let spans = telemetry.spans().unwrap();
    let now = SystemTime::now();
    assert!(spans.begin("root", None, now, Vec::new()).is_none());

    let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
    let telemetry =
        Telemetry::with_exporter(InMemorySpanExporter::default(), Some(sampler), &service())
            .unwrap();
    let spans = telemetry.spans().unwrap();
    assert!(spans.begin("root", None, now, Vec::new()).is_none());
    let inherited = spans.begin("below", Some(context(1)), now, Vec::new());
    assert_eq!(inherited.unwrap().context().trace_id(), [7; 16]);
}

/// A collector that takes connections and never answers.
#[tokio::test]
async fn a_collector_that_never_answers_holds_nothing_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let settings = Settings {
        traces: Some(endpoint.clone()),
        metrics: Some(endpoint),
        ..Settings::default()
    };
    let telemetry = Telemetry::start(&settings, &service()).unwrap();
    let counter = telemetry.meter().unwrap().u64_counter("c").build();
    counter.add(1, &[]);
    let spans = telemetry.spans().unwrap();
    for _ in 0..100_000 {
        spans.write(draft(2, None));
    }
    let counts = std::sync::Arc::clone(telemetry.counts());
    assert!(counts.dropped() > 0, "the queue is bounded");
    assert_eq!(counts.exported(), 0);
    let began = Instant::now();
    telemetry.close(Duration::from_millis(200)).await;
    // Less than any time of the library's own: 5 s for metrics, 10 s for an export.
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn the_clock_keeps_distances() {
    let clock = Clock::now();
    let now = Instant::now();
    let later = now + Duration::from_secs(2);
    let apart = clock.at(later).duration_since(clock.at(now)).unwrap();
    assert_eq!(apart, Duration::from_secs(2));
}

#[test]
fn names_are_pinned() {
    let mut names = semconv::ALL.to_vec();
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    assert_eq!(names.len(), before, "a name stands twice");
    for name in names {
        let known = ["gen_ai.", "messaging.", "service.", "callboard.", "error."];
        assert!(
            known.iter().any(|prefix| name.starts_with(prefix)),
            "{name}"
        );
    }
}
