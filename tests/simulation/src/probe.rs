//! What the cores show of themselves: what they hold, and what they counted.

use callboard_coordinator_core::Dispatcher;
use callboard_worker_core::Worker;

/// Something that a core holds at the end: what, how much, how much is allowed.
type Remains = (&'static str, u64, u64);

/// What a worker that has rested holds; one that had time to forget holds no results either.
pub(crate) fn worker(core: &Worker, forgotten: bool) -> impl Iterator<Item = Remains> {
    let running = ("attempts running", u64::from(core.running()), 0);
    // Refused attempts are remembered for ever, up to a bound that the schedule never reaches but
    // where it is small.
    let _ = forgotten;
    [running].into_iter()
}

/// What a dispatcher without open turns holds.
pub(crate) fn dispatcher(core: &Dispatcher) -> impl Iterator<Item = Remains> {
    [
        ("open turns", core.open_turns() as u64, 0),
        ("waiting calls", core.waiting_calls() as u64, 0),
        ("messages and timers", core.held_entries() as u64, 0),
    ]
    .into_iter()
}

/// What a dispatcher counted, by name.
pub(crate) fn dispatcher_counters(core: &Dispatcher) -> Vec<(&'static str, u64)> {
    core.counters().named()
}

macro_rules! named {
    ($counters:expr, $($name:ident),* $(,)?) => {
        vec![$((stringify!($name), $counters.$name),)*]
    };
}

/// What a worker counted, by name.
pub(crate) fn worker_counters(core: &Worker) -> Vec<(&'static str, u64)> {
    let counters = core.counters();
    named!(
        counters,
        started,
        finished,
        busy,
        tool_busy,
        stale,
        wrong_digest,
        draining,
        duplicates,
        conflicting,
        unreadable,
        not_held,
        forgotten,
        grants,
        grants_repeated,
        grants_ignored,
        grants_stale,
        grants_void,
        cancelled_unstarted,
        timed_out_unstarted,
        timed_out,
        cancelled,
        orphans_dropped,
        orphans_stopped,
        drained,
        offers,
        offers_expired,
        frees,
        results_expired,
        results_evicted,
        tombstones_dropped,
        finished_unknown,
        other_instance,
        beats,
        acks,
        results,
    )
}
