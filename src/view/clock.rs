//! The clock of a worker's machine beside this one's.

use std::time::{Duration, SystemTime};

/// By how many milliseconds the clock is ahead that showed `unix_ms` when it was heard `age` ago; negative:
/// behind. The way of the message counts as behind. None for times that no clock shows.
pub(crate) fn ahead_ms((unix_ms, age): (u64, Duration), now: SystemTime) -> Option<f64> {
    let here = now.checked_sub(age)?;
    let there = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(unix_ms))?;
    Some(match there.duration_since(here) {
        Ok(ahead) => ahead.as_secs_f64() * 1e3,
        Err(behind) => -behind.duration().as_secs_f64() * 1e3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_compared_with_the_moment_at_which_it_was_heard() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let age = Duration::from_millis(400);
        assert_eq!(ahead_ms((999_600, age), now), Some(0.0));
        assert_eq!(ahead_ms((1_000_000, age), now), Some(400.0));
        assert_eq!(ahead_ms((999_100, age), now), Some(-500.0));
    }
}
