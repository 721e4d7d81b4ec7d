//! What tracing costs: the same load without it, sampled, and with everything exported.

use std::io::Write;

use anyhow::{Context, bail};

use super::campaign::Campaign;
use super::fleet::{Kind, Sampling, Spec};
use super::plan::{SLOTS_PLENTY, TRACED, Traced};
use super::protocol::{Answer, Command};
use super::report::{Bound, Check, Measure, Row};
use super::rounds::{self, Contender};

/// At least 90 % of the calls per second; the limit of the issue that built this.
const SAMPLED: f64 = 1.0 / 0.9;
/// At least 75 % of them.
const EXPORTED: f64 = 1.0 / 0.75;
/// Spans of a call that needs one attempt: itself, the attempt, and the attempt at the worker. The turn's own
/// comes on top.
const SPANS_OF_CALL: u64 = 3;

/// Measures all loads: their rows, and how many of the spans came.
///
/// # Errors
/// When a process fails or a call does not complete.
pub fn measure(campaign: &mut Campaign) -> anyhow::Result<(Vec<Row>, Vec<Check>)> {
    let (mut rows, mut checks) = (Vec::new(), Vec::new());
    for load in &TRACED {
        let (row, check) = one(campaign, load)?;
        rows.push(row);
        checks.push(check);
        campaign.fleets.end();
    }
    Ok((rows, checks))
}

fn one(campaign: &mut Campaign, plan: &Traced) -> anyhow::Result<(Row, Check)> {
    let measure = Measure::Traced {
        in_flight: plan.load.in_flight,
        turns: plan.load.turns,
        busy_ms: plan.busy_ms(),
    };
    writeln!(std::io::stderr(), "measuring {measure:?}")?;
    let command = Command::Sustained(plan.load.load(&campaign.effort, plan.tool));
    let contender = |label, sampling| {
        let spec = Spec::new(Kind::Traced(sampling), plan.load.workers, SLOTS_PLENTY);
        Contender::new(label, spec, command.clone())
    };
    let mut contenders = [
        contender("without tracing", Sampling::Nothing),
        contender("sampled at 1 %", Sampling::Hundredth),
        contender("everything exported", Sampling::Everything),
    ];
    rounds::run(
        &mut contenders,
        campaign.effort.rounds,
        campaign.effort.settling,
        &mut campaign.fleets,
    )?;
    let [without, sampled, exported] = &contenders;
    let sides = [(sampled, SAMPLED), (exported, EXPORTED)];
    let sides = sides.map(|(side, target)| side.row(Some(without), Some(target)));
    let sink = campaign.fleets.of(&exported.spec())?.sink()?;
    let Answer::Spans(came) = sink.ask(&Command::TakeSpans)? else {
        bail!("the sink counts no spans");
    };
    // The first round was for warming up.
    let rounds = campaign.effort.rounds as u64;
    let made = exported.calls() * (rounds + 1) / rounds.max(1) * SPANS_OF_CALL;
    let row = Row {
        measure,
        trial: Vec::new(),
        baseline: without.row(None, None).context("it was measured")?,
        sides: sides.into_iter().flatten().collect(),
    };
    let check = Check {
        what: format!("{}: spans that came", measure.name()),
        value: (came as f64 / made.max(1) as f64 * 100.0).min(100.0),
        unit: "%".to_owned(),
        // What there is no room for is dropped and counted: under a load that leaves no processor time, most of it.
        bound: plan.is_paced.then_some(Bound::AtLeast(95.0)),
    };
    Ok((row, check))
}
