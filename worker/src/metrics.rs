//! The metrics of a worker: times as attempts end, and the rest read from the executor when it is asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callboard_proto::{Outcome, ToolName, TraceContext};
use callboard_telemetry::metrics::{Histogram, Reading, Scope, Source, names};
use rustc_hash::FxHashMap;

use crate::executor::Snapshot;
use crate::traces::End;

/// The metrics of one worker.
#[derive(Debug)]
pub struct WorkerMetrics {
    scope: Scope,
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    by_tool: Mutex<FxHashMap<ToolName, FxHashMap<&'static str, Series>>>,
    snapshot: Mutex<Option<Snapshot>>,
}

/// What is kept of the attempts of one tool with one outcome.
#[derive(Debug)]
struct Series {
    attempts: u64,
    executed: Histogram,
    queued: Histogram,
}

impl WorkerMetrics {
    /// None yet.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        let inner = Arc::new(Inner::default());
        scope.add(Arc::clone(&inner) as _);
        Self { scope, inner }
    }

    /// Takes how the executor stands, for the next [`Self::told`] and for what is exported.
    pub fn refresh(&self, snapshot: Snapshot) {
        *lock(&self.inner.snapshot) = Some(snapshot);
    }

    /// All metrics of the process in the format that a request's `Accept` asks for, after its type.
    #[must_use]
    pub fn told(&self, accept: Option<&str>) -> (&'static str, String) {
        self.scope.metrics().told(accept)
    }

    /// Takes an attempt that ended.
    pub(crate) fn ended(
        &self,
        tool: &ToolName,
        outcome: &Outcome,
        queued: Duration,
        executed: Duration,
        trace: Option<&TraceContext>,
    ) {
        let end = End::of(outcome);
        let mut by_tool = lock(&self.inner.by_tool);
        let by_outcome = match by_tool.get_mut(tool) {
            Some(by_outcome) => by_outcome,
            None => by_tool.entry(tool.clone()).or_default(),
        };
        let series = by_outcome.entry(end.as_str()).or_insert_with(|| {
            let tool = ("tool", tool.to_string());
            let failed = vec![tool.clone(), ("error_type", end.error().to_owned())];
            Series {
                attempts: 0,
                executed: self.scope.histogram(&names::PROCESS, failed),
                queued: self.scope.histogram(&names::WORKER_QUEUE, vec![tool]),
            }
        });
        series.attempts += 1;
        series.executed.observe(executed, trace);
        series.queued.observe(queued, trace);
    }
}

impl Source for Inner {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a metric is a float; counts above 2^53 don't come"
    )]
    fn read(&self) -> Vec<Reading> {
        let by_tool = lock(&self.by_tool);
        let attempts = by_tool.iter().flat_map(|(tool, by_outcome)| {
            by_outcome.iter().map(move |(outcome, series)| {
                let outcome = ("outcome", (*outcome).to_owned());
                let labels = vec![("tool", tool.to_string()), outcome];
                (labels, series.attempts as f64)
            })
        });
        let mut readings = vec![Reading::by(names::WORKER_ATTEMPTS, attempts)];
        let snapshot = lock(&self.snapshot);
        readings.extend(snapshot.iter().flat_map(standing));
        readings
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a metric is a float; counts above 2^53 don't come"
)]
fn standing(snapshot: &Snapshot) -> Vec<Reading> {
    let core = &snapshot.core;
    let c = |count: u64| count as f64;
    let free = f64::from(snapshot.slots_free);
    vec![
        Reading::by_label(
            names::WORKER_SLOTS,
            "state",
            [
                ("used", f64::from(snapshot.slots) - free),
                ("available", free),
            ],
        ),
        Reading::single(names::WORKER_LINK_UP, f64::from(u8::from(snapshot.is_up))),
        Reading::single(
            names::WORKER_DRAINING,
            f64::from(u8::from(snapshot.is_draining)),
        ),
        Reading::by_label(
            names::WORKER_REFUSED,
            "reason",
            [
                ("busy", c(core.busy)),
                ("stale", c(core.stale)),
                ("wrong_digest", c(core.wrong_digest)),
                ("draining", c(core.draining)),
                ("unreadable", c(core.unreadable)),
            ],
        ),
        Reading::by_label(
            names::WORKER_STOPPED,
            "reason",
            [
                ("timed_out", c(core.timed_out)),
                ("cancelled", c(core.cancelled)),
                ("orphaned", c(core.orphans_stopped)),
                ("drained", c(core.drained)),
            ],
        ),
        Reading::single(names::WORKER_ABANDONED, c(snapshot.counters.abandoned)),
        Reading::single(names::WORKER_DUPLICATES, c(core.duplicates)),
        Reading::by_label(
            names::WORKER_RESULTS_FORGOTTEN,
            "reason",
            [
                ("age", c(core.results_expired)),
                ("size", c(core.results_evicted)),
            ],
        ),
    ]
}

/// Whole values are put behind these locks: a panic leaves them sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
