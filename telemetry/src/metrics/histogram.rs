//! Durations, as they come.

use std::time::Duration;

use callboard_proto::TraceContext;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram as OtelHistogram;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;

/// The labels of an exemplar.
pub(super) type Exemplar = Vec<(&'static str, String)>;

/// One series of durations. Clones count into the same.
#[derive(Clone, Debug)]
pub struct Histogram {
    pub(super) prometheus: HistogramWithExemplars<Exemplar>,
    /// Where metrics are exported to a collector, too.
    pub(super) otel: Option<(OtelHistogram<f64>, Vec<KeyValue>)>,
}

impl Histogram {
    /// Takes a duration; one whose trace is recorded stands for its bucket.
    pub fn observe(&self, duration: Duration, trace: Option<&TraceContext>) {
        let seconds = duration.as_secs_f64();
        let exemplar = trace
            .filter(|trace| trace.is_sampled())
            .map(|trace| vec![("trace_id", trace.trace_text())]);
        self.prometheus.observe(seconds, exemplar, None);
        if let Some((otel, attributes)) = &self.otel {
            otel.record(seconds, attributes);
        }
    }
}
