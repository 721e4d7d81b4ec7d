//! What a process tells with: one for all coordinators in it.

use std::sync::Arc;
use std::time::Duration;

use callboard_proto::Tenant;
use callboard_telemetry::metrics::{Metrics, Scope};
use callboard_telemetry::{Service, Settings, Telemetry};

use crate::exit::bad_input;

/// How long the end of a process waits for the collector.
const FLUSH: Duration = Duration::from_secs(3);

/// What a process tells with. Clones are the same.
#[derive(Clone)]
pub(crate) struct Pipeline(Arc<Inner>);

struct Inner {
    telemetry: Telemetry,
    metrics: Arc<Metrics>,
}

impl Pipeline {
    /// Exports nothing.
    pub(super) fn off() -> Self {
        Self::of(Telemetry::off())
    }

    /// Of a process with coordinators, as the `OTEL_*` variables say.
    pub(crate) fn coordinator(instance: String) -> anyhow::Result<Self> {
        start("callboard-coordinator", instance).map(Self::of)
    }

    /// Of a worker's process.
    pub(super) fn worker(instance: String) -> anyhow::Result<Self> {
        start("callboard-worker", instance).map(Self::of)
    }

    fn of(telemetry: Telemetry) -> Self {
        let metrics = Arc::new(Metrics::new(&telemetry));
        Self(Arc::new(Inner { telemetry, metrics }))
    }

    pub(super) fn telemetry(&self) -> &Telemetry {
        &self.0.telemetry
    }

    /// Where the process counts.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// The part that a process counts into which has one alone.
    pub(crate) fn whole(&self) -> Scope {
        Scope::whole(Arc::clone(self.metrics()))
    }

    /// The part of a tenant, where there may be several.
    pub(crate) fn of_tenant(&self, tenant: &Tenant) -> Scope {
        Scope::of_tenant(Arc::clone(self.metrics()), tenant.as_str())
    }

    /// Exports what there is, and ends; a collector that doesn't answer is not waited for.
    pub(crate) async fn end(&self) {
        self.0.telemetry.close(FLUSH).await;
    }

    /// The same, unless somebody else still tells with it.
    pub(super) async fn end_if_last(self) {
        if let Some(inner) = Arc::into_inner(self.0) {
            inner.telemetry.close(FLUSH).await;
        }
    }
}

fn start(name: &'static str, instance: String) -> anyhow::Result<Telemetry> {
    let settings = Settings::from_env(|name| std::env::var(name).ok()).map_err(bad_input)?;
    let service = Service {
        name,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instance,
    };
    Telemetry::start(&settings, &service).map_err(bad_input)
}
