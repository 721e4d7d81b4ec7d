"""The slots of tools that have their own, below those of the whole instance.

Coordinators that were refused one stand in the tool's line. A slot that frees is held out to the first of it, for a
moment, and a ``free`` says so (P6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..proto.ids import CoordinatorId
from .clock import Instant
from .config import Config, OfferedTool

LINE_MAX = 1_024
"""Coordinators in the line of one tool at most: whoever comes later asks again. Foreign clients may give themselves a
new identity with each call. Chosen, not measured."""


class OwnSlots:
    """The slots of one tool; attempts remember it."""

    def __init__(self, slots: int | None) -> None:
        self.slots = slots
        """None once the tool is offered without."""
        self.held = 0
        self.line: list[CoordinatorId] = []
        """Who was refused, the longest wait first; each once."""
        self.offers: list[tuple[CoordinatorId, Instant]] = []
        """Slots that are held out, and until when."""

    @property
    def has_free(self) -> bool:
        """Whether somebody may take a slot that nobody holds and nobody is offered."""
        return self.slots is None or self.slots > self.held + len(self.offers)

    def is_offered_to(self, coordinator: CoordinatorId) -> bool:
        """Whether a slot is held out to this coordinator."""
        return any(to == coordinator for to, _ in self.offers)

    def may_take(self, coordinator: CoordinatorId) -> bool:
        """Tells whether a coordinator may take a slot; who may not is in line for one from now on."""
        if self.has_free or self.is_offered_to(coordinator):
            return True
        if len(self.line) < LINE_MAX and coordinator not in self.line:
            self.line.append(coordinator)
        return False

    def take(self, coordinator: CoordinatorId) -> None:
        """Takes a slot that :meth:`may_take` promised, first of those that were held out."""
        for at, (to, _) in enumerate(self.offers):
            if to == coordinator:
                del self.offers[at]
                break
        self.held += 1


class ToolSlots:
    """Who holds the slots of which tool, and who gets the next."""

    def __init__(self, config: Config, tools: Iterable[OfferedTool]) -> None:
        self._by_name: dict[str, OwnSlots] = {}
        self._untold: list[CoordinatorId] = []
        self._offer_window = config.offer_window
        self.offers_end: Instant | None = None
        """No offer ends before."""
        self.replace(tools)

    def replace(self, tools: Iterable[OfferedTool]) -> None:
        """Takes the limits of new tools; what is held of those that stay is counted on."""
        for own in self._by_name.values():
            own.slots = None
        for tool in tools:
            if tool.slots is not None:
                self._by_name.setdefault(tool.name, OwnSlots(None)).slots = tool.slots

    def find(self, tool: OfferedTool) -> OwnSlots | None:
        """The slots of a tool that has its own."""
        return None if tool.slots is None else self._by_name.get(tool.name)

    def release(self, own: OwnSlots, hears: CoordinatorId | None, now: Instant) -> None:
        """Gives a slot back. A coordinator that hears so by its result, and is the next in line, needs no other word:
        the slot is held out to it at once.
        """
        own.held -= 1
        if hears is not None and own.line and own.line[0] == hears and own.has_free:
            self._hold_out(own, own.line.pop(0), now)

    def distribute(self, now: Instant, is_gone: Callable[[CoordinatorId], bool]) -> int:
        """Holds the free slots out to those in line, and gives their number. Who ``is_gone`` loses its place."""
        given = 0
        for own in self._by_name.values():
            while own.line and own.has_free:
                to = own.line.pop(0)
                if is_gone(to):
                    continue
                self._hold_out(own, to, now)
                if to not in self._untold:
                    self._untold.append(to)
                given += 1
        return given

    def take_untold(self) -> list[CoordinatorId]:
        """Takes those who must be told of an offer that they haven't taken already."""
        untold, self._untold = self._untold, []
        return [to for to in untold if any(own.is_offered_to(to) for own in self._by_name.values())]

    def expire_offers(self, now: Instant) -> int:
        """Withdraws the offers that nobody took in time, and gives their number."""
        if self.offers_end is None or self.offers_end > now:
            return 0
        expired = 0
        for own in self._by_name.values():
            lasting = [(to, ends) for to, ends in own.offers if ends > now]
            expired += len(own.offers) - len(lasting)
            own.offers = lasting
        self.offers_end = min((ends for own in self._by_name.values() for _, ends in own.offers), default=None)
        return expired

    def withdraw_all(self) -> None:
        """Withdraws all offers and dissolves all lines."""
        for own in self._by_name.values():
            own.line.clear()
            own.offers.clear()
        self._untold.clear()
        self.offers_end = None

    def _hold_out(self, own: OwnSlots, to: CoordinatorId, now: Instant) -> None:
        ends = now + self._offer_window
        own.offers.append((to, ends))
        self.offers_end = ends if self.offers_end is None else min(self.offers_end, ends)
