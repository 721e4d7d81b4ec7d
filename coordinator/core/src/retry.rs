//! When a failed attempt is tried again: a budget over all calls, and a delay with full jitter.

use std::time::Duration;

use callboard_proto::FailureKind;

use crate::config::Limits;

/// One retry, in the budget's unit.
const ONE_RETRY: u64 = 100;

/// Retries that may be spent, over all calls: a share of the calls opened, and a little to begin with.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    hundredths: u64,
    hundredths_max: u64,
    per_call: u64,
}

impl RetryBudget {
    pub(crate) fn new(limits: &Limits) -> Self {
        let hundredths = u64::from(limits.retry_budget_min) * ONE_RETRY;
        Self {
            hundredths,
            hundredths_max: hundredths * 10,
            per_call: u64::from(limits.retry_budget_percent),
        }
    }

    pub(crate) fn earn(&mut self) {
        self.hundredths = (self.hundredths + self.per_call).min(self.hundredths_max);
    }

    /// Spends one retry, if there is one.
    pub(crate) fn spend(&mut self) -> bool {
        match self.hundredths.checked_sub(ONE_RETRY) {
            Some(rest) => {
                self.hundredths = rest;
                true
            }
            None => false,
        }
    }
}

/// The delay before retry number `retry` (from 1): full jitter under an exponential ceiling, and not
/// before the time that the tool asked for.
pub(crate) fn delay(
    limits: &Limits,
    retry: u32,
    retry_after: Option<Duration>,
    rng: &mut fastrand::Rng,
) -> Duration {
    let doublings = retry.saturating_sub(1).min(16);
    let ceiling = limits
        .retry_base
        .saturating_mul(1 << doublings)
        .min(limits.retry_delay_max);
    let jittered = ceiling.mul_f64(rng.f64());
    retry_after.map_or(jittered, |after| jittered.max(after))
}

/// Whether a failure of this kind may pass when it is tried again.
pub(crate) fn is_transient(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Crashed
        | FailureKind::Internal
        | FailureKind::TimedOut
        | FailureKind::Overloaded
        | FailureKind::WorkerLost
        | FailureKind::Interrupted
        // Nobody here asked for the end, so the worker dropped it by itself (P20).
        | FailureKind::Cancelled => true,
        FailureKind::InvalidArguments
        | FailureKind::UnknownTool
        | FailureKind::Refused
        | FailureKind::NoWorker
        | FailureKind::Poison
        | FailureKind::OutputTooLarge
        | FailureKind::ProtocolError => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_a_share_of_the_calls() {
        let limits = Limits {
            retry_budget_min: 1,
            retry_budget_percent: 10,
            ..Limits::default()
        };
        let mut budget = RetryBudget::new(&limits);
        assert!(budget.spend());
        assert!(!budget.spend());
        for _ in 0..9 {
            budget.earn();
        }
        assert!(!budget.spend());
        budget.earn();
        assert!(budget.spend());
        assert!(!budget.spend());
    }

    #[test]
    fn delays_stay_under_the_doubling_ceiling_and_above_what_the_tool_asked() {
        let limits = Limits::default();
        let mut rng = fastrand::Rng::with_seed(7);
        for retry in 1..40 {
            let ceiling = limits
                .retry_base
                .saturating_mul(1 << (retry - 1).min(16))
                .min(limits.retry_delay_max);
            assert!(delay(&limits, retry, None, &mut rng) <= ceiling);
        }
        let asked = Duration::from_secs(9);
        assert_eq!(delay(&limits, 1, Some(asked), &mut rng), asked);
    }
}
