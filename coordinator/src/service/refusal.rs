//! Why the service doesn't do what it is asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a client waits before it asks a service that ends, or that can't do its work, again.
/// Chosen, not measured: a pod takes about as long to be replaced.
const AWAY: Duration = Duration::from_secs(5);
/// How long a client waits before it asks a service that is full again. Chosen, not measured.
const FULL: Duration = Duration::from_secs(1);

/// Why a request isn't served. Each has a status, a stable code and a cure; none holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No token, or one that isn't known.
    Unauthorized,
    /// The `Host` header names another machine, and nobody has to log in here.
    Host,
    /// Nothing is at this path.
    NoSuchPath,
    /// The path is there, and the method isn't.
    Method,
    /// No such run, or none that this token sees.
    RunUnknown,
    /// The run has no such call, or hasn't yet.
    CallUnknown,
    /// Arguments and results aren't kept here.
    ContentOff,
    /// The replica that held the run is gone, and the run with it.
    RunGone,
    /// The replica that holds the run is there and gives no answer.
    ReplicaSilent,
    /// This replica has lost its way to the others.
    Unlinked,
    /// The idempotency key stands for another request.
    KeyTaken,
    /// The idempotency key can't be one.
    Key,
    /// A header can't be read.
    Header {
        /// Its name.
        name: String,
    },
    /// The query can't be read.
    Query {
        /// What is wrong with it.
        why: String,
    },
    /// The body is larger than is taken.
    BodyTooLarge {
        /// Bytes that are taken.
        bytes_max: u64,
    },
    /// The body didn't come in time, or broke off.
    BodyCut,
    /// The body is said to be something else than what is read here.
    MediaType {
        /// What is read.
        wanted: String,
    },
    /// The body isn't JSON.
    NotJson {
        /// Where and why it isn't.
        why: String,
    },
    /// The body is JSON and can't be worked with.
    Body {
        /// What is wrong with it.
        why: String,
    },
    /// What a model sent can't be executed.
    Message {
        /// The code of `docs/errors/message.md`.
        code: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answers for this model.
    Model {
        /// What is wrong with it.
        why: String,
    },
    /// Nobody offers this tool.
    ToolUnknown {
        /// Its name.
        tool: String,
    },
    /// The token may not use this tool.
    ToolForbidden {
        /// Its name.
        tool: String,
    },
    /// The token begins more than it may per minute.
    Rate {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The token has as many in flight as it may.
    TooMany {
        /// How many that is.
        runs_max: usize,
    },
    /// The service has as many in flight as it takes.
    Overloaded,
    /// The service has as many connections as it takes.
    Crowded,
    /// The service ends and begins nothing new.
    Draining,
    /// The workers of the tenant can't be reached.
    Workers {
        /// Why.
        why: String,
    },
    /// A fault of Callboard's own.
    Internal,
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Header { .. } | Self::Query { .. } | Self::NotJson { .. } | Self::Key => 400,
            Self::Unauthorized => 401,
            Self::Host | Self::ToolForbidden { .. } => 403,
            Self::NoSuchPath | Self::RunUnknown | Self::CallUnknown | Self::ContentOff => 404,
            Self::Method => 405,
            Self::BodyCut => 408,
            Self::KeyTaken => 409,
            Self::RunGone => 410,
            Self::BodyTooLarge { .. } => 413,
            Self::MediaType { .. } => 415,
            Self::Body { .. }
            | Self::Message { .. }
            | Self::Model { .. }
            | Self::ToolUnknown { .. } => 422,
            Self::Rate { .. } | Self::TooMany { .. } => 429,
            Self::Internal => 500,
            Self::ReplicaSilent
            | Self::Unlinked
            | Self::Overloaded
            | Self::Crowded
            | Self::Draining
            | Self::Workers { .. } => 503,
        }
    }

    /// A stable code for programs and for `docs/errors/`.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Host => "host_refused",
            Self::NoSuchPath => "path_unknown",
            Self::Method => "method_not_allowed",
            Self::RunUnknown => "run_unknown",
            Self::CallUnknown => "call_unknown",
            Self::ContentOff => "content_off",
            Self::RunGone => "run_gone",
            Self::ReplicaSilent => "replica_silent",
            Self::Unlinked => "link_down",
            Self::KeyTaken => "key_taken",
            Self::Key => "key_invalid",
            Self::Header { .. } => "header_invalid",
            Self::Query { .. } => "query_invalid",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyCut => "body_cut",
            Self::MediaType { .. } => "media_type",
            Self::NotJson { .. } => "body_not_json",
            Self::Body { .. } => "body_invalid",
            Self::Message { code, .. } => code,
            Self::Model { .. } => "model_refused",
            Self::ToolUnknown { .. } => "tool_unknown",
            Self::ToolForbidden { .. } => "tool_forbidden",
            Self::Rate { .. } => "rate_limited",
            Self::TooMany { .. } => "too_many_runs",
            Self::Overloaded | Self::Crowded => "overloaded",
            Self::Draining => "draining",
            Self::Workers { .. } => "workers_unreachable",
            Self::Internal => "internal",
        }
    }

    /// What is wrong, for people.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Unauthorized => "no bearer token that is known here came with the request".into(),
            Self::Host => "the Host header names another machine than this one".into(),
            Self::NoSuchPath => "nothing is at this path".into(),
            Self::Method => "the path is there, but not for this method".into(),
            Self::RunUnknown => "no such run, or none that this token sees".into(),
            Self::CallUnknown => "the run has no such call, or hasn't yet".into(),
            Self::ContentOff => "arguments and results aren't kept here".into(),
            Self::RunGone => "the replica that held this run is gone, and the run with it".into(),
            Self::ReplicaSilent => "the replica that holds this run gave no answer in time".into(),
            Self::Unlinked => {
                "the NATS server can't be reached: the other replicas can't be asked".into()
            }
            Self::KeyTaken => "the idempotency key stands for a request with another body".into(),
            Self::Key => "the idempotency key is empty, too long, or not printable ASCII".into(),
            Self::Header { name } => format!("the header {name} can't be read"),
            Self::Query { why } => format!("the query can't be read: {why}"),
            Self::BodyTooLarge { bytes_max } => {
                format!("the body is larger than the {bytes_max} bytes that are taken")
            }
            Self::BodyCut => "the body broke off, or did not come in time".into(),
            Self::MediaType { wanted } => format!("the body must be {wanted}, and says so"),
            Self::NotJson { why } => format!("the body isn't JSON: {why}"),
            Self::Body { why } => format!("the body can't be worked with: {why}"),
            Self::Message { why, .. } | Self::Model { why } => why.clone(),
            Self::ToolUnknown { tool } => format!("nobody offers the tool {tool:?}"),
            Self::ToolForbidden { tool } => format!("this token may not use the tool {tool:?}"),
            Self::Rate { .. } => "this token begins more than it may per minute".into(),
            Self::TooMany { runs_max } => {
                format!("this token has {runs_max} in flight, as many as it may")
            }
            Self::Overloaded => "the service has as many runs in flight as it takes".into(),
            Self::Crowded => "the service has as many connections as it takes".into(),
            Self::Draining => "the service ends and begins nothing new".into(),
            Self::Workers { why } => format!("the tenant's workers can't be reached: {why}"),
            Self::Internal => "a fault of Callboard's own; its log says more".into(),
        }
    }

    /// What helps.
    #[must_use]
    pub const fn cure(&self) -> &'static str {
        match self {
            Self::Unauthorized => "send Authorization: Bearer with a token of the service's file",
            Self::Host => "ask it as localhost or 127.0.0.1, or start it with tokens",
            Self::NoSuchPath | Self::Method => "see /openapi.json for what there is",
            Self::RunUnknown => "check the id; ended runs are kept for a while only",
            Self::CallUnknown => "check turn and id; the run's events name its calls",
            Self::ContentOff => "start the service with telemetry.content = true",
            Self::RunGone => "start it again: runs end with their process until they are durable",
            Self::ReplicaSilent
            | Self::Unlinked
            | Self::Overloaded
            | Self::Crowded
            | Self::Draining
            | Self::Workers { .. } => "ask again after Retry-After",
            Self::KeyTaken => "give each request a key of its own, and repeat it unchanged",
            Self::Key => "give 1 to 128 printable ASCII characters, or a hash",
            Self::Header { .. } | Self::Query { .. } => "see /openapi.json for its form",
            Self::BodyTooLarge { .. } => "send less, or raise serve.body_bytes_max",
            Self::BodyCut => "send the whole body at once",
            Self::MediaType { .. } => "set Content-Type to what the body is",
            Self::NotJson { .. } | Self::Body { .. } => "see /openapi.json for what is taken",
            Self::Message { .. } => "see docs/errors/message.md under the code",
            Self::Model { .. } => "name a model that this service is configured for",
            Self::ToolUnknown { .. } => "see /v1/tools; start a worker that offers it",
            Self::ToolForbidden { .. } => "leave the tool out, or let the operator allow it",
            Self::Rate { .. } => "begin less often; Retry-After says when the next may begin",
            Self::TooMany { .. } => "wait until one of them has ended",
            Self::Internal => "report it with the request id",
        }
    }

    /// How long to wait before asking again, where that helps.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rate { retry_after } => Some(*retry_after),
            Self::TooMany { .. } | Self::Overloaded | Self::Crowded => Some(FULL),
            Self::Draining | Self::Workers { .. } | Self::ReplicaSilent | Self::Unlinked => {
                Some(AWAY)
            }
            Self::Unauthorized
            | Self::Host
            | Self::NoSuchPath
            | Self::Method
            | Self::RunUnknown
            | Self::CallUnknown
            | Self::ContentOff
            | Self::RunGone
            | Self::KeyTaken
            | Self::Key
            | Self::Header { .. }
            | Self::Query { .. }
            | Self::BodyTooLarge { .. }
            | Self::BodyCut
            | Self::MediaType { .. }
            | Self::NotJson { .. }
            | Self::Body { .. }
            | Self::Message { .. }
            | Self::Model { .. }
            | Self::ToolUnknown { .. }
            | Self::ToolForbidden { .. }
            | Self::Internal => None,
        }
    }
}
