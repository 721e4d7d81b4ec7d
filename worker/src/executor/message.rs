//! What the executor can be asked.

use std::time::Duration;

use callboard_proto::message::Down;
use tokio::sync::oneshot;

use crate::executor::Snapshot;
use crate::tool::Tools;

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
    /// Offer other tools from now on.
    Offer {
        /// All tools on offer.
        tools: Tools,
        /// What is down.
        down: Vec<Down>,
    },
    /// Say how it stands.
    Snapshot(oneshot::Sender<Snapshot>),
}
