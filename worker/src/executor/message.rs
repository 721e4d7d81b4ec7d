//! What the executor can be asked.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::executor::Snapshot;

/// Messages that may wait; askers beyond wait themselves (chosen: people ask, not calls).
pub(super) const MAILBOX_CAPACITY: usize = 16;

/// What the executor can be asked.
pub(super) enum Message {
    /// Take no more calls, finish, end.
    Drain {
        /// Time until what still runs is told to stop.
        grace: Duration,
    },
    /// End now, without a farewell.
    Stop,
    /// Say how it stands.
    Snapshot(oneshot::Sender<Snapshot>),
}
