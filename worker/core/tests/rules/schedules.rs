//! Random schedules against what must always hold.

use std::collections::BTreeMap;

use callboard_worker_core::{Config, Counters};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::world::World;
use crate::bench::{config, ms};

pub(crate) const SLOTS: u32 = 3;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Call {
        from: u8,
        calls: Vec<(u8, u8)>,
        waiting: u32,
        budget: u64,
    },
    /// An earlier call message again, word for word.
    Copy(usize),
    Grant {
        from: u8,
        attempt: (u8, u8),
        grant: u8,
        budget: u64,
        /// Beats that its sender has not seen.
        lag: u64,
    },
    /// An earlier grant message again.
    CopyGrant(usize),
    Cancel {
        from: u8,
        attempt: (u8, u8),
    },
    Status {
        from: u8,
        attempt: (u8, u8),
    },
    Finish(usize, bool),
    Wait(u64),
    Poll,
    Drain(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let attempt = || (0..12_u8, 1..3_u8);
    let budget = || prop_oneof![Just(0), 1..50_u64, Just(5_000), Just(60_000)];
    let step = prop_oneof![
        8 => (0..3_u8, prop::collection::vec(attempt(), 0..5), 0..3_u32, budget())
            .prop_map(|(from, calls, waiting, budget)| Step::Call { from, calls, waiting, budget }),
        3 => any::<usize>().prop_map(Step::Copy),
        6 => (0..3_u8, attempt(), 0..2_u8, budget(), prop_oneof![4 => Just(0), 1 => 1..8_u64])
            .prop_map(|(from, attempt, grant, budget, lag)| Step::Grant { from, attempt, grant, budget, lag }),
        2 => any::<usize>().prop_map(Step::CopyGrant),
        2 => (0..3_u8, attempt()).prop_map(|(from, attempt)| Step::Cancel { from, attempt }),
        2 => (0..3_u8, attempt()).prop_map(|(from, attempt)| Step::Status { from, attempt }),
        8 => (any::<usize>(), any::<bool>()).prop_map(|(at, ran)| Step::Finish(at, ran)),
        4 => prop_oneof![0..5_u64, 0..3_000_u64, Just(11_000), Just(61_000)].prop_map(Step::Wait),
        10 => Just(Step::Poll),
    ];
    (
        prop::collection::vec(step, 1..120),
        prop::option::of((0..120_usize, 0..1_000_u64)),
    )
        .prop_map(|(mut steps, drain)| {
            if let Some((at, grace)) = drain {
                steps.insert(at.min(steps.len()), Step::Drain(grace));
            }
            steps
        })
}

fn run(steps: &[Step], config: Config, is_forgetful: bool) -> Counters {
    let mut world = World::new(config, is_forgetful);
    for step in steps {
        world.step(step);
    }
    world.end()
}

fn long() -> Config {
    Config {
        results_kept_for: ms(3_600_000),
        // So that ages and silent coordinators are met by writes that still wait.
        grant_window: ms(30_000),
        ..config(SLOTS)
    }
}

/// So little memory that forgetting happens all the time.
fn short() -> Config {
    Config {
        results_bytes_max: 600,
        tombstones_max: 3,
        ..config(SLOTS)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 4_000, failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/rules/schedules.regressions"))), ..ProptestConfig::default() })]

    #[test]
    fn every_schedule_keeps_the_rules(steps in steps()) {
        run(&steps, long(), false);
    }

    #[test]
    fn every_schedule_keeps_the_rules_with_little_memory(steps in steps()) {
        run(&steps, short(), true);
    }
}

#[test]
fn the_schedules_reach_the_rare_arms() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config as RunnerConfig, RngAlgorithm, TestRng, TestRunner};

    let mut runner = TestRunner::new_with_rng(
        RunnerConfig::default(),
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for _ in 0..200 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        for (config, is_forgetful) in [(long(), false), (short(), true)] {
            let counters = run(&steps, config, is_forgetful);
            for (arm, count) in [
                ("busy", counters.busy),
                ("cancelled", counters.cancelled),
                ("cancelled_unstarted", counters.cancelled_unstarted),
                ("drained", counters.drained),
                ("draining", counters.draining),
                ("duplicates", counters.duplicates),
                ("forgotten", counters.forgotten),
                ("frees", counters.frees),
                ("grants", counters.grants),
                ("grants_ignored", counters.grants_ignored),
                ("grants_repeated", counters.grants_repeated),
                ("grants_stale", counters.grants_stale),
                ("grants_void", counters.grants_void),
                ("not_held", counters.not_held),
                ("offers_expired", counters.offers_expired),
                ("orphans_dropped", counters.orphans_dropped),
                ("orphans_stopped", counters.orphans_stopped),
                ("results_evicted", counters.results_evicted),
                ("results_expired", counters.results_expired),
                ("stale", counters.stale),
                ("timed_out", counters.timed_out),
                ("timed_out_unstarted", counters.timed_out_unstarted),
                ("tombstones_dropped", counters.tombstones_dropped),
            ] {
                *seen.entry(arm).or_default() += count;
            }
        }
    }
    let unreached: Vec<_> = seen.iter().filter(|(_, count)| **count == 0).collect();
    assert!(unreached.is_empty(), "{unreached:?}");
}
