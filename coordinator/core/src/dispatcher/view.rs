//! What a dispatcher shows of itself.

use std::time::{Duration, Instant};

use callboard_proto::message::Down;
use callboard_proto::{Digest, InstanceId, Label, Pool, WorkerName};

use super::Dispatcher;
use crate::counters::Counters;

/// One instance, as its coordinator sees it.
#[derive(Clone, Debug)]
pub struct WorkerView {
    /// The instance.
    pub instance: InstanceId,
    /// Its name.
    pub worker: WorkerName,
    /// Its pool.
    pub pool: Pool,
    /// The version of its software.
    pub version: String,
    /// Its labels.
    pub labels: Vec<Label>,
    /// What it offers.
    pub digests: Vec<Digest>,
    /// What it should offer and can't now, by its own word.
    pub down: Vec<Down>,
    /// All its slots; 0 before its first word on them.
    pub slots: u32,
    /// Slots that are free, by its own last word.
    pub free: u32,
    /// Slots that this coordinator could fill now.
    pub available: u32,
    /// Attempts of this coordinator that it holds.
    pub in_flight: u32,
    /// The last beat that was heard, from 1; before the first, neither load nor draining is known.
    pub beat: Option<u64>,
    /// What the clock of its machine showed in that beat, in milliseconds since 1970, and the time since it
    /// was heard; for people, never for a decision.
    pub clock: Option<(u64, Duration)>,
    /// Time since it was heard last.
    pub silent_for: Duration,
    /// Whether it takes no more calls.
    pub draining: bool,
    /// Whether the server says that nobody listens there.
    pub unreachable: bool,
    /// Tools that are suspended on it (P9).
    pub suspended: Vec<Digest>,
}

impl WorkerView {
    /// Slots that are taken, by its last beat; not known before the first, nor of one that drains: it says
    /// that none is free, whatever runs.
    #[must_use]
    pub fn taken(&self) -> Option<u32> {
        let is_told = self.beat.is_some() && !self.draining;
        is_told.then(|| self.slots.saturating_sub(self.free))
    }
}

impl Dispatcher {
    /// The instances whose lease runs, by pool and name.
    #[must_use]
    pub fn workers(&self, now: Instant) -> Vec<WorkerView> {
        let mut views: Vec<WorkerView> = self
            .registry
            .iter()
            .map(|(_, worker)| WorkerView {
                instance: worker.instance(),
                worker: worker.name.clone(),
                pool: worker.address.pool.clone(),
                version: worker.version.clone(),
                labels: worker.labels.clone(),
                digests: worker.digests.clone(),
                down: worker.down.clone(),
                slots: worker.slots,
                free: worker.free(),
                available: worker.available(),
                in_flight: worker.in_flight,
                beat: worker.beat_seq,
                clock: worker
                    .clock
                    .map(|(shown, heard)| (shown, now.saturating_duration_since(heard))),
                silent_for: now.saturating_duration_since(worker.heard_at),
                draining: worker.draining,
                unreachable: worker.unreachable,
                suspended: worker.health.suspended(),
            })
            .collect();
        views.sort_by(|one, other| (&one.pool, &one.worker).cmp(&(&other.pool, &other.worker)));
        views
    }

    /// How many instances offer a tool and aren't draining.
    #[must_use]
    pub fn serving(&self, digest: Digest) -> usize {
        self.registry
            .pool(digest)
            .iter()
            .filter_map(|index| self.registry.worker(*index))
            .filter(|worker| !worker.draining)
            .count()
    }

    /// Calls that wait for a slot.
    #[must_use]
    pub fn waiting_calls(&self) -> usize {
        self.waiting.len()
    }

    /// How long the call has been open that waits longest for a slot.
    #[must_use]
    pub fn oldest_wait(&self, now: Instant) -> Duration {
        let heads = self.waiting.heads();
        let waiting = heads.filter_map(|(_, lane)| self.waiting.head(lane));
        waiting
            .filter_map(|(_, at)| self.call(at))
            .map(|call| now.saturating_duration_since(call.opened))
            .max()
            .unwrap_or_default()
    }

    /// Turns that aren't reported.
    #[must_use]
    pub fn open_turns(&self) -> usize {
        self.turns.len()
    }

    /// Messages, timers and remembered runs that are held for open turns: 0 when nothing is open.
    #[must_use]
    pub fn held_entries(&self) -> usize {
        let calls_on_their_way = self.sent.len();
        calls_on_their_way + self.timers.len() + self.waiting.len()
    }

    /// What was counted since the beginning.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
