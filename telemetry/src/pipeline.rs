//! The pipeline of one service.

use std::fmt;
use std::fs;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig as _, WithTonicConfig as _,
};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanExporter as Exporter};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::ids::ChosenIds;
use crate::metrics::tolerant::Tolerant;
use crate::queue::{self, SpanCounts};
use crate::resource::{Service, resource};
use crate::settings::Settings;
use crate::spans::{self, Spans};

/// Why traces or metrics can't be exported.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The thread for it can't be made.
    #[error("the thread for traces and metrics can't be made")]
    Thread(#[source] std::io::Error),
    /// The collector's certificate authority can't be read.
    #[error("OTEL_EXPORTER_OTLP_CERTIFICATE = {path:?} can't be read")]
    Certificate {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The exporter refuses its variables.
    #[error("the exporter can't be set up; see the OTEL_EXPORTER_OTLP_… variables")]
    Exporter(#[from] ExporterBuildError),
}

/// The pipeline of one service, on a thread of its own: a process of one thread, on one processor, can
/// wait for it without waiting for itself.
pub struct Telemetry {
    /// Nothing where nothing is exported.
    runtime: Option<Runtime>,
    traces: Option<(SdkTracerProvider, Spans)>,
    metrics: Option<SdkMeterProvider>,
    counts: Arc<SpanCounts>,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("traces", &self.traces.is_some())
            .finish_non_exhaustive()
    }
}

impl Telemetry {
    /// Exports nothing, and costs nothing.
    #[must_use]
    pub fn off() -> Self {
        Self {
            runtime: None,
            traces: None,
            metrics: None,
            counts: Arc::default(),
        }
    }

    /// Sets up what is asked for. Whether the collector is there isn't asked: it may come later.
    ///
    /// # Errors
    /// When the variables can't be used, or no thread can be made.
    pub fn start(settings: &Settings, service: &Service) -> Result<Self, StartError> {
        if settings.is_off() {
            return Ok(Self::off());
        }
        let runtime = runtime()?;
        let counts = Arc::default();
        let traces = match &settings.traces {
            Some(endpoint) => {
                // The channel to the collector lives on this runtime.
                let _entered = runtime.enter();
                let exporter = span_exporter(endpoint, settings)?;
                Some(traces(exporter, None, service, &counts))
            }
            None => None,
        };
        let metrics = match &settings.metrics {
            Some(endpoint) => {
                let _entered = runtime.enter();
                let exporter = MetricExporter::builder()
                    .with_tonic()
                    .with_endpoint(endpoint)
                    .with_tls_config(tls(settings)?)
                    .build()?;
                let env = |name: &str| std::env::var(name).ok();
                let provider = SdkMeterProvider::builder()
                    .with_resource(resource(service, env))
                    .with_periodic_exporter(Tolerant::new(exporter));
                Some(provider.build())
            }
            None => None,
        };
        Ok(Self {
            runtime: Some(runtime),
            traces,
            metrics,
            counts,
        })
    }

    /// Gives spans to an exporter of the embedding program's own. Without a sampler, that of the
    /// environment decides.
    ///
    /// # Errors
    /// When no thread can be made.
    pub fn with_exporter(
        exporter: impl Exporter + 'static,
        sampler: Option<Sampler>,
        service: &Service,
    ) -> Result<Self, StartError> {
        let counts = Arc::default();
        Ok(Self {
            runtime: Some(runtime()?),
            traces: Some(traces(exporter, sampler, service, &counts)),
            metrics: None,
            counts,
        })
    }

    /// Writes spans; absent where no trace is exported.
    #[must_use]
    pub fn spans(&self) -> Option<&Spans> {
        self.traces.as_ref().map(|(_, spans)| spans)
    }

    /// Whether metrics are exported: then what they read must be kept fresh.
    #[must_use]
    pub const fn exports_metrics(&self) -> bool {
        self.metrics.is_some()
    }

    /// Makes what is exported as metrics; absent where none are.
    pub(crate) fn meter(&self) -> Option<Meter> {
        let provider = self.metrics.as_ref()?;
        Some(provider.meter_with_scope(spans::scope()))
    }

    /// What became of the spans.
    #[must_use]
    pub fn counts(&self) -> &Arc<SpanCounts> {
        &self.counts
    }

    /// Runs something on the pipeline's thread, until it ends or the pipeline does.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(task);
        }
    }

    /// Exports what there is now. What can't be exported is counted.
    pub async fn flush(&self) {
        let Some((provider, _)) = self.traces.clone() else {
            return;
        };
        // Who looks is told by the counts.
        let _ = tokio::task::spawn_blocking(move || provider.force_flush()).await;
    }

    /// Exports what there is, for at most `time` in all, and ends. What isn't away by then is lost, and a log
    /// line says so, as is what is written after this. The asker's thread stays free meanwhile.
    pub async fn close(&self, time: Duration) {
        let (traces, metrics) = (self.traces.clone(), self.metrics.clone());
        let traces = async {
            if let Some((provider, _)) = traces {
                closing("spans", time, move || provider.shutdown_with_timeout(time)).await;
            }
        };
        let metrics = async {
            if let Some(provider) = metrics {
                closing("metrics", time, move || {
                    provider.shutdown_with_timeout(time)
                })
                .await;
            }
        };
        tokio::join!(traces, metrics);
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A collector that never answers must not hold up the process.
            runtime.shutdown_background();
        }
    }
}

/// Ends a part of the pipeline, and waits for it for at most `time`, whatever the library does: on a thread
/// that the process doesn't wait for.
async fn closing(
    what: &str,
    time: Duration,
    close: impl FnOnce() -> OTelSdkResult + Send + 'static,
) {
    let (told, done) = oneshot::channel();
    let thread = std::thread::Builder::new().name("callboard-otel-end".to_owned());
    let started = thread.spawn(move || {
        // Who waits no longer has said so.
        let _ = told.send(close());
    });
    if let Err(error) = started {
        tracing::warn!(%error, "not all {what} could be exported at the end");
        return;
    }
    match tokio::time::timeout(time, done).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => {
            tracing::warn!(%error, "not all {what} could be exported at the end");
        }
        Ok(Err(_)) | Err(_) => {
            tracing::warn!(
                "not all {what} could be exported at the end: the collector gave no answer for {time:?}"
            );
        }
    }
}

fn runtime() -> Result<Runtime, StartError> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("callboard-otel")
        .enable_all()
        .build()
        .map_err(StartError::Thread)
}

fn traces(
    exporter: impl Exporter + 'static,
    sampler: Option<Sampler>,
    service: &Service,
    counts: &Arc<SpanCounts>,
) -> (SdkTracerProvider, Spans) {
    let env = |name: &str| std::env::var(name).ok();
    let provider = SdkTracerProvider::builder()
        .with_id_generator(ChosenIds::default())
        .with_resource(resource(service, env))
        .with_span_processor(queue::processor(exporter, counts, env));
    let provider = match sampler {
        Some(sampler) => provider.with_sampler(sampler).build(),
        None => provider.build(),
    };
    let spans = Spans::new(&provider);
    (provider, spans)
}

/// What sends spans to a collector; its channel lives on the runtime that this is called on.
pub(crate) fn span_exporter(
    endpoint: &str,
    settings: &Settings,
) -> Result<SpanExporter, StartError> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_tls_config(tls(settings)?);
    Ok(exporter.build()?)
}

/// Trusts the system's certificate authorities, and one more where the environment names it. Without
/// effect on an endpoint of plain `http://`.
fn tls(settings: &Settings) -> Result<ClientTlsConfig, StartError> {
    let tls = ClientTlsConfig::new().with_enabled_roots();
    let Some(path) = &settings.certificate_file else {
        return Ok(tls);
    };
    let pem = fs::read(path).map_err(|source| StartError::Certificate {
        path: path.clone(),
        source,
    })?;
    Ok(tls.ca_certificate(Certificate::from_pem(pem)))
}
