//! `callboard workers`: who is there.

use std::time::SystemTime;

use callboard_coordinator::catalogue::Catalogue;
use callboard_coordinator::core::WorkerView;
use callboard_coordinator::dispatch::Known;
use callboard_proto::message::Down;
use callboard_worker::plain;
use serde::Serialize;

use crate::cli::View;
use crate::config::Config;
use crate::exit::Exit;
use crate::output;
use crate::session::{Session, short};
use crate::view::change::Listed;
use crate::view::clock;
use crate::view::conflict::Offerers;
use crate::view::crew::heard;
use crate::view::table::{Column, fit};
use crate::view::watch::{watch, width};

/// A worker, as `--json` prints it.
#[derive(Serialize)]
struct Row {
    worker: String,
    pool: String,
    instance: String,
    version: String,
    slots: u32,
    /// Slots that are taken, by its last beat; absent before the first, and of one that drains: it has none to
    /// give, whatever runs.
    running: Option<u32>,
    silent_ms: f64,
    /// By how much its clock is ahead of this machine's, the way of a beat included; where it tells its own.
    clock_ahead_ms: Option<f64>,
    state: &'static str,
    draining: bool,
    labels: Vec<String>,
    tools: Vec<String>,
    /// The same with their digests.
    offers: Vec<Offered>,
    suspended: Vec<String>,
    down: Vec<Down>,
    #[serde(skip)]
    short: String,
}

#[derive(Serialize)]
struct Offered {
    name: String,
    digest: String,
}

const COLUMNS: [Column; 9] = [
    Column {
        heading: "WORKER",
        rank: 0,
    },
    Column {
        heading: "POOL",
        rank: 5,
    },
    Column {
        heading: "INSTANCE",
        rank: 7,
    },
    Column {
        heading: "STATE",
        rank: 1,
    },
    Column {
        heading: "LOAD",
        rank: 2,
    },
    Column {
        heading: "HEARD",
        rank: 4,
    },
    Column {
        heading: "VERSION",
        rank: 8,
    },
    Column {
        heading: "LABELS",
        rank: 6,
    },
    Column {
        heading: "TOOLS",
        rank: 3,
    },
];

pub(crate) async fn run(flags: &View, config: &Config) -> anyhow::Result<Exit> {
    let session = Session::open_to_look(config).await?;
    session.listen().await?;
    if flags.watch {
        // The first picture shows them as their beats say, not as if they had never been heard.
        heard(&session.dispatch).await?;
        let look = async || Ok(rows(&session.dispatch.workers().await?));
        let watched = watch(flags.json, look, draw).await;
        session.close().await;
        return watched.map(|()| Exit::Done);
    }
    let workers = heard(&session.dispatch).await?;
    let used = Catalogue::freeze(session.dispatch.offers().await?);
    session.close().await;
    for warning in Offerers::of(&workers).warnings(&used) {
        output::note(&warning);
    }
    let rows = rows(&workers);
    if flags.json {
        output::json(&rows)?;
    } else if rows.is_empty() {
        output::note("callboard: no worker is there; start one: callboard worker --help");
    } else {
        output::line(&draw(&rows, width()))?;
    }
    Ok(Exit::Done)
}

fn draw(rows: &[Row], width: Option<usize>) -> String {
    if rows.is_empty() {
        return "no worker is there".to_owned();
    }
    let cells: Vec<Vec<String>> = rows.iter().map(Row::cells).collect();
    let mut text = fit(&COLUMNS, &cells, width);
    for row in rows {
        for Down { what, why } in &row.down {
            // Words of a server that it hosts, perhaps.
            let said = plain(&format!("{what} is down: {why}")).replace('\n', " ");
            text.push_str(&format!("\n{}: {said}", row.worker));
        }
        if !row.suspended.is_empty() {
            let suspended = row.suspended.join(" ");
            text.push_str(&format!(
                "\n{}: failed in a row, so suspended: {suspended}",
                row.worker
            ));
        }
    }
    text
}

fn rows(workers: &[(WorkerView, Vec<Known>)]) -> Vec<Row> {
    workers
        .iter()
        .map(|(worker, known)| Row::of(worker, known))
        .collect()
}

impl Row {
    fn of(worker: &WorkerView, known: &[Known]) -> Self {
        let state = if worker.draining {
            "draining"
        } else if worker.unreachable {
            "unreachable"
        } else if worker.beat.is_none() {
            "silent"
        } else {
            "ready"
        };
        let mut offered: Vec<&Known> = known
            .iter()
            .filter(|known| worker.digests.contains(&known.digest))
            .collect();
        offered.sort_by(|one, other| one.name.cmp(&other.name));
        let suspended = known
            .iter()
            .filter(|known| worker.suspended.contains(&known.digest))
            .map(|known| known.name.to_string());
        Self {
            worker: worker.worker.to_string(),
            pool: worker.pool.to_string(),
            instance: worker.instance.to_string(),
            version: worker.version.clone(),
            slots: worker.slots,
            running: worker.taken(),
            silent_ms: (worker.silent_for.as_secs_f64() * 1e6).round() / 1e3,
            clock_ahead_ms: worker
                .clock
                .and_then(|clock| clock::ahead_ms(clock, SystemTime::now()))
                .map(f64::round),
            state,
            draining: worker.draining,
            labels: worker.labels.iter().map(ToString::to_string).collect(),
            tools: offered.iter().map(|known| known.name.to_string()).collect(),
            offers: offered
                .iter()
                .map(|known| Offered {
                    name: known.name.to_string(),
                    digest: known.digest.to_string(),
                })
                .collect(),
            suspended: suspended.collect(),
            down: worker.down.clone(),
            short: short(worker.instance),
        }
    }

    fn load(&self) -> String {
        let running = self.running.map(|running| running.to_string());
        format!("{}/{}", running.as_deref().unwrap_or("?"), self.slots)
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.worker.clone(),
            self.pool.clone(),
            self.short.clone(),
            self.state.to_owned(),
            self.load(),
            format!("{:.1} s ago", self.silent_ms / 1000.0),
            plain(&self.version).replace('\n', " "),
            self.labels.join(" "),
            match self.tools.len() {
                0 => "none".to_owned(),
                count => format!("{count}: {}", self.tools.join(" ")),
            },
        ]
    }
}

impl Listed for Row {
    fn key(&self) -> String {
        self.instance.clone()
    }

    fn name(&self) -> String {
        format!("{} ({})", self.worker, self.short)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let digests = self.offers.iter().map(|offer| {
            let digest: String = offer.digest.chars().take(8).collect();
            format!("{}@{digest}", offer.name)
        });
        vec![
            ("pool", self.pool.clone()),
            ("state", self.state.to_owned()),
            ("load", self.load()),
            ("version", self.version.clone()),
            ("labels", self.labels.join(" ")),
            ("tools", digests.collect::<Vec<_>>().join(" ")),
            ("suspended", self.suspended.join(" ")),
            (
                "down",
                self.down
                    .iter()
                    .map(|down| down.what.clone())
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
        ]
    }
}
