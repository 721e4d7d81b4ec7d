//! A schedule: everything that follows from a seed before anything happens.

mod act;
mod fault;
mod turn;

use std::num::NonZeroU32;
use std::sync::Arc;

use callboard_proto::{Affinity, Digest, Effect, Label, Manifest, Retry, ToolName};

pub use act::{Act, End, act};
pub use fault::{FaultClass, Rates, Trouble, Way};
pub use turn::{CallPlan, Cancel, CancelWhat, RunPlan, TurnPlan};

use crate::clock::{Clock, MS, Nanos, S, US};
use crate::rng::{Rng, mix};

/// A tool that workers offer.
#[derive(Clone, Debug)]
pub struct ToolPlan {
    /// Its name.
    pub name: ToolName,
    /// Its digest.
    pub digest: Digest,
    /// What it declares.
    pub manifest: Arc<Manifest>,
    /// Which workers offer it.
    pub offered_by: Vec<bool>,
    /// Slots of its own, on every worker that offers it.
    pub slots: Option<NonZeroU32>,
}

/// A worker.
#[derive(Clone, Debug)]
pub struct WorkerPlan {
    /// Its clock.
    pub clock: Clock,
    /// Its slots.
    pub slots: u32,
    /// Its labels.
    pub labels: Vec<Label>,
    /// Whether its core offers digests other than the announced ones.
    pub rolled: bool,
    /// When its first life begins.
    pub starts: Nanos,
    /// Attempts of which it keeps a tombstone, at most.
    pub tombstones_max: usize,
    /// Bytes of results that it keeps, at most.
    pub results_bytes_max: usize,
}

/// A coordinator.
#[derive(Clone, Debug)]
pub struct CoordinatorPlan {
    /// Its clock.
    pub clock: Clock,
    /// Calls that wait for a slot, at most.
    pub waiting_calls_max: usize,
    /// Items of one message, at most.
    pub batch_items_max: usize,
    /// Its runs.
    pub runs: Vec<RunPlan>,
}

/// Everything that a seed decides in advance.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// What goes wrong.
    pub class: FaultClass,
    /// Faults of single messages.
    pub rates: Rates,
    /// Faults that come at a time.
    pub troubles: Vec<(Nanos, Trouble)>,
    /// When the network is whole again.
    pub faults_until: Nanos,
    /// Whether messages pass through the codec.
    pub encoded: bool,
    /// Whether callers wait for what each call causes before they open the next.
    pub one_by_one: bool,
    /// Whether the world runs on until workers have forgotten all.
    pub long: bool,
    /// Longest ordinary time on the way.
    pub latency_max: Nanos,
    /// The tools.
    pub tools: Vec<ToolPlan>,
    /// The workers.
    pub workers: Vec<WorkerPlan>,
    /// The coordinators.
    pub coordinators: Vec<CoordinatorPlan>,
}

impl Plan {
    /// Draws a schedule whose class the seed decides too.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let class = if rng.chance(120) {
            FaultClass::Calm
        } else {
            rng.pick(FaultClass::ALL)
        };
        Self::draw(seed, class, &mut rng)
    }

    /// Draws a schedule of one class.
    #[must_use]
    pub fn of_class(seed: u64, class: FaultClass) -> Self {
        let mut rng = Rng::new(seed);
        Self::draw(seed, class, &mut rng)
    }

    fn draw(seed: u64, class: FaultClass, rng: &mut Rng) -> Self {
        let coordinators = rng.pick(&[1u8, 1, 1, 2, 2, 3]);
        let workers = rng.pick(&[2u8, 2, 3, 3, 4, 5]);
        let labels = [label("zone=a"), label("zone=b")];
        let worker_plans: Vec<WorkerPlan> =
            (0..workers).map(|_| worker(class, &labels, rng)).collect();
        let tool_count = rng.range(2..6);
        let tools: Vec<ToolPlan> = (0..tool_count)
            .map(|index| ToolPlan {
                slots: own_slots(seed, index),
                ..tool(index, &worker_plans, &labels, rng)
            })
            .collect();
        let coordinator_plans = (0..coordinators)
            .map(|_| CoordinatorPlan {
                clock: clock(rng),
                waiting_calls_max: if rng.chance(80) { 4 } else { 100_000 },
                batch_items_max: if rng.chance(100) { 3 } else { 4096 },
                runs: (0..rng.pick(&[1, 1, 1, 2]))
                    .map(|_| turn::run(class, tools.len(), rng))
                    .collect(),
            })
            .collect();
        Self {
            seed,
            class,
            rates: Rates::draw(class, rng),
            troubles: fault::troubles(class, coordinators, workers, rng),
            faults_until: rng.pick(&[2, 8, 20]) * S,
            encoded: rng.chance(200),
            one_by_one: rng.chance(250),
            long: rng.chance(15),
            latency_max: rng.pick(&[200 * US, MS, 4 * MS]),
            tools,
            workers: worker_plans,
            coordinators: coordinator_plans,
        }
    }
}

fn label(text: &str) -> Label {
    Label::new(text).expect("a short plain text is a label")
}

/// A clock that is up to five percent off, and never exact.
fn clock(rng: &mut Rng) -> Clock {
    let off = rng.range(10_000..50_000);
    let rate = if rng.chance(500) {
        1_000_000 + off
    } else {
        1_000_000 - off
    };
    Clock::new(rng.range(0..1_000) * S, rate)
}

fn worker(class: FaultClass, labels: &[Label; 2], rng: &mut Rng) -> WorkerPlan {
    let forgets = class == FaultClass::Forgetful || class == FaultClass::Mixed && rng.chance(50);
    WorkerPlan {
        clock: clock(rng),
        slots: rng.pick(&[1u32, 2, 4, 8, 16, 32]),
        labels: if rng.chance(500) {
            vec![labels[rng.index(2)].clone()]
        } else {
            Vec::new()
        },
        rolled: class == FaultClass::Rolling && rng.chance(500),
        starts: rng.range(0..20) * MS,
        tombstones_max: if forgets { 4 } else { 65_536 },
        results_bytes_max: if forgets { 2 * 1024 } else { 64 * 1024 * 1024 },
    }
}

fn tool(index: u64, workers: &[WorkerPlan], labels: &[Label; 2], rng: &mut Rng) -> ToolPlan {
    let effect = match rng.range(0..10) {
        0..4 => Effect::Read,
        4..6 => Effect::Idempotent,
        _ => Effect::Write,
    };
    let mut manifest = Manifest::new(effect);
    if rng.chance(150) {
        manifest.deadline_ms = Some(rng.pick(&[200, 1_000, 5_000]));
    }
    if rng.chance(200) {
        manifest.attempt_timeout_ms = Some(rng.pick(&[50, 300, 2_000]));
    }
    if rng.chance(200) {
        manifest.retry = Retry {
            attempts: rng.pick(&[1, 2, 5]),
        };
    }
    if rng.chance(120) {
        manifest.affinity = Affinity::Run;
    }
    // What is required must be there, or a calm schedule would have calls without a worker.
    let present = labels
        .iter()
        .filter(|label| workers.iter().any(|worker| worker.labels.contains(label)))
        .collect::<Vec<_>>();
    if !present.is_empty() && rng.chance(120) {
        manifest.require = vec![present[rng.index(present.len())].clone()];
    }
    if rng.chance(150) {
        manifest.prefer = vec![labels[rng.index(2)].clone()];
    }
    let fits = |worker: &WorkerPlan| {
        manifest
            .require
            .iter()
            .all(|label| worker.labels.contains(label))
    };
    let mut offered_by: Vec<bool> = workers.iter().map(|_| rng.chance(800)).collect();
    if !workers
        .iter()
        .zip(&offered_by)
        .any(|(worker, offered)| *offered && fits(worker))
    {
        for (worker, offered) in workers.iter().zip(&mut offered_by) {
            *offered |= fits(worker);
        }
    }
    let mut digest = [0; 32];
    digest[0] = u8::try_from(index).expect("few tools");
    ToolPlan {
        name: ToolName::new(format!("tool_{index}")).expect("a short plain text is a name"),
        digest: Digest::new(digest),
        manifest: Arc::new(manifest),
        offered_by,
        slots: None,
    }
}

/// Slots that a tool has of its own: drawn apart, so that the schedules of known seeds stay as they are
/// in all else.
fn own_slots(seed: u64, index: u64) -> Option<NonZeroU32> {
    let mut rng = Rng::new(mix(seed ^ mix(index ^ 0x736c_6f74)));
    if rng.chance(250) {
        NonZeroU32::new(rng.pick(&[1, 1, 2, 3]))
    } else {
        None
    }
}
