//! Where an attempt is remembered, found by the hash of its key.
//!
//! The key itself is held once, where the attempt is remembered. An attempt has one entry from its
//! arrival until it is forgotten, of 8 bytes, so that a memory of some hundred thousand attempts stays
//! close to the processor; what it goes through on the way is noted under its ticket, beside those of
//! the attempts that came with it.

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

/// The hash of an attempt's key; that of two attempts may be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hash(u32);

impl Hash {
    pub(crate) fn of(of: &AttemptKey) -> Self {
        let hash = FxBuildHasher.hash_one(of);
        Self(u32::try_from(hash >> 32).expect("half of 64 bits"))
    }

    /// Spread over all bits, as the table wants it.
    fn spread(self) -> u64 {
        u64::from(self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// The number of a remembered attempt; used again once it is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u32);

#[derive(Debug)]
struct Entry {
    hash: Hash,
    ticket: Ticket,
}

#[derive(Clone, Copy, Debug)]
struct Stub {
    hash: Hash,
    place: Place,
}

/// The places of all attempts that are remembered.
#[derive(Debug, Default)]
pub(crate) struct Index {
    table: HashTable<Entry>,
    stubs: Vec<Stub>,
    vacant: Vec<Ticket>,
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Finds the place with this hash that `is_its` says to be the attempt's.
    pub(crate) fn find(&self, hash: Hash, is_its: impl Fn(Place) -> bool) -> Option<Place> {
        self.table
            .find(hash.spread(), |entry| {
                entry.hash == hash && is_its(self.stub(entry.ticket).place)
            })
            .map(|entry| self.stub(entry.ticket).place)
    }

    /// Notes where an attempt is that isn't remembered yet.
    pub(crate) fn enter(&mut self, hash: Hash, place: Place) -> Ticket {
        let stub = Stub { hash, place };
        let ticket = match self.vacant.pop() {
            Some(ticket) => {
                self.stubs[ticket.0 as usize] = stub;
                ticket
            }
            None => {
                let count = u32::try_from(self.stubs.len());
                self.stubs.push(stub);
                Ticket(count.expect("fewer are remembered than a u32 counts"))
            }
        };
        let entry = Entry { hash, ticket };
        self.table
            .insert_unique(hash.spread(), entry, |entry| entry.hash.spread());
        ticket
    }

    /// Notes where a remembered attempt is now.
    pub(crate) fn change(&mut self, ticket: Ticket, place: Place) {
        self.stubs[ticket.0 as usize].place = place;
    }

    /// Forgets an attempt.
    pub(crate) fn remove(&mut self, ticket: Ticket) {
        let hash = self.stub(ticket).hash;
        let found = self
            .table
            .find_entry(hash.spread(), |entry| entry.ticket == ticket);
        if let Ok(entry) = found {
            entry.remove();
            self.vacant.push(ticket);
        }
    }

    fn stub(&self, ticket: Ticket) -> Stub {
        self.stubs[ticket.0 as usize]
    }
}
