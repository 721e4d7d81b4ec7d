//! What the service bounds. All numbers are chosen, not measured, unless said so.

use std::time::Duration;

/// The limits of a service.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Runs and executions in flight, at most; one more is `overloaded`.
    pub runs_max: usize,
    /// Ended runs that are kept to be read, at most.
    pub kept_runs_max: usize,
    /// Bytes of ended runs (report and events, as JSON) that are kept, at most; the newest is kept
    /// whatever it has.
    pub kept_bytes_max: usize,
    /// Longest time that a run may be given.
    pub run_time_max: Duration,
    /// Bytes of a request's body, at most.
    pub body_bytes_max: usize,
    /// Bytes of a request's head, at most.
    pub head_bytes_max: usize,
    /// Time for a request's head, and as much again for its body.
    pub read_timeout: Duration,
    /// Connections, at most; one more is told 503 and closed.
    pub connections_max: usize,
    /// Event streams of one token, at most.
    pub streams_max: usize,
    /// Tenants whose workers are connected, at most.
    pub tenants_max: usize,
    /// Time between two signs of life of an event stream: below the usual idle timeouts of proxies (60 s).
    pub heartbeat: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            runs_max: 2_000,
            kept_runs_max: 1_000,
            kept_bytes_max: 256 * 1024 * 1024,
            run_time_max: Duration::from_secs(3_600),
            body_bytes_max: 16 * 1024 * 1024,
            head_bytes_max: 32 * 1024,
            read_timeout: Duration::from_secs(15),
            connections_max: 4_096,
            streams_max: 1_024,
            tenants_max: 64,
            heartbeat: Duration::from_secs(15),
        }
    }
}
