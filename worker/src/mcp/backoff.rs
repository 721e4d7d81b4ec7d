//! When a server that ended, or didn't start, is started again.

use std::time::Duration;

/// Longest delay before the first try again. Chosen, not measured.
const BASE: Duration = Duration::from_millis(500);
/// Longest delay at all. Chosen, not measured.
const MAX: Duration = Duration::from_secs(60);
/// A life of this length was a good one: what ends it is no reason for a longer delay. Chosen, not
/// measured.
const GOOD_LIFE: Duration = Duration::from_secs(10);
/// While a server is started again within this time, its tools stay on offer and calls wait for it.
/// Chosen, not measured: what a model's turn can bear, and more than most servers need to start.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// The tries to start one instance of a server.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    /// Starts that failed, and lives that were too short, since the last good one.
    failures: u32,
}

/// What follows from the end of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Again {
    /// When it is started again.
    pub(super) after: Duration,
    /// Whether calls may wait for it.
    pub(super) is_soon: bool,
}

impl Backoff {
    /// Notes the end of a life that began to serve.
    pub(super) fn ended(&mut self, lasted: Duration, jitter: f64) -> Again {
        if lasted >= GOOD_LIFE {
            self.failures = 0;
        }
        let after = self.next(jitter);
        Again {
            after,
            is_soon: after <= WAIT_MAX,
        }
    }

    /// Notes a start that failed.
    pub(super) fn failed(&mut self, jitter: f64) -> Again {
        Again {
            after: self.next(jitter),
            is_soon: false,
        }
    }

    /// Half of a doubling ceiling, and a part of the other half: servers that ended together, because
    /// what they stand on did, aren't started together.
    fn next(&mut self, jitter: f64) -> Duration {
        let ceiling = BASE.saturating_mul(1 << self.failures.min(16)).min(MAX);
        self.failures = self.failures.saturating_add(1);
        ceiling.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_minute_and_a_good_life_ends_that() {
        let mut backoff = Backoff::default();
        let delays: Vec<u128> = (0..9)
            .map(|_| backoff.failed(1.0).after.as_millis())
            .collect();
        assert_eq!(
            delays,
            [
                500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000
            ]
        );
        let again = backoff.ended(GOOD_LIFE, 1.0);
        assert_eq!(again.after, BASE);
        assert!(again.is_soon);
    }

    #[test]
    fn calls_wait_for_a_server_that_ends_now_and_then_and_not_for_one_that_keeps_ending() {
        let mut backoff = Backoff::default();
        let lives: Vec<bool> = (0..5)
            .map(|_| backoff.ended(Duration::from_secs(1), 1.0).is_soon)
            .collect();
        assert_eq!(lives, [true, true, true, false, false]);
        assert!(!Backoff::default().failed(0.0).is_soon);
    }

    #[test]
    fn jitter_takes_up_to_half() {
        assert_eq!(Backoff::default().failed(0.0).after, BASE / 2);
        assert_eq!(Backoff::default().failed(7.0).after, BASE);
    }
}
