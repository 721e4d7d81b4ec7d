"""Who gets the slots (P6): a freed slot is held out, for a moment, to the coordinator with demand that has the fewest,
and nobody else can take it meanwhile.
"""

from __future__ import annotations

from ..proto.ids import CoordinatorId, ReplyTo
from .clock import Instant
from .config import Config
from .peers import Peer, PeerTable


class Peers(PeerTable):
    """The coordinators, and who of them has which slots."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.slots = config.slots
        self._held = 0
        self._offered = 0
        self._demanding = 0
        """Coordinators with demand."""
        self._turn = 0
        """Where the next round begins."""
        self._untold: list[Peer] = []
        self._offer_window = config.offer_window
        self.offers_end: Instant | None = None
        """No offer ends before."""

    @property
    def unheld(self) -> int:
        """Slots that nobody holds."""
        return self.slots - self._held

    @property
    def unoffered(self) -> int:
        """Slots that nobody holds and nobody is offered."""
        return self.unheld - self._offered

    def free_for(self, coordinator: CoordinatorId) -> int:
        """Slots that a coordinator may take now. Once the free slots are distributed, what is left over is wanted by
        nobody, so everyone may take it.
        """
        peer = self.find(coordinator)
        return self.unoffered + (peer.offered if peer is not None else 0)

    def take(self, peer: Peer) -> bool:
        """Takes a slot for a coordinator, first of those that it was offered. Who got a slot last is the last in
        turn.
        """
        if peer.offered > 0:
            peer.offered -= 1
            self._withdraw_offered(1)
        elif self.unoffered == 0:
            return False
        peer.held += 1
        self._held += 1
        self._turn = peer.at + 1
        return True

    def release(self, peer: Peer) -> None:
        """Gives a coordinator's slot back."""
        peer.held -= 1
        self._held -= 1
        self.forget_if_gone(peer)

    def move_slot(self, before: Peer, after: Peer) -> None:
        """Counts a slot for another coordinator, which took over the attempt."""
        after.held += 1
        before.held -= 1
        self.forget_if_gone(before)

    def set_demand(self, peer: Peer, demand: int, reply: ReplyTo, now: Instant) -> None:
        """Notes what a coordinator's newest call message asks for; it replaces what earlier ones did."""
        self._change_demand(peer, demand)
        peer.reply = reply
        surplus = max(0, peer.offered - demand)
        peer.offered -= surplus
        # It is there and takes: what is left of its offer lasts from now.
        peer.offered_until = now + self._offer_window
        self._withdraw_offered(surplus)

    def distribute(self, now: Instant) -> int:
        """Holds the free slots out to those with demand, fewest slots first, in turns."""
        given = 0
        while self._demanding > 0 and self.unoffered > 0:
            peer = self._neediest()
            if peer is None:
                break
            count = min(self.unoffered, peer.demand - peer.offered) if self._demanding == 1 else 1
            if peer.offered == 0:
                peer.offered_until = now + self._offer_window
            peer.offered += count
            if not peer.is_untold:
                peer.is_untold = True
                self._untold.append(peer)
            self._offered += count
            self._turn = peer.at + 1
            ends = peer.offered_until
            self.offers_end = ends if self.offers_end is None else min(self.offers_end, ends)
            given += count
        return given

    def told(self, coordinator: CoordinatorId) -> None:
        """Notes that a message with the present load leaves to a coordinator."""
        peer = self.find(coordinator)
        if peer is not None:
            peer.is_untold = False

    def take_untold(self) -> list[ReplyTo]:
        """Takes those who must be told of an offer: no other message told them, nor did they take it already."""
        to = []
        for peer in self._untold:
            if peer.is_untold and peer.offered > 0:
                to.append(peer.reply)
            peer.is_untold = False
        self._untold = []
        return to

    def expire_offers(self, now: Instant) -> int:
        """Withdraws the offers that nobody took in time, and gives the number of slots. Who doesn't take has no demand
        until its next call message.
        """
        if self.offers_end is None or self.offers_end > now:
            return 0
        before = self._offered
        following: list[Instant] = []
        for peer in self.entries:
            if peer is None or peer.offered == 0:
                continue
            if peer.offered_until <= now:
                self.withdraw(peer)
                self.forget_if_gone(peer)
            else:
                following.append(peer.offered_until)
        self.offers_end = min(following, default=None)
        return before - self._offered

    def withdraw_all(self) -> None:
        """Withdraws all offers and forgets all demand."""
        for peer in self.entries:
            if peer is not None:
                self.withdraw(peer)

    def withdraw(self, peer: Peer) -> None:
        """Withdraws a coordinator's offer and forgets its demand."""
        self._change_demand(peer, 0)
        peer.is_untold = False
        offered, peer.offered = peer.offered, 0
        self._withdraw_offered(offered)

    def _withdraw_offered(self, count: int) -> None:
        self._offered -= count
        if self._offered == 0:
            self.offers_end = None

    def _change_demand(self, peer: Peer, demand: int) -> None:
        self._demanding += (demand > 0) - (peer.demand > 0)
        peer.demand = demand

    def _neediest(self) -> Peer | None:
        """The coordinator with unmet demand that has the fewest slots; among equals, the next in turn."""
        count = len(self.entries)
        best: Peer | None = None
        for offset in range(count):
            peer = self.entries[(self._turn + offset) % count]
            if peer is None or peer.demand <= peer.offered:
                continue
            if best is None or peer.held + peer.offered < best.held + best.offered:
                best = peer
        return best
