//! All MCP servers of a worker.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use callboard_proto::message::Down;
use callboard_proto::{Digest, Label, limit};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::hosted::Hosted;
use super::keeper;
use super::spec::Server;
use crate::executor;
use crate::process::Host;
use crate::tool::{Tools, ToolsError};

/// Troubles that are announced at most; more of them say nothing new. Chosen, not measured.
const DOWN_MAX: usize = 32;
/// How long servers may take to end with the worker; their supervisors go on alone. Chosen, not measured.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// All MCP servers of a worker, each kept running, whatever the others do. Dropping it ends them.
pub struct Hosting {
    servers: Vec<Arc<Hosted>>,
    keepers: Vec<JoinHandle<()>>,
    news: watch::Receiver<u64>,
    stop: watch::Sender<bool>,
    /// `None` once it is told to end.
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for Hosting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hosting")
            .field("servers", &self.servers.len())
            .finish_non_exhaustive()
    }
}

/// What a worker offers, and what it should and can't.
type Offer = (Tools, Vec<Down>);

impl Hosting {
    /// Begins to start the servers, all at once, on a runtime of their own. `host` starts the supervisors
    /// of those that are processes.
    ///
    /// # Errors
    /// When the runtime can't be made.
    pub fn start(servers: Vec<Server>, host: &Host) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("callboard-mcp")
            .enable_all()
            .build()?;
        let (sender, news) = watch::channel(0);
        let (stop, stopped) = watch::channel(false);
        let servers: Vec<Arc<Hosted>> = servers
            .into_iter()
            .map(|server| Arc::new(Hosted::new(server, host.clone(), sender.clone())))
            .collect();
        let mut keepers = Vec::new();
        for hosted in &servers {
            for seat in 0..hosted.server.instances.get() {
                let keeper = keeper::keep(Arc::clone(hosted), seat, stopped.clone());
                keepers.push(runtime.spawn(keeper));
            }
        }
        Ok(Self {
            servers,
            keepers,
            news,
            stop,
            runtime: Some(runtime),
        })
    }

    /// Waits until each server serves or has failed to start, which its start timeout bounds.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn settled(&self) {
        let mut news = self.news.clone();
        while !self.servers.iter().all(|hosted| hosted.is_settled()) {
            if news.changed().await.is_err() {
                return;
            }
        }
    }

    /// What the worker offers now: its own tools first, then those of the servers in their order. A tool
    /// whose name is taken is left out and told.
    /// So is one that requires a label which isn't among the worker's.
    #[must_use]
    pub fn offer(&self, own: &Tools, labels: &[Label]) -> Tools {
        let (mut tools, _) = gather(&self.servers, own);
        for unfit in tools.keep_placeable(labels) {
            tracing::error!(at = self.declared_at(&unfit), error = %unfit, "a tool can't be offered");
        }
        tools
    }

    /// Where the server of a tool that can't be offered is declared.
    fn declared_at(&self, unfit: &ToolsError) -> Option<&str> {
        let ToolsError::Label { name, .. } = unfit else {
            return None;
        };
        let mut servers = self.servers.iter();
        let its = servers.find(|hosted| hosted.lists(name));
        its.map(|hosted| hosted.server.declared_at.as_str())
    }

    /// Tells an executor from now on what is offered, whenever that changes; it began with `offered`.
    pub fn follow(&self, own: Tools, offered: &Tools, executor: executor::Handle) {
        let mut last = (digests(offered), Vec::new());
        let servers = self.servers.clone();
        let mut news = self.news.clone();
        let following = async move {
            loop {
                let (tools, down) = gather(&servers, &own);
                let now = (digests(&tools), down.clone());
                if last != now {
                    last = now;
                    if executor.offer(tools, down).await.is_err() {
                        return;
                    }
                }
                if news.changed().await.is_err() {
                    return;
                }
            }
        };
        if let Some(runtime) = &self.runtime {
            runtime.spawn(following);
        }
    }

    /// Ends all servers, and waits until their processes are gone.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let keepers = futures_util::future::join_all(std::mem::take(&mut self.keepers));
        let _too_slow = tokio::time::timeout(STOP_WITHIN, keepers).await;
    }
}

impl Drop for Hosting {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(runtime) = self.runtime.take() {
            // Supervisors see the processes off by themselves.
            runtime.shutdown_background();
        }
    }
}

fn digests(tools: &Tools) -> Vec<Digest> {
    tools.offers().iter().map(|offer| offer.digest).collect()
}

fn gather(servers: &[Arc<Hosted>], own: &Tools) -> Offer {
    let mut tools = own.clone();
    let mut down = Vec::new();
    for hosted in servers {
        let standing = hosted.standing();
        let mut troubles = standing.troubles;
        for tool in standing.tools {
            if let Err(error) = tools.add(tool) {
                troubles.push(format!(
                    "a tool is left out: {error}; its `prefix` keeps it apart"
                ));
            }
        }
        let what = format!("mcp {}", hosted.server.name);
        down.extend(troubles.into_iter().map(|why| Down {
            what: what.clone(),
            why: cut(why),
        }));
    }
    down.truncate(DOWN_MAX);
    (tools, down)
}

/// Cut to what a worker says of a reason at most.
fn cut(mut why: String) -> String {
    why.truncate(why.floor_char_boundary(limit::REASON_BYTES_MAX));
    why
}
