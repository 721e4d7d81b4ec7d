//! Random schedules against a model of what must always hold: whatever workers and the network say,
//! nonsense included, each call of a sealed turn is reported once and in its place, memory is given
//! back, timers never spin, and no write is granted twice or after its end.

mod model;
mod walk;

use std::collections::BTreeMap;

use self::walk::Walk;

const SCHEDULES: u64 = 200;
const STEPS: u32 = 250;

#[test]
fn whatever_is_said_every_call_is_reported_once_and_nothing_stays() {
    let mut reached: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..SCHEDULES {
        let mut walk = Walk::new(seed);
        let steps = std::panic::AssertUnwindSafe(|| {
            for _ in 0..STEPS {
                walk.step();
            }
            walk.end();
        });
        if let Err(panic) = std::panic::catch_unwind(steps) {
            eprintln_seed(seed);
            std::panic::resume_unwind(panic);
        }
        for (name, count) in walk.bench.counters().named() {
            *reached.entry(name).or_default() += count;
        }
    }
    let never: Vec<&str> = reached
        .iter()
        .filter(|(_, count)| **count == 0)
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(never, [""; 0], "each arm is reached: {reached:?}");
}

#[test]
fn the_same_schedule_twice_wants_the_same() {
    let run = |seed| {
        let mut walk = Walk::new(seed);
        for _ in 0..STEPS {
            walk.step();
        }
        walk.bench.effects
    };
    assert!(run(5) == run(5));
}

#[expect(clippy::print_stderr, reason = "the seed of a failure must be seen")]
fn eprintln_seed(seed: u64) {
    eprintln!("schedule {seed} failed");
}
