//! The one timer table: what is due when. No timer per call; a turn has one entry, a message one.

use std::collections::BTreeSet;
use std::time::Instant;

use callboard_proto::Token;

use crate::ledger::{CallRef, TurnIndex};

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The answer to a call message (P7).
    Answer(Token),
    /// A call may be tried again.
    Retry(CallRef),
    /// A call's or the turn's deadline.
    Turn(TurnIndex),
    /// A silent instance's lease ends, if the link is proven then (P14).
    Lease,
}

#[derive(Debug, Default)]
pub(crate) struct Timers(BTreeSet<(Instant, Timer)>);

impl Timers {
    pub(crate) fn set(&mut self, at: Instant, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(crate) fn clear(&mut self, at: Instant, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Takes the first timer that is due.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        let (at, timer) = self.0.first().copied()?;
        (at <= now).then(|| {
            self.0.remove(&(at, timer));
            timer
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
