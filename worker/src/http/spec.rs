//! `[tool.http]`: what a configuration says of a tool that is a request.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::client::ClientError;
use super::guard::{Blocked, EntryError};
use super::template::TemplateError;
use super::values::FillError;
use crate::secret::{EnvValue, SecretError};

/// Largest body of a request or a response that may be configured, in bytes: many times what may travel as
/// a result, for tools whose answers are mostly thrown away (chosen).
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The methods that a tool may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MethodWord {
    /// `GET`.
    #[default]
    Get,
    /// `HEAD`.
    Head,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
}

/// A header, or a value of a query.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "a text with slots, { env = \"NAME\" } or { file = \"PATH\" }, with prefix = \"…\" where one is needed"
)]
pub enum ValueSpec {
    /// A text with slots.
    Text(String),
    /// The value of a variable of the worker.
    Env {
        /// Its name.
        env: String,
        /// What comes before it.
        #[serde(default)]
        prefix: String,
    },
    /// The content of a file, without line breaks at its end; read for each call.
    File {
        /// Its path.
        file: PathBuf,
        /// What comes before it.
        #[serde(default)]
        prefix: String,
    },
}

impl ValueSpec {
    /// The secret and what comes before it; or the text with slots.
    pub(super) fn secret(&self) -> Result<(EnvValue, &str), &str> {
        match self {
            Self::Text(text) => Err(text),
            Self::Env { env, prefix } => Ok((EnvValue::Env { env: env.clone() }, prefix)),
            Self::File { file, prefix } => Ok((EnvValue::File { file: file.clone() }, prefix)),
        }
    }
}

/// A login.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user.
    pub user: EnvValue,
    /// The password.
    pub password: EnvValue,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "\"arguments\", or a JSON value with slots")]
pub enum BodySpec {
    /// A word: `arguments`.
    Word(String),
    /// JSON with slots.
    Json(Value),
}

/// What an HTTP tool asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSpec {
    /// How.
    #[serde(default)]
    pub method: MethodWord,
    /// Where, with `{slot}` for values of the input schema in its path and its query.
    pub url: String,
    /// More of the query.
    #[serde(default)]
    pub query: BTreeMap<String, ValueSpec>,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, ValueSpec>,
    /// A login.
    #[serde(default)]
    pub basic: Option<Basic>,
    /// What is sent as JSON.
    #[serde(default)]
    pub body: Option<BodySpec>,
    /// What is sent as a form.
    #[serde(default)]
    pub form: BTreeMap<String, String>,
    /// Hosts that may be reached though they aren't public; see [`super::guard::GuardRules`].
    #[serde(default)]
    pub allow: Vec<String>,
    /// Redirects that are followed, at most.
    #[serde(default)]
    pub redirects_max: usize,
    /// Time for a connection to come about.
    #[serde(default = "connect_timeout", deserialize_with = "duration")]
    pub connect_timeout: Duration,
    /// Time for all of it.
    #[serde(default = "timeout", deserialize_with = "duration")]
    pub timeout: Duration,
    /// Largest body that is sent, in bytes.
    #[serde(default = "request_bytes_max")]
    pub request_bytes_max: usize,
    /// Bytes of a response that are read, at most.
    #[serde(default = "response_bytes_max")]
    pub response_bytes_max: usize,
    /// The header with the call's idempotency key, for tools that aren't `read`; empty for none.
    #[serde(default = "idempotency_header")]
    pub idempotency_header: String,
}

/// Chosen, not measured.
fn connect_timeout() -> Duration {
    Duration::from_secs(5)
}

/// Chosen, not measured.
fn timeout() -> Duration {
    Duration::from_secs(30)
}

/// What arguments may have inline (P24).
fn request_bytes_max() -> usize {
    256 * 1024
}

/// What a result may have inline (P24).
fn response_bytes_max() -> usize {
    256 * 1024
}

/// As draft-ietf-httpapi-idempotency-key-header names it.
fn idempotency_header() -> String {
    "Idempotency-Key".to_owned()
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|error| {
        serde::de::Error::custom(format!("{text:?}: {error}; write it like \"30s\""))
    })
}

/// Why an HTTP tool can't be offered.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// A template is unsound.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Its schema can't be read.
    #[error("the input schema is no JSON object: {0}")]
    Schema(String),
    /// A secret isn't there.
    #[error("{place} can't be had")]
    Secret {
        /// Where it is used.
        place: String,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// A secret can't be sent.
    #[error("{place} can't be sent")]
    SecretValue {
        /// Where it is used.
        place: String,
        /// Why.
        #[source]
        source: FillError,
    },
    /// A secret would be readable on its way.
    #[error(
        "{place} is not sent over plain http, where everybody on the way can read it; use https, or name a host of your own network in `allow`"
    )]
    OpenLine {
        /// Where the secret is used.
        place: String,
    },
    /// `allow` can't be read.
    #[error("`allow` can't be used")]
    Allow(#[from] EntryError),
    /// The URL leads to where nothing may go.
    #[error("{blocked}; if that is meant, add allow = [{entry:?}]")]
    Blocked {
        /// Why.
        blocked: Blocked,
        /// What would allow it.
        entry: String,
    },
    /// Two things that exclude each other, or one that does nothing.
    #[error("{0}")]
    Contradiction(&'static str),
    /// A number or a time that lets nothing run.
    #[error("{what} is {value}; give {wanted}")]
    Limit {
        /// The key.
        what: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        wanted: String,
    },
    /// There is no client.
    #[error(transparent)]
    Client(#[from] ClientError),
}
