//! What our processes tell of their calls, as the binary would: nothing unless the `OTEL_*` variables ask for it.

use std::sync::Arc;

use callboard_coordinator::traces::{Options, Traces};
use callboard_proto::Tenant;
use callboard_telemetry::{Service, Settings, Telemetry};
use callboard_worker::executor;

/// The pipeline of a process; what it tells ends with the value.
#[derive(Debug)]
pub struct Watch {
    telemetry: Telemetry,
    /// Of a coordinator that is traced.
    pub traces: Option<Arc<Traces>>,
}

impl Watch {
    fn start(name: &'static str) -> anyhow::Result<Self> {
        let settings = Settings::from_env(|name| std::env::var(name).ok())?;
        let service = Service {
            name,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: uuid::Uuid::new_v4().to_string(),
        };
        Ok(Self {
            telemetry: Telemetry::start(&settings, &service)?,
            traces: None,
        })
    }

    /// Of a coordinator.
    ///
    /// # Errors
    /// When the variables can't be used.
    pub fn coordinator(tenant: &str) -> anyhow::Result<Self> {
        let mut watch = Self::start("callboard-coordinator")?;
        let options = Options {
            agent: "bench".to_owned(),
            tenant: Tenant::new(tenant)?,
            system: "nats",
            captures_content: false,
        };
        watch.traces = Traces::start(&watch.telemetry, options);
        Ok(watch)
    }

    /// Of a worker.
    ///
    /// # Errors
    /// When the variables can't be used.
    pub fn worker(tenant: &str, options: &mut executor::Options) -> anyhow::Result<Self> {
        let watch = Self::start("callboard-worker")?;
        options.traces = callboard_worker::traces::Traces::start(
            &watch.telemetry,
            options.identity(),
            Tenant::new(tenant)?,
            "nats",
        );
        Ok(watch)
    }
}
