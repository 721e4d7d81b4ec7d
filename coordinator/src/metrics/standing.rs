//! How the dispatcher stands.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use callboard_coordinator_core::Counters;
use callboard_telemetry::metrics::{Reading, Source, names};

use crate::dispatch;

/// What the dispatcher said last.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<Option<dispatch::Standing>>);

impl Standing {
    pub(super) fn set(&self, standing: dispatch::Standing) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
    }
}

impl Source for Standing {
    fn read(&self) -> Vec<Reading> {
        let standing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(standing) = &*standing else {
            return Vec::new();
        };
        let mut readings = counted(&standing.counters, standing.replies_unsigned);
        readings.push(refused(standing.link_refused));
        readings.extend(gauges(standing));
        readings
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a metric is a float; counts above 2^53 don't come"
)]
fn gauges(standing: &dispatch::Standing) -> Vec<Reading> {
    let workers = &standing.workers;
    let in_flight: u32 = workers.iter().map(|worker| worker.in_flight).sum();
    let state = |is_of: fn(&callboard_coordinator_core::WorkerView) -> bool| {
        workers.iter().filter(|worker| is_of(worker)).count() as f64
    };
    let mut slots: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for worker in workers {
        let (used, available) = slots.entry(worker.pool.as_str()).or_default();
        // Of one that drains only the own attempts are known.
        *used += worker.taken().unwrap_or(worker.in_flight);
        *available += worker.free;
    }
    let slots = slots.into_iter().flat_map(|(pool, (used, available))| {
        let of = |state: &str| vec![("pool", pool.to_owned()), ("state", state.to_owned())];
        [
            (of("used"), f64::from(used)),
            (of("available"), f64::from(available)),
        ]
    });
    vec![
        Reading::single(names::CALLS_INFLIGHT, f64::from(in_flight)),
        Reading::single(names::CALLS_WAITING, standing.waiting_calls as f64),
        Reading::single(names::QUEUE_OLDEST, standing.oldest_wait.as_secs_f64()),
        Reading::single(names::TURNS_OPEN, standing.open_turns as f64),
        Reading::by_label(
            names::WORKERS,
            "state",
            [
                (
                    "ready",
                    state(|worker| !worker.draining && !worker.unreachable),
                ),
                (
                    "draining",
                    state(|worker| worker.draining && !worker.unreachable),
                ),
                ("unreachable", state(|worker| worker.unreachable)),
            ],
        ),
        Reading::by(names::POOL_SLOTS, slots),
    ]
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a metric is a float; counts above 2^53 don't come"
)]
fn refused(count: u64) -> Reading {
    Reading::single(names::LINK_REFUSED, count as f64)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a metric is a float; counts above 2^53 don't come"
)]
fn counted(counters: &Counters, unsigned: u64) -> Vec<Reading> {
    let c = |count: u64| count as f64;
    vec![
        Reading::single(names::ATTEMPTS, c(counters.attempts)),
        Reading::by_label(
            names::ATTEMPTS_RETURNED,
            "reason",
            [
                ("busy", c(counters.busy)),
                ("stale", c(counters.stale)),
                ("wrong_digest", c(counters.wrong_digest)),
                ("draining", c(counters.draining)),
                ("not_held", c(counters.not_held)),
                ("forgotten", c(counters.forgotten)),
                ("no_responders", c(counters.no_responders)),
                ("too_large", c(counters.too_large)),
                ("link_down", c(counters.link_down)),
                ("refused", c(counters.refusals)),
                ("accept_timeout", c(counters.accept_timeouts)),
                ("asked_in_vain", c(counters.asked_in_vain)),
            ],
        ),
        Reading::by_label(
            names::RETRIES,
            "allowed",
            [
                ("yes", c(counters.retries)),
                ("no", c(counters.retries_refused)),
            ],
        ),
        Reading::single(names::MOVES, c(counters.moves)),
        Reading::by_label(
            names::MESSAGES,
            "kind",
            [
                ("call", c(counters.messages)),
                ("grant", c(counters.grants)),
                ("cancel", c(counters.cancels)),
                ("status", c(counters.status)),
            ],
        ),
        Reading::by_label(
            names::REPLIES_DROPPED,
            "reason",
            [
                ("late", c(counters.results_late)),
                ("unknown", c(counters.replies_unknown)),
                ("dup", c(counters.results_duplicate)),
                ("stale_epoch", c(counters.replies_wrong_epoch)),
                ("wrong_token", c(counters.replies_wrong_token)),
                ("wrong_instance", c(counters.replies_wrong_instance)),
                ("unreadable", c(counters.replies_unreadable)),
                ("signature", c(unsigned)),
            ],
        ),
        Reading::by_label(
            names::LEASES_LOST,
            "reason",
            [
                ("silent", c(counters.leases_ended)),
                ("replaced", c(counters.instances_replaced)),
            ],
        ),
        Reading::single(names::LINK_GAPS, c(counters.link_gaps)),
        Reading::by_label(
            names::DEADLINES,
            "of",
            [
                ("call", c(counters.call_deadlines)),
                ("turn", c(counters.turn_deadlines)),
            ],
        ),
        Reading::single(names::STRIKES, c(counters.strikes)),
        Reading::single(names::SUSPENSIONS, c(counters.suspensions)),
    ]
}
