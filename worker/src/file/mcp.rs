//! One `[[mcp]]`.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use callboard_proto::{Affinity, Effect};
use serde::Deserialize;
use toml::Spanned;

use super::entry::{AffinityWord, EffectWord, duration, in_ms, labels};
use super::error::{ServerError, ServersError};
use super::line_of;
use crate::mcp::{Declared, Server, SpecError, UrlSpec, Way};
use crate::process::{EnvValue, Limits, MEMORY_BYTES_MIN, Sandbox, ServiceSpec, find_program};

/// Time from a server's start to its list of tools, unless it is declared. Chosen, not measured: what a
/// package runner needs that fetches the server first.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// The part of a configuration file that declares MCP servers; the other keys are somebody else's to
/// check.
#[derive(Debug, Default, Deserialize)]
struct File {
    #[serde(default)]
    mcp: Vec<Spanned<Entry>>,
}

/// A server as a file declares it. Every key is enforced; one that isn't known is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(default)]
    command: Option<Vec<String>>,
    #[serde(default)]
    env: Option<BTreeMap<String, EnvValue>>,
    #[serde(default)]
    cwd: Option<PathBuf>,
    #[serde(default)]
    limits: Option<ServerLimits>,
    #[serde(default)]
    sandbox: Option<Sandbox>,
    #[serde(default)]
    instances: Option<NonZeroUsize>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    headers: Option<BTreeMap<String, EnvValue>>,
    #[serde(default)]
    plain_http: bool,
    #[serde(default)]
    parallel: Option<NonZeroUsize>,
    #[serde(default, deserialize_with = "duration")]
    start_timeout: Option<Duration>,
    #[serde(default)]
    tools: Option<Vec<String>>,
    #[serde(default)]
    prefix: Option<String>,
    #[serde(default)]
    trust_annotations: bool,
    #[serde(default)]
    effect: Option<EffectWord>,
    #[serde(default, deserialize_with = "duration")]
    deadline: Option<Duration>,
    #[serde(default, deserialize_with = "duration")]
    attempt_timeout: Option<Duration>,
    #[serde(default)]
    attempts: Option<u32>,
    #[serde(default)]
    affinity: Option<AffinityWord>,
    #[serde(default)]
    require: Vec<String>,
    #[serde(default)]
    prefer: Vec<String>,
    #[serde(default)]
    output_bytes_max: Option<u64>,
    #[serde(default)]
    slots: Option<NonZeroU32>,
    /// Single tools, by the server's own names.
    #[serde(default)]
    tool: BTreeMap<String, Override>,
}

/// What is declared of one tool instead.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Override {
    #[serde(default)]
    effect: Option<EffectWord>,
    #[serde(default, deserialize_with = "duration")]
    deadline: Option<Duration>,
    #[serde(default, deserialize_with = "duration")]
    attempt_timeout: Option<Duration>,
    #[serde(default)]
    attempts: Option<u32>,
    #[serde(default)]
    affinity: Option<AffinityWord>,
    #[serde(default)]
    require: Vec<String>,
    #[serde(default)]
    prefer: Vec<String>,
    #[serde(default)]
    output_bytes_max: Option<u64>,
    #[serde(default)]
    slots: Option<NonZeroU32>,
}

/// What a server's processes may use. They live for long and are often runtimes that reserve much more
/// memory than they use, so only what is declared bounds memory and processor time.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServerLimits {
    memory_bytes_max: Option<u64>,
    processes_max: Option<u64>,
    file_bytes_max: Option<u64>,
    open_files_max: Option<u64>,
    cpu_seconds_max: Option<u64>,
    grace_ms: Option<u64>,
}

/// Files that a server may have open, unless it is declared. Chosen, not measured.
const OPEN_FILES_MAX: u64 = 4_096;

impl From<ServerLimits> for Limits {
    fn from(limits: ServerLimits) -> Self {
        let usual = Self::default();
        Self {
            memory_bytes_max: limits.memory_bytes_max.unwrap_or(u64::MAX),
            processes_max: limits.processes_max.unwrap_or(usual.processes_max),
            file_bytes_max: limits.file_bytes_max.unwrap_or(u64::MAX),
            open_files_max: limits.open_files_max.unwrap_or(OPEN_FILES_MAX),
            cpu_seconds_max: limits.cpu_seconds_max.unwrap_or(u64::MAX),
            output_bytes_max: usual.output_bytes_max,
            grace_ms: limits.grace_ms.unwrap_or(usual.grace_ms),
        }
    }
}

/// Reads the MCP servers that a configuration file declares, in its order. `origin` names the file in
/// errors and logs. Nothing is started.
///
/// # Errors
/// When an entry can't be read or its server can't be hosted; the error names file, line, server and cure.
pub fn servers(origin: &str, text: &str) -> Result<Vec<Server>, ServersError> {
    let file: File = toml::from_str(text).map_err(|source| ServersError::Syntax {
        origin: origin.to_owned(),
        source: Box::new(source),
    })?;
    let mut servers: Vec<Server> = Vec::new();
    let mut lines: Vec<usize> = Vec::new();
    for entry in file.mcp {
        let line = line_of(text, entry.span().start);
        let entry = entry.into_inner();
        let name = entry.name.clone();
        let at = |source| ServersError::Entry {
            origin: origin.to_owned(),
            line,
            server: name.clone(),
            source: Box::new(source),
        };
        if let Some(first) = servers.iter().position(|other| other.name == name) {
            return Err(at(SpecError::Twice { line: lines[first] }.into()));
        }
        let server = entry
            .into_server(format!("{origin}, line {line}"))
            .map_err(at)?;
        servers.push(server);
        lines.push(line);
    }
    Ok(servers)
}

impl Entry {
    fn into_server(self, declared_at: String) -> Result<Server, ServerError> {
        check_name(&self.name)?;
        let defaults = Declared {
            effect: self.effect.map(Effect::from),
            deadline_ms: self.deadline.map(in_ms),
            attempt_timeout_ms: self.attempt_timeout.map(in_ms),
            attempts: self.attempts,
            affinity: self.affinity.map(Affinity::from),
            require: labels(&self.require)?,
            prefer: labels(&self.prefer)?,
            output_bytes_max: self.output_bytes_max,
            slots: self.slots,
        };
        defaults.check(&Declared::default())?;
        let mut tools = BTreeMap::new();
        for (name, written) in self.tool {
            if self
                .tools
                .as_ref()
                .is_some_and(|only| !only.contains(&name))
            {
                return Err(SpecError::NotTaken(name).into());
            }
            let declared = written.declared()?;
            declared.check(&defaults)?;
            tools.insert(name, declared);
        }
        let start_timeout = self.start_timeout.unwrap_or(START_TIMEOUT);
        if start_timeout.is_zero() {
            return Err(SpecError::StartTimeout.into());
        }
        let way = match (self.command, self.url) {
            (Some(command), None) => {
                misplaced("headers", "url", self.headers.is_some())?;
                misplaced("plain_http", "url", self.plain_http)?;
                Way::Process(program(
                    command,
                    self.env.unwrap_or_default(),
                    self.cwd,
                    self.limits.unwrap_or_default().into(),
                    self.sandbox,
                )?)
            }
            (None, Some(url)) => {
                misplaced("env", "command", self.env.is_some())?;
                misplaced("cwd", "command", self.cwd.is_some())?;
                misplaced("limits", "command", self.limits.is_some())?;
                misplaced("sandbox", "command", self.sandbox.is_some())?;
                misplaced("instances", "command", self.instances.is_some())?;
                let headers = self.headers.unwrap_or_default();
                Way::Http(UrlSpec::new(&url, headers, self.plain_http)?)
            }
            (None, None) => return Err(SpecError::Way("neither").into()),
            (Some(_), Some(_)) => return Err(SpecError::Way("both").into()),
        };
        Ok(Server {
            prefix: self.prefix.unwrap_or_else(|| format!("{}_", self.name)),
            name: self.name,
            declared_at,
            way,
            only: self.tools,
            trusts_annotations: self.trust_annotations,
            defaults,
            tools,
            instances: self.instances.unwrap_or(NonZeroUsize::MIN),
            parallel: self.parallel,
            start_timeout,
        })
    }
}

impl Override {
    fn declared(self) -> Result<Declared, ServerError> {
        Ok(Declared {
            effect: self.effect.map(Effect::from),
            deadline_ms: self.deadline.map(in_ms),
            attempt_timeout_ms: self.attempt_timeout.map(in_ms),
            attempts: self.attempts,
            affinity: self.affinity.map(Affinity::from),
            require: labels(&self.require)?,
            prefer: labels(&self.prefer)?,
            output_bytes_max: self.output_bytes_max,
            slots: self.slots,
        })
    }
}

fn check_name(name: &str) -> Result<(), SpecError> {
    let is_sound =
        |character: char| character.is_ascii_alphanumeric() || character == '-' || character == '_';
    if name.is_empty() || name.len() > 63 || !name.chars().all(is_sound) {
        return Err(SpecError::Name);
    }
    Ok(())
}

fn misplaced(key: &'static str, wants: &'static str, is_there: bool) -> Result<(), SpecError> {
    if is_there {
        return Err(SpecError::Misplaced { key, wants });
    }
    Ok(())
}

fn program(
    command: Vec<String>,
    env: BTreeMap<String, EnvValue>,
    cwd: Option<PathBuf>,
    limits: Limits,
    sandbox: Option<Sandbox>,
) -> Result<ServiceSpec, SpecError> {
    let mut words = command.into_iter();
    let Some(program) = words.next() else {
        return Err(SpecError::EmptyCommand);
    };
    if let Some(cwd) = cwd.as_ref().filter(|cwd| !cwd.is_dir()) {
        return Err(SpecError::Cwd(cwd.clone()));
    }
    if let Some(path) = sandbox.as_ref().and_then(Sandbox::missing) {
        return Err(SpecError::SandboxPath(path.to_owned()));
    }
    if limits.memory_bytes_max < MEMORY_BYTES_MIN {
        return Err(SpecError::Memory(limits.memory_bytes_max));
    }
    Ok(ServiceSpec {
        program: find_program(&program)?,
        arguments: words.collect(),
        env,
        cwd,
        limits,
        sandbox,
    })
}
