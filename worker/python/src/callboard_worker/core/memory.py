"""What an instance knows of attempts (P1, P16): which it holds, how others ended, and which it must refuse for ever.

Memory is bounded, and forgetting can never let an attempt in. What is dropped leaves its mark in a horizon: the newest
beat that a copy of something dropped can name.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple, Union

from ..proto.ids import AttemptKey, GrantId
from ..proto.words import Effect, Executed
from .clock import Instant
from .config import Config
from .counters import Counters
from .held import Held

ENTRY_BYTES = 165
"""What an entry costs beyond its encoded result, in bytes: the Rust worker's number, envelope included, so that both
forget the same in a scenario with a small memory."""
BEATS_KEPT = 4
"""Beats at least whose attempts are remembered, however fast they come (chosen, not measured): the last of them a
coordinator needn't have seen yet."""


class Origin(NamedTuple):
    """What bounds the beats that a copy of an attempt's message can name."""

    beat: int
    """The newest beat when the attempt was first heard of."""
    is_unseen: bool
    """Whether its message named no beat."""


@dataclass(slots=True, eq=False)
class Kept:
    """A result for those who ask again."""

    of: AttemptKey
    result: bytes
    """Encoded: it is written once, and leaves as often as somebody asks."""
    executed: Executed
    """What the result says of its attempt."""
    fingerprint: int | None
    """Hash of what was delivered; none where that couldn't be read."""
    effect: Effect
    grant: GrantId | None
    origin: Origin
    until: Instant


@dataclass(slots=True, eq=False)
class Grave:
    """The light entry of an attempt that must be refused for ever."""

    of: AttemptKey
    origin: Origin
    may_have_run: Effect | None
    """What it may have done before it was forgotten; none if it never entered its tool."""


Known = Union[Held, Kept, Grave]


class Memory:
    """What an instance knows of attempts. An attempt is in one place at a time."""

    def __init__(self, config: Config) -> None:
        self._kept_for = config.results_kept_for
        self._kept_bytes_max = config.results_bytes_max
        self._graves_max = config.tombstones_max
        self._known: dict[AttemptKey, Known] = {}
        self._kept: deque[Kept] = deque()
        self._kept_bytes = 0
        self._graves: deque[Grave] = deque()
        # Calls that name a beat up to the first, and aren't known, may be copies of a refused one; attempts whose calls
        # named one up to the second may have run. Below every beat until something is dropped.
        self._horizon = -1
        self._forgotten_horizon = -1
        self._has_dropped_unseen = False
        self._has_dropped_unseen_effect = False
        self._has_dropped_write = False
        # What was taken in since the newest beat left.
        self._filled_bytes = 0
        self._filled_refused = 0

    def __len__(self) -> int:
        return len(self._known)

    def is_filling(self) -> bool:
        """Tells whether so much was taken in under the newest beat that the next one should leave early: what is
        forgotten must be some beats older than what is new, or new calls are taken for copies of it.
        """
        return (
            self._filled_bytes * BEATS_KEPT > self._kept_bytes_max
            or self._filled_refused * BEATS_KEPT > self._graves_max
        )

    def beat_left(self) -> None:
        """Notes that a beat left."""
        self._filled_bytes = 0
        self._filled_refused = 0

    def find(self, of: AttemptKey) -> Known | None:
        """What is known of an attempt."""
        return self._known.get(of)

    def hold(self, held: Held) -> None:
        """Remembers an unknown attempt that got a slot."""
        self._known[held.of] = held

    def keep(
        self,
        of: AttemptKey,
        result: bytes,
        executed: Executed,
        fingerprint: int | None,
        effect: Effect,
        grant: GrantId | None,
        origin: Origin,
        now: Instant,
        counters: Counters,
    ) -> None:
        """Keeps the result of an attempt that was held until now, or never was."""
        kept = Kept(of, result, executed, fingerprint, effect, grant, origin, now + self._kept_for)
        self._known[of] = kept
        self._kept.append(kept)
        self._kept_bytes += ENTRY_BYTES + len(result)
        self._filled_bytes += ENTRY_BYTES + len(result)
        while self._kept_bytes > self._kept_bytes_max:
            counters.results_evicted += 1
            self._evict(counters)

    def refuse(self, of: AttemptKey, origin: Origin, may_have_run: Effect | None, counters: Counters) -> None:
        """Refuses for ever an attempt that was held until now, or never was. What it may have done before it was
        forgotten is none if it never entered its tool.
        """
        self._filled_refused += 1
        self._bury(of, origin, may_have_run, counters)

    def _bury(self, of: AttemptKey, origin: Origin, may_have_run: Effect | None, counters: Counters) -> None:
        """Leaves a light entry of an attempt."""
        grave = Grave(of, origin, may_have_run)
        self._known[of] = grave
        self._graves.append(grave)
        while len(self._graves) > self._graves_max:
            self._drop_grave(counters)

    def expire(self, now: Instant, counters: Counters) -> None:
        """Forgets the results that were kept long enough."""
        while self._kept and self._kept[0].until <= now:
            counters.results_expired += 1
            self._evict(counters)

    def must_not_run(self, seen: int | None, effect: Effect) -> bool:
        """Tells whether an unknown call may be a copy of one that is no longer remembered and must not run.

        Without a beat only a ``write`` is refused, and only once it matters: a client that sees no beats must be able
        to read, and what isn't a write may run twice.
        """
        if seen is None:
            return effect is Effect.WRITE and self._has_dropped_unseen
        return seen <= self._horizon

    def may_have_run(self, seen: int | None, effect: Effect) -> bool:
        """Tells whether an unknown call may be a copy of one that ran and was forgotten, so that no binding word about
        it is true. Without a beat a ``read`` counts as new: it had no effect to lie about.
        """
        if seen is None:
            return effect is not Effect.READ and self._has_dropped_unseen_effect
        return self.may_be_forgotten(seen)

    def may_be_forgotten(self, seen: int | None) -> bool:
        """Tells whether an unknown attempt that somebody asks for, and whose call named ``seen``, may have run."""
        return self._forgotten_horizon >= 0 and (seen is None or seen <= self._forgotten_horizon)

    def may_have_run_granted(self) -> bool:
        """Tells whether an unknown attempt that somebody grants may have run here. A grant doesn't say which beat its
        call named, so one dropped write leaves a doubt about all.
        """
        return self._has_dropped_write

    def _evict(self, counters: Counters) -> None:
        """Forgets the oldest result, and leaves a light entry. Only a read that ran leaves nothing: it may run again,
        and a flood of reads must not push out what matters.
        """
        kept = self._kept.popleft()
        self._kept_bytes -= ENTRY_BYTES + len(kept.result)
        of = kept.of
        if kept.executed is Executed.NO:
            self._bury(of, kept.origin, None, counters)
        elif kept.effect is Effect.READ:
            del self._known[of]
            self._forgotten_horizon = max(self._forgotten_horizon, kept.origin.beat)
        else:
            self._bury(of, kept.origin, kept.effect, counters)

    def _drop_grave(self, counters: Counters) -> None:
        """Drops the oldest grave; the horizons stand for it from now on."""
        grave = self._graves.popleft()
        del self._known[grave.of]
        counters.tombstones_dropped += 1
        beat, is_unseen = grave.origin
        self._horizon = max(self._horizon, beat)
        self._has_dropped_unseen |= is_unseen
        if grave.may_have_run is not None:
            self._forgotten_horizon = max(self._forgotten_horizon, beat)
            self._has_dropped_unseen_effect |= is_unseen
            self._has_dropped_write |= grave.may_have_run is Effect.WRITE
