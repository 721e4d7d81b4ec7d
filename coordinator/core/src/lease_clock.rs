//! Lease time counts only while the coordinator's own echo comes back (P14).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What an echo's return means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The link carried everything since the last echo: the time between counts.
    Continuous,
    /// The link, or this coordinator, was away: no time counts, and every lease begins anew.
    Gap,
}

/// Echoes on their way that are remembered: a round trip of more than a minute counts as a cut (chosen, not
/// measured).
const OUTSTANDING_MAX: usize = 64;

/// A clock that runs while the link is proven to work.
#[derive(Debug)]
pub(crate) struct LeaseClock {
    tick: Duration,
    lease_time: Duration,
    proven: Option<Instant>,
    /// The echoes on their way, the oldest first: a round trip may be longer than a tick.
    outstanding: VecDeque<(u64, Instant)>,
    next_seq: u64,
    round_trip: Duration,
}

impl LeaseClock {
    pub(crate) fn new(tick: Duration) -> Self {
        Self {
            tick,
            lease_time: Duration::ZERO,
            proven: None,
            outstanding: VecDeque::new(),
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
        if self.outstanding.len() == OUTSTANDING_MAX {
            self.outstanding.pop_front();
        }
        self.outstanding.push_back((seq, now));
        seq
    }

    /// Takes an echo that came back; `None` for one that proves nothing new.
    pub(crate) fn returned(&mut self, seq: u64, now: Instant) -> Option<Proof> {
        let position = self.outstanding.iter().position(|(sent, _)| *sent == seq)?;
        let (_, at) = self.outstanding[position];
        // The link keeps the order: those before it are lost, or will prove nothing.
        self.outstanding.drain(..=position);
        let sample = now.saturating_duration_since(at);
        self.round_trip = if self.round_trip.is_zero() {
            sample
        } else {
            (self.round_trip * 7 + sample) / 8
        };
        let previous = self.proven.replace(now);
        // An echo is sent at least each tick, so two returns are at most a tick and a change of the round trip
        // apart; at two ticks somebody slept.
        match previous.map(|previous| now.saturating_duration_since(previous)) {
            Some(gap) if position == 0 && gap <= self.tick * 3 / 2 => {
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

    /// When a lease ends that runs since that point of lease time, if the link goes on to be proven; `None` while
    /// it isn't.
    pub(crate) fn end_of(&self, heard: Duration, lease: Duration) -> Option<Instant> {
        let left = (heard + lease).saturating_sub(self.lease_time);
        self.proven?.checked_add(left)
    }

    /// Whether the link was proven within the last two ticks.
    pub(crate) fn is_proven(&self, now: Instant) -> bool {
        self.proven
            .is_some_and(|proven| now.saturating_duration_since(proven) <= self.tick * 2)
    }

    /// Forgets the proof: the next return is a gap.
    pub(crate) fn interrupt(&mut self) {
        self.proven = None;
        self.outstanding.clear();
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
    fn a_round_trip_may_be_longer_than_a_tick() {
        let start = base();
        let mut clock = LeaseClock::new(SECOND);
        let way = SECOND * 5 / 2;
        let mut sent = VecDeque::new();
        for tick in 0..10 {
            let now = start + SECOND * tick;
            sent.push_back((clock.send(now), now + way));
            while let Some((seq, back)) = sent.pop_front_if(|(_, back)| *back <= now) {
                assert!(clock.returned(seq, back).is_some());
            }
        }
        // The returns came at 2.5 s, 3.5 s, …, 8.5 s.
        assert_eq!(clock.lease_time(), SECOND * 6);
        assert!(clock.is_proven(start + SECOND * 9));
        assert_eq!(clock.round_trip(), way);
    }

    #[test]
    fn a_doubled_echo_proves_nothing_and_a_lost_one_is_a_gap() {
        let start = base();
        let mut clock = LeaseClock::new(SECOND);
        let first = clock.send(start);
        assert_eq!(clock.returned(first, start), Some(Proof::Gap));
        assert_eq!(clock.returned(first, start), None);
        // A further echo between two ticks hides no lost one.
        let further = clock.send(start + SECOND / 2);
        assert_eq!(
            clock.returned(further, start + SECOND / 2),
            Some(Proof::Continuous)
        );
        let lost = clock.send(start + SECOND);
        let next = clock.send(start + SECOND * 2);
        assert_eq!(clock.returned(next, start + SECOND * 2), Some(Proof::Gap));
        assert_eq!(clock.returned(lost, start + SECOND * 2), None);
        assert!(clock.is_proven(start + SECOND * 4));
        assert!(!clock.is_proven(start + SECOND * 5));
    }

    #[test]
    fn the_end_of_a_lease_is_known_ahead() {
        let start = base();
        let mut clock = LeaseClock::new(SECOND);
        assert_eq!(clock.end_of(Duration::ZERO, SECOND * 3), None);
        for tick in 0..3 {
            let seq = clock.send(start + SECOND * tick);
            clock.returned(seq, start + SECOND * tick);
        }
        let heard = clock.lease_time_at(start + SECOND * 2 + SECOND / 4);
        assert_eq!(
            clock.end_of(heard, SECOND * 3),
            Some(start + SECOND * 5 + SECOND / 4)
        );
    }
}
