//! What an operator says of an MCP server, checked.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use callboard_proto::{Affinity, Effect, Label, Manifest, ToolName};
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

use crate::process::{EnvValue, MEMORY_BYTES_MIN, ProgramError, ServiceSpec};
use crate::tool::{ToolsError, check_manifest};

/// An MCP server to be hosted.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name, in logs, views and answers.
    pub(crate) name: String,
    /// Where it was declared, for logs: file and line.
    pub(crate) declared_at: String,
    /// How it is reached.
    pub(crate) way: Way,
    /// The tools that are taken, by the server's own names; `None` for all.
    pub(crate) only: Option<Vec<String>>,
    /// What the tools' names get in front.
    pub(crate) prefix: String,
    /// Whether the server's hints on its tools are believed.
    pub(crate) trusts_annotations: bool,
    /// What is declared of all its tools.
    pub(crate) defaults: Declared,
    /// What is declared of single tools instead, by the server's own names.
    pub(crate) tools: BTreeMap<String, Declared>,
    /// Processes of it that run side by side.
    pub(crate) instances: NonZeroUsize,
    /// Calls that one of them gets at once; `None` for as many as there are.
    pub(crate) parallel: Option<NonZeroUsize>,
    /// Time from its start to its list of tools.
    pub(crate) start_timeout: Duration,
}

impl Server {
    /// Its name, in logs, views and answers.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// How a server is reached.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// It is started, and spoken to by its standard input and output.
    Process(ServiceSpec),
    /// It is there, and spoken to over streamable HTTP.
    Http(UrlSpec),
}

/// A server that is spoken to over streamable HTTP.
#[derive(Clone, Debug)]
pub(crate) struct UrlSpec {
    /// Its endpoint.
    pub(crate) url: Url,
    /// Headers of each request. References are resolved when a connection is made.
    pub(crate) headers: BTreeMap<String, EnvValue>,
}

/// What an operator declares of a server's tools; what is left out, the next wider word says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    /// What executing it does to the world.
    pub(crate) effect: Option<Effect>,
    /// Longest time for a call with all its attempts, in ms.
    pub(crate) deadline_ms: Option<u64>,
    /// Longest time for one attempt, in ms.
    pub(crate) attempt_timeout_ms: Option<u64>,
    /// Attempts in all, from 1.
    pub(crate) attempts: Option<u32>,
    /// Whether a run's calls must stay on one instance.
    pub(crate) affinity: Option<Affinity>,
    /// Labels that an instance must carry.
    pub(crate) require: Vec<Label>,
    /// Labels that an instance should carry.
    pub(crate) prefer: Vec<Label>,
    /// Largest result, in bytes, before it is cut to head and tail.
    pub(crate) output_bytes_max: Option<u64>,
    /// Calls of it that this worker executes at once.
    pub(crate) slots: Option<NonZeroU32>,
}

impl Declared {
    /// Checks that this word, above a wider one, can be kept for a tool.
    ///
    /// # Errors
    /// When what is declared can't be enforced.
    pub(crate) fn check(&self, wider: &Self) -> Result<(), SpecError> {
        let name = ToolName::new("its tools").expect("the name is short and printable");
        Ok(check_manifest(&name, &self.manifest(wider, None))?)
    }

    /// The manifest of a tool: this word first, then the wider one, then what is hinted.
    pub(super) fn manifest(&self, wider: &Self, hinted: Option<Effect>) -> Manifest {
        let effect = self.effect.or(hinted).or(wider.effect);
        let mut manifest = Manifest::new(effect.unwrap_or(Effect::Write));
        manifest.deadline_ms = self.deadline_ms.or(wider.deadline_ms);
        manifest.attempt_timeout_ms = self.attempt_timeout_ms.or(wider.attempt_timeout_ms);
        if let Some(attempts) = self.attempts.or(wider.attempts) {
            manifest.retry.attempts = attempts;
        }
        manifest.affinity = self.affinity.or(wider.affinity).unwrap_or(Affinity::None);
        let labels = |own: &Vec<Label>, wider: &Vec<Label>| {
            let labels = if own.is_empty() { wider } else { own };
            labels.clone()
        };
        manifest.require = labels(&self.require, &wider.require);
        manifest.prefer = labels(&self.prefer, &wider.prefer);
        manifest.output_bytes_max = self.output_bytes_max.or(wider.output_bytes_max);
        manifest
    }
}

/// Why a server can't be hosted as it is declared.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// Its name can't be one.
    #[error("its name must be 1 to 63 letters, digits, '-' and '_'")]
    Name,
    /// Another entry has its name.
    #[error("line {line} declares a server of this name; rename one of them")]
    Twice {
        /// The line of the other, from 1.
        line: usize,
    },
    /// It says nothing of how it is reached, or too much.
    #[error("it needs either `command` or `url`, and has {0}")]
    Way(&'static str),
    /// The command is empty.
    #[error(
        "`command` is empty; write the program and its arguments, like [\"npx\", \"-y\", \"server\"]"
    )]
    EmptyCommand,
    /// The program isn't there.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The working directory isn't there.
    #[error(
        "the working directory {0} is no folder; make it, or leave `cwd` out for a temporary folder"
    )]
    Cwd(PathBuf),
    /// A path of its sandbox isn't there, so it couldn't be confined.
    #[error("the sandbox's path {0} isn't there; make it, or take it out of `sandbox`")]
    SandboxPath(PathBuf),
    /// Its memory limit lets nothing run.
    #[error("memory_bytes_max is {0}; a program needs {MEMORY_BYTES_MIN} to be loaded at all")]
    Memory(u64),
    /// A key belongs to the other way.
    #[error("`{key}` is for servers that have a `{wants}`, and this one has none")]
    Misplaced {
        /// The key.
        key: &'static str,
        /// What it goes with.
        wants: &'static str,
    },
    /// The URL can't be used.
    #[error("{url:?} is no URL of an MCP server: {why}; write it like \"https://host/mcp\"")]
    Url {
        /// What was written.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A header can't be sent.
    #[error(
        "the header {0:?} can't be sent: its name or its value has characters that no header has"
    )]
    Header(String),
    /// A secret would be readable on its way.
    #[error(
        "the header {0:?} holds a secret, which isn't sent over plain http to another machine; use https, or set plain_http = true if the way there is your own"
    )]
    OpenLine(String),
    /// A time of nothing.
    #[error("a start_timeout of 0 lets nothing start")]
    StartTimeout,
    /// A tool is declared that is never taken.
    #[error(
        "[mcp.tool.{0}] declares a tool that isn't among `tools`; add it there, or remove the table"
    )]
    NotTaken(String),
    /// What is declared of a tool can't be kept.
    #[error(transparent)]
    Tool(#[from] ToolsError),
}

impl UrlSpec {
    /// Checks a URL and its headers.
    ///
    /// # Errors
    /// When it is no http or https URL, a header can't be sent, or a secret would be readable on its way.
    pub(crate) fn new(
        written: &str,
        headers: BTreeMap<String, EnvValue>,
        is_plain_allowed: bool,
    ) -> Result<Self, SpecError> {
        let refuse = |why: &str| SpecError::Url {
            // What stands before an `@` may be a login.
            url: written.rsplit('@').next().unwrap_or(written).to_owned(),
            why: why.to_owned(),
        };
        let url = Url::parse(written).map_err(|error| refuse(&error.to_string()))?;
        let Some(host) = url.host_str() else {
            return Err(refuse("it names no host"));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it holds a login; give a header instead"));
        }
        let is_local = host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        let is_open = match url.scheme() {
            "https" => false,
            "http" => !is_local && !is_plain_allowed,
            _ => return Err(refuse("it is neither http nor https")),
        };
        for (name, value) in &headers {
            let is_sound = match value {
                EnvValue::Text(text) => HeaderValue::from_str(text).is_ok(),
                EnvValue::Env { .. } | EnvValue::File { .. } if is_open => {
                    return Err(SpecError::OpenLine(name.clone()));
                }
                EnvValue::Env { .. } | EnvValue::File { .. } => true,
            };
            if !is_sound || HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(SpecError::Header(name.clone()));
            }
        }
        Ok(Self { url, headers })
    }
}
