"""Results on their way out: those for one reply subject leave together, cut to what a message may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..proto.ids import ReplyTo
from ..proto.message import AckItem, BadItem
from ..proto.names import bytes_of
from .config import Config

RESULT_BYTES = 5
"""Bytes of a result beyond its own: its length."""
# Most bytes of an encoded thing beyond its text, as the Rust worker counts them: field names and numbers, doubled.
ACK_BYTES = 128
BAD_BYTES = 32


@dataclass(slots=True)
class Cut:
    """What one message may hold (P21)."""

    items_max: int
    bytes_max: int

    def fits(self, items: int, size: int, more: int) -> bool:
        """Tells whether something more fits. What fits in no message travels alone."""
        return items == 0 or (items < self.items_max and size + more <= self.bytes_max)

    def acks(self, items: Sequence[AckItem], bad: Sequence[BadItem]) -> list[tuple[list[AckItem], list[BadItem]]]:
        """Splits an ack into as many messages as it needs, one at least."""
        messages: list[tuple[list[AckItem], list[BadItem]]] = [([], [])]
        count = size = 0

        def place(more: int) -> tuple[list[AckItem], list[BadItem]]:
            nonlocal count, size
            if not self.fits(count, size, more):
                messages.append(([], []))
                count = size = 0
            count += 1
            size += more
            return messages[-1]

        for bad_item in bad:
            place(BAD_BYTES + bytes_of(bad_item.reason))[1].append(bad_item)
        for item in items:
            place(ACK_BYTES + bytes_of(item.of.id))[0].append(item)
        return messages


@dataclass(slots=True)
class Group:
    """The results of one message."""

    to: ReplyTo
    items: list[bytes]
    bytes: int


class Outbox:
    """Results that leave at the next occasion."""

    def __init__(self, config: Config) -> None:
        self.cut = Cut(max(1, config.batch_items_max), config.batch_bytes_max)
        self._groups: list[Group] = []
        self._open: dict[ReplyTo, Group] = {}

    def push(self, to: ReplyTo, result: bytes) -> None:
        """Lets an encoded result leave."""
        more = RESULT_BYTES + len(result)
        group = self._open.get(to)
        if group is not None and self.cut.fits(len(group.items), group.bytes, more):
            group.bytes += more
            group.items.append(result)
            return
        group = Group(to, [result], more)
        self._open[to] = group
        self._groups.append(group)

    def take(self) -> list[Group]:
        """Takes all that leaves."""
        groups, self._groups = self._groups, []
        if groups:
            self._open.clear()
        return groups
