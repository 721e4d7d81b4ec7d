//! A nats-server as a child process of the test.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::options::Options;
use super::ready::{self, Greeting};
use crate::signal;

/// How much of the server's log an error shows, in lines.
const LOG_LINES: usize = 12;

/// A spawned nats-server with a configuration, a log and a store in a folder of its own.
#[derive(Debug)]
pub struct Process {
    // The child is killed by `Drop` before the fields, and so its folder, are dropped.
    child: Child,
    binary: PathBuf,
    port: u16,
    /// What the server calls itself, and no other does.
    name: String,
    folder: TempDir,
}

impl Process {
    pub(super) async fn start(
        binary: &Path,
        port: u16,
        options: &Options,
    ) -> anyhow::Result<(Self, Greeting)> {
        let folder = TempDir::with_prefix("callboard-nats-").context("failed to make a folder")?;
        let store = folder.path().join("jetstream");
        let listen = format!("127.0.0.1:{port}");
        let name = format!("callboard-test-{}", uuid::Uuid::new_v4());
        let options = options.clone().config(&format!("server_name: {name}"));
        fs::write(
            configuration(&folder),
            options.file(&listen, &store.display().to_string()),
        )
        .context("failed to write the server's configuration")?;
        let child = spawn(binary, &folder)?;
        let mut process = Self {
            child,
            binary: binary.to_owned(),
            port,
            name,
            folder,
        };
        let greeting = process.greeted().await?;
        Ok((process, greeting))
    }

    /// Returns the process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn pause(&self) -> anyhow::Result<()> {
        signal::pause(self.pid())
    }

    pub(super) fn resume(&self) -> anyhow::Result<()> {
        signal::resume(self.pid())
    }

    pub(super) fn kill9(&mut self) -> anyhow::Result<()> {
        self.child.kill().context("failed to kill the server")?;
        self.child
            .wait()
            .context("failed to wait for the killed server")?;
        Ok(())
    }

    pub(super) async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill9()?;
        self.child = spawn(&self.binary, &self.folder)?;
        self.greeted().await.map(drop)
    }

    async fn greeted(&mut self) -> anyhow::Result<Greeting> {
        let Self {
            child,
            folder,
            port,
            name,
            ..
        } = self;
        ready::wait(*port, Some(name), || {
            match child.try_wait().context("failed to ask for the server")? {
                Some(status) => bail!("the server ended ({status}), its log: {}", log_tail(folder)),
                None => Ok(()),
            }
        })
        .await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails only for a child that is gone already.
        let _ = self.kill9();
    }
}

fn configuration(folder: &TempDir) -> PathBuf {
    folder.path().join("nats.conf")
}

fn log(folder: &TempDir) -> PathBuf {
    folder.path().join("nats.log")
}

fn spawn(binary: &Path, folder: &TempDir) -> anyhow::Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(log(folder))
        .context("failed to open the server's log")?;
    Command::new(binary)
        .arg("-c")
        .arg(configuration(folder))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .with_context(|| format!("failed to start {}", binary.display()))
}

fn log_tail(folder: &TempDir) -> String {
    let text = fs::read_to_string(log(folder)).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LOG_LINES);
    lines[from..].join("\n")
}
