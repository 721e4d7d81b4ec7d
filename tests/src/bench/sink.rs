//! A collector that only counts: what measured processes export must cost the machine as little as may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::serve::{Side, serve};

/// Counts the spans that come.
#[derive(Clone, Debug, Default)]
struct Counter(Arc<AtomicU64>);

#[tonic::async_trait]
impl TraceService for Counter {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = &request.get_ref().resource_spans;
        let scopes = resources.iter().flat_map(|told| &told.scope_spans);
        let spans: usize = scopes.map(|scope| scope.spans.len()).sum();
        self.0.fetch_add(spans as u64, Ordering::Relaxed);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Side for Counter {
    fn take_spans(&mut self) -> anyhow::Result<u64> {
        Ok(self.0.swap(0, Ordering::Relaxed))
    }
}

/// Runs the collector at this address.
///
/// # Errors
/// When it can't be listened on.
pub fn run(address: &str) -> anyhow::Result<()> {
    let address = address.to_owned();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(&address).await;
        let listener = listener.with_context(|| format!("can't listen on {address}"))?;
        let counter = Counter::default();
        let serving = Server::builder()
            .add_service(TraceServiceServer::new(counter.clone()))
            .serve_with_incoming(TcpIncoming::from(listener));
        tokio::spawn(serving);
        serve(counter).await
    })
}
