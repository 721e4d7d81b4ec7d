//! `[serve]`: the HTTP service.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use callboard_coordinator::service::Limits;
use serde::{Deserialize, Serialize};

use super::{Config, duration};
use crate::cli;
use crate::exit::BadInput;

/// The port that it listens on by default.
const PORT: u16 = 8090;

/// `[serve]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Serve {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// A file with the hashes of the tokens that may ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tokens_file: Option<PathBuf>,
    /// PEM file with its certificate and the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_certificate_file: Option<PathBuf>,
    /// The key of that certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_key_file: Option<PathBuf>,
    /// The model of runs that name none, where it isn't `model.name`; may be `script/NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// Models that runs may name besides that one and `model.name`; `*` for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) models: Vec<String>,
    /// Scripts by the name that runs give them: `script/NAME`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) scripts: BTreeMap<String, PathBuf>,
    /// Time for running runs to finish when it is told to end.
    #[serde(with = "duration")]
    pub(crate) grace: Duration,
    /// Time of a run that asks for none.
    #[serde(with = "duration")]
    pub(crate) run_time: Duration,
    /// Longest time that a run may ask for.
    #[serde(with = "duration")]
    pub(crate) run_time_max: Duration,
    /// Runs and executions in flight, at most.
    pub(crate) runs_max: usize,
    /// Ended runs that are kept, at most.
    pub(crate) kept_runs_max: usize,
    /// Bytes of ended runs that are kept, at most.
    pub(crate) kept_bytes_max: usize,
    /// Bytes of a request's body, at most.
    pub(crate) body_bytes_max: usize,
    /// Time for a request's head, and as much again for its body.
    #[serde(with = "duration")]
    pub(crate) read_timeout: Duration,
    /// Connections, at most.
    pub(crate) connections_max: usize,
    /// Event streams of one token, at most.
    pub(crate) streams_max: usize,
    /// Tenants, at most.
    pub(crate) tenants_max: usize,
    /// Time between two signs of life of an event stream.
    #[serde(with = "duration")]
    pub(crate) heartbeat: Duration,
}

impl Default for Serve {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)),
            tokens_file: None,
            tls_certificate_file: None,
            tls_key_file: None,
            model: None,
            models: Vec::new(),
            scripts: BTreeMap::new(),
            grace: Duration::from_secs(30),
            run_time: Duration::from_secs(600),
            run_time_max: limits.run_time_max,
            runs_max: limits.runs_max,
            kept_runs_max: limits.kept_runs_max,
            kept_bytes_max: limits.kept_bytes_max,
            body_bytes_max: limits.body_bytes_max,
            read_timeout: limits.read_timeout,
            connections_max: limits.connections_max,
            streams_max: limits.streams_max,
            tenants_max: limits.tenants_max,
            heartbeat: limits.heartbeat,
        }
    }
}

impl Config {
    /// Lets the flags of the service have the last word.
    pub(crate) fn apply_serve(&mut self, flags: &cli::Serve) {
        self.apply_limits(&flags.limits);
        self.apply_offer(&flags.offer);
        let serve = &mut self.serve;
        serve.model = flags.model.clone().or(serve.model.take());
        serve.listen = flags.listen.unwrap_or(serve.listen);
        serve.grace = flags.grace.unwrap_or(serve.grace);
        serve.tokens_file = flags.tokens.clone().or(serve.tokens_file.take());
        if let (Some(certificate), Some(key)) = (&flags.tls_certificate, &flags.tls_key) {
            serve.tls_certificate_file = Some(certificate.clone());
            serve.tls_key_file = Some(key.clone());
        }
        serve.scripts.extend(flags.scripts.iter().cloned());
    }
}

impl Serve {
    /// The limits of the service.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            runs_max: self.runs_max,
            kept_runs_max: self.kept_runs_max,
            kept_bytes_max: self.kept_bytes_max,
            run_time_max: self.run_time_max,
            body_bytes_max: self.body_bytes_max,
            read_timeout: self.read_timeout,
            connections_max: self.connections_max,
            streams_max: self.streams_max,
            tenants_max: self.tenants_max,
            heartbeat: self.heartbeat,
            ..Limits::default()
        }
    }

    /// Checks whatever only its use would check.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let refused = |text: String| Err(BadInput(text).into());
        if self.tls_certificate_file.is_some() != self.tls_key_file.is_some() {
            return refused(
                "serve.tls_certificate_file and serve.tls_key_file go together; give both or none"
                    .to_owned(),
            );
        }
        for (key, value) in [
            ("runs_max", self.runs_max),
            ("body_bytes_max", self.body_bytes_max),
            ("connections_max", self.connections_max),
            ("streams_max", self.streams_max),
            ("tenants_max", self.tenants_max),
        ] {
            if value == 0 {
                return refused(format!("serve.{key} = 0 lets nothing in; give at least 1"));
            }
        }
        for (key, value) in [
            ("run_time", self.run_time),
            ("run_time_max", self.run_time_max),
            ("read_timeout", self.read_timeout),
            ("heartbeat", self.heartbeat),
        ] {
            if value.is_zero() {
                return refused(format!("serve.{key} = 0 is no time; write it like \"30s\""));
            }
        }
        if self.run_time > self.run_time_max {
            return refused(
                "serve.run_time is longer than serve.run_time_max; raise the latter".to_owned(),
            );
        }
        Ok(())
    }
}
