//! Who gets the slots (P6): a freed slot is held out, for a moment, to the coordinator with demand
//! that has the fewest, and nobody else can take it meanwhile.

use std::time::Instant;

use callboard_proto::CoordinatorId;

use crate::ReplyTo;
use crate::peers::{Peer, Peers};

impl Peers {
    /// Slots that nobody holds.
    pub(crate) fn unheld(&self) -> u32 {
        self.slots - self.held
    }

    /// Slots that nobody holds and nobody is offered.
    pub(crate) fn unoffered(&self) -> u32 {
        self.unheld() - self.offered
    }

    /// Slots that a coordinator may take now. Once the free slots are distributed, what is left over
    /// is wanted by nobody, so everyone may take it.
    pub(crate) fn free_for(&self, id: CoordinatorId) -> u32 {
        let offered = self
            .find(id)
            .and_then(|at| self.entries[at].as_ref())
            .map_or(0, |peer| peer.offered);
        self.unoffered() + offered
    }

    /// Takes a slot for a coordinator, first of those that it was offered. Who got a slot last is
    /// the last in turn.
    pub(crate) fn take(&mut self, at: usize) -> bool {
        let has_unoffered = self.unoffered() > 0;
        let peer = self.get_mut(at);
        if peer.offered > 0 {
            peer.offered -= 1;
            peer.held += 1;
            self.withdraw_offered(1);
        } else if has_unoffered {
            peer.held += 1;
        } else {
            return false;
        }
        self.held += 1;
        self.turn = at + 1;
        true
    }

    /// Gives a coordinator's slot back.
    pub(crate) fn release(&mut self, at: usize) {
        self.get_mut(at).held -= 1;
        self.held -= 1;
        self.forget_if_gone(at);
    }

    /// Counts a slot for another coordinator, which took over the attempt.
    pub(crate) fn move_slot(&mut self, from: usize, to: usize) {
        self.get_mut(to).held += 1;
        self.get_mut(from).held -= 1;
        self.forget_if_gone(from);
    }

    /// Notes what a coordinator's newest call message asks for; it replaces what earlier ones did.
    pub(crate) fn set_demand(&mut self, at: usize, demand: u32, reply: ReplyTo, now: Instant) {
        let until = now + self.offer_window;
        self.change_demand(at, demand);
        let peer = self.get_mut(at);
        peer.reply = reply;
        let surplus = peer.offered.saturating_sub(demand);
        peer.offered -= surplus;
        // It is there and takes: what is left of its offer lasts from now.
        peer.offered_until = until;
        self.withdraw_offered(surplus);
    }

    /// Holds the free slots out to those with demand, fewest slots first, in turns.
    pub(crate) fn distribute(&mut self, now: Instant) -> u32 {
        let mut given = 0;
        while self.demanding > 0 && self.unoffered() > 0 {
            let Some(at) = self.neediest() else {
                break;
            };
            let (is_alone, left) = (self.demanding == 1, self.unoffered());
            let until = now + self.offer_window;
            let peer = self.get_mut(at);
            let count = if is_alone {
                left.min(peer.demand - peer.offered)
            } else {
                1
            };
            if peer.offered == 0 {
                peer.offered_until = until;
            }
            peer.offered += count;
            let is_news = !std::mem::replace(&mut peer.is_untold, true);
            let ends = peer.offered_until;
            self.offered += count;
            self.turn = at + 1;
            self.offers_end = Some(self.offers_end.map_or(ends, |end| end.min(ends)));
            if is_news {
                self.untold.push(at);
            }
            given += count;
        }
        given
    }

    /// Notes that a message with the present load leaves to a coordinator.
    pub(crate) fn told(&mut self, id: CoordinatorId) {
        if let Some(at) = self.find(id) {
            self.get_mut(at).is_untold = false;
        }
    }

    /// Takes those who must be told of an offer: no other message told them, nor did they take it already.
    pub(crate) fn take_untold(&mut self) -> Vec<ReplyTo> {
        let mut to = Vec::new();
        for at in std::mem::take(&mut self.untold) {
            if let Some(peer) = &mut self.entries[at]
                && std::mem::take(&mut peer.is_untold)
                && peer.offered > 0
            {
                to.push(peer.reply);
            }
        }
        to
    }

    /// Withdraws the offers that nobody took in time, and gives the number of slots. Who doesn't
    /// take has no demand until its next call message.
    pub(crate) fn expire_offers(&mut self, now: Instant) -> u32 {
        if self.offers_end.is_none_or(|end| end > now) {
            return 0;
        }
        let before = self.offered;
        let mut next: Option<Instant> = None;
        for at in 0..self.entries.len() {
            match &self.entries[at] {
                Some(peer) if peer.offered > 0 && peer.offered_until <= now => {
                    self.withdraw(at);
                    self.forget_if_gone(at);
                }
                Some(peer) if peer.offered > 0 => {
                    let until = peer.offered_until;
                    next = Some(next.map_or(until, |next| next.min(until)));
                }
                Some(_) | None => {}
            }
        }
        self.offers_end = next;
        before - self.offered
    }

    /// Withdraws all offers and forgets all demand.
    pub(crate) fn withdraw_all(&mut self) {
        for at in 0..self.entries.len() {
            if self.entries[at].is_some() {
                self.withdraw(at);
            }
        }
    }

    /// Withdraws a coordinator's offer and forgets its demand.
    pub(crate) fn withdraw(&mut self, at: usize) {
        self.change_demand(at, 0);
        let peer = self.get_mut(at);
        peer.is_untold = false;
        let offered = std::mem::take(&mut peer.offered);
        self.withdraw_offered(offered);
    }

    fn withdraw_offered(&mut self, count: u32) {
        self.offered -= count;
        if self.offered == 0 {
            self.offers_end = None;
        }
    }

    fn change_demand(&mut self, at: usize, demand: u32) {
        let before = std::mem::replace(&mut self.get_mut(at).demand, demand);
        self.demanding += u32::from(demand > 0);
        self.demanding -= u32::from(before > 0);
    }

    /// The coordinator with unmet demand that has the fewest slots; among equals, the next in turn.
    fn neediest(&self) -> Option<usize> {
        let count = self.entries.len();
        (0..count)
            .map(|offset| (self.turn + offset) % count)
            .filter_map(|at| self.entries[at].as_ref().map(|peer| (at, peer)))
            .filter(|(_, peer)| peer.demand > peer.offered)
            .min_by_key(|(_, peer)| share(peer))
            .map(|(at, _)| at)
    }
}

fn share(peer: &Peer) -> u32 {
    peer.held + peer.offered
}
