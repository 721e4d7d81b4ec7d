//! Who may begin something now.

use std::collections::HashMap;
use std::time::Instant;

use crate::service::rate::Rate;
use crate::service::refusal::Refusal;
use crate::service::token::Caller;

/// Callers whose rate is remembered; beyond it those without anything in flight are forgotten. Chosen.
const REMEMBERED_MAX: usize = 10_000;

/// What is in flight, and of whom.
#[derive(Debug)]
pub(crate) struct Admission {
    runs_max: usize,
    in_flight: usize,
    is_draining: bool,
    callers: HashMap<String, Account>,
}

#[derive(Debug, Default)]
struct Account {
    in_flight: usize,
    /// With the number per minute that it was made for.
    rate: Option<(u32, Rate)>,
}

impl Admission {
    pub(crate) fn new(runs_max: usize) -> Self {
        Self {
            runs_max,
            in_flight: 0,
            is_draining: false,
            callers: HashMap::new(),
        }
    }

    /// Admits one more of this caller, to be [released](Self::release) when it has ended.
    pub(crate) fn admit(&mut self, caller: &Caller, now: Instant) -> Result<(), Refusal> {
        if self.is_draining {
            return Err(Refusal::Draining);
        }
        if self.in_flight >= self.runs_max {
            return Err(Refusal::Overloaded);
        }
        if self.callers.len() >= REMEMBERED_MAX && !self.callers.contains_key(&caller.name) {
            self.callers.retain(|_, account| account.in_flight > 0);
        }
        let account = self.callers.entry(caller.name.clone()).or_default();
        if let Some(runs_max) = caller.runs_max.filter(|max| account.in_flight >= *max) {
            return Err(Refusal::TooMany { runs_max });
        }
        if let Some(times) = caller.starts_per_minute {
            // A file that was read anew may give another rate.
            if account.rate.as_ref().is_none_or(|(of, _)| *of != times) {
                account.rate = Some((times, Rate::per_minute(times)));
            }
            if let Some((_, rate)) = &mut account.rate {
                rate.take(now)
                    .map_err(|retry_after| Refusal::Rate { retry_after })?;
            }
        }
        account.in_flight += 1;
        self.in_flight += 1;
        Ok(())
    }

    /// One of this caller has ended.
    ///
    /// # Panics
    /// When it was never admitted.
    pub(crate) fn release(&mut self, caller: &str) {
        let account = self.callers.get_mut(caller);
        let account = account.expect("who has something in flight is remembered");
        account.in_flight -= 1;
        self.in_flight -= 1;
    }

    pub(crate) fn drain(&mut self) {
        self.is_draining = true;
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use callboard_proto::Tenant;

    use super::*;

    fn caller(name: &str) -> Caller {
        Caller {
            name: name.to_owned(),
            ..Caller::anybody(Tenant::new("t").unwrap())
        }
    }

    #[test]
    fn a_token_is_held_to_its_own_limits_and_all_to_that_of_the_service() {
        let now = Instant::now();
        let mut admission = Admission::new(3);
        let small = Caller {
            runs_max: Some(1),
            ..caller("small")
        };
        assert_eq!(admission.admit(&small, now), Ok(()));
        let too_many = Err(Refusal::TooMany { runs_max: 1 });
        assert_eq!(admission.admit(&small, now), too_many);
        assert_eq!(admission.admit(&caller("big"), now), Ok(()));
        assert_eq!(admission.admit(&caller("big"), now), Ok(()));
        assert_eq!(
            admission.admit(&caller("big"), now),
            Err(Refusal::Overloaded)
        );
        admission.release("small");
        assert_eq!(admission.admit(&small, now), Ok(()));
        assert_eq!(admission.in_flight(), 3);
    }

    #[test]
    fn a_rate_counts_what_begins_and_not_what_is_refused() {
        let now = Instant::now();
        let mut admission = Admission::new(100);
        let slow = Caller {
            starts_per_minute: Some(6),
            ..caller("slow")
        };
        assert_eq!(admission.admit(&slow, now), Ok(()));
        let wait = std::time::Duration::from_secs(10);
        for _ in 0..3 {
            let refusal = admission.admit(&slow, now).unwrap_err();
            assert_eq!(refusal.retry_after(), Some(wait));
        }
        assert_eq!(admission.admit(&slow, now + wait), Ok(()));
    }

    #[test]
    fn who_drains_begins_nothing() {
        let mut admission = Admission::new(1);
        admission.drain();
        let refused = admission.admit(&caller("a"), Instant::now());
        assert_eq!(refused, Err(Refusal::Draining));
    }
}
