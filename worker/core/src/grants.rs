//! Grants: the permission to execute a `write` once (P17).

use callboard_proto::codec::{Batch, UnreadableItem};
use callboard_proto::message::{AckState, GrantHead, GrantItem};
use callboard_proto::{AttemptKey, GrantId};

use crate::answers::Answer;
use crate::failure;
use crate::memory::Known;
#[cfg(feature = "mutation")]
use crate::mutation::Mutation;
use crate::{ReplyTo, Worker};

impl Worker {
    pub(crate) fn on_grant(&mut self, reply: ReplyTo, batch: Batch<GrantHead, GrantItem>) {
        let Batch { head, items } = batch;
        if !self.names_us(Some(head.instance)) {
            self.counters.other_instance += 1;
            return;
        }
        let peer = self.peers.heard(reply, self.now);
        let due = self.now + self.config.ack_within;
        let mut answer = self.answers.begin(reply, items.len(), due);
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Ok(item) => self.grant(item, head.seen, (reply, peer), &mut answer),
                Err(item) => self.on_unreadable_grant(index, item, (reply, peer), &mut answer),
            }
        }
        self.answers.commit(answer);
    }

    fn grant(
        &mut self,
        item: GrantItem,
        seen: Option<u64>,
        (reply, peer): (ReplyTo, usize),
        answer: &mut Answer,
    ) {
        match self.find_punctual(&item.of) {
            Some(Known::Held(at)) if self.held.get(at).is_waiting() => {
                self.grant_waiting(at, item, seen, (reply, peer), answer);
            }
            #[cfg(feature = "mutation")]
            Some(Known::Held(_) | Known::Kept(_)) if self.mutated.lacks(Mutation::GrantId) => {
                self.start_again(&item.of);
                answer.stated(item.of, AckState::Running);
            }
            Some(Known::Held(at)) => {
                let acted_on = self.held.get(at).grant;
                if self.repeats(acted_on, item.grant) {
                    self.adopt(at, reply, peer, Some(answer.id));
                } else {
                    answer.hasten();
                }
                answer.held(item.of);
            }
            Some(Known::Kept(number)) => {
                let acted_on = self.memory.kept(number).delivery.grant;
                if self.repeats(acted_on, item.grant) {
                    self.state(Known::Kept(number), item.of, reply, answer);
                } else {
                    answer.stated(item.of, AckState::Done);
                }
            }
            Some(known @ (Known::Refused | Known::Forgotten)) => {
                self.state(known, item.of, reply, answer);
            }
            None => {
                let may_have_run = self.memory.may_have_run_granted();
                self.state_unknown(item.of, seen, may_have_run, answer);
            }
        }
    }

    fn grant_waiting(
        &mut self,
        at: usize,
        item: GrantItem,
        seen: Option<u64>,
        (reply, peer): (ReplyTo, usize),
        answer: &mut Answer,
    ) {
        let budget = item.budget_ms.duration();
        if self.is_stale(seen, budget) {
            self.counters.grants_stale += 1;
            self.drop_unstarted(at);
            let known = self.find(&item.of).unwrap_or(Known::Refused);
            self.state(known, item.of, reply, answer);
            return;
        }
        if budget.is_zero() {
            self.counters.timed_out_unstarted += 1;
            self.adopt(at, reply, peer, None);
            self.end_unstarted(at, failure::timed_out());
            answer.settled(item.of);
            return;
        }
        self.counters.grants += 1;
        self.adopt(at, reply, peer, Some(answer.id));
        self.held.grant(at, item.grant, budget, self.now);
        answer.held(item.of);
    }

    /// Whether a grant is the one that was acted on, and not another, which is ignored.
    fn repeats(&mut self, acted_on: Option<GrantId>, grant: GrantId) -> bool {
        let is_repeated = acted_on == Some(grant);
        if is_repeated {
            self.counters.grants_repeated += 1;
        } else {
            self.counters.grants_ignored += 1;
        }
        is_repeated
    }

    /// Looks an attempt up after its own timer, if that is due: inputs are read before timers fire,
    /// and a grant must not win against a window that is over.
    fn find_punctual(&mut self, of: &AttemptKey) -> Option<Known> {
        if let Some(Known::Held(at)) = self.find(of) {
            let held = self.held.get(at);
            if held.is_waiting() && held.is_due(self.now) {
                self.on_due(at);
            }
        }
        self.find(of)
    }

    /// Ends the write whose grant can't be read.
    fn on_unreadable_grant(
        &mut self,
        index: usize,
        item: UnreadableItem,
        (reply, peer): (ReplyTo, usize),
        answer: &mut Answer,
    ) {
        self.counters.unreadable += 1;
        let reason = item.error.to_string();
        let Some(of) = item.of else {
            answer.bad(index, &reason);
            return;
        };
        match self.find_punctual(&of) {
            Some(Known::Held(at)) if self.held.get(at).is_waiting() => {
                self.adopt(at, reply, peer, None);
                self.end_unstarted(at, failure::unreadable(&reason));
                answer.settled(of);
            }
            Some(known) => {
                answer.hasten();
                self.state(known, of, reply, answer);
            }
            None => {
                let may_have_run = self.memory.may_have_run_granted();
                self.state_unknown(of, None, may_have_run, answer);
            }
        }
    }
}
