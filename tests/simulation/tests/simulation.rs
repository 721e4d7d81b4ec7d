//! Both cores in a simulated world, by the hundred thousand schedules:
//! `cargo test -p callboard-simulation --profile simulation --test simulation`.
//!
//! `SEED=7` (and `CLASS=drop` where a class was asked for) plays one schedule and prints what
//! happens; `SCHEDULES=1000` changes how many there are.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(
    clippy::print_stderr,
    reason = "a suite tells what it did, and a failure how to see it again"
)]

use std::collections::BTreeMap;

use callboard_simulation::suite::{Failure, Summary, judge, run_many};
use callboard_simulation::{Arm, FaultClass, Plan, run};
use serde::Deserialize;

/// Schedules of a full suite.
const SCHEDULES: u64 = 100_000;
/// Schedules in a profile that isn't made for it.
const SCHEDULES_UNOPTIMISED: u64 = 500;
/// Schedules from which on rare things must have happened.
const SCHEDULES_TELLING: u64 = 50_000;
/// Events that half of all schedules have at least.
const EVENTS_MEDIAN_MIN: u32 = 200;

/// Counters that stay at zero here, and why.
const NEVER: &[(&str, &str)] = &[
    (
        "conflicting",
        "every copy of a call has its arguments; a scenario covers others",
    ),
    (
        "orphans_dropped",
        "the grant window ends first, unless it is longer than ten seconds",
    ),
    (
        "finished_unknown",
        "no executor of this world ends a tool twice",
    ),
    (
        "other_instance",
        "the shell refuses such messages before the core sees them",
    ),
];

/// The file of schedules that once failed.
#[derive(Deserialize)]
struct Found {
    schedule: Vec<FoundSchedule>,
}

#[derive(Deserialize)]
struct FoundSchedule {
    seed: u64,
    class: Option<String>,
    found: String,
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap())
}

fn class(name: &str) -> FaultClass {
    let known = FaultClass::ALL.iter().find(|class| class.as_str() == name);
    *known.unwrap_or_else(|| panic!("{name} is no class of trouble"))
}

fn plan(seed: u64, of_class: Option<&str>) -> Plan {
    match of_class {
        Some(name) => Plan::of_class(seed, class(name)),
        None => Plan::new(seed),
    }
}

/// The profile is known by the folder that its binaries lie in.
fn is_optimised() -> bool {
    let path = std::env::current_exe().unwrap();
    path.components().any(|part| {
        ["simulation", "release"]
            .iter()
            .any(|name| part.as_os_str() == *name)
    })
}

fn schedules() -> u64 {
    number("SCHEDULES").unwrap_or(if is_optimised() {
        SCHEDULES
    } else {
        SCHEDULES_UNOPTIMISED
    })
}

fn fail(failure: &Failure) -> ! {
    let Failure {
        seed,
        class,
        violation,
    } = failure;
    panic!(
        "seed {seed} ({}) breaks \"{violation}\"\n\
         see it: SEED={seed} cargo test -p callboard-simulation --profile simulation --test simulation \
         schedules -- --nocapture\n\
         then write it down in tests/simulation/seeds/found.toml",
        class.as_str()
    );
}

#[test]
fn schedules_that_once_failed_do_not_fail_again() {
    let found: Found = toml::from_str(include_str!("../seeds/found.toml")).unwrap();
    for schedule in found.schedule {
        let plan = plan(schedule.seed, schedule.class.as_deref());
        let judged = judge(&plan, &run(&plan, None, false));
        assert_eq!(judged, Ok(()), "seed {}: {}", schedule.seed, schedule.found);
    }
}

#[test]
fn schedules_keep_every_promise() {
    if let Some(seed) = number("SEED") {
        let of_class = std::env::var("CLASS").ok();
        let plan = plan(seed, of_class.as_deref());
        let outcome = run(&plan, None, true);
        eprintln!("{}", outcome.trace);
        eprintln!("{} events of {}", outcome.events, plan.class.as_str());
        assert_eq!(judge(&plan, &outcome), Ok(()));
        return;
    }
    let count = schedules();
    let began = std::time::Instant::now();
    let summary = run_many(0, count, Plan::new, None);
    eprintln!(
        "{} schedules in {:.1?}, {} events in the middle one",
        summary.schedules,
        began.elapsed(),
        summary.median_events()
    );
    if let Some(failure) = &summary.failure {
        fail(failure);
    }
    assert!(summary.median_events() >= EVENTS_MEDIAN_MIN);
    if count >= SCHEDULES_TELLING {
        rare_things_happened(&summary);
        unknowns_have_not_grown(&summary);
    }
}

fn rare_things_happened(summary: &Summary) {
    for arm in Arm::ALL {
        assert!(summary.arms.count(*arm) > 0, "{arm:?} never happened");
    }
    let counters = [&summary.dispatcher_counters, &summary.worker_counters];
    for (name, count) in counters.into_iter().flatten() {
        let never = NEVER.iter().find(|(never, _)| never == name);
        match never {
            None => assert!(*count > 0, "no core ever counted {name}"),
            Some((_, why)) => assert_eq!(*count, 0, "{name} was counted, though {why}"),
        }
    }
}

fn unknowns_have_not_grown(summary: &Summary) {
    let committed: BTreeMap<String, f64> =
        toml::from_str(include_str!("../seeds/unknown.toml")).unwrap();
    for (class, share) in &summary.shares {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of calls are far below 2^52"
        )]
        let unknown = share.unknown as f64 / share.calls as f64;
        let expected = committed[class.as_str()];
        eprintln!(
            "{:>14}: {:>7} calls, {unknown:.5} unknown (committed: {expected:.5})",
            class.as_str(),
            share.calls
        );
        assert!(
            unknown <= expected * 1.25 + 0.002,
            "{} has {unknown:.5} unknown, {expected:.5} was committed",
            class.as_str()
        );
    }
}

#[test]
fn the_same_seed_twice_gives_the_same_trace() {
    for seed in 0..120 {
        let plan = Plan::new(seed);
        let one = run(&plan, None, true);
        let other = run(&Plan::new(seed), None, true);
        assert!(!one.trace.is_empty());
        assert_eq!(one.trace, other.trace, "seed {seed}");
        assert_eq!(one.history, other.history, "seed {seed}");
        // Watching changes nothing.
        assert_eq!(one.history, run(&plan, None, false).history, "seed {seed}");
    }
}
