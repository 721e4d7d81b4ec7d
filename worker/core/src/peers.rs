//! The coordinators that an instance hears.

use std::time::{Duration, Instant};

use callboard_proto::CoordinatorId;
use rustc_hash::FxHashMap;

use crate::{Config, ReplyTo};

/// Coordinators that are remembered beyond those whose attempts are held (chosen, not measured).
const PEERS_IDLE_MAX: usize = 1024;

/// A coordinator.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: CoordinatorId,
    /// Its newest call message, where a `free` goes.
    pub(crate) reply: ReplyTo,
    /// When it was last heard.
    pub(crate) heard: Instant,
    /// Whether it has been unheard for too long (P20).
    pub(crate) is_silent: bool,
    /// Slots that its attempts hold.
    pub(crate) held: u32,
    /// Slots that it would take now, by its newest call message.
    pub(crate) demand: u32,
    /// Free slots that are held out to it.
    pub(crate) offered: u32,
    /// When the offer ends.
    pub(crate) offered_until: Instant,
    /// Whether it must still be told of the offer.
    pub(crate) is_untold: bool,
}

impl Peer {
    fn holds_nothing(&self) -> bool {
        self.held == 0 && self.demand == 0
    }
}

/// The coordinators, and who of them has which slots; see [`crate::offers`] for the latter.
#[derive(Debug)]
pub(crate) struct Peers {
    pub(crate) entries: Vec<Option<Peer>>,
    vacant: Vec<usize>,
    index: FxHashMap<CoordinatorId, usize>,
    /// Whom the last look-up found: most follow each other.
    newest: usize,
    pub(crate) slots: u32,
    pub(crate) held: u32,
    pub(crate) offered: u32,
    /// Coordinators with demand.
    pub(crate) demanding: u32,
    /// Where the next round begins.
    pub(crate) turn: usize,
    /// Whom to tell of an offer.
    pub(crate) untold: Vec<usize>,
    pub(crate) offer_window: Duration,
    /// No offer ends before.
    pub(crate) offers_end: Option<Instant>,
    orphan_after: Duration,
    /// Nobody falls silent before.
    silence_at: Option<Instant>,
}

impl Peers {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            entries: Vec::new(),
            vacant: Vec::new(),
            index: FxHashMap::default(),
            newest: 0,
            slots: config.slots,
            held: 0,
            offered: 0,
            demanding: 0,
            turn: 0,
            untold: Vec::new(),
            offer_window: config.offer_window,
            offers_end: None,
            orphan_after: config.orphan_after,
            silence_at: None,
        }
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> &mut Peer {
        self.entries[at]
            .as_mut()
            .expect("a coordinator that is known")
    }

    pub(crate) fn find(&self, id: CoordinatorId) -> Option<usize> {
        if let Some(Some(peer)) = self.entries.get(self.newest)
            && peer.id == id
        {
            return Some(self.newest);
        }
        self.index.get(&id).copied()
    }

    /// Notes that a coordinator was heard, and gives its place.
    pub(crate) fn heard(&mut self, reply: ReplyTo, now: Instant) -> usize {
        let at = match self.find(reply.coordinator) {
            Some(at) => at,
            None => self.insert(reply, now),
        };
        self.newest = at;
        let peer = self.get_mut(at);
        peer.heard = now;
        if std::mem::take(&mut peer.is_silent) {
            self.watch(now);
        }
        at
    }

    pub(crate) fn silence_at(&self) -> Option<Instant> {
        self.silence_at
    }

    /// The coordinators that fell silent just now (P20). Those that neither hold nor want a slot are
    /// forgotten; one that still waits for its `free` has nothing to say until it comes.
    pub(crate) fn fall_silent(&mut self, now: Instant) -> Vec<usize> {
        if self.silence_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let mut silent = Vec::new();
        let mut next: Option<Instant> = None;
        for at in 0..self.entries.len() {
            let Some(peer) = self.entries[at].as_mut().filter(|peer| !peer.is_silent) else {
                continue;
            };
            let until = peer.heard + self.orphan_after;
            if until > now {
                next = Some(next.map_or(until, |next| next.min(until)));
            } else if peer.holds_nothing() {
                self.forget(at);
            } else {
                peer.is_silent = true;
                silent.push(at);
            }
        }
        self.silence_at = next;
        silent
    }

    /// Forgets a silent coordinator once it neither holds nor wants a slot.
    pub(crate) fn forget_if_gone(&mut self, at: usize) {
        if self.entries[at]
            .as_ref()
            .is_some_and(|peer| peer.is_silent && peer.holds_nothing())
        {
            self.forget(at);
        }
    }

    fn insert(&mut self, reply: ReplyTo, now: Instant) -> usize {
        if self.index.len() >= PEERS_IDLE_MAX {
            self.forget_longest_idle();
        }
        let peer = Peer {
            id: reply.coordinator,
            reply,
            heard: now,
            is_silent: false,
            held: 0,
            demand: 0,
            offered: 0,
            offered_until: now,
            is_untold: false,
        };
        let at = match self.vacant.pop() {
            Some(at) => {
                self.entries[at] = Some(peer);
                at
            }
            None => {
                self.entries.push(Some(peer));
                self.entries.len() - 1
            }
        };
        self.index.insert(reply.coordinator, at);
        self.watch(now);
        at
    }

    fn watch(&mut self, now: Instant) {
        let until = now + self.orphan_after;
        self.silence_at = Some(self.silence_at.map_or(until, |at| at.min(until)));
    }

    fn forget_longest_idle(&mut self) {
        let idle = (0..self.entries.len())
            .filter_map(|at| self.entries[at].as_ref().map(|peer| (at, peer)))
            .filter(|(_, peer)| peer.held == 0)
            .min_by_key(|(_, peer)| peer.heard)
            .map(|(at, _)| at);
        if let Some(at) = idle {
            self.forget(at);
        }
    }

    fn forget(&mut self, at: usize) {
        self.withdraw(at);
        if let Some(peer) = self.entries[at].take() {
            self.index.remove(&peer.id);
            self.vacant.push(at);
        }
    }
}
