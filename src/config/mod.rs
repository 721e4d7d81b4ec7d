//! What can be set: defaults < file < `CALLBOARD_SECTION__KEY` < flags. Unknown keys are refused.

mod builtin;
mod duration;
mod layers;
mod model;
mod optional_duration;
mod provider;
mod serve;
mod signing;
mod telemetry;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use callboard_nats::busy_poll;
use callboard_proto::server::{ServerOptions, ServerUrls};
use callboard_proto::{Label, Pool, Tenant, WorkerName};
use clap::ValueEnum;
use serde::{Deserialize, Serialize, Serializer};

use crate::cli::{CallLimits, Global, Run as RunFlags, Worker as WorkerFlags};
use crate::exit::bad_input;
use crate::offer::ToolSet;

pub(crate) use builtin::{Fetch, Sql};
pub(crate) use layers::{environment, load, misspelt};
pub(crate) use model::{EagerWord, Model, ParallelWord};
pub(crate) use provider::Providers;
pub(crate) use serve::Serve;
pub(crate) use signing::Signing;
pub(crate) use telemetry::Telemetry;

/// All of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) nats: Nats,
    pub(crate) coordinator: Coordinator,
    pub(crate) worker: Worker,
    pub(crate) model: Model,
    #[serde(skip_serializing_if = "Providers::is_default")]
    pub(crate) provider: Providers,
    pub(crate) serve: Serve,
    #[serde(skip_serializing_if = "Signing::is_default")]
    pub(crate) signing: Signing,
    pub(crate) log: Log,
    pub(crate) telemetry: Telemetry,
    /// `[[tool]]`: what the worker offers besides; read by [`crate::offer`], and never shown: it may hold
    /// secrets.
    #[serde(skip_serializing)]
    pub(crate) tool: Vec<toml::Value>,
    /// `[[mcp]]`: the MCP servers that the worker hosts; read by [`crate::hosting`], and never shown: it may
    /// hold secrets.
    #[serde(skip_serializing)]
    pub(crate) mcp: Vec<toml::Value>,
    /// The file that all this came from, if there is one.
    #[serde(skip)]
    pub(crate) file: Option<PathBuf>,
}

/// `[nats]`: the server between coordinators and workers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Nats {
    /// Where it is; without it workers are embedded.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "without_login"
    )]
    pub(crate) url: Option<String>,
    /// Whose workers are used.
    pub(crate) tenant: String,
    /// A `.creds` file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credentials_file: Option<PathBuf>,
    /// A file with the seed of an nkey, as `callboard keys` writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nkey_file: Option<PathBuf>,
    /// A PEM file with certificate authorities to trust besides the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) root_certificates_file: Option<PathBuf>,
    /// PEM files with this client's certificate and key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_certificate_file: Option<PathBuf>,
    /// The key of that certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_key_file: Option<PathBuf>,
    /// How long to try again at the start while no server can be reached.
    #[serde(with = "duration")]
    pub(crate) start_wait: Duration,
}

impl Default for Nats {
    fn default() -> Self {
        Self {
            url: None,
            tenant: "default".to_owned(),
            credentials_file: None,
            nkey_file: None,
            root_certificates_file: None,
            client_certificate_file: None,
            client_key_file: None,
            start_wait: Duration::ZERO,
        }
    }
}

/// `[coordinator]`: how turns are gathered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Coordinator {
    /// Time for all calls of a turn.
    #[serde(with = "duration")]
    pub(crate) deadline: Duration,
    /// Time for each call; the turn's deadline caps it.
    #[serde(with = "optional_duration", skip_serializing_if = "Option::is_none")]
    pub(crate) call_deadline: Option<Duration>,
    /// Calls of a turn in flight at once, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parallel: Option<u32>,
    /// How long tools that are wanted are looked for (P10).
    #[serde(with = "duration")]
    pub(crate) discovery_timeout: Duration,
    /// Calls that wait for a slot, at most.
    pub(crate) waiting_calls_max: usize,
    /// Longest time for which it stays awake for an answer, where the last ones came that soon.
    #[serde(with = "duration")]
    pub(crate) busy_poll: Duration,
}

impl Default for Coordinator {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(120),
            call_deadline: None,
            parallel: None,
            discovery_timeout: Duration::from_millis(500),
            waiting_calls_max: 100_000,
            busy_poll: busy_poll::DEFAULT,
        }
    }
}

/// `[worker]`: what a worker is and offers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Worker {
    /// Its name; without it, host and process id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Its pool.
    pub(crate) pool: String,
    /// Calls that it runs at once.
    pub(crate) slots: u32,
    /// Its labels, as `key=value`.
    pub(crate) labels: Vec<String>,
    /// What it offers.
    pub(crate) tools: Vec<ToolSet>,
    /// The folder of the fs tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) root: Option<PathBuf>,
    /// What `http_fetch` may do.
    #[serde(skip_serializing_if = "Fetch::is_default")]
    pub(crate) fetch: Fetch,
    /// What the sql tools may read.
    #[serde(skip_serializing_if = "Sql::is_default")]
    pub(crate) sql: Sql,
    /// Time for running calls to finish when it is told to end.
    #[serde(with = "duration")]
    pub(crate) grace: Duration,
    /// Longest time for which it stays awake for tools that run, where the last ones answered that soon.
    #[serde(with = "duration")]
    pub(crate) busy_poll: Duration,
    /// Where `/healthz` and `/readyz` are answered; nowhere by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) health: Option<SocketAddr>,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            name: None,
            pool: "default".to_owned(),
            slots: 16,
            labels: Vec::new(),
            tools: Vec::new(),
            root: None,
            fetch: Fetch::default(),
            sql: Sql::default(),
            grace: Duration::from_secs(30),
            busy_poll: busy_poll::DEFAULT,
            health: None,
        }
    }
}

/// `[log]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// A level, or a filter by target.
    pub(crate) filter: String,
    /// How a line looks.
    pub(crate) format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            // What the client libraries say of a failed connection, our own errors say with the cure.
            filter: "warn,async_nats=off,rmcp=off".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Config {
    /// Lets the flags have the last word.
    pub(crate) fn apply_global(&mut self, flags: &Global) {
        if flags.embedded {
            self.nats.url = None;
        }
        if let Some(url) = &flags.nats {
            self.nats.url = Some(url.clone());
        }
        if let Some(tenant) = &flags.tenant {
            self.nats.tenant.clone_from(tenant);
        }
        if let Some(filter) = &flags.log {
            self.log.filter.clone_from(filter);
        }
        self.log.format = flags.log_format.unwrap_or(self.log.format);
    }

    /// Lets the flags of a turn have the last word.
    pub(crate) fn apply_limits(&mut self, flags: &CallLimits) {
        let limits = &mut self.coordinator;
        limits.deadline = flags.deadline.unwrap_or(limits.deadline);
        limits.call_deadline = flags.call_deadline.or(limits.call_deadline);
        if let Some(parallel) = flags.parallel {
            limits.parallel = parallel.0.calls_max();
        }
    }

    /// Lets the flags of a run have the last word.
    pub(crate) fn apply_run(&mut self, flags: &RunFlags) {
        self.apply_limits(&flags.limits);
        self.apply_offer(&flags.offer);
        let model = &mut self.model;
        model.parallel = flags.limits.parallel.unwrap_or(model.parallel);
        model.eager = flags.eager.unwrap_or(model.eager);
        model.stream &= !flags.no_stream;
        model.max_tokens = flags
            .max_tokens
            .and_then(NonZeroU32::new)
            .or(model.max_tokens);
        if let Some(name) = &flags.model {
            model.name = Some(name.clone());
        }
        if let Some(system) = &flags.system {
            model.system = Some(system.clone());
            model.system_file = None;
        }
        if let Some(choice) = &flags.tool_choice {
            model.tool_choice.clone_from(choice);
        }
        // A name that can't be read is told by the check.
        if let (Some(url), Ok(Some((format, _)))) = (&flags.base_url, model.target()) {
            self.provider.of_mut(format).base_url = Some(url.clone());
        }
    }

    /// Lets the flags of what is offered have the last word.
    pub(crate) fn apply_offer(&mut self, flags: &crate::cli::Offer) {
        if !flags.tools.is_empty() {
            self.worker.tools.clone_from(&flags.tools);
        }
        if let Some(root) = &flags.root {
            self.worker.root = Some(root.clone());
        }
        if let Some(database) = &flags.database {
            self.worker.sql.database = Some(database.clone());
        }
    }

    /// Lets the flags of a worker have the last word.
    pub(crate) fn apply_worker(&mut self, flags: &WorkerFlags) {
        self.apply_offer(&flags.offer);
        let worker = &mut self.worker;
        worker.name = flags.name.clone().or(worker.name.take());
        worker.slots = flags.slots.unwrap_or(worker.slots);
        worker.grace = flags.grace.unwrap_or(worker.grace);
        worker.health = flags.health.or(worker.health);
        if let Some(pool) = &flags.pool {
            worker.pool.clone_from(pool);
        }
        worker.labels.extend(flags.labels.iter().cloned());
    }

    /// The tenant, checked.
    pub(crate) fn tenant(&self) -> anyhow::Result<Tenant> {
        named(
            "nats.tenant",
            &self.nats.tenant,
            Tenant::new(self.nats.tenant.as_str()),
        )
    }

    /// The server, checked, if one is configured.
    pub(crate) fn server(&self) -> anyhow::Result<Option<ServerOptions>> {
        let Some(url) = &self.nats.url else {
            return Ok(None);
        };
        let urls: ServerUrls = url.parse().map_err(bad_input)?;
        let nats = &self.nats;
        let client = match (&nats.client_certificate_file, &nats.client_key_file) {
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err(bad_input(anyhow::anyhow!(
                    "nats.client_certificate_file and nats.client_key_file go together; give both or none"
                )));
            }
        };
        if nats.credentials_file.is_some() && nats.nkey_file.is_some() {
            return Err(bad_input(anyhow::anyhow!(
                "nats.credentials_file and nats.nkey_file are two logins; give one of them"
            )));
        }
        Ok(Some(ServerOptions {
            credentials_file: nats.credentials_file.clone(),
            nkey_file: nats.nkey_file.clone(),
            root_certificates_file: nats.root_certificates_file.clone(),
            client_certificate_files: client,
            start_wait: nats.start_wait,
            signing: self.signing.options()?,
            ..ServerOptions::new(urls)
        }))
    }

    /// The worker's pool, checked.
    pub(crate) fn pool(&self) -> anyhow::Result<Pool> {
        named(
            "worker.pool",
            &self.worker.pool,
            Pool::new(self.worker.pool.as_str()),
        )
    }

    /// The worker's name, checked; two processes of one host don't share one unless they are told to.
    pub(crate) fn worker_name(&self) -> anyhow::Result<WorkerName> {
        let name = self.worker.name.clone().unwrap_or_else(default_name);
        named("worker.name", &name, WorkerName::new(name.as_str()))
    }

    /// The worker's labels, checked.
    pub(crate) fn labels(&self) -> anyhow::Result<Vec<Label>> {
        self.worker
            .labels
            .iter()
            .map(|label| {
                let is_pair = label
                    .split_once('=')
                    .is_some_and(|(key, _)| !key.is_empty());
                if !is_pair {
                    return Err(bad_input(anyhow::anyhow!(
                        "worker.labels = {label:?}: a label is written key=value"
                    )));
                }
                named("worker.labels", label, Label::new(label.as_str()))
            })
            .collect()
    }

    /// Checks whatever only its use would check.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.tenant()?;
        if let Some(server) = self.server()? {
            Signing::check(&server)?;
        }
        self.pool()?;
        self.worker_name()?;
        self.labels()?;
        self.model.check()?;
        self.provider.check()?;
        self.telemetry.check()?;
        self.serve.check()?;
        if self.worker.slots == 0 {
            return Err(bad_input(anyhow::anyhow!(
                "worker.slots = 0 lets nothing run; give at least 1"
            )));
        }
        if self.coordinator.deadline.is_zero() {
            return Err(bad_input(anyhow::anyhow!(
                "coordinator.deadline = 0 lets nothing run; write it like \"30s\""
            )));
        }
        Ok(())
    }
}

fn named<T>(
    key: &str,
    value: &str,
    checked: Result<T, callboard_proto::NameError>,
) -> anyhow::Result<T> {
    checked.map_err(|error| bad_input(anyhow::anyhow!("{key} = {value:?}: {error}")))
}

fn default_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host
        .trim()
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '-'
            }
        })
        .take(50)
        .collect();
    let host = if host.is_empty() { "worker" } else { &host };
    format!("{host}-{}", std::process::id())
}

/// A URL without the login that it may carry.
fn without_login<S: Serializer>(url: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    let shown = url.as_ref().map(|url| match url.parse::<ServerUrls>() {
        Ok(urls) => urls.addresses().join(","),
        Err(_) => "(not a NATS URL)".to_owned(),
    });
    shown.serialize(serializer)
}
