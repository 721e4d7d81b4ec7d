//! Calls: which are taken, and why the others aren't.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use callboard_proto::codec::{self, Batch, UnreadableItem};
use callboard_proto::message::{AckState, CallHead, CallItem, ResultItem};
use callboard_proto::{AttemptKey, Effect as ToolEffect, Outcome};
use rustc_hash::FxHasher;

use crate::answers::Answer;
use crate::failure;
use crate::held::{Held, Pending};
use crate::memory::{Delivery, Known};
use crate::mutation::Mutation;
use crate::{ReplyTo, Worker};

/// What the calls of a message share.
#[derive(Clone, Copy)]
struct Arrival {
    reply: ReplyTo,
    peer: usize,
    seen: Option<u64>,
}

impl Worker {
    pub(crate) fn on_call(&mut self, reply: ReplyTo, batch: Batch<CallHead, CallItem>) {
        let Batch { head, items } = batch;
        if !self.names_us(head.instance) {
            self.counters.other_instance += 1;
            return;
        }
        let arrival = Arrival {
            reply,
            peer: self.peers.heard(reply, self.now),
            seen: head.seen,
        };
        // Slots that freed just now belong to those who wait for them, not to who comes first.
        self.offer();
        let due = self.now + self.config.ack_within;
        let mut answer = self.answers.begin(reply, items.len(), due);
        let busy_before = self.counters.busy;
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Ok(item) => self.admit(item, arrival, &mut answer),
                Err(item) => self.on_unreadable_call(index, item, arrival, &mut answer),
            }
        }
        let refused = u32::try_from(self.counters.busy - busy_before).unwrap_or(u32::MAX);
        if !self.drain.is_draining {
            let demand = head.waiting.saturating_add(refused);
            self.peers.set_demand(arrival.peer, demand, reply, self.now);
        }
        self.answers.commit(answer);
    }

    /// Takes a call, repeats what is known of it, or refuses it.
    fn admit(&mut self, item: CallItem, arrival: Arrival, answer: &mut Answer) {
        let fingerprint = fingerprint(&item);
        if let Some(known) = self.find(&item.of) {
            self.repeat(known, item.of, fingerprint, arrival, answer);
            return;
        }
        let budget = item.budget_ms.duration();
        let tool = self.catalogue.find(&item.tool, item.digest.as_ref());
        let own_slot = tool.and_then(|tool| self.tool_slots.find(tool));
        let coordinator = arrival.reply.coordinator;
        let effect = tool.map_or(item.effect, |tool| tool.effect.max(item.effect));
        let may_have_run = self.memory.may_have_run(arrival.seen, effect);
        let mut tool_full = false;
        let refusal = if self.memory.must_not_run(arrival.seen, effect) {
            // Not remembered: the horizon refuses it for ever, and a flood can't push out the rest.
            self.counters.stale += 1;
            answer.stated(item.of, refusal_word(AckState::Stale, may_have_run));
            return;
        } else if self.is_stale(arrival.seen, budget) {
            self.counters.stale += 1;
            AckState::Stale
        } else if self.drain.is_draining {
            self.counters.draining += 1;
            AckState::Draining
        } else if tool.is_none() {
            self.counters.wrong_digest += 1;
            AckState::WrongDigest
        } else if budget.is_zero() && !may_have_run {
            self.counters.timed_out_unstarted += 1;
            self.fail_unheld(
                item.of,
                failure::timed_out(),
                Some(fingerprint),
                arrival,
                answer,
            );
            return;
        } else if own_slot.is_some_and(|own| !self.tool_slots.may_take(own, coordinator)) {
            self.counters.tool_busy += 1;
            tool_full = true;
            AckState::Busy
        } else if !self.peers.take(arrival.peer) {
            self.counters.busy += 1;
            AckState::Busy
        } else {
            if let Some(own) = own_slot {
                self.tool_slots.take(own, coordinator);
            }
            let how = (effect, own_slot, may_have_run);
            self.hold(item, how, fingerprint, arrival, answer);
            return;
        };
        let origin = self.origin(arrival.seen);
        self.memory.refuse(
            item.of.clone(),
            origin,
            may_have_run.then_some(effect),
            None,
            &mut self.counters,
        );
        let word = refusal_word(refusal, may_have_run);
        if tool_full {
            answer.tool_full(item.of, word);
        } else {
            answer.stated(item.of, word);
        }
    }

    /// Whether a message is too old for its budget (P13). Before the first beat is seen it names none.
    pub(crate) fn is_stale(&self, seen: Option<u64>, budget: Duration) -> bool {
        seen.is_some_and(|seen| self.beats.is_stale(seen, budget, self.now))
            && !self.mutated.lacks(Mutation::AgeCheck)
    }

    fn hold(
        &mut self,
        item: CallItem,
        (effect, own_slot, may_have_run): (ToolEffect, Option<usize>, bool),
        fingerprint: u64,
        arrival: Arrival,
        answer: &mut Answer,
    ) {
        let pending = Pending {
            tool: item.tool,
            arguments: item.arguments,
            key: item.key,
            traceparent: item.traceparent,
            budget: item.budget_ms.duration(),
        };
        let ticket = self.memory.hold(&item.of, self.held.next_place());
        let mut held = Held::new(
            (item.of.clone(), ticket),
            effect,
            fingerprint,
            self.origin(arrival.seen),
            (arrival.peer, arrival.reply, answer.id),
            pending,
            self.now,
        );
        held.may_have_run = may_have_run;
        held.own_slot = own_slot;
        if held.is_waiting() {
            answer.hasten();
        }
        self.held.insert(held);
        answer.held(item.of);
    }

    /// Answers a call that arrived again: it never runs again.
    fn repeat(
        &mut self,
        known: Known,
        of: AttemptKey,
        fingerprint: u64,
        arrival: Arrival,
        answer: &mut Answer,
    ) {
        self.counters.duplicates += 1;
        let first = match known {
            Known::Held(at) => Some(self.held.get(at).fingerprint),
            Known::Kept(number) => self.memory.kept(number).delivery.fingerprint,
            Known::Refused | Known::Forgotten => None,
        };
        if first.is_some_and(|first| first != fingerprint) {
            self.counters.conflicting += 1;
            // By itself, not in a page: it isn't kept, and must not hold up what is forgotten.
            let mut result = Vec::new();
            codec::append_item(&mut result, &unexecuted(&of, failure::other_arguments()));
            self.outbox.push(arrival.reply, result.into());
            answer.settled(of);
            return;
        }
        if let Known::Held(at) = known {
            self.adopt(at, arrival.reply, arrival.peer, Some(answer.id));
            if self.held.get(at).is_waiting() {
                answer.hasten();
            }
        }
        self.state(known, of, arrival.reply, answer);
    }

    /// Fails a call that can't be read, unless the attempt is known: then that stands.
    fn on_unreadable_call(
        &mut self,
        index: usize,
        item: UnreadableItem,
        arrival: Arrival,
        answer: &mut Answer,
    ) {
        self.counters.unreadable += 1;
        let reason = item.error.to_string();
        let Some(of) = item.of else {
            answer.bad(index, &reason);
            return;
        };
        match self.find(&of) {
            Some(known) => {
                answer.hasten();
                self.state(known, of, arrival.reply, answer);
            }
            None => {
                let may_be_forgotten = self.memory.may_be_forgotten(arrival.seen);
                if may_be_forgotten {
                    self.state_unknown(of, arrival.seen, true, answer);
                    return;
                }
                let outcome = failure::unreadable(&reason);
                self.fail_unheld(of, outcome, None, arrival, answer);
            }
        }
    }

    /// Ends an attempt that never held a slot, and remembers it so that no copy can run.
    fn fail_unheld(
        &mut self,
        of: AttemptKey,
        outcome: Outcome,
        fingerprint: Option<u64>,
        arrival: Arrival,
        answer: &mut Answer,
    ) {
        let origin = self.origin(arrival.seen);
        let written = self.memory.keep(
            &unexecuted(&of, outcome),
            Delivery {
                fingerprint,
                effect: ToolEffect::Write,
                grant: None,
                origin,
            },
            None,
            self.now,
            &mut self.counters,
        );
        self.outbox.push_written(arrival.reply, written.range());
        answer.settled(of);
    }
}

/// The end of an attempt that never held a slot.
fn unexecuted(of: &AttemptKey, outcome: Outcome) -> ResultItem {
    ResultItem {
        of: of.clone(),
        outcome,
        queued: Duration::ZERO,
        executed: Duration::ZERO,
    }
}

/// The word for a refusal: a binding one only where it is sure that no earlier copy ran.
pub(crate) fn refusal_word(refusal: AckState, may_have_run: bool) -> AckState {
    if may_have_run {
        AckState::Forgotten
    } else {
        refusal
    }
}

/// What tells two deliveries of one attempt apart: a hash, because the arguments themselves are gone
/// once the tool runs.
fn fingerprint(item: &CallItem) -> u64 {
    let mut hasher = FxHasher::default();
    item.tool.hash(&mut hasher);
    hasher.write(&item.arguments);
    hasher.finish()
}
