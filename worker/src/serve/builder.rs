//! Who a worker is and what it offers, checked when it connects.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use callboard_proto::server::{ServerOptions, ServerUrls};
use callboard_proto::{Label, NameError, Pool, Tenant, WorkerName};

use crate::executor::{Executor, Options};
use crate::link::local::PAYLOAD_BYTES_MAX;
use crate::link::nats::NatsLink;
use crate::serve::{Health, ServeError, Worker};
use crate::tool::{Tool, Tools};

/// How long running calls may take to finish when the worker is told to end (chosen, not measured).
const GRACE: Duration = Duration::from_secs(30);

/// Describes a worker; [`WorkerBuilder::connect`] makes it.
#[derive(Clone)]
pub struct WorkerBuilder {
    name: String,
    pool: String,
    tenant: String,
    labels: Vec<String>,
    slots: u32,
    grace: Duration,
    tools: Vec<Arc<dyn Tool>>,
    health: Option<SocketAddr>,
}

impl std::fmt::Debug for WorkerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerBuilder")
            .field("name", &self.name)
            .field("tools", &self.tools.len())
            .finish_non_exhaustive()
    }
}

impl WorkerBuilder {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            pool: "default".to_owned(),
            tenant: "default".to_owned(),
            labels: Vec::new(),
            slots: 16,
            grace: GRACE,
            tools: Vec::new(),
            health: None,
        }
    }

    /// Adds a tool to offer.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<Arc<dyn Tool>>) -> Self {
        self.tools.push(tool.into());
        self
    }

    /// Calls that the worker executes at once, from 1; 16 where nothing is said.
    #[must_use]
    pub fn slots(mut self, slots: u32) -> Self {
        self.slots = slots;
        self
    }

    /// The pool: the workers that offer the same; `default` where nothing is said.
    #[must_use]
    pub fn pool(mut self, pool: impl Into<String>) -> Self {
        self.pool = pool.into();
        self
    }

    /// Whose worker it is; `default` where nothing is said.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// A label, as `key=value`, for tools to require or prefer.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.labels.push(label.into());
        self
    }

    /// How long running calls may take to finish when the worker is told to end; 30 s.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Answers the probes `/healthz` and `/readyz` over HTTP on this address. They say nothing secret,
    /// and are open to whoever reaches the address.
    #[must_use]
    pub fn health(mut self, address: SocketAddr) -> Self {
        self.health = Some(address);
        self
    }

    /// Connects to the NATS servers of these URLs, separated by commas, without credentials of a file.
    ///
    /// # Errors
    /// As [`Self::connect_with`], and when a URL names no server.
    pub async fn connect(self, urls: &str) -> Result<Worker, ServeError> {
        let urls: ServerUrls = urls.parse()?;
        self.connect_with(&ServerOptions::new(urls)).await
    }

    /// Connects, and subscribes for the worker and its tools.
    ///
    /// # Errors
    /// When a name, label, tool or limit can't be used, the health endpoint can't be opened, or the
    /// server can't be worked with.
    pub async fn connect_with(self, server: &ServerOptions) -> Result<Worker, ServeError> {
        let tenant = named("tenant", self.tenant, Tenant::new)?;
        let pool = named("pool", self.pool, Pool::new)?;
        let name = named("worker name", self.name, WorkerName::new)?;
        let labels: Result<Vec<Label>, ServeError> = self
            .labels
            .into_iter()
            .map(|label| named("label", label, Label::new))
            .collect();
        let options = Options::new(name, pool)
            .with_slots(self.slots)
            .with_labels(labels?);
        let tools = Tools::new(self.tools)?;
        options.check(&tools)?;
        let health = match self.health {
            Some(address) => Some(Health::open(address).await?),
            None => None,
        };
        let announce = options.announce(&tools, PAYLOAD_BYTES_MAX);
        let link = NatsLink::connect(server, tenant, announce).await?;
        let offered: Vec<&str> = tools
            .offers()
            .iter()
            .map(|offer| offer.spec().name.as_str())
            .collect();
        tracing::info!(
            "worker {} (instance {}, pool {}, {} slots) offers {} on {}",
            options.worker,
            options.instance,
            options.pool,
            self.slots,
            offered.join(", "),
            server.urls
        );
        let (executor, handle) = Executor::new(options, tools, link)?;
        Ok(Worker {
            executor: Box::new(executor),
            handle,
            grace: self.grace,
            health,
        })
    }
}

fn named<T>(
    what: &'static str,
    text: String,
    read: impl Fn(Arc<str>) -> Result<T, NameError>,
) -> Result<T, ServeError> {
    read(text.as_str().into()).map_err(|source| ServeError::Name { what, text, source })
}
