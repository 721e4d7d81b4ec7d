//! `callboard workers --json`, and workers to look at.

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::child::Child;
use super::command::Callboard;

/// One worker, as the view shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Worker {
    /// Its name.
    pub worker: String,
    /// This life of it.
    pub instance: String,
    /// Calls that it runs at once.
    pub slots: u32,
    /// Slots that are taken; absent where it hasn't said.
    pub running: Option<u32>,
    /// `ready`, `draining`, `silent` or `unreachable`.
    pub state: String,
    /// The tools that it offers.
    pub tools: Vec<String>,
}

/// Asks who is there.
///
/// # Errors
/// The view can't be had; the text holds what it said.
pub async fn workers(url: &str) -> anyhow::Result<Vec<Worker>> {
    let ended = Callboard::new(["workers", "--json"])?
        .nats(url)
        // Everybody here answers at once; the default is for slower networks.
        .env("CALLBOARD_COORDINATOR__DISCOVERY_TIMEOUT", "150ms")
        .run()
        .await?;
    ensure!(ended.code == Some(0), "callboard workers: {ended:?}");
    serde_json::from_str(&ended.stdout).with_context(|| format!("no view: {}", ended.stdout))
}

impl Callboard {
    /// A worker of this name, on this server.
    ///
    /// # Errors
    /// There is no binary.
    pub fn worker(name: &str, url: &str) -> anyhow::Result<Self> {
        Ok(Self::new(["worker", "--name", name])?.nats(url))
    }

    /// Starts a worker and waits until it offers its tools.
    ///
    /// # Errors
    /// It ended instead; the text holds what it said.
    pub async fn offers(self) -> anyhow::Result<Child> {
        let mut child = self.start()?;
        child.says(" offers ").await?;
        Ok(child)
    }
}
