//! Beats (P16), and ages measured by them (P13).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Beats whose time is remembered: more than an hour at one a second (chosen, not measured).
const BEATS_REMEMBERED: usize = 4096;

/// Beats that leave early are this part of an interval apart at least (chosen, not measured).
const EARLY_PART: u32 = 64;

/// When beats leave, and when those left that others have seen.
#[derive(Debug)]
pub(crate) struct Beats {
    interval: Duration,
    next: Instant,
    is_due: bool,
    /// The number of the newest beat; 0 before the first.
    last: u64,
    /// When the newest beats left, oldest first.
    left: VecDeque<Instant>,
}

impl Beats {
    /// Begins with a beat at once.
    pub(crate) fn new(interval: Duration, now: Instant) -> Self {
        Self {
            interval,
            next: now + interval,
            is_due: true,
            last: 0,
            left: VecDeque::new(),
        }
    }

    /// The number of the newest beat: no message that anybody sent yet can name a newer one.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// When the newest beat left.
    pub(crate) fn last_left(&self) -> Option<Instant> {
        self.left.back().copied()
    }

    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// Lets a beat leave at the next occasion.
    pub(crate) fn hasten(&mut self) {
        self.is_due = true;
    }

    /// Lets a beat leave if it is time. However late it is, one beat says all.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if now >= self.next {
            self.is_due = true;
            self.next += self.interval;
            if self.next <= now {
                self.next = now + self.interval;
            }
        }
    }

    /// Lets the next beat leave early, as soon as beats may follow each other.
    pub(crate) fn advance(&mut self, now: Instant) {
        match self
            .last_left()
            .map(|left| left + self.interval / EARLY_PART)
        {
            Some(early) if early > now => self.next = self.next.min(early),
            _ => self.is_due = true,
        }
    }

    /// Takes the beat that is due, as its number.
    pub(crate) fn take(&mut self, now: Instant) -> Option<u64> {
        if !self.is_due {
            return None;
        }
        self.is_due = false;
        self.last += 1;
        if self.left.len() == BEATS_REMEMBERED {
            self.left.pop_front();
        }
        self.left.push_back(now);
        Some(self.last)
    }

    /// Whether a message with `budget` that names beat `seen` is too old to be acted on (P13).
    ///
    /// A beat that is no longer remembered is too old, and one that never left is nobody's.
    pub(crate) fn is_stale(&self, seen: u64, budget: Duration, now: Instant) -> bool {
        let Some(back) = self.last.checked_sub(seen) else {
            return true;
        };
        let left = usize::try_from(back)
            .ok()
            .and_then(|back| self.left.len().checked_sub(back + 1))
            .map(|at| self.left[at]);
        left.is_none_or(|left| now.saturating_duration_since(left) > budget + 2 * self.interval)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{BEATS_REMEMBERED, Beats};

    #[test]
    fn what_is_not_remembered_or_never_was_is_too_old() {
        #[expect(clippy::disallowed_methods, reason = "an instant to count from")]
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let day = Duration::from_secs(86_400);
        let mut beats = Beats::new(second, start);
        assert!(beats.is_stale(0, day, start));
        assert!(beats.is_stale(1, day, start));
        let mut now = start;
        for seq in 1..=BEATS_REMEMBERED as u64 + 1 {
            beats.hasten();
            assert_eq!(beats.take(now), Some(seq));
            now += second;
        }
        assert!(beats.is_stale(0, day, now));
        assert!(beats.is_stale(1, day, now));
        assert!(!beats.is_stale(2, day, now));
        assert!(beats.is_stale(beats.last() + 1, day, now));
    }
}
