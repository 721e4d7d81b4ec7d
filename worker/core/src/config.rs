//! Who the worker is, what it offers, and its limits.

use std::num::NonZeroU32;
use std::time::Duration;

use callboard_proto::{Digest, Effect, InstanceId, Pool, ToolName, WorkerName, limit};

/// Who an instance is (P2).
#[derive(Clone, Debug)]
pub struct Identity {
    /// This life of the process.
    pub instance: InstanceId,
    /// The name under which instances succeed each other.
    pub worker: WorkerName,
    /// Its pool.
    pub pool: Pool,
}

/// What the core must know of a tool.
#[derive(Clone, Debug)]
pub struct OfferedTool {
    /// The tool's name.
    pub name: ToolName,
    /// The digest of all that it declares.
    pub digest: Digest,
    /// What executing it does to the world.
    pub effect: Effect,
    /// Its own units of capacity, below those of the instance; `None` for as many as there are.
    pub slots: Option<NonZeroU32>,
}

/// The limits of a worker. All numbers are chosen, not measured, unless said so.
#[derive(Clone, Debug)]
pub struct Config {
    /// Units of capacity; a call holds one from admission to its end.
    pub slots: u32,
    /// Time between two beats.
    pub beat_interval: Duration,
    /// How long an ungranted `write` keeps its slot after its own ack (P17).
    pub grant_window: Duration,
    /// How long a call message's results may take to replace its ack (P7).
    pub ack_within: Duration,
    /// How long an instance works on for a coordinator that it doesn't hear (P20).
    pub orphan_after: Duration,
    /// How long a result is kept for a status that asks for it (P16).
    pub results_kept_for: Duration,
    /// Most bytes of results that are kept, oldest evicted first (P16).
    pub results_bytes_max: usize,
    /// Most results that are kept, oldest evicted first (P16). Few enough that what finds them stays in a
    /// processor's second cache: measured, a worker at full load spent an eighth of its time on 140,000.
    pub results_max: usize,
    /// Most refused attempts that are remembered; beyond, what is older than the oldest is refused
    /// as stale, so that forgetting can never let one in.
    pub tombstones_max: usize,
    /// How long a slot that was offered by `free` is held out to that coordinator (P6).
    pub offer_window: Duration,
    /// Result items of one message at most.
    pub batch_items_max: usize,
    /// Bytes of one message at most, envelope included (P21).
    pub batch_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            slots: 16,
            beat_interval: limit::BEAT_INTERVAL,
            grant_window: limit::GRANT_WINDOW,
            ack_within: limit::ACK_WITHIN,
            orphan_after: Duration::from_secs(10),
            results_kept_for: Duration::from_secs(60),
            results_bytes_max: 64 * 1024 * 1024,
            results_max: 49_152,
            tombstones_max: 65_536,
            offer_window: Duration::from_millis(50),
            batch_items_max: limit::BATCH_ITEMS_MAX,
            batch_bytes_max: limit::batch_bytes_max(1024 * 1024),
        }
    }
}
