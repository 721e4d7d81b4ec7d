//! A command of the binary, as somebody would type it.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::binary;
use super::child::{Child, Ended};

/// Variables of whoever runs the tests that would change what the binary does or says.
const HUSHED: [&str; 5] = [
    "TRACEPARENT",
    "COLUMNS",
    "RUST_LOG",
    "NO_COLOR",
    "CLICOLOR_FORCE",
];

/// A command of the binary before it is started.
#[derive(Debug)]
pub struct Callboard {
    command: Command,
    input: Vec<u8>,
}

impl Callboard {
    /// The binary with these words. Nothing of the tests' own configuration reaches it.
    ///
    /// # Errors
    /// There is no binary.
    pub fn new<I, S>(words: I) -> anyhow::Result<Self>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(binary::callboard()?);
        command.args(words);
        Ok(Self::of(command))
    }

    /// Another program under the same care.
    #[must_use]
    pub fn of(mut command: Command) -> Self {
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CALLBOARD_") || text.starts_with("OTEL_") {
                command.env_remove(name);
            }
        }
        for name in HUSHED {
            command.env_remove(name);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Self {
            command,
            input: Vec::new(),
        }
    }

    /// More words.
    #[must_use]
    pub fn args<I, S>(mut self, words: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.command.args(words);
        self
    }

    /// Where to find the NATS server.
    #[must_use]
    pub fn nats(self, url: &str) -> Self {
        self.args(["--nats", url])
    }

    /// A variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// The folder that it is started in.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What it reads from standard input, then the end.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Starts it; it is killed when the value is dropped.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(self) -> anyhow::Result<Child> {
        Child::start(self.command, self.input)
    }

    /// Starts it and waits for its end.
    ///
    /// # Errors
    /// It can't be started, or doesn't end within [`super::PATIENCE`].
    pub async fn run(self) -> anyhow::Result<Ended> {
        self.start()?.ended().await
    }
}
