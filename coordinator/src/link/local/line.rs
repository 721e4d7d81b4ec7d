//! The state of one party's line to the switchboard, seen from both of its ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use futures_util::task::AtomicWaker;

/// Counts the changes of a line, so that none is missed however fast they follow: it is up after an
/// even number of them.
#[derive(Debug, Default)]
pub(super) struct Line {
    changes: AtomicU64,
    dropped: AtomicU64,
    waker: AtomicWaker,
}

impl Line {
    pub(super) fn is_up_after(changes: u64) -> bool {
        changes.is_multiple_of(2)
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub(super) fn is_up(&self) -> bool {
        Self::is_up_after(self.changes())
    }

    /// Takes the line down or up; the switchboard's lock keeps two callers apart.
    pub(super) fn set(&self, is_up: bool) {
        if self.is_up() != is_up {
            self.changes.fetch_add(1, Ordering::AcqRel);
            self.waker.wake();
        }
    }

    /// Counts a message that found no room.
    pub(super) fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }

    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }
}
