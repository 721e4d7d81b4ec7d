//! Whether an actor that waits looks again and again for a moment before it sleeps: what comes at once then
//! meets somebody who is awake.
//!
//! A thread that sleeps is woken in 20 µs and more where its core sleeps, too (in a virtual machine the host
//! has to give it back first), and while it wakes, those whom it is to answer fall asleep in turn: 10 µs of
//! work on the way of a call were measured as 31 µs until its result was there. Each look offers the core to
//! whoever waits for it, so looking takes time that nobody else on the machine wants.

use std::time::{Duration, Instant};

/// How long is looked at most, unless something else is set: 100 calls are answered in less on one machine, and
/// of a few dozen tools that run one ends in less. Chosen; what it brings is in `docs/performance.md`.
pub const DEFAULT: Duration = Duration::from_micros(500);
/// Shortest time for which it is worth looking. Chosen, not measured.
const WINDOW_MIN: Duration = Duration::from_micros(50);
/// Part of all time that may be spent looking, on average: one in so many. Chosen, so that a busy process
/// stays far from a core more.
const SHARE: u32 = 5;
/// What may be saved up of it. Chosen: a few thousand turns that are answered at once.
const CREDIT_MAX: Duration = Duration::from_secs(1);

/// Decides how long to look: where what is awaited came within `max` the last times, and hardly ever where it
/// took longer; a fifth of the time at most, on average.
#[derive(Debug)]
pub struct BusyPoll {
    /// Longest time for which is looked at once; zero: never.
    max: Duration,
    /// What the last waits suggest.
    window: Duration,
    credit: Duration,
    credited: Instant,
    /// When the wait began that is on, and how long may be looked in it.
    began: Instant,
    looking: Duration,
}

impl BusyPoll {
    /// One that looks for `max` at a time; never, where that is zero.
    #[must_use]
    pub fn new(max: Duration, now: Instant) -> Self {
        Self {
            max,
            window: Duration::ZERO,
            credit: CREDIT_MAX,
            credited: now,
            began: now,
            looking: Duration::ZERO,
        }
    }

    /// A wait begins: how long to look before sleeping. Where nothing is awaited, not at all.
    pub fn begin(&mut self, is_awaited: bool, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.credited);
        self.credit = (self.credit + passed / SHARE).min(CREDIT_MAX);
        self.credited = now;
        self.began = now;
        self.looking = match is_awaited {
            true if self.credit >= self.window => self.window,
            true | false => Duration::ZERO,
        };
        self.looking
    }

    /// The wait has ended: `came`, where it was by what is awaited.
    pub fn end(&mut self, came: bool, now: Instant) {
        let waited = now.saturating_duration_since(self.began);
        self.credit = self.credit.saturating_sub(waited.min(self.looking));
        if !came {
            return;
        }
        self.window = if waited <= self.max {
            (self.window * 2).max(WINDOW_MIN).min(self.max)
        } else {
            let less = self.window / 4;
            if less < WINDOW_MIN {
                Duration::ZERO
            } else {
                less
            }
        };
    }
}

/// Keeps its task awake for this long, and then sleeps for ever: something else ends it.
///
/// # Cancel safety
/// Cancel safe: it holds nothing.
pub async fn look_for(window: Duration) {
    let began = Instant::now();
    while began.elapsed() < window {
        // The core to other threads that want it, then the thread to other tasks and to the driver.
        std::thread::yield_now();
        tokio::task::yield_now().await;
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_micros(500);

    /// What is awaited comes after this long; the time that was spent looking.
    fn wait(poll: &mut BusyPoll, now: &mut Instant, waited: Duration) -> Duration {
        let looking = poll.begin(true, *now);
        *now += waited;
        poll.end(true, *now);
        looking.min(waited)
    }

    #[test]
    fn answers_at_once_are_looked_for_and_late_ones_soon_are_not() {
        let mut now = Instant::now();
        let mut poll = BusyPoll::new(MAX, now);
        assert_eq!(
            poll.begin(true, now),
            Duration::ZERO,
            "nothing is known yet"
        );
        for _ in 0..5 {
            wait(&mut poll, &mut now, Duration::from_micros(100));
        }
        assert_eq!(poll.begin(true, now), MAX);
        assert_eq!(poll.begin(false, now), Duration::ZERO, "nothing is awaited");
        let late = Duration::from_millis(300);
        let spent: Duration = (0..100).map(|_| wait(&mut poll, &mut now, late)).sum();
        assert!(spent <= 2 * MAX, "{spent:?}");
        assert_eq!(poll.begin(true, now), Duration::ZERO);
    }

    #[test]
    fn a_slow_call_whose_ack_comes_at_once_costs_next_to_nothing() {
        let mut now = Instant::now();
        let mut poll = BusyPoll::new(MAX, now);
        let mut spent = Duration::ZERO;
        for _ in 0..100 {
            spent += wait(&mut poll, &mut now, Duration::from_micros(100));
            spent += wait(&mut poll, &mut now, Duration::from_millis(300));
        }
        assert!(spent <= 100 * WINDOW_MIN, "{spent:?}");
    }

    #[test]
    fn no_more_than_its_share_of_the_time_is_spent_looking() {
        let began = Instant::now();
        let mut now = began;
        let mut poll = BusyPoll::new(MAX, now);
        let mut spent = Duration::ZERO;
        while now < began + Duration::from_secs(100) {
            spent += wait(&mut poll, &mut now, Duration::from_micros(400));
        }
        assert!(spent <= CREDIT_MAX + (now - began) / SHARE, "{spent:?}");
        assert!(spent >= (now - began) / (2 * SHARE), "{spent:?}");
    }

    #[test]
    fn a_wait_that_something_else_ends_says_nothing() {
        let mut now = Instant::now();
        let mut poll = BusyPoll::new(MAX, now);
        for _ in 0..5 {
            wait(&mut poll, &mut now, Duration::from_micros(100));
        }
        poll.begin(true, now);
        now += Duration::from_secs(1);
        poll.end(false, now);
        assert_eq!(poll.begin(true, now), MAX);
    }

    #[tokio::test]
    async fn who_looks_is_polled_again_and_again_and_then_no_more() {
        let mut looking = std::pin::pin!(look_for(Duration::from_millis(2)));
        let mut polls = [0, 0];
        for polls in &mut polls {
            let counted = std::future::poll_fn(|cx| {
                *polls += 1;
                looking.as_mut().poll(cx)
            });
            let waited = tokio::time::timeout(Duration::from_millis(20), counted).await;
            assert!(waited.is_err(), "it never ends by itself");
        }
        // The second time only because somebody else polls: at the beginning, and when the time is over.
        assert!(polls[0] > 3 && polls[1] <= 2, "{polls:?}");
    }

    #[test]
    fn where_it_is_off_nothing_is_looked_for() {
        let mut now = Instant::now();
        let mut poll = BusyPoll::new(Duration::ZERO, now);
        let spent: Duration = (0..10)
            .map(|_| wait(&mut poll, &mut now, Duration::ZERO))
            .sum();
        assert_eq!(spent, Duration::ZERO);
        assert_eq!(poll.begin(true, now), Duration::ZERO);
    }
}
