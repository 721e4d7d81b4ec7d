//! Many schedules, on all cores of the machine.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::arms::Arms;
use crate::check::{Violation, check};
use crate::history::{Ending, Fact};
use crate::plan::{FaultClass, Plan};
use crate::world::{Outcome, add_counters, run};
use crate::{Mutant, oracle};

/// A schedule that broke a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// Its class.
    pub class: FaultClass,
    /// What it broke.
    pub violation: Violation,
}

/// What became of the calls of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Schedules.
    pub schedules: u64,
    /// Calls that were reported.
    pub calls: u64,
    /// Calls that completed.
    pub completed: u64,
    /// Calls that were reported as `executed: unknown`.
    pub unknown: u64,
}

/// What a suite did.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Schedules that were run.
    pub schedules: u64,
    /// Events of each schedule, in no order.
    pub events: Vec<u32>,
    /// Rare things that happened.
    pub arms: Arms,
    /// What the dispatchers counted.
    pub dispatcher_counters: Vec<(&'static str, u64)>,
    /// What the workers counted.
    pub worker_counters: Vec<(&'static str, u64)>,
    /// By class.
    pub shares: BTreeMap<FaultClass, Share>,
    /// The failure with the smallest seed that was seen.
    pub failure: Option<Failure>,
}

impl Summary {
    /// The median number of events.
    #[must_use]
    pub fn median_events(&self) -> u32 {
        let mut events = self.events.clone();
        events.sort_unstable();
        events.get(events.len() / 2).copied().unwrap_or(0)
    }

    fn take(&mut self, plan: &Plan, outcome: Outcome) {
        self.schedules += 1;
        self.events
            .push(u32::try_from(outcome.events).unwrap_or(u32::MAX));
        self.arms.add(&outcome.arms);
        if !outcome.dispatcher_counters.is_empty() {
            add_counters(&mut self.dispatcher_counters, outcome.dispatcher_counters);
        }
        if !outcome.worker_counters.is_empty() {
            add_counters(&mut self.worker_counters, outcome.worker_counters);
        }
        let share = self.shares.entry(plan.class).or_default();
        share.schedules += 1;
        for entry in &outcome.history.entries {
            let Fact::Reported { calls, .. } = &entry.fact else {
                continue;
            };
            share.calls += calls.len() as u64;
            for (_, ending) in calls {
                match ending {
                    Ending::Completed { .. } => share.completed += 1,
                    Ending::Failed { executed, .. } => {
                        share.unknown += u64::from(*executed == callboard_proto::Executed::Unknown);
                    }
                }
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.events.extend(other.events);
        self.arms.add(&other.arms);
        if !other.dispatcher_counters.is_empty() {
            add_counters(&mut self.dispatcher_counters, other.dispatcher_counters);
        }
        if !other.worker_counters.is_empty() {
            add_counters(&mut self.worker_counters, other.worker_counters);
        }
        for (class, share) in other.shares {
            let mine = self.shares.entry(class).or_default();
            mine.schedules += share.schedules;
            mine.calls += share.calls;
            mine.completed += share.completed;
            mine.unknown += share.unknown;
        }
        self.failure = match (self.failure.take(), other.failure) {
            (Some(mine), Some(theirs)) if theirs.seed < mine.seed => Some(theirs),
            (Some(mine), _) => Some(mine),
            (None, theirs) => theirs,
        };
    }
}

/// Judges what became of a schedule.
///
/// # Errors
/// The first promise that it broke.
pub fn judge(plan: &Plan, outcome: &Outcome) -> Result<(), Violation> {
    check(&outcome.history)?;
    oracle::agrees(plan, &outcome.history)
}

/// Runs `count` schedules that `plan_of` draws from the seeds from `first` on; stops at the first
/// failure.
///
/// # Panics
/// Never: a panic of a core is the failure of its schedule.
#[must_use]
pub fn run_many(
    first: u64,
    count: u64,
    plan_of: impl Fn(u64) -> Plan + Sync,
    mutant: Option<Mutant>,
) -> Summary {
    let next = AtomicU64::new(first);
    let failed = AtomicBool::new(false);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let mut summary = Summary::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Summary::default();
                    while !failed.load(Ordering::Relaxed) {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= first + count {
                            break;
                        }
                        let plan = plan_of(seed);
                        let outcome = run_caught(&plan, mutant);
                        let judged = outcome.and_then(|outcome| {
                            let judged = judge(&plan, &outcome);
                            mine.take(&plan, outcome);
                            judged
                        });
                        if let Err(violation) = judged {
                            failed.store(true, Ordering::Relaxed);
                            mine.failure = Some(Failure {
                                seed,
                                class: plan.class,
                                violation,
                            });
                        }
                    }
                    mine
                })
            })
            .collect();
        for worker in workers {
            summary.add(worker.join().expect("a thread of the suite catches panics"));
        }
    });
    summary
}

/// Runs a schedule; a core that panics breaks the promise that everything settles.
fn run_caught(plan: &Plan, mutant: Option<Mutant>) -> Result<Outcome, Violation> {
    std::panic::catch_unwind(|| run(plan, mutant, false)).map_err(|panic| {
        let words = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("without words");
        Violation::new(super::Invariant::Settles, format!("a panic: {words}"))
    })
}
