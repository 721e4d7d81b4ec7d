"""Beats (P16), and ages measured by them (P13)."""

from __future__ import annotations

from collections import deque

from .clock import Duration, Instant

BEATS_REMEMBERED = 4096
"""Beats whose time is remembered: more than an hour at one a second (chosen, not measured)."""
EARLY_PART = 64
"""Beats that leave early are this part of an interval apart at least (chosen, not measured)."""


class Beats:
    """When beats leave, and when those left that others have seen."""

    def __init__(self, interval: Duration, now: Instant) -> None:
        self._interval = interval
        self.next = now + interval
        self._is_due = True
        self.last = 0
        """The number of the newest beat; 0 before the first. No message can name a newer one."""
        self._left: deque[Instant] = deque(maxlen=BEATS_REMEMBERED)

    def hasten(self) -> None:
        """Lets a beat leave at the next occasion."""
        self._is_due = True

    def handle_timeout(self, now: Instant) -> None:
        """Lets a beat leave if it is time. However late it is, one beat says all."""
        if now >= self.next:
            self._is_due = True
            self.next += self._interval
            if self.next <= now:
                self.next = now + self._interval

    def advance(self, now: Instant) -> None:
        """Lets the next beat leave early, as soon as beats may follow each other."""
        early = self._left[-1] + self._interval // EARLY_PART if self._left else now
        if early > now:
            self.next = min(self.next, early)
        else:
            self._is_due = True

    def take(self, now: Instant) -> int | None:
        """Takes the beat that is due, as its number."""
        if not self._is_due:
            return None
        self._is_due = False
        self.last += 1
        self._left.append(now)
        return self.last

    def is_stale(self, seen: int, budget: Duration, now: Instant) -> bool:
        """Tells whether a message with this budget that names beat ``seen`` is too old to be acted on (P13). A beat
        that is no longer remembered is too old, and one that never left is nobody's.
        """
        back = self.last - seen
        if not 0 <= back < len(self._left):
            return True
        return now - self._left[-1 - back] > budget + 2 * self._interval
