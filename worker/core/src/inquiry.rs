//! `status` and `cancel`: what is held of an attempt, and the wish to end it (P15, P16).

use callboard_proto::AttemptKey;
use callboard_proto::codec::{Batch, UnreadableItem};
use callboard_proto::message::{AckState, CancelHead, CancelItem, StatusHead, StatusItem};

use crate::answers::Answer;
use crate::failure;
use crate::memory::Known;
use crate::{ReplyTo, StopReason, Worker};

impl Worker {
    pub(crate) fn on_status(&mut self, reply: ReplyTo, batch: Batch<StatusHead, StatusItem>) {
        let Batch { head, items } = batch;
        if !self.names_us(Some(head.instance)) {
            self.counters.other_instance += 1;
            return;
        }
        let peer = self.peers.heard(reply, self.now);
        let mut answer = self.begin_inquiry(reply, items.len());
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Ok(item) => self.inquire(item.of, item.seen, (reply, peer), &mut answer),
                Err(item) => self.on_unreadable_inquiry(index, &item, &mut answer),
            }
        }
        self.answers.commit(answer);
    }

    pub(crate) fn on_cancel(&mut self, reply: ReplyTo, batch: Batch<CancelHead, CancelItem>) {
        let Batch { head, items } = batch;
        if !self.names_us(Some(head.instance)) {
            self.counters.other_instance += 1;
            return;
        }
        let peer = self.peers.heard(reply, self.now);
        let mut answer = self.begin_inquiry(reply, items.len());
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Ok(item) => self.cancel(item, (reply, peer), &mut answer),
                Err(item) => self.on_unreadable_inquiry(index, &item, &mut answer),
            }
        }
        self.answers.commit(answer);
    }

    /// Says what is known of an attempt, and gives its result if that is kept. Results go to the
    /// newest message that asked.
    fn inquire(
        &mut self,
        of: AttemptKey,
        seen: Option<u64>,
        (reply, peer): (ReplyTo, usize),
        answer: &mut Answer,
    ) {
        match self.find(&of) {
            Some(known) => {
                if let Known::Held(at) = known {
                    self.adopt(at, reply, peer, None);
                }
                self.state(known, of, reply, answer);
            }
            None => {
                let may_be_forgotten = self.memory.may_be_forgotten(seen);
                self.state_unknown(of, seen, may_be_forgotten, answer);
            }
        }
    }

    fn cancel(&mut self, item: CancelItem, (reply, peer): (ReplyTo, usize), answer: &mut Answer) {
        match self.find(&item.of) {
            Some(Known::Held(at)) if !self.held.get(at).is_running() => {
                self.counters.cancelled_unstarted += 1;
                self.adopt(at, reply, peer, None);
                self.end_unstarted(at, failure::cancelled());
                answer.settled(item.of);
            }
            Some(Known::Held(at)) => {
                self.stop(at, StopReason::Cancelled);
                self.inquire(item.of, item.seen, (reply, peer), answer);
            }
            Some(Known::Kept(_) | Known::Refused | Known::Forgotten) | None => {
                self.inquire(item.of, item.seen, (reply, peer), answer);
            }
        }
    }

    /// Answers for an attempt that is known.
    pub(crate) fn state(
        &mut self,
        known: Known,
        of: AttemptKey,
        reply: ReplyTo,
        answer: &mut Answer,
    ) {
        match known {
            Known::Held(_) => answer.held(of),
            Known::Kept(number) => {
                match self.memory.closed_result(number) {
                    Some(result) => self.outbox.push(reply, result),
                    None => {
                        let range = self.memory.place(number).range();
                        self.outbox.push_written(reply, range);
                    }
                }
                answer.settled(of);
            }
            Known::Refused => {
                self.counters.not_held += 1;
                answer.stated(of, AckState::NotHeld);
            }
            Known::Forgotten => {
                self.counters.forgotten += 1;
                answer.stated(of, AckState::Forgotten);
            }
        }
    }

    /// Answers for an attempt that isn't known: it never ran here and never will, unless it may be
    /// one whose result was forgotten. Such a one needs no entry: its call is behind the horizon, or
    /// may run again.
    pub(crate) fn state_unknown(
        &mut self,
        of: AttemptKey,
        seen: Option<u64>,
        may_be_forgotten: bool,
        answer: &mut Answer,
    ) {
        if may_be_forgotten {
            self.counters.forgotten += 1;
            answer.stated(of, AckState::Forgotten);
        } else {
            self.counters.not_held += 1;
            let origin = self.origin(seen);
            self.memory
                .refuse(of.clone(), origin, None, None, &mut self.counters);
            answer.stated(of, AckState::NotHeld);
        }
    }

    fn begin_inquiry(&self, reply: ReplyTo, lines: usize) -> Answer {
        let mut answer = self.answers.begin(reply, lines, self.now);
        answer.hasten();
        answer
    }

    /// What can't be read isn't acted upon: the sender hears so and asks again.
    fn on_unreadable_inquiry(&mut self, index: usize, item: &UnreadableItem, answer: &mut Answer) {
        self.counters.unreadable += 1;
        answer.bad(index, &item.error.to_string());
    }
}
