//! What a run is told from outside.

use callboard_coordinator_core::CancelReason;

/// Messages that wait for a run, at most. It only ever acts on the first; the others may be dropped.
pub(super) const MAILBOX_CAPACITY: usize = 4;

/// A word to a run.
#[derive(Debug)]
pub(super) enum Message {
    /// End, after the turn that is being gathered was reported.
    Cancel(CancelReason),
}
