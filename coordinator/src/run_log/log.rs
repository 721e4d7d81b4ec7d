//! The entries of one run.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::entry::{CallName, Entry, Happening};
use super::told::{Kept, Told};
use crate::run::in_ms;

/// Entries that are kept of a run, at most: a run of 1,000 calls, each with five attempts, fits. Beyond
/// it the oldest go, and who asks for them is told ([`Missed`]).
pub(super) const ENTRIES_MAX: usize = 32_768;

/// Entries that were asked for are kept no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the first {first} entries of the run are kept no longer", first = .first_kept - 1)]
pub struct Missed {
    /// The number of the first entry that is kept.
    pub first_kept: u64,
}

/// What happened in one run so far. Writers never wait; readers read as often and as slowly as they like.
#[derive(Debug)]
pub struct RunLog {
    began: Instant,
    entries: Mutex<Entries>,
    /// The number of the latest entry, and whether the run is over.
    latest: watch::Sender<(u64, bool)>,
}

#[derive(Debug, Default)]
struct Entries {
    kept: VecDeque<Arc<Kept>>,
    next: u64,
    /// The number of the latest progress of each call that isn't settled.
    progress: HashMap<CallName, u64>,
    dropped: u64,
}

impl RunLog {
    /// An empty log of a run that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            entries: Mutex::default(),
            latest: watch::Sender::new((0, false)),
        }
    }

    /// Writes down what happens now.
    pub fn write(&self, what: Happening) {
        let at_ms = in_ms(self.began.elapsed());
        let ended = matches!(what, Happening::RunEnded { .. });
        let seq = self.entries().push(at_ms, what);
        self.latest
            .send_modify(|(latest, is_over)| (*latest, *is_over) = (seq, *is_over || ended));
    }

    /// At most `limit` entries after that of this number (0: from the first), in order.
    ///
    /// # Errors
    /// When the first of them are kept no longer.
    pub fn read(&self, after: u64, limit: usize) -> Result<Vec<Arc<Entry>>, Missed> {
        let kept = self.kept(after, limit)?;
        Ok(kept.iter().map(|kept| Arc::clone(&kept.entry)).collect())
    }

    /// The same as its readers are told.
    ///
    /// # Errors
    /// When the first of them are kept no longer.
    pub fn tell(&self, after: u64, limit: usize) -> Result<Vec<Told>, Missed> {
        // Written outside of the lock: nobody waits for it.
        let kept = self.kept(after, limit)?;
        Ok(kept.iter().map(|kept| kept.told()).collect())
    }

    fn kept(&self, after: u64, limit: usize) -> Result<Vec<Arc<Kept>>, Missed> {
        let entries = self.entries();
        if after < entries.dropped {
            return Err(Missed {
                first_kept: entries.dropped + 1,
            });
        }
        let from = entries.kept.partition_point(|kept| kept.entry.seq <= after);
        Ok(entries
            .kept
            .iter()
            .skip(from)
            .take(limit)
            .cloned()
            .collect())
    }

    /// Waits until there is an entry after that of this number; `false` where none will come: the run
    /// is over and its last entry isn't newer. Results that come late may still be written then.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn wait(&self, after: u64) -> bool {
        let mut latest = self.latest.subscribe();
        let state = latest
            .wait_for(|(latest, is_over)| *latest > after || *is_over)
            .await;
        // The sender is this log's own, which outlives the borrow.
        state.is_ok_and(|state| state.0 > after)
    }

    /// Whether the run has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.latest.borrow().1
    }

    /// Entries are whole whenever the lock is free: a writer that panicked left none behind.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for RunLog {
    fn default() -> Self {
        Self::new()
    }
}

impl Entries {
    fn push(&mut self, at_ms: f64, what: Happening) -> u64 {
        self.next += 1;
        let seq = self.next;
        if let Happening::CallProgress { call, .. } = &what {
            // Whoever comes late needs to know how far a tool is, not how far it was.
            if let Some(before) = self.progress.insert(call.clone(), seq) {
                self.forget(before);
            }
        } else if let Happening::CallSettled { call, .. } = &what {
            self.progress.remove(call);
        }
        let entry = Entry { seq, at_ms, what };
        self.kept.push_back(Arc::new(Kept::new(entry)));
        if self.kept.len() > ENTRIES_MAX
            && let Some(oldest) = self.kept.pop_front()
        {
            self.dropped = oldest.entry.seq;
        }
        seq
    }

    fn forget(&mut self, seq: u64) {
        let at = self.kept.partition_point(|kept| kept.entry.seq < seq);
        if self.kept.get(at).is_some_and(|kept| kept.entry.seq == seq) {
            self.kept.remove(at);
        }
    }
}
