//! A tool that is full on an instance: how many of its slots are ours there.

use callboard_proto::{Digest, InstanceId};

use super::Dispatcher;
use crate::ledger::{CallRef, Phase};
use crate::registry::WorkerIndex;

impl Dispatcher {
    /// A call came back because its tool has no slot left on that instance: what is there is our share.
    pub(super) fn note_full(&mut self, at: CallRef, instance: InstanceId) {
        let Some(index) = self.registry.find(instance) else {
            return;
        };
        let Some(digest) = self
            .call(at)
            .and_then(|call| call.posting.as_ref())
            .map(|posting| posting.digest)
        else {
            return;
        };
        let is_known = self
            .registry
            .worker(index)
            .is_some_and(|worker| worker.shares.knows(digest));
        let in_flight = if is_known {
            0
        } else {
            self.in_flight_of(digest, index)
        };
        let now = self.now;
        if let Some(worker) = self.registry.worker_mut(index) {
            worker.shares.was_full(digest, in_flight, now);
        }
    }

    /// Attempts of a tool that an instance holds, or may hold.
    fn in_flight_of(&self, digest: Digest, index: WorkerIndex) -> u32 {
        let calls = self.turns.values().flat_map(|turn| &turn.calls);
        let of_tool = calls.filter(|call| {
            let posting = call.posting.as_ref();
            posting.is_some_and(|posting| posting.digest == digest)
        });
        let attempts = of_tool.flat_map(|call| &call.live);
        let there = attempts
            .filter(|attempt| attempt.worker == index && attempt.phase != Phase::Lost)
            .count();
        u32::try_from(there).unwrap_or(u32::MAX)
    }
}
