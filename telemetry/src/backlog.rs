//! What was told and isn't written down yet.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::pipeline::Telemetry;
use crate::queue::SpanCounts;

/// Entries that aren't read, at most, at some 200 bytes each; what comes beyond is dropped and counted.
/// Chosen: what 20,000 calls tell at once.
const ENTRIES_MAX: usize = 65_536;
/// From here on the reader is woken instead of looking by itself.
const ENTRIES_MANY: usize = ENTRIES_MAX / 8;
/// How often the reader looks: waking it for every call would cost more than the call.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A bounded list between those who must not wait and the one who writes down what they tell.
#[derive(Debug)]
pub struct Backlog<T> {
    entries: Mutex<Vec<T>>,
    many: Arc<Notify>,
    counts: Arc<SpanCounts>,
}

impl<T: Send + 'static> Backlog<T> {
    /// An empty list, whose drops are counted with those of the spans.
    #[must_use]
    pub fn new(telemetry: &Telemetry) -> Self {
        Self {
            entries: Mutex::default(),
            many: Arc::default(),
            counts: Arc::clone(telemetry.counts()),
        }
    }

    /// Adds an entry. Never waits for the reader: it only ever exchanges the list.
    pub fn push(&self, entry: T) {
        let mut entries = self.entries();
        if entries.len() >= ENTRIES_MAX {
            drop(entries);
            self.counts.drop_events(1);
            return;
        }
        entries.push(entry);
        if entries.len() == ENTRIES_MANY {
            self.many.notify_one();
        }
    }

    /// Takes all that is there.
    #[must_use]
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.entries())
    }

    /// Has it read on the pipeline's thread, until `owner` is gone or the pipeline is.
    pub fn read_by<O: Send + Sync + 'static>(
        &self,
        telemetry: &Telemetry,
        owner: &Arc<O>,
        read: impl Fn(&O) + Send + 'static,
    ) {
        let many = Arc::clone(&self.many);
        let owner = Arc::downgrade(owner);
        telemetry.spawn(async move {
            while let Some(owner) = owner.upgrade() {
                read(&owner);
                drop(owner);
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    () = many.notified() => {}
                }
            }
        });
    }

    fn entries(&self) -> MutexGuard<'_, Vec<T>> {
        // Only whole entries are moved under the lock, so a panic leaves it sound.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
