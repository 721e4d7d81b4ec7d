//! How an executor stands, for views.

use std::time::Duration;

use callboard_proto::{AttemptKey, Effect, InstanceId, Pool, ToolName, WorkerName};
use callboard_worker_core::StopReason;

use crate::tool::Progress;

/// How an executor stands at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Which life of the worker this is.
    pub instance: InstanceId,
    /// The worker's name.
    pub worker: WorkerName,
    /// Its pool.
    pub pool: Pool,
    /// All its slots.
    pub slots: u32,
    /// Slots that no attempt holds.
    pub slots_free: u32,
    /// Time since its last beat was handed to the link; `None` before the first.
    pub beat_age: Option<Duration>,
    /// Whether its link is up.
    pub is_up: bool,
    /// Whether it takes no more calls.
    pub is_draining: bool,
    /// What it executes now, the longest first.
    pub running: Vec<RunningCall>,
    /// What the executor has counted since it began.
    pub counters: Counters,
    /// What the core has counted since it began.
    pub core: callboard_worker_core::Counters,
}

/// One call that is being executed.
#[derive(Clone, Debug)]
pub struct RunningCall {
    /// The attempt.
    pub of: AttemptKey,
    /// Its tool.
    pub tool: ToolName,
    /// What executing it does to the world.
    pub effect: Effect,
    /// For how long it has been executed.
    pub elapsed: Duration,
    /// Why it was told to stop, if it was.
    pub stopping: Option<StopReason>,
    /// How far it says it is.
    pub progress: Progress,
}

/// What an executor has counted since it began, beside its core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// Messages that came, of every kind.
    pub messages: u64,
    /// Messages that were refused as a whole.
    pub refused: u64,
    /// Messages that named no subject to answer on, and were dropped.
    pub unanswerable: u64,
    /// Calls whose tool answered.
    pub completed: u64,
    /// Calls that failed once they were handed to their tool.
    pub failed: u64,
    /// Stopped calls whose thread could not be stopped.
    pub abandoned: u64,
}
