//! The comparisons of a run: first the baseline's ways among themselves, then ours with the fastest.

use std::io::Write;

use anyhow::Context;

use super::fleet::{Fleets, Kind, Spec};
use super::plan::{Effort, FanOut, SLOTS_PLENTY, Steady};
use super::protocol::{Command, Tool};
use super::raw::Variant;
use super::report::{Measure, Row};
use super::rounds::{self, Contender};

/// What is compared with the baseline.
struct Ours {
    label: &'static str,
    kind: Kind,
    tool: Tool,
    /// Whether the targets are for this side; the others are told beside it.
    is_judged: bool,
}

const OURS: [Ours; 3] = [
    Ours {
        label: "Callboard, `read`",
        kind: Kind::Nats,
        tool: Tool::Read,
        is_judged: true,
    },
    Ours {
        label: "Callboard, `write` (granted)",
        kind: Kind::Nats,
        tool: Tool::Write,
        is_judged: false,
    },
    Ours {
        label: "Callboard embedded, `read`",
        kind: Kind::Embedded,
        tool: Tool::Read,
        is_judged: false,
    },
];

/// A run in progress.
#[derive(Debug)]
pub struct Campaign {
    /// Its processes.
    pub fleets: Fleets,
    /// How much of everything.
    pub effort: Effort,
    /// Whether the baseline is measured alone.
    pub raw_alone: bool,
}

impl Campaign {
    /// Compares a fan-out.
    ///
    /// # Errors
    /// When a process fails or a call does not complete.
    pub fn fan_out(&mut self, plan: &FanOut) -> anyhow::Result<Row> {
        let repeats = (plan.repeats / self.effort.divisor).max(1);
        let command = |tool| Command::FanOut {
            calls: plan.calls,
            repeats,
            tool,
        };
        let measure = Measure::FanOut { calls: plan.calls };
        self.compare(measure, 1, &command, Some(plan.target))
    }

    /// Compares a sustained load.
    ///
    /// # Errors
    /// When a process fails or a call does not complete.
    pub fn steady(&mut self, plan: &Steady) -> anyhow::Result<Row> {
        let effort = self.effort;
        let command = |tool| Command::Sustained(plan.load(&effort, tool));
        let measure = Measure::Sustained {
            in_flight: plan.in_flight,
            turns: plan.turns,
            workers: plan.workers,
        };
        self.compare(measure, plan.workers, &command, plan.target)
    }

    fn compare(
        &mut self,
        measure: Measure,
        workers: u32,
        command: &dyn Fn(Tool) -> Command,
        target: Option<f64>,
    ) -> anyhow::Result<Row> {
        writeln!(std::io::stderr(), "measuring {measure:?}")?;
        let (fastest, trial) = self.fastest(workers, &command(Tool::Read))?;
        let raw = Contender::new(
            format!("raw ({})", fastest.name()),
            Spec::new(Kind::Raw(fastest), workers, SLOTS_PLENTY),
            command(Tool::Read),
        );
        let ours: Vec<&Ours> = OURS
            .iter()
            .filter(|side| !self.raw_alone && (side.kind != Kind::Embedded || workers == 1))
            .collect();
        let mut contenders = vec![raw];
        contenders.extend(ours.iter().map(|side| {
            let spec = Spec::new(side.kind, workers, SLOTS_PLENTY);
            Contender::new(side.label, spec, command(side.tool))
        }));
        let Effort {
            rounds, settling, ..
        } = self.effort;
        rounds::run(&mut contenders, rounds, settling, &mut self.fleets)?;
        let (raw, measured) = contenders.split_first().context("the baseline is there")?;
        let sides = ours.iter().zip(measured).filter_map(|(side, contender)| {
            contender.row(Some(raw), target.filter(|_| side.is_judged))
        });
        Ok(Row {
            measure,
            trial,
            baseline: raw.row(None, None).context("the baseline was measured")?,
            sides: sides.collect(),
        })
    }

    fn fastest(
        &mut self,
        workers: u32,
        command: &Command,
    ) -> anyhow::Result<(Variant, Vec<(String, u64)>)> {
        let mut ways = Variant::ALL.map(|variant| {
            let spec = Spec::new(Kind::Raw(variant), workers, SLOTS_PLENTY);
            Contender::new(variant.name(), spec, command.clone())
        });
        let Effort {
            trials, settling, ..
        } = self.effort;
        rounds::run(&mut ways, trials, settling, &mut self.fleets)?;
        let medians = Variant::ALL.map(Variant::name).map(str::to_owned);
        let medians = medians.into_iter().zip(ways.iter().map(Contender::median));
        let (fastest, _) = Variant::ALL
            .into_iter()
            .zip(&ways)
            .min_by_key(|(_, way)| way.median())
            .context("the baseline has ways")?;
        Ok((fastest, medians.collect()))
    }
}
