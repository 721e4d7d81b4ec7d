//! Interleaved rounds: in each, every contender is measured once, and each but the first is paired
//! with the first.

use std::time::Instant;

use anyhow::bail;

use super::fleet::{Cpu, Fleet, Fleets, Spec};
use super::plan::Settling;
use super::protocol::{Answer, Command};
use super::report::{CpuPerCall, SideRow};
use super::stats::{Ratio, Spread};

/// One side of a comparison.
#[derive(Clone, Debug)]
pub struct Contender {
    label: String,
    spec: Spec,
    command: Command,
    samples: Vec<u64>,
    rounds: Vec<f64>,
    cpu: Cpu,
    calls: u64,
}

impl Contender {
    /// Not measured yet.
    #[must_use]
    pub fn new(label: impl Into<String>, spec: Spec, command: Command) -> Self {
        Self {
            label: label.into(),
            spec,
            command,
            samples: Vec::new(),
            rounds: Vec::new(),
            cpu: Cpu::default(),
            calls: 0,
        }
    }

    /// Starts the contender's processes and lets them run once, unmeasured.
    ///
    /// # Errors
    /// When a process fails.
    pub fn warm_up(&self, fleets: &mut Fleets) -> anyhow::Result<()> {
        let fleet = fleets.of(&self.spec)?;
        fleet.coordinator()?.ask(&self.command)?;
        Ok(())
    }

    /// Which processes it is measured with.
    #[must_use]
    pub const fn spec(&self) -> Spec {
        self.spec
    }

    /// Calls that were measured so far.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// Median of all samples so far, in nanoseconds.
    #[must_use]
    pub fn median(&self) -> u64 {
        Spread::of(self.samples.clone()).map_or(u64::MAX, |spread| spread.p50)
    }

    /// Leaves behind what the side before it did to the machine. A sustained load does so by itself.
    fn settle(&self, fleet: &mut Fleet, settling: Settling) -> anyhow::Result<()> {
        if !matches!(self.command, Command::FanOut { .. }) {
            return Ok(());
        }
        std::thread::sleep(settling.rest);
        let began = Instant::now();
        while began.elapsed() < settling.run_in {
            fleet.coordinator()?.ask(&self.command)?;
        }
        Ok(())
    }

    fn measure(&mut self, fleets: &mut Fleets, settling: Settling) -> anyhow::Result<()> {
        let fleet = fleets.of(&self.spec)?;
        self.settle(fleet, settling)?;
        let before = fleet.processor_time()?;
        let answer = fleet.coordinator()?.ask(&self.command)?;
        self.cpu.add(&before, &fleet.processor_time()?);
        let round = match (&self.command, answer) {
            (Command::FanOut { calls, .. }, Answer::Samples(samples)) => {
                self.calls += u64::from(*calls) * samples.len() as u64;
                self.samples.extend(&samples);
                Spread::of(samples).map(|spread| spread.p50 as f64)
            }
            (Command::Sustained(_), Answer::Sustained(sustained)) => {
                self.calls += sustained.calls;
                self.samples.push(sustained.nanos / sustained.calls.max(1));
                Some(sustained.nanos as f64 / sustained.calls as f64)
            }
            (command, answer) => bail!("{}: {command:?} was answered by {answer:?}", self.label),
        };
        self.rounds.extend(round);
        Ok(())
    }

    /// What the rounds came to, paired with `baseline` unless it is the baseline itself.
    #[must_use]
    pub fn row(&self, baseline: Option<&Self>, target: Option<f64>) -> Option<SideRow> {
        let ratio = baseline.and_then(|baseline| {
            let pairs = self.rounds.iter().zip(&baseline.rounds);
            Ratio::of(&pairs.map(|(ours, raw)| ours / raw).collect::<Vec<_>>())
        });
        Some(SideRow {
            label: self.label.clone(),
            nanos: Spread::of(self.samples.clone())?,
            ratio,
            target,
            verdict: ratio
                .zip(target)
                .map(|(ratio, target)| ratio.verdict(target)),
            cpu: CpuPerCall::new(&self.cpu, self.calls),
        })
    }
}

/// Runs the rounds, each beginning with another contender.
///
/// # Errors
/// When a process fails.
pub fn run(
    contenders: &mut [Contender],
    rounds: usize,
    settling: Settling,
    fleets: &mut Fleets,
) -> anyhow::Result<()> {
    for contender in contenders.iter() {
        contender.warm_up(fleets)?;
    }
    let count = contenders.len();
    for round in 0..rounds {
        for step in 0..count {
            contenders[(round + step) % count].measure(fleets, settling)?;
        }
    }
    Ok(())
}
