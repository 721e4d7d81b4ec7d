//! Every bound of the wire, in one place. Numbers are chosen, not measured, unless said so.

use std::time::Duration;

/// Longest `tool_use_id`, in bytes (the providers' own ids stay under 64).
pub const TOOL_USE_ID_BYTES_MAX: usize = 256;
/// Longest tool name, in bytes (Anthropic and Gemini allow 128).
pub const TOOL_NAME_BYTES_MAX: usize = 128;
/// Longest tenant, pool or worker name, in bytes.
pub const NAME_BYTES_MAX: usize = 63;
/// Longest idempotency key, in bytes.
pub const KEY_BYTES_MAX: usize = 256;
/// Longest account of why a message can't be read, in bytes; what is longer is cut.
pub const REASON_BYTES_MAX: usize = 256;
/// Most elements of one batch.
pub const BATCH_ITEMS_MAX: usize = 4096;
/// Deepest nesting of a message that a decoder follows.
pub const DEPTH_MAX: usize = 32;
/// Largest message body that a decoder looks at, in bytes: NATS's own ceiling for `max_payload`.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Room that a batch leaves below `max_payload` for headers and the envelope (P21).
pub const PAYLOAD_RESERVE_BYTES: usize = 8 * 1024;
/// Smallest `max_payload` of a server that is worked with: half of it is left for a batch.
pub const PAYLOAD_BYTES_MIN: usize = 2 * PAYLOAD_RESERVE_BYTES;
/// Largest arguments or result that travel inline, in bytes, before [`inline_bytes_max`] lowers it (P24).
pub const INLINE_BYTES_MAX: usize = 256 * 1024;
/// Longest budget that a message can name: one day.
pub const BUDGET_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Time between two beats of an instance (P16).
pub const BEAT_INTERVAL: Duration = Duration::from_secs(1);
/// How long a worker's `ack` of a `write` waits for its grant (P17).
pub const GRANT_WINDOW: Duration = Duration::from_secs(2);
/// How long a call message's results may take to replace its ack (P7).
pub const ACK_WITHIN: Duration = Duration::from_millis(2);

/// Largest arguments or result that travel inline under a server's `max_payload`, in bytes (P24).
#[must_use]
pub fn inline_bytes_max(payload_bytes_max: usize) -> usize {
    INLINE_BYTES_MAX.min(payload_bytes_max / 4)
}

/// Largest batch body under a server's `max_payload`, in bytes (P21).
#[must_use]
pub fn batch_bytes_max(payload_bytes_max: usize) -> usize {
    payload_bytes_max
        .min(BODY_BYTES_MAX)
        .saturating_sub(PAYLOAD_RESERVE_BYTES)
}
