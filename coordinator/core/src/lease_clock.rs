//! Lease time counts only while the coordinator's own echo comes back (P14).

use std::time::{Duration, Instant};

/// What an echo's return means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The link carried everything since the last echo: the time between counts.
    Continuous,
    /// The link, or this coordinator, was away: no time counts, and every lease begins anew.
    Gap,
}

/// A clock that runs while the link is proven to work.
#[derive(Debug)]
pub(crate) struct LeaseClock {
    tick: Duration,
    lease_time: Duration,
    proven: Option<Instant>,
    sent: Option<(u64, Instant)>,
    next_seq: u64,
    round_trip: Duration,
}

impl LeaseClock {
    pub(crate) fn new(tick: Duration) -> Self {
        Self {
            tick,
            lease_time: Duration::ZERO,
            proven: None,
            sent: None,
            next_seq: 1,
            round_trip: Duration::ZERO,
        }
    }

    /// Lease time so far; leases end at points of it.
    pub(crate) fn lease_time(&self) -> Duration {
        self.lease_time
    }

    /// The point of lease time at which something that is heard now was heard: some time has passed
    /// since the last proof, and the next one will count it.
    pub(crate) fn lease_time_at(&self, now: Instant) -> Duration {
        let since = self.proven.map_or(Duration::ZERO, |proven| {
            now.saturating_duration_since(proven)
        });
        self.lease_time + since.min(self.tick * 2)
    }

    /// The smoothed round trip of the echo.
    pub(crate) fn round_trip(&self) -> Duration {
        self.round_trip
    }

    /// Names the next echo.
    pub(crate) fn send(&mut self, now: Instant) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.sent = Some((seq, now));
        seq
    }

    /// Takes an echo that came back; `None` for one that proves nothing new.
    pub(crate) fn returned(&mut self, seq: u64, now: Instant) -> Option<Proof> {
        let (sent, at) = self.sent?;
        if seq != sent {
            return None;
        }
        self.sent = None;
        let sample = now.saturating_duration_since(at);
        self.round_trip = if self.round_trip.is_zero() {
            sample
        } else {
            (self.round_trip * 7 + sample) / 8
        };
        let previous = self.proven.replace(now);
        // One echo is sent each tick, so two returns are one tick and a change of the round trip apart;
        // at two ticks one was lost on the way, or somebody slept.
        match previous.map(|previous| now.saturating_duration_since(previous)) {
            Some(gap) if gap <= self.tick * 3 / 2 => {
                self.lease_time += gap;
                Some(Proof::Continuous)
            }
            Some(_) | None => Some(Proof::Gap),
        }
    }

    /// Counts time without a proof: what a clock without an echo would do.
    pub(crate) fn run_on(&mut self, now: Instant) {
        if let Some(previous) = self.proven.replace(now) {
            self.lease_time += now.saturating_duration_since(previous);
        }
    }

    /// Whether the link was proven within the last two ticks.
    pub(crate) fn is_proven(&self, now: Instant) -> bool {
        self.proven
            .is_some_and(|proven| now.saturating_duration_since(proven) <= self.tick * 2)
    }

    /// Forgets the proof: the next return is a gap.
    pub(crate) fn interrupt(&mut self) {
        self.proven = None;
        self.sent = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some instant to begin with"
    )]
    fn base() -> Instant {
        Instant::now()
    }

    #[test]
    fn time_counts_only_between_two_returns_that_are_close() {
        let start = base();
        let mut clock = LeaseClock::new(SECOND);
        let first = clock.send(start);
        assert_eq!(clock.returned(first, start), Some(Proof::Gap));
        let second = clock.send(start + SECOND);
        assert_eq!(
            clock.returned(second, start + SECOND),
            Some(Proof::Continuous)
        );
        assert_eq!(clock.lease_time(), SECOND);
        // A stall of four seconds is no lease time.
        let third = clock.send(start + SECOND * 5);
        assert_eq!(clock.returned(third, start + SECOND * 5), Some(Proof::Gap));
        assert_eq!(clock.lease_time(), SECOND);
    }

    #[test]
    fn an_old_or_doubled_echo_proves_nothing() {
        let start = base();
        let mut clock = LeaseClock::new(SECOND);
        let first = clock.send(start);
        let second = clock.send(start + SECOND);
        assert_eq!(clock.returned(first, start + SECOND), None);
        assert!(clock.returned(second, start + SECOND).is_some());
        assert_eq!(clock.returned(second, start + SECOND), None);
        assert!(clock.is_proven(start + SECOND * 3));
        assert!(!clock.is_proven(start + SECOND * 4));
    }
}
