//! How often progress leaves: the latest wins, at most four a second per attempt (P23).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Least time between two messages about one attempt (P23).
const INTERVAL: Duration = Duration::from_millis(250);

/// When each attempt, by its place, may speak again. Each stands here at most once: it has news again only once
/// its news were read.
#[derive(Default)]
pub(super) struct ProgressClock {
    due: BTreeSet<(Instant, usize)>,
}

impl ProgressClock {
    /// Whether an attempt with news may speak now; if not, it is due later.
    pub(super) fn may_speak(&mut self, place: usize, last: Option<Instant>, now: Instant) -> bool {
        match last.map(|last| last + INTERVAL) {
            Some(due) if due > now => {
                self.due.insert((due, place));
                false
            }
            Some(_) | None => true,
        }
    }

    /// Forgets an attempt that has ended and last spoke then.
    pub(super) fn forget(&mut self, place: usize, last: Option<Instant>) {
        if let Some(last) = last
            && !self.due.is_empty()
        {
            self.due.remove(&(last + INTERVAL, place));
        }
    }

    /// When the next attempt is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Takes one attempt that is due.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<usize> {
        if self.next()? > now {
            return None;
        }
        self.due.pop_first().map(|(_, place)| place)
    }
}
