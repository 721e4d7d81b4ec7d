//! Virtual time, and the clocks of the nodes, which don't agree about it.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Nanoseconds of virtual time since the schedule began.
pub type Nanos = u64;

/// One microsecond.
pub const US: Nanos = 1_000;
/// One millisecond.
pub const MS: Nanos = 1_000_000;
/// One second.
pub const S: Nanos = 1_000_000_000;

/// The instant that a clock shows at its own zero. Which one it is matters to nobody: the cores
/// compare instants of one clock only, and the trace prints virtual time.
fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

/// A node's clock: it runs a little fast or slow and began at another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    offset: Nanos,
    /// Parts per million of virtual time.
    rate_ppm: u64,
}

impl Clock {
    /// A clock that shows `offset` when the schedule begins and runs at `rate_ppm` of virtual time.
    #[must_use]
    pub const fn new(offset: Nanos, rate_ppm: u64) -> Self {
        Self { offset, rate_ppm }
    }

    /// What the clock shows.
    pub(crate) fn at(self, now: Nanos) -> Instant {
        let local = u128::from(now) * u128::from(self.rate_ppm) / 1_000_000;
        let local = Nanos::try_from(local).expect("a schedule ends within centuries");
        epoch() + Duration::from_nanos(self.offset + local)
    }

    /// The first virtual time at which the clock shows at least `instant`.
    pub(crate) fn when(self, instant: Instant) -> Nanos {
        let local = instant.saturating_duration_since(epoch()).as_nanos();
        let local = local.saturating_sub(u128::from(self.offset));
        let now = (local * 1_000_000).div_ceil(u128::from(self.rate_ppm));
        Nanos::try_from(now).unwrap_or(Nanos::MAX)
    }
}

/// A duration in nanoseconds.
pub(crate) fn nanos(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_never_fires_early() {
        for rate in [950_000, 987_654, 1_000_000, 1_050_000] {
            let clock = Clock::new(7 * S, rate);
            for now in [0, 1, 999, 12_345_678, 90 * S + 1] {
                let due = clock.at(now) + Duration::from_millis(3);
                assert!(clock.at(clock.when(due)) >= due);
                assert!(clock.at(clock.when(due) - 2) < due);
            }
        }
    }
}
