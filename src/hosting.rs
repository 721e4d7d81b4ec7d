//! The MCP servers of a worker in this process.

use std::time::Duration;

use callboard_worker::executor::{Handle, Options};
use callboard_worker::tool::Tools;

use crate::config::Config;
use crate::exit::BadInput;

/// How long a worker waits for the first start of its servers before it offers what is there: the others
/// are offered when they come. Chosen, not measured.
pub(crate) const WORKER_PATIENCE: Duration = Duration::from_secs(5);

/// The MCP servers that the configuration file declares, being kept running.
#[cfg(target_os = "linux")]
pub(crate) struct Hosting(callboard_worker::mcp::Hosting);

#[cfg(target_os = "linux")]
impl Hosting {
    /// Checks the declarations, and gives the names of the servers. Nothing is started.
    pub(crate) fn check(config: &Config) -> anyhow::Result<Vec<String>> {
        let servers = declared(config)?;
        let names = servers.iter().map(|server| server.name().to_owned());
        Ok(names.collect())
    }

    /// Begins to start the servers, if there are any, and waits for them: at most for so long where there
    /// is a `patience`.
    pub(crate) async fn start(
        config: &Config,
        patience: Option<Duration>,
    ) -> anyhow::Result<Option<Self>> {
        let servers = declared(config)?;
        if servers.is_empty() {
            return Ok(None);
        }
        let host = callboard_worker::process::Host::this_program(crate::offer::SUPERVISE);
        let hosting = callboard_worker::mcp::Hosting::start(servers, &host)?;
        match patience {
            // Those that are late are told of by their tools, once they come.
            Some(patience) => drop(tokio::time::timeout(patience, hosting.settled()).await),
            None => hosting.settled().await,
        }
        Ok(Some(Self(hosting)))
    }

    /// Adds what the servers offer now to the worker's own tools, but for what it could never be asked for.
    pub(crate) fn offer(&self, own: &Tools, options: &Options) -> Tools {
        self.0.offer(own, &options.labels)
    }

    /// Keeps an executor, which began with `offered`, informed of what is offered.
    pub(crate) fn follow(&self, own: Tools, offered: &Tools, executor: Handle) {
        self.0.follow(own, offered, executor);
    }

    /// Ends the servers.
    pub(crate) async fn stop(self) {
        self.0.stop().await;
    }
}

#[cfg(target_os = "linux")]
fn declared(config: &Config) -> anyhow::Result<Vec<callboard_worker::mcp::Server>> {
    let (Some(path), false) = (&config.file, config.mcp.is_empty()) else {
        return Ok(Vec::new());
    };
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| BadInput(format!("{origin} can't be read: {error}")))?;
    callboard_worker::file::servers(&origin, &text).map_err(crate::exit::bad_input)
}

/// None, but on Linux.
#[cfg(not(target_os = "linux"))]
pub(crate) enum Hosting {}

#[cfg(not(target_os = "linux"))]
impl Hosting {
    pub(crate) fn check(config: &Config) -> anyhow::Result<Vec<String>> {
        if config.mcp.is_empty() {
            return Ok(Vec::new());
        }
        Err(
            BadInput("[[mcp]] needs Linux; run the worker there, or remove the entries".to_owned())
                .into(),
        )
    }

    pub(crate) async fn start(
        config: &Config,
        _patience: Option<Duration>,
    ) -> anyhow::Result<Option<Self>> {
        Self::check(config).map(|_| None)
    }

    pub(crate) fn offer(&self, _own: &Tools, _options: &Options) -> Tools {
        match *self {}
    }

    pub(crate) fn follow(&self, _own: Tools, _offered: &Tools, _executor: Handle) {
        match *self {}
    }

    pub(crate) async fn stop(self) {
        match self {}
    }
}
