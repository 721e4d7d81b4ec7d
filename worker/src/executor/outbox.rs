//! What the tools' threads hand back: ends and news of progress, all that is there at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callboard_worker_core::Finished;
use tokio::sync::Notify;

use crate::tool::{CallState, ProgressInbox};

/// Collects what tools hand back. Bounded by the slots: each attempt ends once, and stands in
/// `progressed` at most once until it is read.
#[derive(Default)]
pub(super) struct Outbox {
    news: Mutex<News>,
    ready: Notify,
}

/// What was handed back since it was last taken.
#[derive(Default)]
pub(super) struct News {
    /// Attempts that ended.
    pub(super) finished: Vec<Finished>,
    /// Attempts whose progress changed.
    pub(super) progressed: Vec<Arc<CallState>>,
}

impl Outbox {
    /// Hands back ends; empties the list.
    pub(super) fn finish(&self, finished: &mut Vec<Finished>) {
        if finished.is_empty() {
            return;
        }
        self.news().finished.append(finished);
        self.ready.notify_one();
    }

    /// Waits until something was handed back.
    ///
    /// # Cancel safety
    /// Cancel safe: the word stays until somebody has heard it.
    pub(super) async fn ready(&self) {
        self.ready.notified().await;
    }

    /// Takes all that is there; `into` gives its room in exchange.
    pub(super) fn take(&self, into: &mut News) {
        std::mem::swap(&mut *self.news(), into);
    }

    fn news(&self) -> MutexGuard<'_, News> {
        // Only whole elements are moved under the lock, so a panic leaves it sound.
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProgressInbox for Outbox {
    fn progressed(&self, state: Arc<CallState>) {
        self.news().progressed.push(state);
        self.ready.notify_one();
    }
}
