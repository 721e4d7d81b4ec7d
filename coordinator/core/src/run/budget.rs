//! What a run may spend.

use std::time::Duration;

/// How long after a turn's deadline, or after its cancel, a missing report is waited for. Chosen, not
/// measured: a dispatcher reports within 50 ms of a deadline (G3) and within 500 ms of a cancel.
pub const REPORT_GRACE: Duration = Duration::from_secs(2);

/// How often a run asks again after a response that broke off when calls of it were taken early. Chosen,
/// not measured: each time, what those calls did is thrown away.
pub const RETRIES_MAX: u32 = 2;

/// Calls of one response that may be run, at most; those beyond are answered as refused. Chosen, not
/// measured: more than the widest turn that is benchmarked, 10,000 calls.
pub const TURN_CALLS_MAX: usize = 16_384;

/// How often in a row a model may pause before the run gives up. Chosen, not measured; the providers ask
/// for a bound and name none.
pub const PAUSES_MAX: u32 = 16;

/// What a run may spend. All numbers are chosen, not measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// Model responses, at most. One that broke off and is asked for anew isn't counted.
    pub turns: u32,
    /// Calls that may be posted, at most. A call that fails its check before posting costs nothing.
    pub calls: u32,
    /// Tokens in and out, at most, over all responses that say what they used, those that came to nothing
    /// included.
    pub tokens: Option<u64>,
    /// Time from the first question to the end.
    pub time: Duration,
    /// Time for the calls of one turn, from the whole response on; the run's time caps it. A call that
    /// starts early has as much, from its own start on.
    pub turn_time: Duration,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            turns: 32,
            calls: 1_000,
            tokens: None,
            time: Duration::from_secs(600),
            turn_time: Duration::from_secs(120),
        }
    }
}

/// Tokens that a model says it used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens that it read.
    pub input_tokens: u64,
    /// Tokens that it wrote.
    pub output_tokens: u64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn total(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Adds what another response used.
    pub fn add(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
    }
}
