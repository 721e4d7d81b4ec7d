//! Drain: no more calls, an end for what runs, and then the word that the process may go.

use std::time::{Duration, Instant};

use callboard_proto::message::AckState;

use crate::failure;
use crate::held::{Held, Stage};
use crate::{Effect, StopReason, Worker};

/// How far the drain is.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    pub(crate) is_draining: bool,
    /// When what still runs is stopped; `None` before a drain, after that moment, and where the
    /// grace has no end.
    grace_ends: Option<Instant>,
    /// Whether the shell was told that the process may go.
    pub(crate) is_told: bool,
}

impl Drain {
    pub(crate) fn grace_ends(&self) -> Option<Instant> {
        self.grace_ends
    }
}

impl Worker {
    /// Begins a drain. A further one can shorten the grace, not lengthen it.
    pub(crate) fn on_drain(&mut self, grace: Duration) {
        let ends = self.now.checked_add(grace);
        let was_draining = std::mem::replace(&mut self.drain.is_draining, true);
        self.drain.grace_ends = match (self.drain.grace_ends, ends) {
            (Some(before), Some(ends)) => Some(before.min(ends)),
            (before, ends) => ends.or(before),
        };
        if !was_draining {
            self.peers.withdraw_all();
            self.tool_slots.withdraw_all();
            self.beats.hasten();
            let is_waiting = |at: &usize| self.held.find(*at).is_some_and(Held::is_waiting);
            let waiting = self.held.places().filter(is_waiting).collect();
            self.counters.draining += self.let_go(waiting, AckState::Draining);
        }
    }

    /// Stops what still runs when the grace is over.
    pub(crate) fn end_grace(&mut self) {
        if self.drain.grace_ends.is_none_or(|ends| ends > self.now) {
            return;
        }
        self.drain.grace_ends = None;
        for at in self.held.places() {
            match self.held.find(at).map(|held| &held.stage) {
                Some(Stage::Running) => self.stop(at, StopReason::Drained),
                Some(Stage::Queued(_) | Stage::Waiting { .. }) => {
                    self.end_unstarted(at, failure::interrupted());
                }
                None => {}
            }
        }
    }

    /// Whether nothing runs any more; every answer then leaves without further wait.
    pub(crate) fn is_idle_drained(&self) -> bool {
        self.drain.is_draining && self.held.is_empty() && !self.drain.is_told
    }

    /// Says, after all else, that the process may go.
    pub(crate) fn tell_drained(&mut self) {
        self.drain.is_told = true;
        self.ready.push_back(Effect::Drained);
    }
}
