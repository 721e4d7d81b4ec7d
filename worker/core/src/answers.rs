//! The messages that wait for their answer: each is answered as a whole (P7), by results or an ack.

use std::collections::VecDeque;
use std::time::Instant;

use callboard_proto::AttemptKey;
use callboard_proto::message::{AckState, BadItem};

use crate::ReplyTo;
use crate::failure::shortened;

/// One attempt of a message that is answered.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) of: AttemptKey,
    /// The state to report; `None` for whatever it is when the ack leaves.
    pub(crate) fixed: Option<AckState>,
    /// Whether it was refused for want of a slot of its tool.
    pub(crate) tool_full: bool,
}

/// The answer to one message.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) id: u64,
    pub(crate) reply: ReplyTo,
    /// When its ack leaves, unless results replace it.
    due: Instant,
    pub(crate) lines: Vec<Line>,
    pub(crate) bad: Vec<BadItem>,
    /// Lines whose results haven't left.
    unsent: usize,
    /// Whether the ack must leave even if results replace it.
    is_urgent: bool,
    /// Whether it leaves at the next occasion.
    is_queued: bool,
    is_closed: bool,
}

impl Answer {
    /// Names an attempt whose result, when it leaves, helps to replace the ack.
    pub(crate) fn held(&mut self, of: AttemptKey) {
        self.unsent += 1;
        self.push(of, None);
    }

    /// Names an attempt whose result leaves with this answer.
    pub(crate) fn settled(&mut self, of: AttemptKey) {
        self.push(of, Some(AckState::Done));
    }

    /// Names an attempt whose state the coordinator must act on: the ack leaves at once.
    pub(crate) fn stated(&mut self, of: AttemptKey, state: AckState) {
        self.is_urgent = true;
        self.push(of, Some(state));
    }

    /// Names an attempt for which its tool has no slot left: the ack leaves at once.
    pub(crate) fn tool_full(&mut self, of: AttemptKey, state: AckState) {
        self.stated(of, state);
        if let Some(line) = self.lines.last_mut() {
            line.tool_full = state == AckState::Busy;
        }
    }

    fn push(&mut self, of: AttemptKey, fixed: Option<AckState>) {
        self.lines.push(Line {
            of,
            fixed,
            tool_full: false,
        });
    }

    /// Names an item that can't be read at all: the ack leaves at once.
    pub(crate) fn bad(&mut self, index: usize, reason: &str) {
        self.is_urgent = true;
        self.bad.push(BadItem {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            reason: shortened(reason).to_owned(),
        });
    }

    /// Lets the ack leave at once, whatever results leave.
    pub(crate) fn hasten(&mut self) {
        self.is_urgent = true;
    }
}

/// The answers that haven't left, in the order of their messages.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    open: VecDeque<Answer>,
    /// The id of the oldest.
    first: u64,
    /// Those whose ack leaves at the next occasion.
    queued: VecDeque<u64>,
}

impl Answers {
    /// Begins an answer; it counts from [`Self::commit`] on, and the next begins only then.
    pub(crate) fn begin(&self, reply: ReplyTo, lines: usize, due: Instant) -> Answer {
        Answer {
            id: self.first + self.open.len() as u64,
            reply,
            due,
            lines: Vec::with_capacity(lines),
            bad: Vec::new(),
            unsent: 0,
            is_urgent: false,
            is_queued: false,
            is_closed: false,
        }
    }

    /// Takes an answer. Where all results leave already there is nothing to wait for; a message
    /// without items has an ack without items.
    pub(crate) fn commit(&mut self, mut answer: Answer) {
        debug_assert_eq!(answer.id, self.first + self.open.len() as u64);
        let is_empty = answer.lines.is_empty();
        if answer.unsent == 0 && !answer.is_urgent && !is_empty {
            return;
        }
        answer.is_urgent |= is_empty;
        if answer.is_urgent {
            answer.is_queued = true;
            self.queued.push_back(answer.id);
        }
        self.open.push_back(answer);
    }

    /// Notes that one result of an answer leaves.
    pub(crate) fn sent(&mut self, id: u64) {
        let Some(answer) = self.find(id) else {
            return;
        };
        answer.unsent -= 1;
        if answer.unsent == 0 && !answer.is_urgent {
            answer.is_closed = true;
            self.trim();
        }
    }

    /// When the next ack leaves.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.open.front().map(|answer| answer.due)
    }

    /// Lets the acks leave that are due.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.hasten(|answer| answer.due <= now);
    }

    /// Lets all acks leave.
    pub(crate) fn hasten_all(&mut self) {
        self.hasten(|_| true);
    }

    /// Takes the next answer whose ack leaves now.
    pub(crate) fn take_queued(&mut self) -> Option<Answer> {
        while let Some(id) = self.queued.pop_front() {
            let Some(answer) = self.find(id) else {
                continue;
            };
            answer.is_closed = true;
            let taken = Answer {
                lines: std::mem::take(&mut answer.lines),
                bad: std::mem::take(&mut answer.bad),
                ..*answer
            };
            self.trim();
            return Some(taken);
        }
        None
    }

    fn hasten(&mut self, is_due: impl Fn(&Answer) -> bool) {
        for answer in self.open.iter_mut().take_while(|answer| is_due(answer)) {
            if !answer.is_closed && !answer.is_queued {
                answer.is_queued = true;
                self.queued.push_back(answer.id);
            }
        }
    }

    fn find(&mut self, id: u64) -> Option<&mut Answer> {
        let at = usize::try_from(id.checked_sub(self.first)?).ok()?;
        self.open.get_mut(at).filter(|answer| !answer.is_closed)
    }

    fn trim(&mut self) {
        while self.open.front().is_some_and(|answer| answer.is_closed) {
            self.open.pop_front();
            self.first += 1;
        }
    }
}
