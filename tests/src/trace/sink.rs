//! A collector in this process.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::span::Span;

/// Collects what services export over OTLP, until it is dropped.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    collected: Collected,
    serving: JoinHandle<()>,
}

#[derive(Clone, Debug, Default)]
struct Collected {
    spans: Arc<Mutex<Vec<Span>>>,
    metrics: Arc<Mutex<Vec<Metric>>>,
}

impl Sink {
    /// Begins to collect, on a port of its own.
    ///
    /// # Errors
    /// There is no port to listen on.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.context("the sink found no port")?;
        let address = listener.local_addr()?;
        let collected = Collected::default();
        let serving = Server::builder()
            .add_service(TraceServiceServer::new(collected.clone()))
            .add_service(MetricsServiceServer::new(collected.clone()))
            .serve_with_incoming(TcpIncoming::from(listener));
        let serving = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the sink ended");
            }
        });
        Ok(Self {
            address,
            collected,
            serving,
        })
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` must say.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans that came so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let spans = self.collected.spans.lock();
        spans.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All metrics that came so far, each as often as it came.
    #[must_use]
    pub fn metrics(&self) -> Vec<Metric> {
        let metrics = self.collected.metrics.lock();
        metrics.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[tonic::async_trait]
impl TraceService for Collected {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let told = request.into_inner().resource_spans;
        let spans = told.into_iter().flat_map(Span::all_of);
        let mut all = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collected {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let told = request.into_inner().resource_metrics;
        let scopes = told.into_iter().flat_map(|told| told.scope_metrics);
        let mut all = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(scopes.flat_map(|scope| scope.metrics));
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
