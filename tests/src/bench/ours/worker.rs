//! Our worker as it is measured.

use anyhow::Context;
use callboard_coordinator::link::local::Switchboard;
use callboard_proto::{Pool, Tenant, WorkerName};
use callboard_worker::executor::{Executor, Options};
use callboard_worker::link::Link;
use callboard_worker::link::nats::NatsLink;
use callboard_worker::tool::Tools;

use super::tools::{Journal, tools};
use super::watch::Watch;
use crate::bench::protocol::Execution;
use crate::bench::serve::Side;
use crate::bench::signed::{self, Signer};
use crate::link::join;

/// A worker whose executor runs on this runtime and whose tools run on a thread of their own.
#[derive(Debug)]
pub struct Worker {
    journal: Journal,
    /// Of a process of its own.
    _watch: Option<Watch>,
}

impl Side for Worker {
    fn take_log(&mut self) -> anyhow::Result<Vec<Execution>> {
        Ok(self.journal.take())
    }

    fn let_go(&mut self) -> anyhow::Result<()> {
        self.journal.let_go();
        Ok(())
    }
}

fn options(number: &str, slots: u32) -> anyhow::Result<Options> {
    let name = WorkerName::new(format!("bench-{number}"))?;
    Ok(Options::new(name, Pool::new("bench")?).with_slots(slots))
}

/// Starts a worker of its own process.
///
/// # Errors
/// When the server can't be reached.
pub async fn by_nats(number: &str, url: &str, fleet: &str, slots: u32) -> anyhow::Result<Worker> {
    let journal = Journal::default();
    let (tools, mut options) = (tools(&journal)?, options(number, slots)?);
    let watch = Watch::worker(fleet, &mut options)?;
    let server = signed::server(url, Signer::Worker)?;
    let link = NatsLink::connect(&server, Tenant::new(fleet)?, options.announce(&tools, 0));
    let link = link.await.context("failed to connect the worker")?;
    start(options, tools, link, journal, Some(watch))
}

/// Starts a worker in the coordinator's process.
///
/// # Errors
/// When its tools can't be offered.
pub fn embedded(board: &Switchboard, slots: u32) -> anyhow::Result<Worker> {
    let journal = Journal::default();
    let (tools, options) = (tools(&journal)?, options("0", slots)?);
    let link = join(board, &options.announce(&tools, 0));
    start(options, tools, link, journal, None)
}

fn start(
    options: Options,
    tools: Tools,
    link: impl Link,
    journal: Journal,
    watch: Option<Watch>,
) -> anyhow::Result<Worker> {
    let (executor, _handle) = Executor::new(options, tools, link)?;
    tokio::spawn(executor.run());
    Ok(Worker {
        journal,
        _watch: watch,
    })
}
