//! Who lives: beats, announcements, the echo, status exchanges, and instances that are lost or replaced.

use std::collections::BTreeMap;
use std::time::Duration;

use callboard_proto::message::{Announce, Beat};
use callboard_proto::server::RECONNECT_DELAY_MAX;
use callboard_proto::{Digest, InstanceId};

use super::Dispatcher;
use super::end::Ended;
use crate::effect::{Address, Effect};
use crate::lease_clock::Proof;
use crate::ledger::{AttemptRef, CallRef, Phase};
use crate::mutation::Mutation;
use crate::registry::{Heard, WorkerIndex};
use crate::text;
use crate::timers::Timer;

/// Unanswered status questions in a row that end a lease (P16).
const QUESTIONS_UNANSWERED_MAX: u32 = 3;

/// How long after a lease's end the link is proven: a beat that comes just then still counts.
const LEASE_MARGIN: Duration = Duration::from_millis(1);

impl Dispatcher {
    pub(super) fn take_beat(&mut self, beat: &Beat) {
        let lease_time = self.clock.lease_time_at(self.now);
        let heard = self.registry.hear_beat(beat, lease_time, self.now);
        self.take_news(&heard);
        let Some(index) = heard.worker() else {
            return;
        };
        let Some(worker) = self.registry.worker_mut(index) else {
            return;
        };
        let was_draining = worker.draining;
        let wants_description = worker.take_beat(beat, self.now);
        let (to, digests) = (worker.address.clone(), worker.digests.clone());
        self.unplaced = true;
        if wants_description {
            self.effects.push_back(Effect::Describe { to });
        }
        if beat.draining && !was_draining {
            self.fail_unserved(&digests);
        }
    }

    /// Believes what is said of an instance of which nothing is known. Of one that is known, or that would
    /// take the place of one that lives, its own word is asked for.
    pub(super) fn take_announcement(&mut self, announce: Announce) {
        let known = self.registry.find(announce.instance);
        let to = match known.and_then(|index| self.registry.worker(index)) {
            Some(worker) if !worker.announced && worker.is_called(&announce) => None,
            Some(worker) if worker.is_called(&announce) && worker.offers_as(&announce) => return,
            Some(worker) => Some(worker.address.clone()),
            None if self.registry.has_name(&announce.pool, &announce.worker) => Some(Address {
                pool: announce.pool.clone(),
                instance: announce.instance,
            }),
            None => None,
        };
        match to {
            Some(to) => self.effects.push_back(Effect::Describe { to }),
            None => self.take_description(announce),
        }
    }

    /// Takes an instance's own word of itself.
    pub(super) fn take_description(&mut self, announce: Announce) {
        let lease_time = self.clock.lease_time_at(self.now);
        let known = self.registry.find(announce.instance);
        let before = match known.and_then(|index| self.registry.worker(index)) {
            Some(worker) if !worker.is_called(&announce) => {
                self.counters.replies_unknown += 1;
                return;
            }
            Some(worker) => Some(worker.digests.clone()),
            None => None,
        };
        let heard = self
            .registry
            .hear_announcement(announce, lease_time, self.now);
        self.take_news(&heard);
        self.unplaced = true;
        if let Some(digests) = before {
            self.fail_unserved(&digests);
        }
    }

    fn take_news(&mut self, heard: &Heard) {
        match heard {
            Heard::Replaces { new: _, old } => {
                self.counters.instances_replaced += 1;
                self.lose(*old, true);
            }
            Heard::New(index) => {
                for predecessor in self.registry.take_predecessors(*index) {
                    self.strike_lost(predecessor);
                }
            }
            Heard::Revived(_) => self.counters.instances_revived += 1,
            Heard::Known(_) | Heard::Ignored => {}
        }
    }

    pub(super) fn note_draining(&mut self, instance: InstanceId) {
        if let Some(worker) = self
            .registry
            .find(instance)
            .and_then(|index| self.registry.worker_mut(index))
        {
            worker.draining = true;
            let digests = worker.digests.clone();
            self.fail_unserved(&digests);
        }
    }

    /// An instance has another digest than it was known for.
    pub(super) fn withdraw(&mut self, instance: InstanceId, at: CallRef) {
        let digest = self
            .call(at)
            .and_then(|call| call.posting.as_ref())
            .map(|posting| posting.digest);
        let Some((index, digest)) = self.registry.find(instance).zip(digest) else {
            return;
        };
        self.registry.withdraw(index, digest);
        if let Some(worker) = self.registry.worker(index) {
            let to = worker.address.clone();
            self.effects.push_back(Effect::Describe { to });
        }
        self.fail_unserved(&[digest]);
    }

    /// Settles calls that wait for a tool that nobody serves any more.
    fn fail_unserved(&mut self, digests: &[Digest]) {
        let lanes = self.waiting.lanes();
        for lane in lanes
            .into_iter()
            .filter(|lane| digests.contains(&lane.digest))
        {
            for at in self.waiting.in_lane(lane) {
                if let Err(failure) = self.somebody_serves(at) {
                    self.settle_failed(at, failure, None);
                }
            }
        }
    }

    /// Once a tick: an echo, and a question to every instance that holds attempts older than a tick.
    pub(super) fn tick(&mut self) {
        let tick = self.config.limits.tick;
        self.next_tick = self.now + tick;
        let seq = self.clock.send(self.now);
        self.effects.push_back(Effect::Echo { seq });
        if self.mutated.lacks(Mutation::LinkEcho) {
            self.clock.run_on(self.now);
            self.end_leases();
        }
        if self.clock.is_proven(self.now) {
            let lease_time = self.clock.lease_time_at(self.now);
            for (_, worker) in self.registry.iter_mut() {
                if worker.heard > lease_time {
                    // It is on its way back to the server.
                    worker.forgive_questions();
                } else {
                    worker.count_question(tick, self.now);
                }
            }
        }
        self.ask_all(tick);
        self.watch_leases();
        self.sent
            .forget_older(self.config.limits.lease * 2, self.now);
    }

    /// Asks every instance about its attempts that are at least so old.
    fn ask_all(&mut self, age: Duration) {
        let mut questions: BTreeMap<WorkerIndex, Vec<AttemptRef>> = BTreeMap::new();
        for (turn, ledger) in &self.turns {
            for (index, call) in (0u32..).zip(&ledger.calls) {
                for attempt in &call.live {
                    if attempt.phase != Phase::Lost
                        && self.now.saturating_duration_since(attempt.posted) >= age
                    {
                        let call = CallRef { turn, index };
                        let number = attempt.number;
                        let attempts = questions.entry(attempt.worker).or_default();
                        attempts.push(AttemptRef { call, number });
                    }
                }
            }
        }
        for (_, worker) in self.registry.iter_mut() {
            if worker.in_flight == 0 {
                worker.forgive_questions();
            }
        }
        for (worker, attempts) in questions {
            self.ask(worker, attempts);
        }
    }

    pub(super) fn take_echo(&mut self, seq: u64) {
        match self.clock.returned(seq, self.now) {
            Some(Proof::Continuous) => self.end_leases(),
            Some(Proof::Gap) if self.mutated.lacks(Mutation::LinkEcho) => {}
            Some(Proof::Gap) => {
                self.counters.link_gaps += 1;
                // Where the server was away, a worker may find back to it later than this coordinator did.
                let was_down = std::mem::take(&mut self.was_down);
                let way_back = if was_down {
                    RECONNECT_DELAY_MAX
                } else {
                    Duration::ZERO
                };
                let heard = self.clock.lease_time() + way_back;
                for (_, worker) in self.registry.iter_mut() {
                    worker.heard = heard;
                    worker.forgive_questions();
                }
                self.ask_all(Duration::ZERO);
            }
            None => {}
        }
    }

    /// Lets the first lease that ends before the next tick end in time: the link is proven anew just then.
    fn watch_leases(&mut self) {
        let lease = self.config.limits.lease;
        let ends = self
            .registry
            .iter()
            .filter_map(|(_, worker)| self.clock.end_of(worker.heard, lease));
        if let Some(end) = ends.min().filter(|end| *end < self.next_tick) {
            self.timers
                .set(end.max(self.now) + LEASE_MARGIN, Timer::Lease);
        }
    }

    /// Sends an echo between two ticks.
    pub(super) fn prove_link(&mut self) {
        if self.link_is_up && self.clock.is_proven(self.now) {
            let seq = self.clock.send(self.now);
            self.effects.push_back(Effect::Echo { seq });
        }
    }

    fn end_leases(&mut self) {
        let lease_time = self.clock.lease_time();
        let lease = self.config.limits.lease;
        let silent: Vec<WorkerIndex> = self
            .registry
            .iter()
            .filter(|(_, worker)| {
                lease_time.saturating_sub(worker.heard) > lease
                    || worker.questions_unanswered >= QUESTIONS_UNANSWERED_MAX
            })
            .map(|(index, _)| index)
            .collect();
        for index in silent {
            self.counters.leases_ended += 1;
            self.lose(index, false);
        }
    }

    /// Takes an instance out; its attempts are lost. One that was replaced has ended, for certain.
    fn lose(&mut self, index: WorkerIndex, replaced: bool) {
        let worker = if replaced {
            self.registry.remove_replaced(index)
        } else {
            self.registry.remove_lost(index)
        };
        let Some(worker) = worker else {
            return;
        };
        let mut attempts = Vec::new();
        for (turn, ledger) in &self.turns {
            for (position, call) in (0u32..).zip(&ledger.calls) {
                for attempt in &call.live {
                    if attempt.worker == index && attempt.phase != Phase::Lost {
                        let call = CallRef {
                            turn,
                            index: position,
                        };
                        let number = attempt.number;
                        attempts.push((AttemptRef { call, number }, attempt.entered));
                    }
                }
            }
        }
        for (at, entered) in attempts {
            self.answered(at);
            if replaced && entered {
                self.strike(at.call);
            }
            let message = if replaced {
                text::worker_replaced(worker.name.as_str())
            } else {
                text::worker_lost(worker.name.as_str(), self.config.limits.lease)
            };
            self.end_attempt(at, Ended::lost(message));
        }
        self.fail_unserved(&worker.digests);
        self.fail_unbound();
    }

    /// A lost instance turns out to have ended: what ran there has a strike (P8).
    fn strike_lost(&mut self, instance: InstanceId) {
        let mut struck = Vec::new();
        for (turn, ledger) in &self.turns {
            for (index, call) in (0u32..).zip(&ledger.calls) {
                if call.live.iter().any(|attempt| {
                    attempt.instance == instance && attempt.phase == Phase::Lost && attempt.entered
                }) {
                    struck.push(CallRef { turn, index });
                }
            }
        }
        for at in struck {
            self.strike(at);
        }
    }

    /// Settles calls whose run was bound to an instance that is gone (P11).
    pub(super) fn fail_unbound(&mut self) {
        for lane in self.waiting.lanes() {
            if lane.bound_to.is_none() {
                continue;
            }
            for at in self.waiting.in_lane(lane) {
                if let Err(failure) = self.somebody_serves(at) {
                    self.settle_failed(at, failure, None);
                }
            }
        }
    }

    pub(super) fn link_down(&mut self) {
        self.link_is_up = false;
        self.was_down = true;
        self.clock.interrupt();
    }

    pub(super) fn link_up(&mut self) {
        self.link_is_up = true;
        self.unplaced = true;
        self.next_tick = self.now;
    }
}
