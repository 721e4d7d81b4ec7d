//! What a measured process runs: the words after [`WORD`] say.

use anyhow::bail;

use super::serve::serve;
use super::{ours, raw, sink};

/// The first argument of a measured process.
pub const WORD: &str = "measured-process";

/// Runs the process until its standard input ends.
///
/// # Errors
/// When the words make no sense or the side fails to start.
pub fn run(words: &[&str]) -> anyhow::Result<()> {
    match words {
        ["raw", role, variant, url, fleet] => raw_process(role, variant, url, fleet),
        ["ours", words @ ..] => ours::run(words),
        ["sink", address] => sink::run(address),
        other => bail!("no measured process is called {other:?}; the benchmark starts them itself"),
    }
}

fn raw_process(role: &str, variant: &str, url: &str, fleet: &str) -> anyhow::Result<()> {
    use raw::{Reading, Variant, batched::Batched, one_shot::OneShot, worker::RawWorker};

    let variant: Variant = variant.parse()?;
    let (role, url, fleet) = (role.to_owned(), url.to_owned(), fleet.to_owned());
    // A spawned task: on the multi-thread runtime the main task runs on a thread of its own, and each
    // result would have to wake that thread.
    let process = async move {
        let client = raw::connect(&url).await?;
        match (role.as_str(), variant.reading) {
            ("worker", _) => serve(RawWorker::start(client, &fleet, variant).await?).await,
            ("coordinator", Reading::OneShot) => serve(OneShot::start(client, &fleet).await?).await,
            ("coordinator", Reading::Batched) => serve(Batched::start(client, &fleet).await?).await,
            (other, _) => bail!("no role is called {other:?}"),
        }
    };
    let runtime = variant.runtime()?;
    runtime.block_on(async { tokio::spawn(process).await? })
}
