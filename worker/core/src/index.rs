//! Where an attempt is remembered, found by the hash of its key.
//!
//! The key itself is held once, where the attempt is remembered: an entry here is 16 bytes, so that
//! a memory of some hundred thousand attempts stays in the processor's cache.

use std::hash::BuildHasher;

use callboard_proto::AttemptKey;
use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// Where an attempt is remembered. The numbers of results and graves wrap around; far fewer are
/// remembered at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It holds a slot.
    Held(u32),
    /// It ended, and its result is kept.
    Kept(u32),
    /// It is refused for ever.
    Grave(u32),
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    place: Place,
}

/// The places of all attempts that are remembered.
#[derive(Debug, Default)]
pub(crate) struct Index {
    table: HashTable<Entry>,
}

impl Index {
    pub(crate) fn hash(of: &AttemptKey) -> u64 {
        FxBuildHasher.hash_one(of)
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Finds the place with this hash that `is_its` says to be the attempt's.
    pub(crate) fn find(&self, hash: u64, is_its: impl Fn(Place) -> bool) -> Option<Place> {
        self.table
            .find(hash, |entry| entry.hash == hash && is_its(entry.place))
            .map(|entry| entry.place)
    }

    /// Notes where an attempt is now, and no more where it was.
    pub(crate) fn set(&mut self, hash: u64, from: Option<Place>, to: Place) {
        match from.and_then(|from| self.table.find_mut(hash, |entry| entry.place == from)) {
            Some(entry) => entry.place = to,
            None => {
                let entry = Entry { hash, place: to };
                self.table.insert_unique(hash, entry, |entry| entry.hash);
            }
        }
    }

    pub(crate) fn remove(&mut self, hash: u64, place: Place) {
        if let Ok(entry) = self.table.find_entry(hash, |entry| entry.place == place) {
            entry.remove();
        }
    }
}
