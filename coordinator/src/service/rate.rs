//! How often something may happen: the generic cell rate algorithm, which needs one instant.

use std::time::{Duration, Instant};

/// Lets so many happen per minute, spread evenly, after as many at once as fit into ten seconds.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    /// Time that one takes up.
    interval: Duration,
    /// How far ahead of time one may be.
    burst: Duration,
    /// When all that happened will have been paid for.
    paid_at: Option<Instant>,
}

/// The time of which all may happen at once. Chosen, not measured.
const BURST: Duration = Duration::from_secs(10);

impl Rate {
    /// So many per minute; 0 is taken for 1.
    #[must_use]
    pub(super) fn per_minute(times: u32) -> Self {
        let interval = Duration::from_secs(60) / times.max(1);
        Self {
            interval,
            burst: BURST.max(interval),
            paid_at: None,
        }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long to wait, where it comes too early; nothing is taken then.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let paid_at = self.paid_at.map_or(now, |at| at.max(now)) + self.interval;
        let ahead = paid_at.saturating_duration_since(now);
        if let Some(wait) = ahead.checked_sub(self.burst).filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        self.paid_at = Some(paid_at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_then_each_in_its_time() {
        let start = Instant::now();
        let mut rate = Rate::per_minute(60);
        let at = |ms| start + Duration::from_millis(ms);
        for _ in 0..10 {
            assert_eq!(rate.take(at(0)), Ok(()));
        }
        assert_eq!(rate.take(at(0)), Err(Duration::from_secs(1)));
        assert_eq!(rate.take(at(400)), Err(Duration::from_millis(600)));
        assert_eq!(rate.take(at(1000)), Ok(()));
        assert_eq!(rate.take(at(1000)), Err(Duration::from_secs(1)));
    }

    #[test]
    fn a_slow_rate_still_lets_the_first_go() {
        let start = Instant::now();
        let mut rate = Rate::per_minute(1);
        assert_eq!(rate.take(start), Ok(()));
        assert_eq!(rate.take(start), Err(Duration::from_secs(60)));
        assert_eq!(rate.take(start + Duration::from_secs(60)), Ok(()));
    }
}
