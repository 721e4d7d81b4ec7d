//! What a process may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Smallest memory limit: what a supervised program needs to be loaded at all.
pub const MEMORY_BYTES_MIN: u64 = 64 * 1024 * 1024;

/// What one call's processes may use. All defaults are chosen, not measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Address space of each process, in bytes; at least [`MEMORY_BYTES_MIN`].
    pub memory_bytes_max: u64,
    /// Processes and threads of the worker's user, counted by the kernel over all of that user's.
    /// The kernel doesn't hold root to it.
    pub processes_max: u64,
    /// Largest file that may be written, in bytes.
    pub file_bytes_max: u64,
    /// Files that a process may have open.
    pub open_files_max: u64,
    /// Processor time of each process, in seconds.
    pub cpu_seconds_max: u64,
    /// Output that is kept of each of standard output and standard error, in bytes: its head and its
    /// tail; what is between is dropped and counted.
    pub output_bytes_max: usize,
    /// Time between SIGTERM and SIGKILL, in milliseconds.
    pub grace_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 2 * 1024 * 1024 * 1024,
            processes_max: 4_096,
            file_bytes_max: 256 * 1024 * 1024,
            open_files_max: 256,
            cpu_seconds_max: 300,
            output_bytes_max: 64 * 1024,
            grace_ms: 2_000,
        }
    }
}

impl Limits {
    /// Time between SIGTERM and SIGKILL.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }
}
