//! Who is there: the instances that were heard, by identity, by name and by what they offer.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use callboard_proto::message::{Announce, Beat};
use callboard_proto::{Digest, InstanceId, Pool, WorkerName};
use rustc_hash::FxHashMap;
use slotmap::SlotMap;

use crate::worker::Worker;

slotmap::new_key_type! {
    /// Where an instance stands in the registry.
    pub(crate) struct WorkerIndex;
}

/// Replaced instances that are remembered, so that a delayed beat doesn't bring one back.
const REPLACED_MAX: usize = 256;
/// Beats of a replaced instance that were sent after its end was known, before it is believed to live:
/// two processes share a name then, and both are used.
const REVIVAL_BEATS: u32 = 2;

#[derive(Debug)]
struct Replaced {
    instance: InstanceId,
    pool: Pool,
    beat_seq: u64,
    beats_since: u32,
}

impl Replaced {
    fn new(worker: &Worker) -> Self {
        Self {
            instance: worker.instance(),
            pool: worker.address.pool.clone(),
            beat_seq: worker.beat_seq.unwrap_or(0),
            beats_since: 0,
        }
    }
}

/// What a word of an instance means for those who are known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is known.
    Known(WorkerIndex),
    /// It is new.
    New(WorkerIndex),
    /// It is new, and ends the one that had its name (P2).
    Replaces { new: WorkerIndex, old: WorkerIndex },
    /// It was replaced, and lives all the same.
    Revived(WorkerIndex),
    /// It doesn't count: it was replaced, or the word came from another pool or under another name.
    Ignored,
}

impl Heard {
    pub(crate) fn worker(&self) -> Option<WorkerIndex> {
        match self {
            Self::Known(index) | Self::New(index) | Self::Revived(index) => Some(*index),
            Self::Replaces { new, .. } => Some(*new),
            Self::Ignored => None,
        }
    }
}

/// The instances that were heard and whose lease runs.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    workers: SlotMap<WorkerIndex, Worker>,
    by_instance: FxHashMap<InstanceId, WorkerIndex>,
    by_name: BTreeMap<(Pool, WorkerName), WorkerIndex>,
    by_digest: FxHashMap<Digest, Vec<WorkerIndex>>,
    replaced: VecDeque<Replaced>,
    /// Instances whose lease ended, so that a successor tells that they are gone for good (P8).
    lost: VecDeque<(WorkerName, Replaced)>,
}

impl Registry {
    pub(crate) fn find(&self, instance: InstanceId) -> Option<WorkerIndex> {
        self.by_instance.get(&instance).copied()
    }

    pub(crate) fn worker(&self, index: WorkerIndex) -> Option<&Worker> {
        self.workers.get(index)
    }

    pub(crate) fn worker_mut(&mut self, index: WorkerIndex) -> Option<&mut Worker> {
        self.workers.get_mut(index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (WorkerIndex, &Worker)> {
        self.workers.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (WorkerIndex, &mut Worker)> {
        self.workers.iter_mut()
    }

    /// Those that offer a tool, whether they take calls now or not.
    pub(crate) fn pool(&self, digest: Digest) -> &[WorkerIndex] {
        self.by_digest.get(&digest).map_or(&[], Vec::as_slice)
    }

    /// Whether an instance of this name lives.
    pub(crate) fn has_name(&self, pool: &Pool, name: &WorkerName) -> bool {
        let key = (pool.clone(), name.clone());
        let index = self.by_name.get(&key);
        index.is_some_and(|index| self.workers.contains_key(*index))
    }

    pub(crate) fn hear_beat(&mut self, beat: &Beat, lease_time: Duration, now: Instant) -> Heard {
        if let Some(replaced) = self
            .replaced
            .iter_mut()
            .find(|replaced| replaced.instance == beat.instance)
        {
            if replaced.pool != beat.pool {
                return Heard::Ignored;
            }
            if beat.seq > replaced.beat_seq {
                replaced.beat_seq = beat.seq;
                replaced.beats_since += 1;
            }
            if replaced.beats_since < REVIVAL_BEATS {
                return Heard::Ignored;
            }
            self.replaced
                .retain(|replaced| replaced.instance != beat.instance);
            let worker = Worker::new(
                beat.instance,
                beat.pool.clone(),
                beat.worker.clone(),
                lease_time,
                now,
            );
            let index = self.workers.insert(worker);
            self.by_instance.insert(beat.instance, index);
            return Heard::Revived(index);
        }
        self.hear(beat.instance, &beat.pool, &beat.worker, lease_time, now)
    }

    pub(crate) fn hear_announcement(
        &mut self,
        announce: Announce,
        lease_time: Duration,
        now: Instant,
    ) -> Heard {
        if self
            .replaced
            .iter()
            .any(|replaced| replaced.instance == announce.instance)
        {
            return Heard::Ignored;
        }
        let heard = self.hear(
            announce.instance,
            &announce.pool,
            &announce.worker,
            lease_time,
            now,
        );
        if let Some(index) = heard.worker() {
            self.unlist(index);
            let digests: Vec<Digest> = announce.tools.iter().map(|tool| tool.digest).collect();
            if let Some(worker) = self.workers.get_mut(index) {
                worker.take_announcement(announce);
            }
            for digest in digests {
                let pool = self.by_digest.entry(digest).or_default();
                if !pool.contains(&index) {
                    pool.push(index);
                }
            }
        }
        heard
    }

    fn hear(
        &mut self,
        instance: InstanceId,
        pool: &Pool,
        name: &WorkerName,
        lease_time: Duration,
        now: Instant,
    ) -> Heard {
        if let Some(index) = self.find(instance) {
            let Some(worker) = self.workers.get_mut(index) else {
                return Heard::Ignored;
            };
            if worker.address.pool != *pool || worker.name != *name {
                // Permissions go by pool (P4): one pool's worker says nothing of another's.
                return Heard::Ignored;
            }
            worker.hear(lease_time, now);
            return Heard::Known(index);
        }
        let worker = Worker::new(instance, pool.clone(), name.clone(), lease_time, now);
        let new = self.workers.insert(worker);
        self.by_instance.insert(instance, new);
        match self.by_name.insert((pool.clone(), name.clone()), new) {
            Some(old) if self.workers.contains_key(old) => Heard::Replaces { new, old },
            Some(_) | None => Heard::New(new),
        }
    }

    /// Takes an instance out.
    pub(crate) fn remove(&mut self, index: WorkerIndex) -> Option<Worker> {
        self.unlist(index);
        let worker = self.workers.remove(index)?;
        self.by_instance.remove(&worker.instance());
        let name = (worker.address.pool.clone(), worker.name.clone());
        if self.by_name.get(&name) == Some(&index) {
            self.by_name.remove(&name);
        }
        Some(worker)
    }

    /// Takes out an instance whose lease ended; a successor under its name will end it for good.
    pub(crate) fn remove_lost(&mut self, index: WorkerIndex) -> Option<Worker> {
        let worker = self.remove(index)?;
        if self.lost.len() == REPLACED_MAX {
            self.lost.pop_front();
        }
        self.lost
            .push_back((worker.name.clone(), Replaced::new(&worker)));
        Some(worker)
    }

    /// The lost instances that this new one succeeds; told once. Their later words don't count.
    pub(crate) fn take_predecessors(&mut self, index: WorkerIndex) -> Vec<InstanceId> {
        let Some(worker) = self.workers.get(index) else {
            return Vec::new();
        };
        let (own, pool, name) = (worker.instance(), &worker.address.pool, &worker.name);
        let (namesakes, others) = std::mem::take(&mut self.lost)
            .into_iter()
            .partition::<VecDeque<_>, _>(|(other, lost)| lost.pool == *pool && other == name);
        self.lost = others;
        let mut predecessors = Vec::new();
        for (_, lost) in namesakes {
            // The same instance, heard again, succeeds nobody: its link was cut.
            if lost.instance != own {
                predecessors.push(lost.instance);
                self.note_replaced(lost);
            }
        }
        predecessors
    }

    /// Takes out an instance that a new one of its name replaced; its later words don't count.
    pub(crate) fn remove_replaced(&mut self, index: WorkerIndex) -> Option<Worker> {
        let worker = self.remove(index)?;
        self.note_replaced(Replaced::new(&worker));
        Some(worker)
    }

    fn note_replaced(&mut self, replaced: Replaced) {
        if self.replaced.len() == REPLACED_MAX {
            self.replaced.pop_front();
        }
        self.replaced.push_back(replaced);
    }

    /// Forgets that an instance offers a tool.
    pub(crate) fn withdraw(&mut self, index: WorkerIndex, digest: Digest) {
        if let Some(worker) = self.workers.get_mut(index) {
            worker.digests.retain(|other| *other != digest);
            // A new description is wanted.
            worker.catalogue = 0;
        }
        self.unlist_from(index, digest);
    }

    fn unlist(&mut self, index: WorkerIndex) {
        let digests = self
            .workers
            .get(index)
            .map(|worker| worker.digests.clone())
            .unwrap_or_default();
        for digest in digests {
            self.unlist_from(index, digest);
        }
    }

    fn unlist_from(&mut self, index: WorkerIndex, digest: Digest) {
        if let Some(pool) = self.by_digest.get_mut(&digest) {
            pool.retain(|other| *other != index);
            if pool.is_empty() {
                self.by_digest.remove(&digest);
            }
        }
    }
}
