//! What is due: answers to call messages, retries, deadlines.

use callboard_proto::{Effect as ToolEffect, Executed, Failure, FailureKind, Token};

use super::Dispatcher;
use super::end::Ended;
use crate::ledger::{AttemptRef, CallRef, Phase, Stand, TurnIndex};
use crate::text;
use crate::timers::Timer;

impl Dispatcher {
    /// A call message has no answer in time: first the worker is asked, then the calls go elsewhere (P7).
    pub(super) fn answer_is_due(&mut self, token: Token) {
        let is_proven = self.clock.is_proven(self.now);
        let Some(sent) = self.sent.get(token) else {
            return;
        };
        let index = sent.worker;
        let accept_timeout = match self.registry.worker(index) {
            Some(worker) => worker.accept_timeout(&self.config.limits),
            None => self.config.limits.accept_timeout_min,
        };
        let was_asked = sent.asked;
        let due = self.now + accept_timeout;
        if !was_asked || !is_proven {
            if let Some(sent) = self.sent.get_mut(token) {
                // With the own link unproven, silence says nothing about the worker (P14).
                sent.asked |= is_proven;
                sent.answer_due = Some(due);
            }
            self.timers.set(due, Timer::Answer(token));
        }
        if !is_proven {
            return;
        }
        let unanswered = self.unanswered(token);
        if was_asked {
            if let Some(sent) = self.sent.get_mut(token) {
                sent.answer_due = None;
            }
            for at in unanswered {
                self.counters.asked_in_vain += 1;
                self.give_up_on_answer(at);
            }
        } else {
            self.counters.accept_timeouts += 1;
            for at in &unanswered {
                if let Some(attempt) = self.attempt_mut(*at) {
                    attempt.phase = Phase::Asked;
                }
            }
            self.ask(index, unanswered);
        }
    }

    fn unanswered(&self, token: Token) -> Vec<AttemptRef> {
        let Some(sent) = self.sent.get(token) else {
            return Vec::new();
        };
        let is_unanswered = |at: &&AttemptRef| {
            self.call(at.call)
                .and_then(|call| call.live.get(call.attempt(at.number)?))
                .is_some_and(|attempt| attempt.unanswered)
        };
        sent.attempts
            .iter()
            .filter(is_unanswered)
            .copied()
            .collect()
    }

    fn give_up_on_answer(&mut self, at: AttemptRef) {
        self.answered(at);
        let Some(call) = self.call(at.call) else {
            return;
        };
        let ended = match call.effect() {
            // Nobody granted it, so it never runs; if it is found, it is cancelled.
            ToolEffect::Write => Ended::not_taken("unanswered"),
            ToolEffect::Read | ToolEffect::Idempotent => Ended::lost(text::unanswered()),
        };
        self.end_attempt(at, ended);
    }

    pub(super) fn retry_is_due(&mut self, at: CallRef) {
        let Some(call) = self.call_mut(at) else {
            return;
        };
        if matches!(call.stand, Stand::Delayed(_)) {
            call.stand = Stand::Admitted;
            self.enter_waiting_room(at);
        }
    }

    /// A deadline of the turn or of some of its calls has come.
    pub(super) fn turn_is_due(&mut self, index: TurnIndex) {
        let now = self.now;
        let Some(turn) = self.turns.get_mut(index) else {
            return;
        };
        turn.wakes = None;
        if turn.options.deadline <= now && !turn.expired {
            turn.expired = true;
            if turn.open > 0 && turn.cancelled.is_none() {
                turn.overran = true;
                self.counters.turn_deadlines += 1;
            }
        }
        loop {
            let Some(turn) = self.turns.get_mut(index) else {
                // The last call that was due completed the turn.
                return;
            };
            let Some(first) = turn
                .deadlines
                .first_entry()
                .filter(|first| *first.key() <= now)
            else {
                break;
            };
            for position in first.remove() {
                self.deadline_is_due(CallRef {
                    turn: index,
                    index: position,
                });
            }
        }
        self.rearm(index);
    }

    fn deadline_is_due(&mut self, at: CallRef) {
        let Some(call) = self.call(at) else {
            return;
        };
        if call.is_settled() || call.deadline > self.now {
            return;
        }
        self.end_at_deadline(at);
    }

    /// Settles a call that its deadline ends, now or soon: with what is known of its attempts.
    pub(super) fn end_at_deadline(&mut self, at: CallRef) {
        let Some(call) = self.call(at) else {
            return;
        };
        if call.cancel_asked {
            self.settle_cancelled(at);
            return;
        }
        let after = call.deadline.saturating_duration_since(call.opened);
        let executed = call.executed_if_silent();
        let only_waited = call.stand != Stand::InFlight
            && executed == Executed::No
            && call.failures == 0
            && call.moves == 0;
        let failure = if only_waited {
            Failure::new(FailureKind::Overloaded, text::no_slot(after), executed)
        } else {
            Failure::new(FailureKind::TimedOut, text::call_deadline(after), executed)
        };
        self.counters.call_deadlines += 1;
        self.settle_failed(at, failure, None);
    }
}
