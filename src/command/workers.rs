//! `callboard workers`: who is there.

use callboard_coordinator::core::WorkerView;
use callboard_coordinator::dispatch::Known;
use serde::Serialize;

use crate::cli::View;
use crate::config::Config;
use crate::exit::Exit;
use crate::output;
use crate::session::{Session, short};

/// A worker, as `--json` prints it.
#[derive(Serialize)]
struct Row {
    worker: String,
    pool: String,
    instance: String,
    version: String,
    slots: u32,
    free: u32,
    running: u32,
    silent_ms: f64,
    state: &'static str,
    labels: Vec<String>,
    tools: Vec<String>,
    suspended: Vec<String>,
}

pub(crate) async fn run(flags: &View, config: &Config) -> anyhow::Result<Exit> {
    let session = Session::open(config).await?;
    // A beat comes each second, and without one neither load nor state is known.
    session.listen().await?;
    let workers = session.dispatch.workers().await?;
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
            row.running.to_string(),
            format!("{:.1} s ago", row.silent_ms / 1000.0),
            row.tools.join(" "),
        ]
    }));
    output::line(&output::table(&table))?;
    Ok(Exit::Done)
}

fn row(worker: &WorkerView, known: &[Known]) -> Row {
    let state = if worker.draining {
        "draining"
    } else if worker.unreachable {
        "unreachable"
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
        free: worker.free,
        running: worker.slots.saturating_sub(worker.free),
        silent_ms: (worker.silent_for.as_secs_f64() * 1e6).round() / 1e3,
        state,
        labels: worker.labels.iter().map(ToString::to_string).collect(),
        tools: names(&worker.digests),
        suspended: names(&worker.suspended),
    }
}
