//! An attempt ended: its call is settled, tried again, or moves to another worker.

use std::time::Duration;

use callboard_proto::{
    Completed, Effect as ToolEffect, Executed, Failure, FailureKind, InstanceId, Outcome,
};

use super::Dispatcher;
use super::settle::By;
use crate::effect::EventKind;
use crate::ledger::{Attempt, AttemptRef, Call, CallRef, Phase, Stand};
use crate::mutation::Mutation;
use crate::retry;
use crate::text;
use crate::timers::Timer;

/// Instances that may be lost while they run a call that isn't known to have ended them (P8): after
/// so many it is not tried on a further one (chosen, not measured).
const LOSSES_MAX: u32 = 3;
/// Instances that a call may end (P8).
const STRIKES_MAX: u32 = 2;

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The tool answered.
    Completed {
        completed: Completed,
        queued: Duration,
        executed: Duration,
    },
    /// The worker says that it failed.
    Failed {
        failure: Failure,
        queued: Duration,
        executed: Duration,
    },
    /// It did not enter the tool and never will: binding.
    NotTaken { why: &'static str },
    /// Nobody knows. It may still answer.
    Lost { message: String },
}

impl Ended {
    pub(super) fn failed(failure: Failure) -> Self {
        Self::Failed {
            failure,
            queued: Duration::ZERO,
            executed: Duration::ZERO,
        }
    }

    pub(super) fn not_taken(why: &'static str) -> Self {
        Self::NotTaken { why }
    }

    pub(super) fn lost(message: String) -> Self {
        Self::Lost { message }
    }
}

impl Dispatcher {
    /// Takes the end of an attempt and decides what its call does next.
    pub(super) fn end_attempt(&mut self, at: AttemptRef, ended: Ended) {
        let Some(call) = self.call_mut(at.call) else {
            return;
        };
        let Some(position) = call.attempt(at.number) else {
            return;
        };
        let effect = call.live[position].effect(call.effect());
        let was_lost = call.live[position].phase == Phase::Lost;
        let attempt = match &ended {
            // It may still answer, and then its result counts (P15).
            Ended::Lost { .. } if effect != ToolEffect::Write => {
                call.live[position].phase = Phase::Lost;
                call.losses += u32::from(!was_lost && call.live[position].entered);
                call.lost += u32::from(!was_lost);
                call.live[position].clone()
            }
            Ended::Lost { .. }
            | Ended::Completed { .. }
            | Ended::Failed { .. }
            | Ended::NotTaken { .. } => call.live.remove(position),
        };
        if !was_lost {
            self.release(at.call, &attempt);
        }
        if attempt.phase == Phase::Lost && !was_lost && !attempt.entered {
            self.sent
                .linger(attempt.token, attempt.worker, at, self.now);
        }
        let by = By {
            worker: attempt.worker_name.clone(),
            queued: Duration::ZERO,
            executed: Duration::ZERO,
        };
        match ended {
            Ended::Completed {
                completed,
                queued,
                executed,
            } => {
                let by = By {
                    queued,
                    executed,
                    ..by
                };
                self.settle(at.call, Outcome::Completed(completed), Some(by));
            }
            Ended::Failed {
                failure,
                queued,
                executed,
            } => {
                let by = By {
                    queued,
                    executed,
                    ..by
                };
                self.end_failed(at, &attempt, failure, by);
            }
            Ended::NotTaken { why } => self.end_not_taken(at, &attempt, why),
            Ended::Lost { message } => self.end_lost(at, &attempt, effect, message, by),
        }
    }

    /// Gives back what the attempt held of its worker.
    pub(super) fn release(&mut self, at: CallRef, attempt: &Attempt) {
        let digest = self
            .call(at)
            .and_then(|call| call.posting.as_ref())
            .map(|posting| posting.digest);
        if let Some(worker) = self.registry.worker_mut(attempt.worker) {
            worker.in_flight = worker.in_flight.saturating_sub(1);
            worker.struck = worker.struck.saturating_sub(u32::from(attempt.struck));
            if let Some(digest) = digest {
                worker.health.returned(digest);
                worker.shares.returned(digest);
            }
        }
        self.unplaced = true;
    }

    /// Whether another attempt of the call may still settle it without anybody's doing.
    fn another_is_on_its_way(&self, at: CallRef) -> bool {
        self.call(at).is_some_and(|call| {
            call.stand != Stand::InFlight
                || call.live.iter().any(|other| other.phase != Phase::Lost)
        })
    }

    fn end_failed(&mut self, at: AttemptRef, attempt: &Attempt, failure: Failure, by: By) {
        let Some(call) = self.call_mut(at.call) else {
            return;
        };
        // A worker whose memory was too small can't tell; a write without a grant never runs.
        let never_granted = call.effect() == ToolEffect::Write && !attempt.was_granted();
        let failure = match failure.executed {
            Executed::Unknown if never_granted => Failure {
                executed: Executed::No,
                ..failure
            },
            Executed::Unknown | Executed::Yes | Executed::No => failure,
        };
        call.note_executed(failure.executed);
        call.failures += 1;
        if self.another_is_on_its_way(at.call) {
            return;
        }
        let Some(call) = self.call(at.call) else {
            return;
        };
        if call.cancel_asked && failure.kind == FailureKind::Cancelled {
            self.settle_cancelled(at.call);
            return;
        }
        match self.retry_delay(at.call, attempt, &failure) {
            Some(delay) => {
                self.counters.retries += 1;
                let why = failure.kind.as_str();
                self.come_back(at, attempt, why, delay);
            }
            None => {
                let executed = self
                    .call(at.call)
                    .map_or(failure.executed, Call::executed_if_silent);
                let failure = Failure {
                    executed,
                    ..failure
                };
                self.settle(at.call, Outcome::Failed(failure), Some(by));
            }
        }
    }

    /// How long to wait before the next attempt; `None` where there must be none.
    fn retry_delay(
        &mut self,
        at: CallRef,
        attempt: &Attempt,
        failure: &Failure,
    ) -> Option<Duration> {
        let margin = self.reply_margin();
        let call = self.call(at)?;
        let posting = call.posting.as_ref()?;
        let runs_again_safely = match attempt.effect(posting.manifest.effect) {
            ToolEffect::Read | ToolEffect::Idempotent => true,
            ToolEffect::Write => call.executed_if_silent() == Executed::No,
        };
        if call.cancel_asked
            || !runs_again_safely
            || !retry::is_transient(failure.kind)
            || call.failures >= posting.manifest.retry.attempts
        {
            return None;
        }
        let (failures, deadline) = (call.failures, call.deadline);
        let limits = &self.config.limits;
        let delay = retry::delay(limits, failures, failure.retry_after, &mut self.rng);
        let in_time = self
            .now
            .checked_add(delay.saturating_add(margin))
            .is_some_and(|ready| ready < deadline);
        if !in_time {
            return None;
        }
        if !self.retry_budget.spend() {
            self.counters.retries_refused += 1;
            return None;
        }
        Some(delay)
    }

    fn end_not_taken(&mut self, at: AttemptRef, attempt: &Attempt, why: &'static str) {
        if self.another_is_on_its_way(at.call) {
            return;
        }
        let Some(call) = self.call(at.call) else {
            return;
        };
        if call.cancel_asked {
            self.settle_cancelled(at.call);
            return;
        }
        // Being busy is no fault of the way, and costs nothing (P6).
        if why == "busy" {
            self.come_back(at, attempt, why, Duration::ZERO);
            return;
        }
        let moves = call.moves;
        self.unbind(at.call, attempt.instance);
        // What was too old, or may be a copy of something forgotten, is mended by the next beat, and a link
        // that takes nothing by time.
        let delay = match why {
            "stale" | "forgotten" | "link_down" => {
                retry::delay(&self.config.limits, moves + 1, None, &mut self.rng)
            }
            _ => Duration::ZERO,
        };
        self.move_on(at, attempt, why, delay);
    }

    fn end_lost(
        &mut self,
        at: AttemptRef,
        attempt: &Attempt,
        effect: ToolEffect,
        message: String,
        by: By,
    ) {
        match effect {
            // Without a grant it never runs, whoever finds it.
            ToolEffect::Write
                if !attempt.was_granted() || self.mutated.lacks(Mutation::BindingWord) =>
            {
                self.end_not_taken(at, attempt, FailureKind::WorkerLost.as_str());
            }
            ToolEffect::Write => {
                if let Some(call) = self.call_mut(at.call) {
                    call.note_executed(Executed::Unknown);
                }
                self.remember_late(at, attempt);
                let failure = Failure::new(FailureKind::WorkerLost, message, Executed::Unknown);
                self.settle(at.call, Outcome::Failed(failure), Some(by));
            }
            ToolEffect::Read | ToolEffect::Idempotent => {
                if self.another_is_on_its_way(at.call) {
                    return;
                }
                let Some(call) = self.call(at.call) else {
                    return;
                };
                let executed = call.executed_if_silent();
                let (losses, strikes) = (call.losses, call.strikes);
                let attempts_max = call
                    .posting
                    .as_ref()
                    .map_or(u32::MAX, |posting| posting.manifest.retry.attempts);
                // What was lost and not heard to have begun counts only where once is all there may be: else
                // a lossy way would use the attempts up.
                let ran = match attempts_max {
                    0 | 1 => call.lost,
                    2.. => losses,
                };
                let may_have_run = ran + call.failures;
                if call.cancel_asked {
                    self.settle_cancelled(at.call);
                } else if strikes >= STRIKES_MAX {
                    let failure =
                        Failure::new(FailureKind::Poison, text::poison(strikes), executed);
                    self.settle(at.call, Outcome::Failed(failure), Some(by));
                } else if losses >= LOSSES_MAX {
                    let text = text::lost_too_often(losses);
                    let failure = Failure::new(FailureKind::WorkerLost, text, executed);
                    self.settle(at.call, Outcome::Failed(failure), Some(by));
                } else if may_have_run >= attempts_max {
                    let text = text::no_attempt_left(&message, may_have_run);
                    let failure = Failure::new(FailureKind::WorkerLost, text, executed);
                    self.settle(at.call, Outcome::Failed(failure), Some(by));
                } else if let Some(nobody) = self.nobody_else(at.call, executed) {
                    let text = format!("{message}; {nobody}");
                    let failure = Failure::new(FailureKind::WorkerLost, text, executed);
                    self.settle(at.call, Outcome::Failed(failure), Some(by));
                } else {
                    let why = FailureKind::WorkerLost.as_str();
                    self.move_on(at, attempt, why, Duration::ZERO);
                }
            }
        }
    }

    /// Why no other worker can take over a call that ran where it was lost. One that never ran keeps that for
    /// its only reason.
    fn nobody_else(&self, at: CallRef, executed: Executed) -> Option<String> {
        if executed == Executed::No {
            return None;
        }
        let failure = self.somebody_serves(at).err()?;
        Some(failure.message)
    }

    /// Posts the call anew because the way lost it, unless that happened too often.
    fn move_on(&mut self, at: AttemptRef, attempt: &Attempt, why: &'static str, delay: Duration) {
        let moves_max = self.config.limits.moves_max;
        let Some(call) = self.call_mut(at.call) else {
            return;
        };
        call.moves += 1;
        let moves = call.moves;
        if moves > moves_max {
            let executed = call.executed_if_silent();
            let text = text::moved_too_often(moves, why);
            self.settle_failed(
                at.call,
                Failure::new(FailureKind::NoWorker, text, executed),
                None,
            );
            return;
        }
        self.counters.moves += 1;
        self.come_back(at, attempt, why, delay);
    }

    /// The call waits again, at its old place, at once or after a delay.
    fn come_back(&mut self, at: AttemptRef, attempt: &Attempt, why: &'static str, delay: Duration) {
        let until = self.now + delay;
        let Some(call) = self.call_mut(at.call) else {
            return;
        };
        call.avoid = (why != "busy").then_some(attempt.worker);
        self.event(at.call, || EventKind::Returned {
            attempt: at.number,
            why,
            delay,
        });
        let Some(call) = self.call_mut(at.call) else {
            return;
        };
        if delay.is_zero() {
            call.stand = Stand::Admitted;
            self.enter_waiting_room(at.call);
        } else {
            call.stand = Stand::Delayed(until);
            self.timers.set(until, Timer::Retry(at.call));
        }
    }

    /// Notes whether the tool works on that instance (P9).
    pub(super) fn note_health(
        &mut self,
        at: AttemptRef,
        instance: InstanceId,
        failure: Option<FailureKind>,
    ) {
        let Some(digest) = self
            .call(at.call)
            .and_then(|call| call.posting.as_ref())
            .map(|posting| posting.digest)
        else {
            return;
        };
        let now = self.now;
        let limits = &self.config.limits;
        if let Some(worker) = self
            .registry
            .find(instance)
            .and_then(|index| self.registry.worker_mut(index))
            && worker.health.ended(digest, failure, limits, now)
        {
            self.counters.suspensions += 1;
        }
    }

    /// Worker and coordinator don't understand each other: the call ends, and the instance is noted for it.
    pub(super) fn end_misunderstood(
        &mut self,
        at: AttemptRef,
        instance: InstanceId,
        failure: Failure,
    ) {
        self.answered(at);
        self.note_health(at, instance, Some(failure.kind));
        self.end_attempt(at, Ended::failed(failure));
    }

    /// An instance that ran these calls ended: a strike for each (P8).
    pub(super) fn strike(&mut self, at: CallRef) {
        self.counters.strikes += 1;
        let Some(call) = self.call_mut(at) else {
            return;
        };
        call.strikes += 1;
        let strikes = call.strikes;
        let executed = call.executed_if_silent();
        let (stand, order) = (call.stand, call.order);
        if strikes >= STRIKES_MAX {
            let failure = Failure::new(FailureKind::Poison, text::poison(strikes), executed);
            self.settle_failed(at, failure, None);
        } else if let Stand::Waiting(lane) = stand {
            // From now on it travels alone.
            self.waiting.leave(lane, order);
            self.enter_waiting_room(at);
        }
    }
}
