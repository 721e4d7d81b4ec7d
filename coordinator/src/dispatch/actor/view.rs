//! What others want to see of the actor's workers and calls.

use std::time::Instant;

use callboard_coordinator_core::WorkerView;

use super::{Dispatch, now};
use crate::catalogue::Offer;
use crate::dispatch::handle::{Known, Standing};
use crate::link::Link;

impl<L: Link> Dispatch<L> {
    pub(super) fn standing(&self, now: Instant) -> Standing {
        Standing {
            workers: self.core.workers(now),
            waiting_calls: self.core.waiting_calls(),
            oldest_wait: self.core.oldest_wait(now),
            open_turns: self.core.open_turns(),
            is_reading: self.directory.is_reading(now),
            counters: self.core.counters().clone(),
        }
    }

    pub(super) fn offers(&self) -> Vec<Offer> {
        let mut digests: Vec<_> = self
            .core
            .workers(now())
            .into_iter()
            .flat_map(|worker| worker.digests)
            .collect();
        digests.sort_unstable();
        digests.dedup();
        digests
            .into_iter()
            .filter_map(|digest| {
                Some(Offer {
                    digest,
                    spec: self.directory.spec(digest)?.clone(),
                    instances: self.core.serving(digest),
                })
            })
            .filter(|offer| offer.instances > 0)
            .collect()
    }

    pub(super) fn workers(&self) -> Vec<(WorkerView, Vec<Known>)> {
        self.core
            .workers(now())
            .into_iter()
            .map(|worker| {
                let mut known: Vec<Known> = worker
                    .digests
                    .iter()
                    .filter_map(|digest| {
                        let name = self.directory.spec(*digest)?.name.clone();
                        let digest = *digest;
                        Some(Known { name, digest })
                    })
                    .collect();
                known.sort_by(|one, other| one.name.cmp(&other.name));
                (worker, known)
            })
            .collect()
    }
}
