"""The coordinators that an instance hears."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from ..proto.ids import CoordinatorId, ReplyTo
from .clock import Duration, Instant
from .config import Config

PEERS_IDLE_MAX = 1024
"""Coordinators that are remembered beyond those whose attempts are held (chosen, not measured)."""


@dataclass(slots=True, eq=False)
class Peer:
    """A coordinator."""

    id: CoordinatorId
    at: int
    """Its place in the round."""
    reply: ReplyTo
    """Its newest call message, where a ``free`` goes."""
    heard: Instant
    offered_until: Instant
    """When the offer ends."""
    is_silent: bool = False
    """Whether it has been unheard for too long (P20)."""
    held: int = 0
    """Slots that its attempts hold."""
    demand: int = 0
    """Slots that it would take now, by its newest call message."""
    offered: int = 0
    """Free slots that are held out to it."""
    is_untold: bool = False
    """Whether it must still be told of the offer."""

    @property
    def holds_nothing(self) -> bool:
        """Whether it neither holds nor wants a slot."""
        return self.held == 0 and self.demand == 0


class PeerTable(ABC):
    """The coordinators; :class:`callboard_worker.core.offers.Offers` says who of them has which slots."""

    def __init__(self, config: Config) -> None:
        self.entries: list[Peer | None] = []
        self._vacant: list[int] = []
        self._index: dict[CoordinatorId, Peer] = {}
        self._orphan_after: Duration = config.orphan_after
        self.silence_at: Instant | None = None
        """Nobody falls silent before."""

    def find(self, coordinator: CoordinatorId) -> Peer | None:
        """A coordinator that is known."""
        return self._index.get(coordinator)

    def heard(self, reply: ReplyTo, now: Instant) -> Peer:
        """Notes that a coordinator was heard."""
        peer = self._index.get(reply.coordinator) or self._insert(reply, now)
        peer.heard = now
        if peer.is_silent:
            peer.is_silent = False
            self._watch(now)
        return peer

    def fall_silent(self, now: Instant) -> set[CoordinatorId]:
        """The coordinators that fell silent just now (P20). Those that neither hold nor want a slot are forgotten; one
        that still waits for its ``free`` has nothing to say until it comes.
        """
        if self.silence_at is None or self.silence_at > now:
            return set()
        silent: set[CoordinatorId] = set()
        self.silence_at = None
        for peer in self.entries:
            if peer is None or peer.is_silent:
                continue
            if peer.heard + self._orphan_after > now:
                self._watch(peer.heard)
            elif peer.holds_nothing:
                self.forget(peer)
            else:
                peer.is_silent = True
                silent.add(peer.id)
        return silent

    def forget_if_gone(self, peer: Peer) -> None:
        """Forgets a silent coordinator once it neither holds nor wants a slot."""
        if peer.is_silent and peer.holds_nothing:
            self.forget(peer)

    def forget(self, peer: Peer) -> None:
        """Forgets a coordinator."""
        self.withdraw(peer)
        self.entries[peer.at] = None
        self._vacant.append(peer.at)
        del self._index[peer.id]

    @abstractmethod
    def withdraw(self, peer: Peer) -> None:
        """Withdraws a coordinator's offer and forgets its demand."""

    def _insert(self, reply: ReplyTo, now: Instant) -> Peer:
        if len(self._index) >= PEERS_IDLE_MAX:
            self._forget_longest_idle()
        at = self._vacant.pop() if self._vacant else len(self.entries)
        peer = Peer(id=reply.coordinator, at=at, reply=reply, heard=now, offered_until=now)
        if at == len(self.entries):
            self.entries.append(peer)
        else:
            self.entries[at] = peer
        self._index[peer.id] = peer
        self._watch(now)
        return peer

    def _watch(self, heard: Instant) -> None:
        until = heard + self._orphan_after
        self.silence_at = until if self.silence_at is None else min(self.silence_at, until)

    def _forget_longest_idle(self) -> None:
        idle = [peer for peer in self.entries if peer is not None and peer.held == 0]
        if idle:
            self.forget(min(idle, key=lambda peer: peer.heard))
