//! What has no baseline and a bound of its own: sharing slots, waiting for slow tools, memory.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::campaign::Campaign;
use super::cli::Workload;
use super::fleet::{Fleet, Kind, Spec};
use super::plan::SLOTS_PLENTY;
use super::proc;
use super::protocol::{Answer, Command, Execution, Tool};
use super::report::{Bound, Check};
use super::stats::Spread;

/// One workload's figures.
pub type Measurement = fn(&mut Campaign) -> anyhow::Result<Vec<Check>>;

/// All of them.
pub const ALL: [(Workload, Measurement); 3] = [
    (Workload::Share, share),
    (Workload::Waiting, waiting),
    (Workload::Memory, memory),
];

fn check(what: &str, value: f64, unit: &str, bound: Option<Bound>) -> Check {
    Check {
        what: what.to_owned(),
        value,
        unit: unit.to_owned(),
        bound,
    }
}

/// Calls that each of two coordinators posts in [`share`].
const SHARE_CALLS: u32 = 1_000;
/// Slots that they share.
const SHARE_SLOTS: u32 = 32;

fn share(campaign: &mut Campaign) -> anyhow::Result<Vec<Check>> {
    writeln!(std::io::stderr(), "measuring two coordinators on 32 slots")?;
    let spec = Spec::new(Kind::Nats, 1, SHARE_SLOTS).coordinators(2);
    let fleet = campaign.fleets.of(&spec)?;
    let open = Command::Open {
        calls: SHARE_CALLS,
        turn_calls: SHARE_CALLS,
        tool: Tool::Sleep5,
    };
    ask_all(fleet, &open)?;
    let mut failed_all = 0;
    for answer in ask_all(fleet, &Command::Gather)? {
        let Answer::Gathered { failed, .. } = answer else {
            bail!("gathering was answered by {answer:?}");
        };
        failed_all += failed;
    }
    let log = log(fleet)?;
    let (used, least) = slots_used(&log).context("nothing was executed")?;
    let name = "1,000 calls of 5 ms from each of two coordinators on 32 slots";
    Ok(vec![
        check(
            &format!("{name}: calls that did not complete"),
            failed_all as f64,
            "",
            Some(Bound::AtMost(0.0)),
        ),
        check(
            &format!("{name}: slots used"),
            used * 100.0,
            "%",
            Some(Bound::AtLeast(90.0)),
        ),
        check(
            &format!("{name}: smaller share while both post"),
            least * 100.0,
            "%",
            Some(Bound::AtLeast(40.0)),
        ),
    ])
}

/// The part of the slots' time in which a tool ran, and the smaller coordinator's part of the
/// executions that began while both still had some to begin.
fn slots_used(log: &[Execution]) -> Option<(f64, f64)> {
    let first = log.iter().map(|one| one.began_nanos).min()?;
    let last = log.iter().map(|one| one.ended_nanos).max()?;
    let busy: u64 = log
        .iter()
        .map(|one| one.ended_nanos - one.began_nanos)
        .sum();
    let whole = (last - first) * u64::from(SHARE_SLOTS);
    let last_of = |from| {
        let own = log.iter().filter(|one| one.from == from);
        own.map(|one| one.began_nanos).max()
    };
    let both_until = last_of(0)?.min(last_of(1)?);
    let shared = log.iter().filter(|one| one.began_nanos <= both_until);
    let (of_first, all) = shared.fold((0_u32, 0_u32), |(of_first, all), one| {
        (of_first + u32::from(one.from == 0), all + 1)
    });
    let part = f64::from(of_first) / f64::from(all);
    Some((busy as f64 / whole as f64, part.min(1.0 - part)))
}

fn waiting(campaign: &mut Campaign) -> anyhow::Result<Vec<Check>> {
    writeln!(std::io::stderr(), "measuring three calls of 300 ms")?;
    let repeats = (30 / campaign.effort.divisor).max(1);
    let mut checks = Vec::new();
    let sides = [(Kind::Nats, "by NATS"), (Kind::Embedded, "embedded")];
    for (kind, side) in sides {
        let fleet = campaign.fleets.of(&Spec::new(kind, 1, SLOTS_PLENTY))?;
        let fan_out = Command::FanOut {
            calls: 3,
            repeats,
            tool: Tool::Sleep300,
        };
        let together = samples(fleet, &fan_out, 1)?;
        let chain = Command::Chain {
            calls: 3,
            tool: Tool::Sleep300,
        };
        let chain = samples(fleet, &chain, repeats.div_ceil(3))?;
        let millis = |nanos: u64| nanos as f64 / 1e6;
        let bound = (kind == Kind::Nats).then_some(Bound::AtMost(303.0));
        let figure =
            |what, nanos, bound| check(&format!("{what}, {side}"), millis(nanos), "ms", bound);
        checks.push(figure("3 × 300 ms together, p50", together.p50, bound));
        checks.push(figure("3 × 300 ms together, p99", together.p99, None));
        checks.push(figure("chain of 3 × 300 ms, p50", chain.p50, None));
        checks.push(figure("chain of 3 × 300 ms, p99", chain.p99, None));
    }
    Ok(checks)
}

fn samples(fleet: &mut Fleet, command: &Command, times: u32) -> anyhow::Result<Spread> {
    let mut all = Vec::new();
    for _ in 0..times {
        let answer = fleet.coordinator()?.ask(command)?;
        let Answer::Samples(samples) = answer else {
            bail!("{command:?} was answered by {answer:?}");
        };
        all.extend(samples);
    }
    Spread::of(all).context("no sample was taken")
}

/// Calls in flight when memory is read.
const HELD_CALLS: u32 = 100_000;
/// Calls of each turn that holds them.
const HELD_TURN_CALLS: u32 = 1_000;
/// Longest wait until all of them run.
const HELD_WITHIN: Duration = Duration::from_secs(60);
/// Time over which memory is watched once all run: status goes round every second.
const WATCH_FOR: Duration = Duration::from_secs(5);
/// Wait between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

fn memory(campaign: &mut Campaign) -> anyhow::Result<Vec<Check>> {
    writeln!(
        std::io::stderr(),
        "measuring memory with 100,000 calls in flight"
    )?;
    let spec = Spec::new(Kind::Nats, 1, HELD_CALLS);
    let fleet = campaign.fleets.of(&spec)?;
    // Once through the whole path, so that code and buffers are there before.
    samples(
        fleet,
        &Command::FanOut {
            calls: 100,
            repeats: 10,
            tool: Tool::Read,
        },
        1,
    )?;
    let pid = fleet.coordinator()?.pid();
    let before = proc::resident_bytes(pid)?;
    let open = Command::Open {
        calls: HELD_CALLS,
        turn_calls: HELD_TURN_CALLS,
        tool: Tool::Held,
    };
    let began = Instant::now();
    fleet.coordinator()?.ask(&open)?;
    let mut running = 0;
    while running < HELD_CALLS as usize {
        if began.elapsed() > HELD_WITHIN {
            bail!("only {running} of {HELD_CALLS} calls run after {HELD_WITHIN:?}");
        }
        std::thread::sleep(LOOK_EVERY);
        running += log(fleet)?.len();
    }
    let all_run = began.elapsed();
    let mut most = 0;
    let watched = Instant::now();
    while watched.elapsed() < WATCH_FOR {
        most = most.max(proc::resident_bytes(pid)?);
        std::thread::sleep(LOOK_EVERY);
    }
    fleet.worker()?.ask(&Command::LetGo)?;
    let answer = fleet.coordinator()?.ask(&Command::Gather)?;
    let Answer::Gathered { failed, .. } = answer else {
        bail!("gathering was answered by {answer:?}");
    };
    let each = most.saturating_sub(before) as f64 / f64::from(HELD_CALLS);
    let beyond = each - super::payload::BYTES as f64;
    let name = "100,000 calls in flight";
    Ok(vec![
        check(
            &format!("{name}: memory of the coordinator per call, beyond its arguments"),
            beyond,
            "bytes",
            Some(Bound::AtMost(1024.0)),
        ),
        check(
            &format!("{name}: memory of the coordinator"),
            most as f64 / f64::from(1 << 20),
            "MiB",
            None,
        ),
        check(
            &format!("{name}: until all ran"),
            all_run.as_secs_f64() * 1e3,
            "ms",
            None,
        ),
        check(
            &format!("{name}: calls that did not complete"),
            failed as f64,
            "",
            Some(Bound::AtMost(0.0)),
        ),
    ])
}

fn log(fleet: &mut Fleet) -> anyhow::Result<Vec<Execution>> {
    let answer = fleet.worker()?.ask(&Command::TakeLog)?;
    let Answer::Log(log) = answer else {
        bail!("the log was answered by {answer:?}");
    };
    Ok(log)
}

/// Asks all coordinators at once.
fn ask_all(fleet: &mut Fleet, command: &Command) -> anyhow::Result<Vec<Answer>> {
    for coordinator in &mut fleet.coordinators {
        coordinator.tell(command)?;
    }
    let answers = fleet.coordinators.iter().map(|process| process.answer());
    answers.collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn use_and_share_of_slots() {
        let execution = |from, began_nanos| Execution {
            from,
            began_nanos,
            ended_nanos: began_nanos + 10,
        };
        // 32 slots: one busy all the time, by three calls of the first and one of the second.
        let log = [(0, 0), (1, 10), (0, 20), (0, 30)].map(|(from, at)| execution(from, at));
        let (used, least) = slots_used(&log).unwrap();
        assert!((used - 1.0 / 32.0).abs() < 1e-9);
        assert!((least - 0.5).abs() < 1e-9);
    }
}
