//! A call gets its outcome, and a turn whose calls all have theirs is reported.

use std::time::Duration;

use callboard_proto::message::CancelItem;
use callboard_proto::{Executed, Failure, FailureKind, Outcome, WorkerName};

use super::Dispatcher;
use crate::effect::{Effect, EventKind};
use crate::ledger::{Attempt, AttemptRef, CallRef, Phase, Settled, Stand, TurnIndex};
use crate::timers::Timer;

/// Whose answer settled a call.
#[derive(Clone, Debug)]
pub(super) struct By {
    pub(super) worker: WorkerName,
    pub(super) queued: Duration,
    pub(super) executed: Duration,
}

impl Dispatcher {
    pub(super) fn settle_failed(&mut self, at: CallRef, failure: Failure, by: Option<By>) {
        self.settle(at, Outcome::Failed(failure), by);
    }

    /// Gives a call its one outcome and ends whatever of it is still out.
    pub(super) fn settle(&mut self, at: CallRef, outcome: Outcome, by: Option<By>) {
        let now = self.now;
        let Some(call) = self.call_mut(at) else {
            return;
        };
        if call.is_settled() {
            return;
        }
        match call.stand {
            Stand::Waiting(lane) => {
                let order = call.order;
                self.waiting.leave(lane, order);
            }
            Stand::Delayed(until) => self.timers.clear(until, Timer::Retry(at)),
            Stand::Held => self.held_calls -= 1,
            Stand::Opened | Stand::Admitted | Stand::InFlight | Stand::Settled => {}
        }
        // A call that waits again may have lost attempts that can still answer.
        self.end_what_is_out(at);
        let Some(call) = self.call_mut(at) else {
            return;
        };
        let was_admitted = !matches!(call.stand, Stand::Opened | Stand::Held);
        call.stand = Stand::Settled;
        call.posting = None;
        let elapsed = now.saturating_duration_since(call.opened);
        let attempts = call.attempts;
        let (worker, queued, executed) = by.map_or((None, Duration::ZERO, Duration::ZERO), |by| {
            (Some(by.worker), by.queued, by.executed)
        });
        let (kind, is_error, ran) = match &outcome {
            Outcome::Completed(completed) => (None, completed.is_error, Executed::Yes),
            Outcome::Failed(failure) => (Some(failure.kind), false, failure.executed),
        };
        let is_watched = self.is_watched(at);
        let message = match &outcome {
            Outcome::Failed(failure) if is_watched => failure.message.clone(),
            Outcome::Failed(_) | Outcome::Completed(_) => String::new(),
        };
        let Some(call) = self.call_mut(at) else {
            return;
        };
        call.settled = Some(Box::new(Settled {
            outcome,
            worker: worker.clone(),
            elapsed,
            queued,
            executed,
        }));
        if let Some(kind) = kind {
            self.count(kind);
        }
        self.event(at, || EventKind::Settled {
            kind,
            is_error,
            message,
            executed: ran,
            worker,
            attempts,
            elapsed,
            queued,
            ran_for: executed,
        });
        if let Some(turn) = self.turns.get_mut(at.turn) {
            turn.open -= 1;
            turn.admitted -= u32::from(was_admitted);
            if !turn.held.is_empty() {
                self.release_held(at.turn);
            }
        }
        self.report_if_complete(at.turn);
    }

    fn count(&mut self, kind: FailureKind) {
        match kind {
            FailureKind::Overloaded => self.counters.overloaded += 1,
            FailureKind::NoWorker => self.counters.no_worker += 1,
            FailureKind::Poison => self.counters.poison += 1,
            FailureKind::InvalidArguments
            | FailureKind::UnknownTool
            | FailureKind::Refused
            | FailureKind::TimedOut
            | FailureKind::WorkerLost
            | FailureKind::Crashed
            | FailureKind::Cancelled
            | FailureKind::Interrupted
            | FailureKind::OutputTooLarge
            | FailureKind::ProtocolError
            | FailureKind::Internal => {}
        }
    }

    /// Gives up every attempt that may still answer: cancelled, and remembered for a late result.
    fn end_what_is_out(&mut self, at: CallRef) {
        let Some(call) = self.call(at) else {
            return;
        };
        if call.live.is_empty() {
            return;
        }
        let numbers: Vec<_> = call.live.iter().map(|attempt| attempt.number).collect();
        for number in numbers {
            self.answered(AttemptRef { call: at, number });
        }
        self.cancel_attempts(at);
        let Some(call) = self.call_mut(at) else {
            return;
        };
        for attempt in std::mem::take(&mut call.live) {
            let number = attempt.number;
            self.remember_late(AttemptRef { call: at, number }, &attempt);
            if attempt.phase != Phase::Lost {
                self.release(at, &attempt);
            }
        }
    }

    pub(super) fn remember_late(&mut self, at: AttemptRef, attempt: &Attempt) {
        if let Some(turn) = self.turns.get(at.call.turn) {
            let of = turn.attempt_key(at.call.index, at.number);
            self.late.remember(of, attempt.instance);
        }
    }

    /// Sends a cancel for every attempt that may still run: those that were given up may, as long as their
    /// instance is there.
    pub(super) fn cancel_attempts(&mut self, at: CallRef) {
        let Some(turn) = self.turns.get(at.turn) else {
            return;
        };
        for attempt in &turn.calls[at.index as usize].live {
            let number = attempt.number;
            let item = CancelItem {
                of: turn.attempt_key(at.index, number),
                seen: attempt.seen,
            };
            let cancel = (Some(AttemptRef { call: at, number }), item);
            self.cancels.entry(attempt.worker).or_default().push(cancel);
        }
    }

    pub(super) fn report_if_complete(&mut self, index: TurnIndex) {
        if !self.turns.get(index).is_some_and(|turn| turn.is_complete()) {
            return;
        }
        let Some(turn) = self.turns.remove(index) else {
            return;
        };
        self.by_turn.remove(&turn.key);
        if let Some(wakes) = turn.wakes {
            self.timers.clear(wakes, Timer::Turn(index));
        }
        self.effects
            .push_back(Effect::Report(turn.into_report(self.now)));
    }
}
