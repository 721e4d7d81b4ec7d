//! What an executor is given.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use callboard_nats::busy_poll;
use callboard_proto::limit;
use callboard_proto::message::Announce;
use callboard_proto::{InstanceId, Label, Pool, WorkerName};
use callboard_worker_core::{Config, Identity};
use uuid::Uuid;

use crate::metrics::WorkerMetrics;
use crate::tool::{Tools, ToolsError};
use crate::traces::Traces;

/// How long a stopped tool that watches its cancellation may take to end (chosen, not measured).
const CANCEL_GRACE: Duration = Duration::from_secs(2);
/// Threads on which tools may block, made as they are needed (chosen, not measured).
const BLOCKING_THREADS: NonZeroUsize = NonZeroUsize::new(32).expect("32 is not zero");

/// The core counts the changes of what it offers from here.
const FIRST_CATALOGUE: u64 = 1;

/// Where tools are executed.
#[derive(Clone, Debug)]
pub enum ToolRuntime {
    /// On this many threads of the worker's own. One is the fastest for tools that wait more than
    /// they compute; a tool that computes for long belongs on [`crate::tool::blocking`]'s threads.
    Own(NonZeroUsize),
    /// On a runtime of the embedding program. It must not be the thread that polls
    /// [`crate::executor::Executor::run`]: a tool that computes there would silence the beats. Paused
    /// time in tests is the one exception.
    Shared(tokio::runtime::Handle),
}

/// Who a worker is and what it allows.
#[derive(Clone, Debug)]
pub struct Options {
    /// This life of the worker (P2); [`Options::new`] makes one up.
    pub instance: InstanceId,
    /// The name under which lives succeed each other.
    pub worker: WorkerName,
    /// Its pool.
    pub pool: Pool,
    /// What it carries for tools to require or prefer (P11).
    pub labels: Vec<Label>,
    /// The version of its software, for people.
    pub version: String,
    /// How long a stopped tool that watches its cancellation may take to end; 2 s.
    pub cancel_grace: Duration,
    /// Where tools are executed; one thread of the worker's own.
    pub tool_runtime: ToolRuntime,
    /// Threads on which tools may block; 32, made as they are needed. Not used with
    /// [`ToolRuntime::Shared`], whose runtime has its own bound.
    pub blocking_threads: NonZeroUsize,
    /// Longest time for which the executor stays awake for tools that run, where the last ones answered that
    /// soon and its link isn't local; 500 µs. A fifth of one core is spent on it at most, on average. Zero: it
    /// sleeps at once.
    pub busy_poll: Duration,
    /// Writes the spans of what is executed; none without it.
    pub traces: Option<Arc<Traces>>,
    /// Counts what is executed; nothing without it.
    pub metrics: Option<Arc<WorkerMetrics>>,
    /// Slots and the other limits of the core. Its `batch_bytes_max` is set from the link.
    pub limits: Config,
}

impl Options {
    /// A new life of a worker, with the defaults named above and 16 slots.
    #[must_use]
    pub fn new(worker: WorkerName, pool: Pool) -> Self {
        Self {
            instance: InstanceId::new(Uuid::new_v4()),
            worker,
            pool,
            labels: Vec::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            cancel_grace: CANCEL_GRACE,
            tool_runtime: ToolRuntime::Own(NonZeroUsize::MIN),
            blocking_threads: BLOCKING_THREADS,
            busy_poll: busy_poll::DEFAULT,
            traces: None,
            metrics: None,
            limits: Config::default(),
        }
    }

    /// Sets the slots.
    #[must_use]
    pub fn with_slots(mut self, slots: u32) -> Self {
        self.limits.slots = slots;
        self
    }

    /// Sets the labels.
    #[must_use]
    pub fn with_labels(mut self, labels: Vec<Label>) -> Self {
        self.labels = labels;
        self
    }

    /// Who the worker is, for the core.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            instance: self.instance,
            worker: self.worker.clone(),
            pool: self.pool.clone(),
        }
    }

    /// What the worker says of itself at first contact, for its link.
    #[must_use]
    pub fn announce(&self, tools: &Tools, payload_bytes_max: usize) -> Announce {
        Announce {
            instance: self.instance,
            worker: self.worker.clone(),
            pool: self.pool.clone(),
            version: self.version.clone(),
            slots: self.limits.slots,
            catalogue: FIRST_CATALOGUE,
            payload_bytes_max: payload_bytes_max as u64,
            labels: self.labels.clone(),
            tools: tools.digests(),
            down: Vec::new(),
        }
    }

    pub(crate) fn check(&self, tools: &Tools) -> Result<(), StartError> {
        if self.limits.slots == 0 {
            return Err(StartError::NoSlots);
        }
        tools.check_labels(&self.labels)?;
        Ok(())
    }

    /// The core's limits under a link that takes bodies of this size.
    pub(super) fn limits(&self, payload_bytes_max: usize) -> Config {
        Config {
            batch_bytes_max: limit::batch_bytes_max(payload_bytes_max),
            ..self.limits.clone()
        }
    }
}

/// Why an executor can't begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no slot, so no call could run.
    #[error("a worker needs at least one slot")]
    NoSlots,
    /// A tool can't be offered by this worker.
    #[error("a tool can't be offered")]
    Tools(#[from] ToolsError),
    /// The threads for tools can't be made.
    #[error("the threads for tools can't be made")]
    Threads(#[source] std::io::Error),
}
