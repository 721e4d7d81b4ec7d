//! A tool that is a program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use callboard_proto::{Executed, FailureKind, Part};
use futures_util::future::{BoxFuture, FutureExt as _};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::limits::{Limits, MEMORY_BYTES_MIN};
use super::mark::Mark;
use super::order::{End, Order};
use super::output::Captured;
use super::program::{self, ProgramError};
use super::sandbox::Sandbox;
use super::supervised::{Ran, Supervised, signal_name};
use super::template::{Dashes, Entry, Template, TemplateError};
use crate::secret::{EnvValue, SecretError};
use crate::tool::{Answer, Tool, ToolCall, ToolError, ToolResult, ToolSpec};

/// What a program reads on its standard input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stdin {
    /// Nothing.
    #[default]
    None,
    /// The arguments as the model wrote them.
    Json,
}

/// What a program's standard output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// Text.
    #[default]
    Text,
    /// One JSON value; what isn't is given as text.
    Json,
}

/// What a process tool runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessSpec {
    /// The program and its arguments, with `{slot}` for values of the input schema.
    pub argv: Vec<Entry>,
    /// Whether values need a `--` in front of them.
    #[serde(default)]
    pub dashes: Dashes,
    /// What it reads on its standard input.
    #[serde(default)]
    pub stdin: Stdin,
    /// What its standard output is.
    #[serde(default)]
    pub output: Output,
    /// Its environment; nothing else is inherited but `PATH` and `LANG` of ours.
    #[serde(default)]
    pub env: BTreeMap<String, EnvValue>,
    /// Its working directory; a temporary folder of its own where none is given.
    #[serde(default)]
    pub cwd: Option<PathBuf>,
    /// Exit codes that mean success; others make the answer an error.
    #[serde(default = "zero")]
    pub success: Vec<i32>,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
    /// What it may see and do; everything that the worker may where none is given.
    #[serde(default)]
    pub sandbox: Option<Sandbox>,
}

fn zero() -> Vec<i32> {
    vec![0]
}

/// Why a process tool can't be offered.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// Its template is unsound.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Its program isn't there.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Its schema can't be read.
    #[error("the input schema is no JSON object: {0}")]
    Schema(String),
    /// Its memory limit lets nothing run.
    #[error("memory_bytes_max is {0}; a program needs {MEMORY_BYTES_MIN} to be loaded at all")]
    Memory(u64),
    /// A value of its environment isn't there.
    #[error("the variable {name} of its environment can't be had")]
    Env {
        /// The variable of the program.
        name: String,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// Its working directory isn't there.
    #[error(
        "the working directory {0} is no folder; make it, or leave `cwd` out for a temporary folder"
    )]
    Cwd(PathBuf),
    /// A path of its sandbox isn't there, so no call could be confined.
    #[error(
        "the sandbox's path {0} isn't there; make it, or take it out of [tool.process.sandbox]"
    )]
    SandboxPath(PathBuf),
}

/// How a supervisor is started: a program that calls [`super::supervise`] before anything else.
#[derive(Clone, Debug)]
pub struct Host {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl Host {
    /// This very program, with one argument by which it knows that it is meant.
    #[must_use]
    pub fn this_program(argument: impl Into<OsString>) -> Self {
        Self {
            // Stays what was started, even while an upgrade replaces the file.
            program: PathBuf::from("/proc/self/exe"),
            arguments: vec![argument.into()],
        }
    }
}

/// A tool that is a program. Its spec says what the model sees, its [`ProcessSpec`] what is run.
#[derive(Clone, Debug)]
pub struct ProcessTool {
    spec: ToolSpec,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    process: ProcessSpec,
    template: Template,
    program: PathBuf,
    host: Host,
}

impl ProcessTool {
    /// Checks and makes a tool.
    ///
    /// # Errors
    /// When the template doesn't fit the schema, the program, the working directory or a value of its
    /// environment isn't there, or a limit lets nothing run.
    pub fn new(spec: ToolSpec, process: ProcessSpec, host: Host) -> Result<Self, ProcessError> {
        let schema: Map<String, Value> = serde_json::from_str(&spec.input_schema)
            .map_err(|error| ProcessError::Schema(error.to_string()))?;
        let has_stdin = process.stdin == Stdin::Json;
        let template = Template::new(&process.argv, process.dashes, has_stdin, &schema)?;
        let program = program::find(template.program())?;
        if process.limits.memory_bytes_max < MEMORY_BYTES_MIN {
            return Err(ProcessError::Memory(process.limits.memory_bytes_max));
        }
        for (name, value) in &process.env {
            value.resolve().map_err(|source| ProcessError::Env {
                name: name.clone(),
                source,
            })?;
        }
        if let Some(cwd) = process.cwd.as_ref().filter(|cwd| !cwd.is_dir()) {
            return Err(ProcessError::Cwd(cwd.clone()));
        }
        if let Some(path) = process.sandbox.as_ref().and_then(Sandbox::missing) {
            return Err(ProcessError::SandboxPath(path.to_owned()));
        }
        Ok(Self {
            spec,
            inner: Arc::new(Inner {
                process,
                template,
                program,
                host,
            }),
        })
    }
}

impl Tool for ProcessTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, call: ToolCall) -> BoxFuture<'static, ToolResult> {
        let inner = Arc::clone(&self.inner);
        async move { inner.call(call).await }.boxed()
    }
}

impl Inner {
    async fn call(&self, call: ToolCall) -> ToolResult {
        let values: Map<String, Value> = call.parse()?;
        let arguments = self
            .template
            .fill(&values)
            .map_err(|error| ToolError::invalid_arguments(error.to_string()))?;
        let not_run = |what: &str, error: &dyn std::fmt::Display| {
            let message = format!("{what}: {error}");
            ToolError::new(FailureKind::Internal, message, Executed::No)
        };
        let folder = tempfile::Builder::new()
            .prefix("callboard-call-")
            .tempdir()
            .map_err(|error| not_run("no temporary folder can be made", &error))?;
        let order = self
            .order(&call, arguments, folder.path())
            .map_err(|error| not_run("the call can't be prepared", &error))?;
        let (supervised, stop) = Supervised::start(&self.host, order, folder)
            .await
            .map_err(|error| not_run("no supervisor can be started", &error))?;
        let cancellation = call.cancellation();
        let mut running = tokio::spawn(supervised.see_off());
        // Dropping `stop`, here or with this future, makes the supervisor end everything.
        let ran = tokio::select! {
            ran = &mut running => ran,
            () = cancellation.cancelled() => {
                drop(stop);
                running.await
            }
        };
        match ran {
            Ok(ran) => self.answer(&ran),
            // The worker is ending, or its own code panicked.
            Err(error) => Err(ToolError::internal(error.to_string())),
        }
    }

    fn order(
        &self,
        call: &ToolCall,
        arguments: Vec<String>,
        folder: &Path,
    ) -> Result<Order, Box<dyn std::error::Error + Send + Sync>> {
        let scratch = folder.join("tmp");
        fs::create_dir(&scratch)?;
        let mut env = BTreeMap::from([
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            (
                "PATH".to_owned(),
                std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ),
            ("HOME".to_owned(), scratch.display().to_string()),
            ("TMPDIR".to_owned(), scratch.display().to_string()),
            (
                "CALLBOARD_IDEMPOTENCY_KEY".to_owned(),
                call.idempotency_key(),
            ),
        ]);
        if let Some(traceparent) = call.traceparent() {
            env.insert("TRACEPARENT".to_owned(), traceparent.to_owned());
        }
        for (name, value) in &self.process.env {
            env.insert(name.clone(), value.resolve()?);
        }
        let stdin = match self.process.stdin {
            Stdin::None => None,
            Stdin::Json => Some(String::from_utf8(call.arguments().to_vec())?),
        };
        Ok(Order {
            worker: std::process::id(),
            mark: Mark::new(),
            program: self.program.clone(),
            arguments,
            env,
            cwd: self.process.cwd.clone().unwrap_or_else(|| scratch.clone()),
            scratch,
            stdin,
            is_relayed: false,
            limits: self.process.limits.clone(),
            sandbox: self.process.sandbox.clone(),
            end_file: folder.join("end"),
        })
    }

    fn answer(&self, ran: &Ran) -> ToolResult {
        let name = self.template.program();
        let Ran {
            end,
            stdout,
            stderr,
        } = ran;
        let crashed = |what: String, executed| {
            let said = stderr.text();
            let message = format!("{what}\n{}", said.trim_end());
            Err(ToolError::new(FailureKind::Crashed, message, executed))
        };
        match end {
            Ok(End::Exited(code)) if self.process.success.contains(code) => {
                Ok(self.success(stdout, stderr))
            }
            Ok(End::Exited(code)) => {
                let mut text = format!("{name} ended with code {code}.");
                for (what, printed) in [("error output", stderr), ("output", stdout)] {
                    if !printed.is_empty() {
                        text.push_str(&format!("\n{what}:\n{}", printed.text().trim_end()));
                    }
                }
                Ok(Answer::error(text))
            }
            Ok(End::Signalled(signal)) => crashed(
                format!("{name} was ended by signal {}", signal_name(*signal)),
                Executed::Yes,
            ),
            Ok(End::NotStarted(why)) => Err(ToolError::new(
                FailureKind::Internal,
                format!("the tool's program was not started: {why}"),
                Executed::No,
            )),
            Err(unseen) => crashed(unseen.told(name), Executed::Unknown),
        }
    }

    fn success(&self, stdout: &Captured, stderr: &Captured) -> Answer {
        let text = stdout.text();
        if self.process.output == Output::Json
            && !stdout.is_cut()
            && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok()
        {
            return Answer::parts(vec![Part::Json(text.trim().to_owned())]);
        }
        if stdout.is_empty() {
            let said = stderr.text();
            return Answer::text(if said.trim().is_empty() {
                "The program ended without any output.".to_owned()
            } else {
                said
            });
        }
        Answer::text(text)
    }
}
