//! All metrics of a process.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Histogram as OtelHistogram, Meter};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeMetric as _, MetricEncoder, NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::registry::{Registry, Unit};

use super::histogram::Histogram;
use super::process::Process;
use super::source::{Reading, Source, SpanSource};
use super::spec::{Kind, Spec};
use super::{Labels, format, names};
use crate::pipeline::Telemetry;
use crate::semconv;

type Sources = Arc<Mutex<Vec<Arc<dyn Source>>>>;
type Series = BTreeMap<Labels, Histogram>;

/// The metrics of one process.
pub struct Metrics {
    registry: Registry,
    sources: Sources,
    histograms: Arc<Mutex<HashMap<&'static str, Series>>>,
    /// Where metrics are exported to a collector, too.
    meter: Option<Meter>,
    exported: Mutex<HashMap<&'static str, OtelHistogram<f64>>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Those of the pipeline and of the process itself; exported to a collector as well where the pipeline
    /// has one for metrics.
    #[must_use]
    pub fn new(telemetry: &Telemetry) -> Self {
        let spans = Arc::new(SpanSource(Arc::clone(telemetry.counts())));
        let sources = Sources::new(Mutex::new(vec![spans, Arc::new(Process)]));
        let histograms = Arc::default();
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Asked {
            sources: Arc::clone(&sources),
            histograms: Arc::clone(&histograms),
        }));
        let meter = telemetry.meter();
        if let Some(meter) = &meter {
            export(meter, &sources);
        }
        Self {
            registry,
            sources,
            histograms,
            meter,
            exported: Mutex::default(),
        }
    }

    /// Has something read whenever metrics are asked for.
    pub fn add(&self, source: Arc<dyn Source>) {
        lock(&self.sources).push(source);
    }

    /// The series of these labels; the same for the same.
    #[must_use]
    pub fn histogram(&self, spec: &Spec, mut labels: Labels) -> Histogram {
        // An empty label is none, for Prometheus as for OpenTelemetry.
        labels.retain(|(_, value)| !value.is_empty());
        let mut histograms = lock(&self.histograms);
        let series = histograms.entry(spec.name).or_default();
        if let Some(found) = series.get(&labels) {
            return found.clone();
        }
        let bounds = match spec.kind {
            Kind::Histogram(bounds) => bounds,
            Kind::Counter | Kind::Gauge => names::WAIT_BOUNDS,
        };
        let otel = self.meter.as_ref().map(|meter| {
            let mut exported = lock(&self.exported);
            let histogram = exported.entry(spec.name).or_insert_with(|| {
                meter
                    .f64_histogram(spec.otel)
                    .with_unit(spec.unit)
                    .with_description(spec.help)
                    .with_boundaries(bounds.to_vec())
                    .build()
            });
            (histogram.clone(), attributes(&labels))
        });
        let histogram = Histogram {
            prometheus: HistogramWithExemplars::new(bounds.iter().copied()),
            otel,
        };
        series.insert(labels, histogram.clone());
        histogram
    }

    /// All of them in the format that a request's `Accept` asks for, after its type.
    #[must_use]
    pub fn told(&self, accept: Option<&str>) -> (&'static str, String) {
        self.told_of(None, accept)
    }

    /// The same without the series of all tenants but one, if one is named.
    #[must_use]
    pub fn told_of(&self, tenant: Option<&str>, accept: Option<&str>) -> (&'static str, String) {
        let mut text = self.text();
        if let Some(tenant) = tenant {
            text = format::of_tenant(&text, tenant);
        }
        if format::wants_open_metrics(accept) {
            (format::OPEN_METRICS, text)
        } else {
            (format::PLAIN, format::plain(&text))
        }
    }

    /// All of them, as [`OPEN_METRICS`](super::OPEN_METRICS).
    ///
    /// # Panics
    /// Never: a `String` takes all that is written to it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("a String takes all that is written to it");
        text
    }
}

/// Writes what is asked for when it is asked for.
#[derive(Debug)]
struct Asked {
    sources: Sources,
    histograms: Arc<Mutex<HashMap<&'static str, Series>>>,
}

impl Collector for Asked {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // Two sources may tell series of one metric, and a metric stands in the text once.
        let mut readings: Vec<Reading> = Vec::new();
        for reading in lock(&self.sources).iter().flat_map(|source| source.read()) {
            match readings.iter_mut().find(|known| known.spec == reading.spec) {
                Some(known) => known.samples.extend(reading.samples),
                None => readings.push(reading),
            }
        }
        for Reading { spec, samples } in readings {
            let kind = match spec.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge | Kind::Histogram(_) => MetricType::Gauge,
            };
            let mut metric = describe(&mut encoder, &spec, kind)?;
            for sample in samples {
                if sample.labels.is_empty() {
                    encode(&mut metric, &spec, sample.value)?;
                } else {
                    let mut series = metric.encode_family(&sample.labels)?;
                    encode(&mut series, &spec, sample.value)?;
                }
            }
        }
        let histograms = lock(&self.histograms);
        for spec in names::ALL {
            let Some(series) = histograms.get(spec.name) else {
                continue;
            };
            let mut metric = describe(&mut encoder, spec, MetricType::Histogram)?;
            for (labels, histogram) in series {
                histogram.prometheus.encode(metric.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

fn describe<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    spec: &Spec,
    kind: MetricType,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    static SECONDS: Unit = Unit::Seconds;
    let unit = spec.is_seconds().then_some(&SECONDS);
    encoder.encode_descriptor(spec.base(), spec.help, unit, kind)
}

fn encode(metric: &mut MetricEncoder<'_>, spec: &Spec, value: f64) -> fmt::Result {
    match spec.kind {
        Kind::Counter => metric.encode_counter::<NoLabelSet, f64, f64>(&value, None),
        Kind::Gauge | Kind::Histogram(_) => metric.encode_gauge(&value),
    }
}

/// Has the collector told all that sources say.
fn export(meter: &Meter, sources: &Sources) {
    for spec in names::ALL {
        let sources = Arc::clone(sources);
        let tell = move |observer: &dyn AsyncInstrument<f64>| {
            let readings: Vec<Reading> = lock(&sources)
                .iter()
                .flat_map(|source| source.read())
                .collect();
            let own = readings.iter().filter(|reading| reading.spec == *spec);
            for sample in own.flat_map(|reading| &reading.samples) {
                observer.observe(sample.value, &attributes(&sample.labels));
            }
        };
        match spec.kind {
            Kind::Counter => drop(
                meter
                    .f64_observable_counter(spec.otel)
                    .with_unit(spec.unit)
                    .with_description(spec.help)
                    .with_callback(tell)
                    .build(),
            ),
            Kind::Gauge => drop(
                meter
                    .f64_observable_gauge(spec.otel)
                    .with_unit(spec.unit)
                    .with_description(spec.help)
                    .with_callback(tell)
                    .build(),
            ),
            // Told as they come.
            Kind::Histogram(_) => {}
        }
    }
}

/// Labels as OpenTelemetry names them: those of its conventions have dots.
fn attributes(labels: &Labels) -> Vec<KeyValue> {
    let dotted = |name: &'static str| match name {
        "gen_ai_tool_name" => semconv::TOOL_NAME,
        "gen_ai_tool_type" => semconv::TOOL_TYPE,
        "gen_ai_agent_name" => semconv::AGENT_NAME,
        "gen_ai_request_model" => semconv::REQUEST_MODEL,
        "error_type" => semconv::ERROR_TYPE,
        own => own,
    };
    labels
        .iter()
        .map(|(name, value)| KeyValue::new(dotted(name), value.clone()))
        .collect()
}
/// What is behind these locks is whole whenever they are free: a panic leaves it sound.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
