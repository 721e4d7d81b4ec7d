//! `callboard workers`: who is there.

use callboard_coordinator::core::WorkerView;
use std::time::{Duration, Instant};

use callboard_coordinator::dispatch::{DispatchHandle, Known};
use callboard_proto::message::Down;
use serde::Serialize;

use crate::cli::View;
use crate::config::Config;
use crate::exit::Exit;
use crate::output;
use crate::session::{Session, short};

/// A beat comes each second; one may be lost.
const BEAT_WITHIN: Duration = Duration::from_millis(1500);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A worker, as `--json` prints it.
#[derive(Serialize)]
struct Row {
    worker: String,
    pool: String,
    instance: String,
    version: String,
    slots: u32,
    /// Slots that are taken, by its last beat; absent before the first.
    running: Option<u32>,
    silent_ms: f64,
    state: &'static str,
    labels: Vec<String>,
    tools: Vec<String>,
    suspended: Vec<String>,
    /// What it should offer and can't now, by its own word.
    down: Vec<Down>,
}

pub(crate) async fn run(flags: &View, config: &Config) -> anyhow::Result<Exit> {
    let session = Session::open(config).await?;
    session.listen().await?;
    let workers = heard(&session.dispatch).await?;
    session.close().await;
    let rows: Vec<Row> = workers
        .iter()
        .map(|(worker, known)| row(worker, known))
        .collect();
    if flags.json {
        output::json(&rows)?;
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        output::note("callboard: no worker is there; start one: callboard worker --help");
        return Ok(Exit::Done);
    }
    let heading = [
        "WORKER", "POOL", "INSTANCE", "STATE", "SLOTS", "RUNNING", "HEARD", "TOOLS",
    ];
    let mut table = vec![heading.map(str::to_owned).to_vec()];
    table.extend(rows.iter().zip(&workers).map(|(row, (worker, _))| {
        vec![
            row.worker.clone(),
            row.pool.clone(),
            short(worker.instance),
            row.state.to_owned(),
            row.slots.to_string(),
            row.running
                .map_or_else(|| "?".to_owned(), |running| running.to_string()),
            format!("{:.1} s ago", row.silent_ms / 1000.0),
            row.tools.join(" "),
        ]
    }));
    output::line(&output::table(&table))?;
    for row in &rows {
        for Down { what, why } in &row.down {
            output::line(&format!("{}: {what} is down: {why}", row.worker))?;
        }
    }
    Ok(Exit::Done)
}

/// Everybody who is there, once each has told its load in a beat; who doesn't beat is shown without.
async fn heard(dispatch: &DispatchHandle) -> anyhow::Result<Vec<(WorkerView, Vec<Known>)>> {
    let until = Instant::now() + BEAT_WITHIN;
    loop {
        let workers = dispatch.workers().await?;
        if workers.iter().all(|(worker, _)| worker.beat.is_some()) || Instant::now() >= until {
            return Ok(workers);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn row(worker: &WorkerView, known: &[Known]) -> Row {
    let state = if worker.draining {
        "draining"
    } else if worker.unreachable {
        "unreachable"
    } else if worker.beat.is_none() {
        "silent"
    } else {
        "ready"
    };
    let names = |digests: &[callboard_proto::Digest]| {
        known
            .iter()
            .filter(|known| digests.contains(&known.digest))
            .map(|known| known.name.to_string())
            .collect()
    };
    Row {
        worker: worker.worker.to_string(),
        pool: worker.pool.to_string(),
        instance: worker.instance.to_string(),
        version: worker.version.clone(),
        slots: worker.slots,
        running: worker
            .beat
            .map(|_| worker.slots.saturating_sub(worker.free)),
        silent_ms: (worker.silent_for.as_secs_f64() * 1e6).round() / 1e3,
        state,
        labels: worker.labels.iter().map(ToString::to_string).collect(),
        tools: names(&worker.digests),
        suspended: names(&worker.suspended),
        down: worker.down.clone(),
    }
}
