//! What a run came to, as it is kept in JSON and written up for people.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fleet::Cpu;
use super::stats::{Ratio, Spread, Verdict};

pub mod machine;
pub mod markdown;

pub use machine::Machine;

/// A whole run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Where it ran.
    pub machine: Machine,
    /// The command line.
    pub command: String,
    /// Comparisons with the baseline, in the order in which they were measured.
    pub rows: Vec<Row>,
    /// What has no baseline.
    pub checks: Vec<Check>,
}

/// What a row measures, which decides how it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Time of one fan-out of so many calls; lower is better.
    FanOut {
        /// Calls at once.
        calls: u32,
    },
    /// Time per call under load, shown as calls per second; higher is better.
    Sustained {
        /// Calls in flight.
        in_flight: u32,
        /// Turns that hold them on our side.
        turns: u32,
        /// Processes that execute.
        workers: u32,
    },
    /// The same, compared with itself without tracing.
    Traced {
        /// Calls in flight.
        in_flight: u32,
        /// Turns that hold them.
        turns: u32,
        /// Time that each call takes in its tool, in milliseconds.
        busy_ms: u32,
    },
    /// The same, compared with itself without signatures.
    Signed {
        /// Calls in flight.
        in_flight: u32,
        /// Turns that hold them.
        turns: u32,
        /// Whether the tools have effects, so that each call needs a grant.
        is_write: bool,
    },
}

impl Measure {
    /// What a table calls it.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::FanOut { calls: 1 } => "one call".to_owned(),
            Self::FanOut { calls } => format!("fan-out of {calls}"),
            Self::Sustained {
                in_flight,
                turns,
                workers,
            } => {
                let plural = if workers == 1 { "" } else { "s" };
                let each = in_flight / turns.max(1);
                format!("{in_flight} in flight ({turns} turns of {each}), {workers} worker{plural}")
            }
            Self::Traced {
                in_flight,
                turns,
                busy_ms,
            } => {
                let each = in_flight / turns.max(1);
                format!("{in_flight} in flight ({turns} turns of {each}), tools of {busy_ms} ms")
            }
            Self::Signed {
                in_flight,
                turns,
                is_write,
            } => {
                let each = in_flight / turns.max(1);
                let effect = if is_write { "write" } else { "read" };
                format!("{in_flight} in flight ({turns} turns of {each}), `{effect}` tools")
            }
        }
    }
}

/// One comparison.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// What is measured.
    pub measure: Measure,
    /// The four ways of the baseline, and the median that each had in the trial, in nanoseconds.
    pub trial: Vec<(String, u64)>,
    /// The baseline, the fastest of the trial.
    pub baseline: SideRow,
    /// Who is compared with it.
    pub sides: Vec<SideRow>,
}

/// One side of a comparison.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SideRow {
    /// Which side.
    pub label: String,
    /// Time of a fan-out, or of a call under load.
    pub nanos: Spread,
    /// Time divided by the baseline's, pair by pair.
    pub ratio: Option<Ratio>,
    /// That ratio at most.
    pub target: Option<f64>,
    /// Whether it holds.
    pub verdict: Option<Verdict>,
    /// Processor time of a call.
    pub cpu: CpuPerCall,
}

/// Processor time of a call, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuPerCall {
    /// In the coordinators; with an embedded worker, in that too.
    pub coordinators: u64,
    /// In the workers.
    pub workers: u64,
    /// In the nats-server.
    pub server: u64,
}

impl CpuPerCall {
    /// Divides what was used by the calls that used it.
    #[must_use]
    pub fn new(cpu: &Cpu, calls: u64) -> Self {
        let each = |time: Duration| {
            u64::try_from(time.as_nanos() / u128::from(calls.max(1))).unwrap_or(u64::MAX)
        };
        Self {
            coordinators: each(cpu.coordinators),
            workers: each(cpu.workers),
            server: each(cpu.server),
        }
    }
}

/// A figure with a bound of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Check {
    /// What was measured.
    pub what: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// What it should be; `None` where the figure is only told.
    pub bound: Option<Bound>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
}

impl Check {
    /// Whether the bound is kept, if there is one.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
        self.bound.map(|bound| match bound {
            Bound::AtMost(most) => self.value <= most,
            Bound::AtLeast(least) => self.value >= least,
        })
    }
}
