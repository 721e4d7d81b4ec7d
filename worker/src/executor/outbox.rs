//! What the tools' threads hand back: ends and news of progress, all that is there at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use callboard_worker_core::Finished;
use tokio::sync::Notify;

use crate::tool::{CallState, ProgressInbox};

/// How long the executor looks for a batch that it has just handed over: as long as being woken
/// would take (21 µs, measured 2026-11 on two cores).
const LOOKS_FOR: Duration = Duration::from_micros(20);

/// Collects what tools hand back. Bounded by the slots: each attempt ends once, and stands in
/// `progressed` at most once until it is read.
#[derive(Default)]
pub(super) struct Outbox {
    news: Mutex<News>,
    /// Whether something was handed back since it was last taken; read without the lock.
    has_news: AtomicBool,
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
        self.has_news.store(true, Ordering::Release);
        self.ready.notify_one();
    }

    /// Looks for a moment, without going to sleep, whether something is handed back; whether it was.
    pub(super) fn look(&self) -> bool {
        let until = Instant::now() + LOOKS_FOR;
        loop {
            if self.has_news.load(Ordering::Acquire) {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            // With fewer cores than threads, whoever is looked for may need this one.
            std::thread::yield_now();
        }
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
        self.has_news.store(false, Ordering::Release);
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
        self.has_news.store(true, Ordering::Release);
        self.ready.notify_one();
    }
}
