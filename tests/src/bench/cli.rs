//! The `bench` command: runs the plan, tells what it found, keeps it.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use tokio::runtime::Builder;

use super::campaign::Campaign;
use super::checks;
use super::fleet::{Fleets, ServerAt};
use super::plan::{Effort, FAN_OUTS, STEADY};
use super::report::{Machine, Run, markdown};
use super::{signed, traced};
use crate::server::{self, Server};

/// Measures Callboard beside raw async-nats.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cargo xtask bench",
    after_help = "Example:\n  cargo xtask bench --only fan-out --quick"
)]
pub struct Options {
    /// Interleaved pairs for each ratio; a verdict needs 30.
    #[arg(long, default_value_t = 30)]
    pairs: usize,
    /// Measures only these workloads.
    #[arg(long, value_enum)]
    only: Vec<Workload>,
    /// Measures the baseline alone.
    #[arg(long)]
    raw: bool,
    /// Measures a little of everything, to see that it works; no verdict counts.
    #[arg(long)]
    quick: bool,
    /// Keeps the run here, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes the page for people here.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Measures nothing: writes the page of the run that is kept here.
    #[arg(long, value_name = "FILE", requires = "report")]
    from: Option<PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// One call, and fan-outs up to 10,000.
    FanOut,
    /// Calls per second with 256 and 4,096 in flight.
    Sustained,
    /// Two coordinators on one worker's 32 slots.
    Share,
    /// Three calls of 300 ms, together and one after the other.
    Waiting,
    /// Calls per second without tracing, sampled, and with everything exported.
    Tracing,
    /// Calls per second without signatures, and with all of them made and asked for.
    Signing,
    /// The coordinator's memory with 100,000 calls in flight.
    Memory,
}

impl Options {
    fn wants(&self, workload: Workload) -> bool {
        self.only.is_empty() || self.only.contains(&workload)
    }

    fn effort(&self) -> Effort {
        if self.quick {
            Effort::quick()
        } else {
            Effort::full(self.pairs)
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When a process can't be started or fails, or a file can't be written.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let run = match &options.from {
        Some(path) => {
            let text = std::fs::read(path);
            let text = text.with_context(|| format!("failed to read {}", path.display()))?;
            serde_json::from_slice(&text)?
        }
        None => measure(options)?,
    };
    let keep = |path: &Option<PathBuf>, text: &str| match path {
        Some(path) => std::fs::write(path, text)
            .with_context(|| format!("failed to write {}", path.display())),
        None => Ok(()),
    };
    keep(&options.json, &serde_json::to_string_pretty(&run)?)?;
    let page = markdown::page(&run);
    keep(&options.report, &page)?;
    std::io::stdout().write_all(page.as_bytes())?;
    Ok(())
}

fn measure(options: &Options) -> anyhow::Result<Run> {
    // Only the start and the end of the server need a runtime; the driver itself just waits.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let server = runtime.block_on(Server::start(&server::Options::default()))?;
    let machine = Machine::look(server.version().to_string());
    let mut campaign = Campaign {
        fleets: Fleets::new(ServerAt {
            url: server.url(),
            pid: server.pid(),
        }),
        effort: options.effort(),
        raw_alone: options.raw,
    };
    let mut run = Run {
        machine,
        command: std::iter::once("cargo xtask bench".to_owned())
            .chain(std::env::args().skip(1))
            .collect::<Vec<_>>()
            .join(" "),
        rows: Vec::new(),
        checks: Vec::new(),
    };
    if options.wants(Workload::FanOut) {
        for fan_out in &FAN_OUTS {
            run.rows.push(campaign.fan_out(fan_out)?);
        }
        campaign.fleets.end();
    }
    if options.wants(Workload::Sustained) {
        for steady in &STEADY {
            run.rows.push(campaign.steady(steady)?);
            campaign.fleets.end();
        }
    }
    if !options.raw && options.wants(Workload::Tracing) {
        let (rows, checks) = traced::measure(&mut campaign)?;
        run.rows.extend(rows);
        run.checks.extend(checks);
    }
    if !options.raw && options.wants(Workload::Signing) {
        run.rows.extend(signed::measure(&mut campaign)?);
    }
    if !options.raw {
        for (workload, check) in checks::ALL {
            if options.wants(workload) {
                run.checks.extend(check(&mut campaign)?);
                campaign.fleets.end();
            }
        }
    }
    Ok(run)
}
