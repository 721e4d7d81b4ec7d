//! Turns are opened, filled call by call, sealed and cancelled.

use callboard_proto::{Affinity, CallKey, Executed, Failure, FailureKind, Label, Outcome, TurnKey};

use super::Dispatcher;
use crate::effect::EventKind;
use crate::input::{CancelReason, NewCall, TurnOptions};
use crate::ledger::{Call, CallRef, Stand, Turn, TurnIndex};
use crate::text;
use crate::timers::Timer;
use crate::waiting::Lane;
use crate::worker::Worker;

impl Dispatcher {
    pub(super) fn open_turn(&mut self, key: TurnKey, options: TurnOptions) {
        let turn = Turn::new(key, options, self.now);
        let deadline = turn.options.deadline;
        let index = self.turns.insert(turn);
        let before = self.by_turn.insert(key, index);
        assert!(before.is_none(), "turn {key:?} is open already");
        self.timers.set(deadline, Timer::Turn(index));
    }

    /// Makes room for calls that are about to be opened, where there are many. Opening them needs no such word.
    pub fn expect_calls(&mut self, turn: &TurnKey, calls: usize) {
        if let Some(index) = self.by_turn.get(turn) {
            self.turns[*index].expect_calls(calls);
        }
    }

    pub(super) fn open_call(&mut self, key: TurnKey, new: NewCall) {
        let index = *self.by_turn.get(&key).expect("the turn of a call is open");
        let now = self.now;
        let order = self.next_order;
        self.next_order += 1;
        self.counters.calls += 1;
        self.retry_budget.earn();
        let turn = &mut self.turns[index];
        assert!(!turn.sealed, "a call came after its turn was sealed");
        assert!(
            turn.position(&new.id).is_none(),
            "the tool_use_id {} is twice in its turn",
            new.id
        );
        let (posting, refused) = match new.body {
            Ok(posting) => (Some(Box::new(posting)), None),
            Err(failure) => (None, Some(failure)),
        };
        let mut deadline = turn.options.deadline;
        let own = posting
            .as_ref()
            .and_then(|posting| posting.manifest.deadline_ms)
            .map(std::time::Duration::from_millis);
        for limit in [turn.options.call_deadline, own].into_iter().flatten() {
            // What a clock can't hold is no limit.
            deadline = now
                .checked_add(limit)
                .map_or(deadline, |own| deadline.min(own));
        }
        let position = turn.push(Call {
            id: new.id,
            tool: posting.as_ref().map(|posting| posting.tool.clone()),
            posting,
            opened: now,
            deadline,
            order,
            stand: Stand::Opened,
            live: Vec::new(),
            executed: Executed::No,
            attempts: 0,
            failures: 0,
            moves: 0,
            strikes: 0,
            losses: 0,
            lost: 0,
            cancel_asked: false,
            avoid: None,
            settled: None,
        });
        turn.open += 1;
        // A turn that goes on after its deadline was stopped by it, whoever was open at that moment.
        turn.overran |= turn.options.deadline <= now && turn.cancelled.is_none();
        let at = CallRef {
            turn: index,
            index: position,
        };
        let tool = turn.calls[position as usize].tool.clone();
        self.event(at, || EventKind::Opened { tool });
        if let Some(failure) = refused.or_else(|| self.refuses(at)) {
            self.settle_failed(at, failure, None);
            return;
        }
        let deadlines = &mut self.turns[index].deadlines;
        deadlines.entry(deadline).or_default().push(position);
        self.rearm(index);
        self.admit(at);
    }

    /// What speaks against a call before it is looked at any further.
    fn refuses(&self, at: CallRef) -> Option<Failure> {
        let turn = self.turns.get(at.turn)?;
        let no = |kind, message| Some(Failure::new(kind, message, Executed::No));
        let bytes = turn.calls[at.index as usize]
            .posting
            .as_ref()?
            .arguments
            .len();
        let bytes_max = self.config.limits.arguments_bytes_max;
        let waiting_max = self.config.limits.waiting_calls_max;
        if let Some(reason) = turn.cancelled {
            Some(cancelled(reason, Executed::No))
        } else if turn.options.deadline <= self.now {
            no(FailureKind::TimedOut, text::turn_over())
        } else if bytes > bytes_max {
            no(
                FailureKind::InvalidArguments,
                text::arguments_too_large(bytes, bytes_max),
            )
        } else if self.waiting.len() + self.held_calls >= waiting_max {
            no(
                FailureKind::Overloaded,
                text::waiting_room_full(waiting_max),
            )
        } else {
            None
        }
    }

    /// Lets a call into the waiting room, or holds it back while its turn is at its cap.
    fn admit(&mut self, at: CallRef) {
        let Some(turn) = self.turns.get_mut(at.turn) else {
            return;
        };
        if turn
            .options
            .parallel_max
            .is_some_and(|max| turn.admitted >= max)
        {
            turn.held.push_back(at.index);
            turn.calls[at.index as usize].stand = Stand::Held;
            self.held_calls += 1;
            return;
        }
        turn.admitted += 1;
        turn.calls[at.index as usize].stand = Stand::Admitted;
        self.enter_waiting_room(at);
    }

    /// Puts a call at its place in the waiting room, unless nobody could ever take it.
    pub(super) fn enter_waiting_room(&mut self, at: CallRef) {
        if let Err(failure) = self.somebody_serves(at) {
            self.settle_failed(at, failure, None);
            return;
        }
        let Some(lane) = self.lane(at) else {
            return;
        };
        let Some(call) = self.call_mut(at) else {
            return;
        };
        call.stand = Stand::Waiting(lane);
        let order = call.order;
        self.waiting.enter(lane, order, at);
        self.unplaced = true;
    }

    fn lane(&self, at: CallRef) -> Option<Lane> {
        let turn = self.turns.get(at.turn)?;
        let call = &turn.calls[at.index as usize];
        let posting = call.posting.as_ref()?;
        Some(Lane {
            digest: posting.digest,
            bound_to: (posting.manifest.affinity == Affinity::Run).then_some(turn.key.run),
            struck: call.strikes > 0,
        })
    }

    /// Whether any instance could take the call, now or when a slot frees.
    pub(super) fn somebody_serves(&self, at: CallRef) -> Result<(), Failure> {
        let Some((turn, call)) = self.turns.get(at.turn).zip(self.call(at)) else {
            return Ok(());
        };
        let Some(posting) = &call.posting else {
            return Ok(());
        };
        if posting.manifest.affinity == Affinity::Run
            && let Some(session) = self.session(turn.key.run, posting.digest)
            && self.is_gone(session)
        {
            return Err(Failure::new(
                FailureKind::WorkerLost,
                text::session_gone(&posting.tool),
                call.executed_if_silent(),
            ));
        }
        let pool = self.registry.pool(posting.digest).iter();
        let pool = pool.filter_map(|index| self.registry.worker(*index));
        let missing = |worker: &Worker| -> Vec<&Label> {
            let required = posting.manifest.require.iter();
            required.filter(|label| !worker.has_label(label)).collect()
        };
        if pool
            .clone()
            .any(|worker| !worker.draining && missing(worker).is_empty())
        {
            return Ok(());
        }
        let mut considered: Vec<String> = pool
            .map(|worker| match missing(worker).as_slice() {
                [] => text::drains(&worker.name),
                labels => text::lacks(&worker.name, labels),
            })
            .collect();
        considered.sort();
        Err(Failure::new(
            FailureKind::NoWorker,
            text::no_worker(&posting.tool, posting.digest, &considered),
            call.executed_if_silent(),
        ))
    }

    pub(super) fn seal(&mut self, key: TurnKey) {
        let index = *self.by_turn.get(&key).expect("the turn to seal is open");
        self.turns[index].sealed = true;
        self.report_if_complete(index);
    }

    pub(super) fn cancel_turn(&mut self, key: TurnKey, reason: CancelReason) {
        let Some(index) = self.by_turn.get(&key).copied() else {
            return;
        };
        let turn = &mut self.turns[index];
        turn.cancelled.get_or_insert(reason);
        let open: Vec<u32> = (0u32..)
            .zip(&turn.calls)
            .filter(|(_, call)| !call.is_settled())
            .map(|(position, _)| position)
            .collect();
        for position in open {
            self.cancel_call(CallRef {
                turn: index,
                index: position,
            });
        }
        self.report_if_complete(index);
    }

    pub(super) fn cancel_one(&mut self, key: &CallKey) {
        if let Some(turn) = self.by_turn.get(&key.turn_key()).copied()
            && let Some(index) = self.turns[turn].position(&key.id)
        {
            self.cancel_call(CallRef { turn, index });
            self.report_if_complete(turn);
        }
    }

    /// Ends a call: at once if nothing of it is out, else by its worker's last word or after the grace.
    fn cancel_call(&mut self, at: CallRef) {
        let until = self.now + self.config.limits.cancel_grace;
        let Some(call) = self.call_mut(at) else {
            return;
        };
        if call.is_settled() || call.cancel_asked {
            return;
        }
        call.cancel_asked = true;
        if call.stand != Stand::InFlight {
            self.settle_cancelled(at);
            return;
        }
        if until < call.deadline {
            call.deadline = until;
            if let Some(turn) = self.turns.get_mut(at.turn) {
                turn.deadlines.entry(until).or_default().push(at.index);
            }
            self.rearm(at.turn);
        }
        self.cancel_attempts(at);
    }

    /// Settles a call whose end was asked for, with what is known of its attempts.
    pub(super) fn settle_cancelled(&mut self, at: CallRef) {
        let reason = self.turns.get(at.turn).and_then(|turn| turn.cancelled);
        let Some(call) = self.call(at) else {
            return;
        };
        let executed = call.executed_if_silent();
        let failure = cancelled(reason.unwrap_or(CancelReason::Asked), executed);
        self.settle(at, Outcome::Failed(failure), None);
    }

    /// Brings the turn's entry in the timer table up to date.
    pub(super) fn rearm(&mut self, index: TurnIndex) {
        let Some(turn) = self.turns.get_mut(index) else {
            return;
        };
        let due = turn.due();
        if due != turn.wakes {
            if let Some(before) = std::mem::replace(&mut turn.wakes, due) {
                self.timers.clear(before, Timer::Turn(index));
            }
            if let Some(due) = due {
                self.timers.set(due, Timer::Turn(index));
            }
        }
    }

    /// Lets held calls of a turn in, as far as its cap allows now that one was settled.
    pub(super) fn release_held(&mut self, index: TurnIndex) {
        let Some(turn) = self.turns.get_mut(index) else {
            return;
        };
        // A call that is let in may be settled at once, which leads here again: one loop does it all.
        if std::mem::replace(&mut turn.letting_in, true) {
            return;
        }
        while let Some(turn) = self.turns.get_mut(index) {
            let is_full = turn
                .options
                .parallel_max
                .is_some_and(|max| turn.admitted >= max);
            let next = if is_full { None } else { turn.held.pop_front() };
            let Some(position) = next else {
                turn.letting_in = false;
                return;
            };
            if turn.calls[position as usize].stand == Stand::Held {
                self.held_calls -= 1;
                self.admit(CallRef {
                    turn: index,
                    index: position,
                });
            }
        }
    }
}

/// The outcome of a call whose end was asked for.
fn cancelled(reason: CancelReason, executed: Executed) -> Failure {
    match reason {
        CancelReason::ShuttingDown => {
            Failure::new(FailureKind::Interrupted, text::interrupted(), executed)
        }
        CancelReason::Asked => Failure::new(FailureKind::Cancelled, text::cancelled(), executed),
    }
}
