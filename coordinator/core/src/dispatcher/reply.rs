//! The reply matrix: every word of a worker is matched on run, turn, `tool_use_id`, attempt, epoch,
//! instance and token; what doesn't match is counted and changes nothing.

use callboard_proto::codec::{Batch, UnreadableItem};
use callboard_proto::message::{
    AckItem, AckState, Free, ProgressHead, ProgressItem, ReplyHead, ResultItem,
};
use callboard_proto::{
    AttemptKey, Effect as ToolEffect, Executed, Failure, FailureKind, InstanceId, Outcome, Token,
};

use super::Dispatcher;
use super::end::Ended;
use crate::effect::EventKind;
use crate::ledger::{AttemptRef, CallRef, Grant, Phase};
use crate::mutation::Mutation;
use crate::sent::Errand;
use crate::text;

/// What a word speaks of.
enum Match {
    /// An attempt that may still answer, and its position among its call's.
    Live(AttemptRef, usize),
    /// A call that is settled, or an attempt of it that has ended.
    Over(CallRef),
    /// No open turn of ours.
    Unknown,
    /// Something that the speaker has no say in.
    Foreign,
}

impl Dispatcher {
    /// The call that a word is about, if it is the one that is expected next under its token.
    fn find_next(&mut self, token: Token, of: &AttemptKey) -> Option<CallRef> {
        let sent = self.sent.get_mut(token)?;
        let at = sent.attempts.get(sent.next)?.call;
        let turn = self.turns.get(at.turn)?;
        let is_it = turn.key == of.turn_key() && turn.calls[at.index as usize].id == of.id;
        sent.next += usize::from(is_it);
        is_it.then_some(at)
    }

    fn find(&mut self, token: Token, instance: InstanceId, of: &AttemptKey) -> Match {
        let next = self.find_next(token, of);
        let turn_index = match next {
            Some(at) => at.turn,
            None => match self.by_turn.get(&of.turn_key()).copied() {
                Some(turn) => turn,
                None => return Match::Unknown,
            },
        };
        let turn = &self.turns[turn_index];
        if turn.options.epoch != of.epoch {
            self.counters.replies_wrong_epoch += 1;
            return Match::Foreign;
        }
        let at = match next {
            Some(at) => at,
            None => match turn.position(&of.id) {
                Some(index) => CallRef {
                    turn: turn_index,
                    index,
                },
                None => return Match::Unknown,
            },
        };
        let call = &turn.calls[at.index as usize];
        let Some(position) = call.attempt(of.attempt) else {
            return Match::Over(at);
        };
        let attempt = &call.live[position];
        if attempt.instance != instance && !self.mutated.lacks(Mutation::InstanceCheck) {
            self.counters.replies_wrong_instance += 1;
            return Match::Foreign;
        }
        let number = of.attempt;
        let is_among = |sent: &crate::sent::Sent| {
            sent.attempts
                .iter()
                .any(|sent| sent.call == at && sent.number == number)
        };
        if !attempt.was_sent_under(token)
            && !self.sent.get(token).is_some_and(is_among)
            && !self.mutated.lacks(Mutation::TokenBinding)
        {
            self.counters.replies_wrong_token += 1;
            return Match::Foreign;
        }
        Match::Live(AttemptRef { call: at, number }, position)
    }

    /// Whether a message under this token was sent to that instance; its answer's time is noted.
    fn was_sent_to(&mut self, token: Token, instance: InstanceId) -> bool {
        let Some(index) = self.registry.find(instance) else {
            return false;
        };
        let Some(sent) = self.sent.get(token).filter(|sent| sent.worker == index) else {
            return false;
        };
        let is_first_answer =
            sent.errand == Errand::Call && !sent.asked && sent.unanswered == sent.attempts.len();
        let took = self.now.saturating_duration_since(sent.at);
        if is_first_answer && let Some(worker) = self.registry.worker_mut(index) {
            worker.note_answer_time(took);
        }
        true
    }

    /// An instance answered what was sent to it: it lives, and its report counts.
    fn hear_reply(&mut self, token: Token, head: &ReplyHead) {
        let lease_time = self.clock.lease_time_at(self.now);
        let now = self.now;
        let is_answer = self
            .sent
            .get(token)
            .is_some_and(|sent| sent.errand == Errand::Question);
        let Some(worker) = self
            .registry
            .find(head.instance)
            .and_then(|index| self.registry.worker_mut(index))
        else {
            return;
        };
        worker.hear(lease_time, now);
        if is_answer {
            worker.has_answered(token);
        }
        worker.take_load(head.load);
        self.unplaced = true;
    }

    pub(super) fn take_ack(&mut self, token: Token, batch: Batch<ReplyHead, AckItem>) {
        let Batch { head, items } = batch;
        let mut matched = self.was_sent_to(token, head.instance);
        for bad in &head.bad {
            let at = self.sent.get(token).and_then(|sent| {
                let position = usize::try_from(bad.index).ok()?;
                (sent.errand == Errand::Call).then(|| sent.attempts.get(position).copied())?
            });
            match at.filter(|at| self.never_arrived(*at, Errand::Call, head.instance)) {
                Some(at) => {
                    let failure = Failure::new(
                        FailureKind::ProtocolError,
                        text::unreadable_call(&bad.reason),
                        Executed::No,
                    );
                    self.end_misunderstood(at, head.instance, failure);
                }
                None => self.counters.replies_unknown += 1,
            }
        }
        for item in items {
            match item {
                Ok(ack) => matched |= self.take_ack_item(token, head.instance, &ack),
                // Status asks again.
                Err(_) => self.counters.replies_unreadable += 1,
            }
        }
        if matched {
            self.hear_reply(token, &head);
        }
    }

    fn take_ack_item(&mut self, token: Token, instance: InstanceId, ack: &AckItem) -> bool {
        let (at, position) = match self.find(token, instance, &ack.of) {
            Match::Live(at, position) => (at, position),
            Match::Over(_) | Match::Unknown => {
                self.take_stray(token, instance, ack);
                return false;
            }
            Match::Foreign => return false,
        };
        self.answered(at);
        if matches!(
            ack.state,
            AckState::Done | AckState::Running | AckState::Waiting
        ) {
            self.hold_session(at);
        }
        let Some(call) = self.call_mut(at.call) else {
            return false;
        };
        let effect = call.live[position].effect(call.effect());
        let attempt = &mut call.live[position];
        // Who said that the tool was entered can't take it back: what happened is not known then.
        let state = if attempt.entered && ack.state.is_binding_no() {
            AckState::Forgotten
        } else {
            ack.state
        };
        match state {
            // Its result comes, or has come and was lost: then status brings it.
            AckState::Done => {
                if attempt.phase != Phase::Lost {
                    attempt.phase = Phase::Running;
                }
            }
            AckState::Running => {
                if attempt.phase != Phase::Lost {
                    attempt.phase = Phase::Running;
                }
                let first = !std::mem::replace(&mut attempt.entered, true);
                if first {
                    self.event(at.call, || EventKind::Running { attempt: at.number });
                }
            }
            AckState::Waiting => self.take_waiting(token, at, position),
            AckState::Busy if ack.tool_full => {
                self.counters.tool_busy += 1;
                self.end_attempt(at, Ended::not_taken("busy"));
                self.note_full(at.call, instance);
            }
            AckState::Busy => {
                self.counters.busy += 1;
                let now = self.now;
                if let Some(worker) = self
                    .registry
                    .find(instance)
                    .and_then(|index| self.registry.worker_mut(index))
                {
                    worker.was_busy(now);
                }
                self.end_attempt(at, Ended::not_taken("busy"));
            }
            AckState::Stale => {
                self.counters.stale += 1;
                self.end_attempt(at, Ended::not_taken("stale"));
            }
            AckState::Draining => {
                self.counters.draining += 1;
                self.note_draining(instance);
                self.end_attempt(at, Ended::not_taken("draining"));
            }
            AckState::WrongDigest => {
                self.counters.wrong_digest += 1;
                self.withdraw(instance, at.call);
                self.end_attempt(at, Ended::not_taken("wrong_digest"));
            }
            AckState::NotHeld => {
                self.counters.not_held += 1;
                self.end_attempt(at, Ended::not_taken("not_held"));
            }
            AckState::Forgotten => {
                let ended = match effect {
                    ToolEffect::Write if !attempt.was_granted() => Ended::not_taken("forgotten"),
                    ToolEffect::Write | ToolEffect::Read | ToolEffect::Idempotent => {
                        Ended::lost(text::forgotten())
                    }
                };
                self.counters.forgotten += 1;
                self.end_attempt(at, ended);
            }
            AckState::Unknown => {}
        }
        true
    }

    /// A `write` waits for its grant: it gets the one that it was given, or its first (P17).
    fn take_waiting(&mut self, token: Token, at: AttemptRef, position: usize) {
        let grant_id = callboard_proto::GrantId::new(self.random_uuid());
        let margin = self.reply_margin();
        let now = self.now;
        let Some(turn) = self.turns.get_mut(at.call.turn) else {
            return;
        };
        let of = turn.attempt_key(at.call.index, at.number);
        let call = &mut turn.calls[at.call.index as usize];
        if call.cancel_asked || call.is_settled() {
            return;
        }
        let own = call
            .posting
            .as_ref()
            .and_then(|posting| posting.manifest.attempt_timeout_ms)
            .map(std::time::Duration::from_millis);
        let left = call.deadline.saturating_duration_since(now);
        let is_past_help = call.is_past_help(now, margin);
        let attempt = &mut call.live[position];
        if attempt.phase == Phase::Lost {
            return;
        }
        if is_past_help {
            // It can't end in time any more, and ungranted it certainly doesn't run.
            attempt.phase = Phase::Waiting;
            return;
        }
        match &attempt.grant {
            // The first ack, doubled, asks for nothing; an answer to a question does, unless the grant
            // is about to leave anyway.
            Some(grant) if grant.sent == 0 || !attempt.was_asked_under(token) => return,
            Some(_) => {}
            None => {
                attempt.grant = Some(Box::new(Grant {
                    id: grant_id,
                    sent: 0,
                    token,
                }));
            }
        }
        attempt.phase = Phase::Waiting;
        let worker = attempt.worker;
        let item = callboard_proto::message::GrantItem {
            of,
            grant: attempt.grant.as_ref().map_or(grant_id, |grant| grant.id),
            budget_ms: super::post::budget(left, own, margin),
        };
        self.grants.entry(worker).or_default().push((at, item));
    }

    /// An ack that matches nothing any more is answered by a cancel (P15).
    fn take_stray(&mut self, token: Token, instance: InstanceId, ack: &AckItem) {
        // The answer to a cancel or a question is no reason for another: a tool that takes its time to
        // end would be cancelled at the pace of the network.
        if self
            .sent
            .get(token)
            .is_some_and(|sent| sent.errand == Errand::Question)
        {
            return;
        }
        self.counters.replies_unknown += 1;
        match ack.state {
            AckState::Running | AckState::Waiting => {}
            AckState::Done
            | AckState::Busy
            | AckState::Stale
            | AckState::WrongDigest
            | AckState::Draining
            | AckState::NotHeld
            | AckState::Forgotten
            | AckState::Unknown => return,
        }
        if let Some(index) = self.registry.find(instance) {
            self.counters.strays_cancelled += 1;
            let item = callboard_proto::message::CancelItem {
                of: ack.of.clone(),
                seen: None,
            };
            self.cancels.entry(index).or_default().push((None, item));
        }
    }

    pub(super) fn take_result(&mut self, token: Token, batch: Batch<ReplyHead, ResultItem>) {
        let Batch { head, items } = batch;
        let mut matched = self.was_sent_to(token, head.instance);
        for item in items {
            match item {
                Ok(result) => matched |= self.take_result_item(token, head.instance, result),
                Err(unreadable) => self.take_unreadable(token, head.instance, unreadable),
            }
        }
        if matched {
            self.hear_reply(token, &head);
        }
    }

    fn take_result_item(&mut self, token: Token, instance: InstanceId, result: ResultItem) -> bool {
        let at = match self.find(token, instance, &result.of) {
            Match::Live(at, _) => at,
            Match::Over(at) => {
                self.take_late(instance, &result, Some(at));
                return false;
            }
            Match::Unknown => {
                self.take_late(instance, &result, None);
                return false;
            }
            Match::Foreign => return false,
        };
        self.answered(at);
        self.hold_session(at);
        self.counters.results_used += 1;
        let failure = match &result.outcome {
            Outcome::Completed(_) => None,
            Outcome::Failed(failure) => Some(failure.kind),
        };
        self.note_health(at, instance, failure);
        let ended = match result.outcome {
            Outcome::Completed(completed) => Ended::Completed {
                completed,
                queued: result.queued,
                executed: result.executed,
            },
            Outcome::Failed(failure) => Ended::Failed {
                failure,
                queued: result.queued,
                executed: result.executed,
            },
        };
        self.end_attempt(at, ended);
        true
    }

    /// Names a result that came after its call was settled, or its attempt given up (P15).
    fn take_late(&mut self, instance: InstanceId, result: &ResultItem, at: Option<CallRef>) {
        if !self.late.take(&result.of, instance) {
            match at {
                Some(_) => self.counters.results_duplicate += 1,
                None => self.counters.replies_unknown += 1,
            }
            return;
        }
        self.counters.results_late += 1;
        // The turn is gone, and with it who watched it; late results are rare enough to be told always.
        let kind = match &result.outcome {
            Outcome::Completed(_) => None,
            Outcome::Failed(failure) => Some(failure.kind),
        };
        self.effects
            .push_back(crate::effect::Effect::Event(crate::effect::CallEvent {
                call: result.of.call(),
                kind: EventKind::LateResult {
                    attempt: result.of.attempt,
                    kind,
                },
            }));
    }

    /// A result that can't be read, of an attempt that can: it ended, and nobody knows how.
    fn take_unreadable(&mut self, token: Token, instance: InstanceId, item: UnreadableItem) {
        self.counters.replies_unreadable += 1;
        let Some(of) = item.of else {
            return;
        };
        if let Match::Live(at, position) = self.find(token, instance, &of) {
            let executed = self.call(at.call).map_or(Executed::Unknown, |call| {
                call.live[position].executed_if_silent(call.effect())
            });
            let failure = Failure::new(
                FailureKind::ProtocolError,
                text::unreadable_result(&item.error.to_string()),
                executed,
            );
            self.end_misunderstood(at, instance, failure);
        }
    }

    pub(super) fn take_progress(&mut self, token: Token, batch: Batch<ProgressHead, ProgressItem>) {
        let Batch { head, items } = batch;
        for item in items.into_iter().flatten() {
            if let Match::Live(at, _) = self.find(token, head.instance, &item.of) {
                self.event(at.call, || EventKind::Progress {
                    attempt: at.number,
                    percent: item.percent,
                    message: item.message,
                });
            }
        }
    }

    /// Slots are held out, under a token that only their instance was sent (P3).
    pub(super) fn take_free(&mut self, token: Token, free: &Free) {
        let lease_time = self.clock.lease_time_at(self.now);
        let now = self.now;
        let worker = self
            .registry
            .find(free.instance)
            .and_then(|index| self.registry.worker_mut(index))
            .filter(|worker| worker.knows(token));
        let Some(worker) = worker else {
            self.counters.replies_unknown += 1;
            return;
        };
        self.counters.free += 1;
        worker.hear(lease_time, now);
        worker.take_load(free.load);
        worker.shares.freed(now);
        self.unplaced = true;
    }
}
