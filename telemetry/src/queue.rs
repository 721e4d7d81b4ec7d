//! The way of a span from its end to the collector: bounded, and counted.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};

/// Spans that wait for the collector, at most: a wide turn of 10,000 calls fits, at about 1 KiB each.
/// `OTEL_BSP_MAX_QUEUE_SIZE` says otherwise. Chosen, not measured.
const QUEUE_MAX: usize = 32_768;
/// Spans in one message to the collector, at most; `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` says otherwise. At
/// some 500 bytes each, well below the 4 MiB that a gRPC server takes.
const BATCH_MAX: usize = 2_048;
/// How long a span waits for company; `OTEL_BSP_SCHEDULE_DELAY` says otherwise (the SDK's own 5 s make
/// whoever looks at a trace wait).
const DELAY: Duration = Duration::from_secs(1);

/// What became of the spans of a process.
#[derive(Debug, Default)]
pub struct SpanCounts {
    pub(crate) waiting: AtomicUsize,
    pub(crate) exported: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) unsent: AtomicU64,
}

impl SpanCounts {
    /// Spans that the collector took.
    #[must_use]
    pub fn exported(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    /// Spans, or events of which spans would have been made, that there was no room for.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Spans that the collector didn't take.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        self.unsent.load(Ordering::Relaxed)
    }

    /// Counts what was dropped before it came to be a span.
    pub fn drop_events(&self, events: u64) {
        self.dropped.fetch_add(events, Ordering::Relaxed);
    }
}

/// Builds the SDK's batch processor between a gate that counts and an exporter that counts.
pub(crate) fn processor<E: SpanExporter + 'static>(
    exporter: E,
    counts: &Arc<SpanCounts>,
    env: impl Fn(&str) -> Option<String>,
) -> Gate {
    let number = |name: &str| env(name).and_then(|value| value.parse::<usize>().ok());
    let queue_max = number("OTEL_BSP_MAX_QUEUE_SIZE").map_or(QUEUE_MAX, |max| max.max(1));
    let batch_max = number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE").map_or(BATCH_MAX, |max| max.max(1));
    let delay = number("OTEL_BSP_SCHEDULE_DELAY")
        .and_then(|delay| u64::try_from(delay).ok())
        .map_or(DELAY, Duration::from_millis);
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(queue_max)
        .with_max_export_batch_size(batch_max.min(queue_max))
        .with_scheduled_delay(delay)
        .build();
    let exporter = Counting {
        exporter,
        counts: Arc::clone(counts),
        is_failing: AtomicBool::new(false),
    };
    let batches = BatchSpanProcessor::builder(exporter)
        .with_batch_config(config)
        .build();
    Gate {
        batches,
        counts: Arc::clone(counts),
        queue_max,
    }
}

/// Lets as many spans in as the queue behind it holds, so that it knows what was dropped.
#[derive(Debug)]
pub(crate) struct Gate {
    batches: BatchSpanProcessor,
    counts: Arc<SpanCounts>,
    queue_max: usize,
}

impl SpanProcessor for Gate {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batches.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        let counts = &self.counts;
        if counts.waiting.fetch_add(1, Ordering::Relaxed) >= self.queue_max {
            counts.waiting.fetch_sub(1, Ordering::Relaxed);
            if counts.dropped.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::warn!(
                    "the collector is slower than spans are made; spans are dropped and counted"
                );
            }
            return;
        }
        self.batches.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// Counts what an exporter brings away, and says once that it doesn't.
struct Counting<E> {
    exporter: E,
    counts: Arc<SpanCounts>,
    is_failing: AtomicBool,
}

impl<E> fmt::Debug for Counting<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counting").finish_non_exhaustive()
    }
}

impl<E: SpanExporter> SpanExporter for Counting<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let exported = self.exporter.export(batch).await;
        // What is on its way takes room, too: it is there until the collector has answered.
        self.counts.waiting.fetch_sub(spans, Ordering::Relaxed);
        let count = match &exported {
            Ok(()) => &self.counts.exported,
            Err(_) => &self.counts.unsent,
        };
        count.fetch_add(u64::try_from(spans).unwrap_or(u64::MAX), Ordering::Relaxed);
        let was_failing = self.is_failing.swap(exported.is_err(), Ordering::Relaxed);
        match &exported {
            Err(error) if !was_failing => {
                tracing::warn!(%error, spans, "the collector takes no spans; calls go on, spans are lost");
            }
            Ok(()) if was_failing => tracing::warn!("the collector takes spans again"),
            Ok(()) | Err(_) => {}
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
