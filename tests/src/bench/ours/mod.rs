//! Callboard as it is measured: the public API of both crates, the links, no private path.

use std::time::Duration;

use anyhow::{Context, bail};
use callboard_coordinator::dispatch::{Dispatch, Options};
use callboard_coordinator::link::Link;
use callboard_coordinator::link::local::Switchboard;
use callboard_coordinator::link::nats::NatsLink;
use callboard_proto::server::ServerOptions;
use callboard_proto::{CoordinatorId, Tenant};
use tokio::runtime::Builder;
use uuid::Uuid;

use super::serve::serve;
use super::signed::{self, Signer};
use coordinator::Coordinator;
use watch::Watch;

pub mod coordinator;
pub mod tools;
pub mod watch;
pub mod worker;

/// Runs one of our processes: a coordinator or a worker by NATS, or both embedded.
///
/// # Errors
/// When the words make no sense, or the side fails to start.
pub fn run(words: &[&str]) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::WARN)
        .init();
    // One thread for the link and its actor: a wake-up of another thread costs more than a call.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    // A spawned task, as the baseline's is: the main one would cost a look at the driver per wake-up.
    runtime.block_on(async {
        tokio::spawn(async move {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["coordinator", number, url, fleet, workers, _slots] => {
                    let id = CoordinatorId::new(Uuid::new_v4());
                    let server = signed::server(url, Signer::Coordinator)?;
                    let link = NatsLink::connect(&server, Tenant::new(*fleet)?, id).await?;
                    let options = Options::new(id);
                    let side = coordinator(options, link, number.parse()?, workers.parse()?).await;
                    serve(side?).await
                }
                ["single-turns", number, url, fleet, workers, _slots] => {
                    let id = CoordinatorId::new(Uuid::new_v4());
                    let server = ServerOptions::new(url.parse()?);
                    let watch = Watch::coordinator(fleet)?;
                    let mut options = Options::new(id);
                    options.observer = watch.traces.clone().map(|traces| traces as _);
                    let link = NatsLink::connect(&server, Tenant::new(*fleet)?, id).await?;
                    let side = coordinator(options, link, number.parse()?, workers.parse()?).await;
                    serve(side?.with_single_turns(watch)).await
                }
                ["worker", number, url, fleet, _workers, slots] => {
                    serve(worker::by_nats(number, url, fleet, slots.parse()?).await?).await
                }
                ["embedded", slots] => {
                    let board = Switchboard::default();
                    let worker = worker::embedded(&board, slots.parse()?)?;
                    let id = CoordinatorId::new(Uuid::new_v4());
                    let side = coordinator(Options::new(id), board.connect(id), 0, 1).await?;
                    serve(side.with_worker(worker)).await
                }
                other => bail!("no process of ours is called {other:?}"),
            }
        })
        .await?
    })
}

/// Longest wait for the workers to be known.
const DISCOVERY_WITHIN: Duration = Duration::from_secs(10);
/// Wait between two looks for them.
const LOOK_EVERY: Duration = Duration::from_millis(10);

async fn coordinator(
    options: Options,
    link: impl Link,
    number: u32,
    workers: usize,
) -> anyhow::Result<Coordinator> {
    let (dispatch, handle) = Dispatch::new(options, link);
    tokio::spawn(dispatch.run());
    let known = async {
        loop {
            let offers = handle.offers().await?;
            let is_complete = |kind: &tools::Kind| {
                let mut offers = offers.iter();
                offers.any(|offer| offer.spec.name == kind.name && offer.instances == workers)
            };
            if tools::kinds().iter().all(is_complete) {
                return anyhow::Ok(offers);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let offers = tokio::time::timeout(DISCOVERY_WITHIN, known).await;
    let offers = offers.context("not all workers were known in time")??;
    Ok(Coordinator::new(handle, offers, number))
}
