//! The limits of a coordinator. All numbers are chosen, not measured, unless said so.

use std::time::Duration;

use callboard_proto::{CoordinatorId, limit};

/// How a dispatcher behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// This life of the coordinator's process.
    pub coordinator: CoordinatorId,
    /// Seed of all randomness: jitter, the two choices, tokens and grants. A shell draws it from the
    /// system's entropy (tokens must be unguessable, P3), a test writes it down.
    pub seed: [u8; 32],
    /// Whether [`crate::Effect::Event`]s are made; reports come either way.
    pub events: bool,
    /// Its limits.
    pub limits: Limits,
}

/// The limits of a dispatcher.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Calls that wait for a slot, at most; one more is `overloaded` (P5).
    pub waiting_calls_max: usize,
    /// Shortest wait for the answer to a call message (P7).
    pub accept_timeout_min: Duration,
    /// Time for which an instance's word on an attempt counts (P16): three beats.
    pub lease: Duration,
    /// Time between two echoes, and between two status exchanges with an instance (P14, P16).
    pub tick: Duration,
    /// Smallest part of a budget that is kept for the way back (P12).
    pub reply_margin_min: Duration,
    /// Wait before the first retry; doubled for each further one, with full jitter.
    pub retry_base: Duration,
    /// Longest wait before a retry.
    pub retry_delay_max: Duration,
    /// Retries that may be spent per call opened, in hundredths.
    pub retry_budget_percent: u32,
    /// Retries that may be spent before any call was opened, and the most that are saved up times ten.
    pub retry_budget_min: u32,
    /// Deliveries of one call that the way lost (busy answers don't count), at most.
    pub moves_max: u32,
    /// How long a cancelled turn waits for its workers' last word.
    pub cancel_grace: Duration,
    /// Failures in a row that suspend an (instance, tool) from placement (P9).
    pub suspend_after: u32,
    /// First suspension; doubled each time up to a minute.
    pub suspend_for: Duration,
    /// Bytes of one message at most, envelope included (P21); lowered by what a worker announces.
    pub batch_bytes_max: usize,
    /// Largest arguments that are posted (P24).
    pub arguments_bytes_max: usize,
    /// Items of one message at most.
    pub batch_items_max: usize,
    /// Reported attempts that are remembered to name a late result (P15).
    pub late_attempts_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            waiting_calls_max: 100_000,
            accept_timeout_min: Duration::from_secs(1),
            lease: 3 * limit::BEAT_INTERVAL,
            tick: limit::BEAT_INTERVAL,
            reply_margin_min: Duration::from_millis(20),
            retry_base: Duration::from_millis(100),
            retry_delay_max: Duration::from_secs(5),
            retry_budget_percent: 10,
            retry_budget_min: 10,
            moves_max: 16,
            cancel_grace: Duration::from_millis(500),
            suspend_after: 5,
            suspend_for: Duration::from_secs(1),
            batch_bytes_max: limit::batch_bytes_max(1024 * 1024),
            arguments_bytes_max: limit::inline_bytes_max(1024 * 1024),
            batch_items_max: limit::BATCH_ITEMS_MAX,
            late_attempts_max: 4096,
        }
    }
}
