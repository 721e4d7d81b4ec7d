//! What others want to see of the actor's workers and calls.

use std::collections::BTreeSet;
use std::time::Instant;

use callboard_coordinator_core::WorkerView;
use callboard_proto::{Digest, ToolName};

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
            replies_unsigned: self.unsigned,
            link_refused: self.refused,
            is_reading: self.directory.is_reading(now),
            counters: self.core.counters().clone(),
        }
    }

    /// The tools on offer, and those that were until a moment ago under names that nobody else uses.
    pub(super) fn offers(&mut self) -> Vec<Offer> {
        let now = now();
        let workers = self.core.workers(now).into_iter();
        let offered: BTreeSet<Digest> = workers
            .flat_map(|worker| worker.digests)
            .filter(|digest| self.core.serving(*digest) > 0)
            .collect();
        let away = self.absent.look(&offered, now);
        let mut offers: Vec<Offer> = offered
            .into_iter()
            .filter_map(|digest| self.offer(digest))
            .collect();
        let names: BTreeSet<ToolName> =
            offers.iter().map(|offer| offer.spec.name.clone()).collect();
        let away = away.into_iter().filter_map(|digest| self.offer(digest));
        offers.extend(away.filter(|offer| !names.contains(&offer.spec.name)));
        offers
    }

    fn offer(&self, digest: Digest) -> Option<Offer> {
        Some(Offer {
            digest,
            spec: self.directory.spec(digest)?.clone(),
            instances: self.core.serving(digest),
        })
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
