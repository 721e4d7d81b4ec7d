//! The messages that may still come back as undelivered or unanswered, by their token (P3).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use callboard_proto::Token;
use rustc_hash::FxHashMap;

use crate::ledger::AttemptRef;
use crate::registry::WorkerIndex;

/// What a message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    Call,
    Grant,
    /// A status or a cancel.
    Question,
}

/// One message.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) errand: Errand,
    pub(crate) worker: WorkerIndex,
    pub(crate) at: Instant,
    /// The attempts that it named, in the order of its items.
    pub(crate) attempts: Vec<AttemptRef>,
    /// Where in `attempts` the next word is expected: words mostly come in the order of the items.
    pub(crate) next: usize,
    /// Of a call message: attempts that the worker wasn't heard of yet.
    pub(crate) unanswered: usize,
    /// Of a call message: when its answer is due, and whether the worker was asked already (P7).
    pub(crate) answer_due: Option<Instant>,
    pub(crate) asked: bool,
    /// Whether attempts that nobody waits for any more may still come back undelivered.
    pub(crate) lingers: bool,
}

/// The messages on their way.
#[derive(Debug, Default)]
pub(crate) struct SentMessages {
    by_token: FxHashMap<Token, Sent>,
    /// All but calls, which have an answer to wait for: forgotten after a while.
    aging: VecDeque<(Instant, Token)>,
}

impl SentMessages {
    pub(crate) fn insert(&mut self, token: Token, sent: Sent) {
        if sent.errand != Errand::Call {
            self.aging.push_back((sent.at, token));
        }
        self.by_token.insert(token, sent);
    }

    /// Remembers for a while that an attempt went out under a token, though nobody waits for its
    /// answer any more: a late 503 still binds.
    pub(crate) fn linger(
        &mut self,
        token: Token,
        worker: WorkerIndex,
        attempt: AttemptRef,
        now: Instant,
    ) {
        if let Some(sent) = self.by_token.get_mut(&token) {
            if !sent.attempts.contains(&attempt) {
                sent.attempts.push(attempt);
            }
            if !std::mem::replace(&mut sent.lingers, true) {
                self.aging.push_back((now, token));
            }
            return;
        }
        self.aging.push_back((now, token));
        let sent = Sent {
            errand: Errand::Call,
            worker,
            at: now,
            attempts: vec![attempt],
            next: 0,
            unanswered: 0,
            answer_due: None,
            asked: true,
            lingers: true,
        };
        self.by_token.insert(token, sent);
    }

    pub(crate) fn get(&self, token: Token) -> Option<&Sent> {
        self.by_token.get(&token)
    }

    pub(crate) fn get_mut(&mut self, token: Token) -> Option<&mut Sent> {
        self.by_token.get_mut(&token)
    }

    /// All answers to a call message were heard: only what lingers is remembered any longer.
    pub(crate) fn answered_in_full(&mut self, token: Token) {
        if self.by_token.get(&token).is_some_and(|sent| !sent.lingers) {
            self.by_token.remove(&token);
        }
    }

    pub(crate) fn remove(&mut self, token: Token) -> Option<Sent> {
        self.by_token.remove(&token)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_token.len()
    }

    /// Forgets grants, questions and cancels older than `age`: no 503 comes that late.
    pub(crate) fn forget_older(&mut self, age: Duration, now: Instant) {
        while let Some((at, token)) = self.aging.front().copied() {
            if now.saturating_duration_since(at) < age {
                break;
            }
            self.aging.pop_front();
            match self.by_token.get_mut(&token) {
                // Somebody still waits for its answer.
                Some(sent) if sent.unanswered > 0 => sent.lingers = false,
                Some(_) | None => {
                    self.by_token.remove(&token);
                }
            }
        }
    }
}
