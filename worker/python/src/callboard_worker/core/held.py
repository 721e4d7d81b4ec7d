"""The attempts that hold a slot, and one timer for each."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING

from ..proto.ids import AttemptKey, GrantId, ReplyTo
from ..proto.words import Effect
from .clock import Duration, Instant
from .effects import Start

if TYPE_CHECKING:
    from .answers import Answer
    from .memory import Origin
    from .peers import Peer
    from .tool_slots import OwnSlots


@dataclass(slots=True)
class Pending:
    """What a tool is entered with."""

    tool: str
    arguments: bytes
    key: str | None
    traceparent: str | None
    budget: Duration
    """Time for the attempt, from the moment that allowed it: arrival or grant."""


@unique
class Stage(Enum):
    """How far an attempt is."""

    WAITING = "waiting"
    """A write without a grant."""
    QUEUED = "queued"
    """It may start, and does as soon as the shell asks."""
    RUNNING = "running"
    """Its tool was entered."""


@dataclass(slots=True, eq=False)
class Held:
    """An attempt that holds a slot."""

    of: AttemptKey
    effect: Effect
    fingerprint: int
    """Hash of the tool and its arguments, which are gone once the tool runs."""
    origin: Origin
    peer: Peer
    """The coordinator whose slot it is."""
    reply: ReplyTo
    """Where the result goes: the newest message that named the attempt."""
    answer: Answer | None
    """The answer that the result helps to settle."""
    pending: Pending
    arrived: Instant
    started: Instant
    """When the tool was entered; until then, when the attempt arrived."""
    deadline: Instant
    stage: Stage
    own_slot: OwnSlots | None = None
    """The slots of its tool, where it has its own."""
    may_have_run: bool = False
    """Whether it may be a copy of one that ran and was forgotten: then nothing says that it did not."""
    grant: GrantId | None = None
    is_stopping: bool = False
    has_window: bool = False
    """Whether its ack left, so that its wait for a grant has an end (P17)."""
    due: Instant | None = None
    """Its armed timer."""
    at: int = -1
    """Its place among those that hold a slot: what is due at one moment is handled in this order."""

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its grant."""
        return self.stage is Stage.WAITING

    @property
    def is_running(self) -> bool:
        """Whether its tool was entered."""
        return self.stage is Stage.RUNNING


class HeldTable:
    """The attempts that hold a slot."""

    def __init__(self) -> None:
        self._entries: list[Held | None] = []
        self._vacant: list[int] = []
        self._timers: list[tuple[Instant, int, int, Held]] = []
        self._armed = 0
        # What left, or started, meanwhile is skipped.
        self._queued: deque[Held] = deque()
        self.running = 0

    def __len__(self) -> int:
        return len(self._entries) - len(self._vacant)

    def __iter__(self) -> Iterator[Held]:
        """All of them by their places, whatever is removed meanwhile."""
        return (held for held in self._entries if held is not None)

    def insert(self, held: Held) -> None:
        """Takes an attempt, arms its budget, and lets it start if it needs no grant."""
        if self._vacant:
            held.at = self._vacant.pop()
            self._entries[held.at] = held
        else:
            held.at = len(self._entries)
            self._entries.append(held)
        self.arm(held, held.deadline)
        if not held.is_waiting:
            self._queued.append(held)

    def remove(self, held: Held) -> None:
        """Lets an attempt go."""
        self._entries[held.at] = None
        self._vacant.append(held.at)
        held.due = None
        self.running -= held.is_running

    def arm(self, held: Held, due: Instant) -> None:
        """Replaces the timer of an attempt."""
        held.due = due
        self._armed += 1
        heapq.heappush(self._timers, (due, held.at, self._armed, held))
        # Timers that were replaced stay in the heap until they come up; they must not outnumber the others.
        if len(self._timers) > 64 + 4 * len(self._entries):
            current = [timer for timer in self._timers if self._is_current(timer)]
            heapq.heapify(current)
            self._timers = current

    def disarm(self, held: Held) -> None:
        """Takes the timer of an attempt away."""
        held.due = None

    def next_due(self) -> Instant | None:
        """When the first timer is due."""
        while self._timers and not self._is_current(self._timers[0]):
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def first_due(self, now: Instant) -> Held | None:
        """The next attempt whose timer is due; whoever handles it disarms or removes it."""
        due = self.next_due()
        return self._timers[0][3] if due is not None and due <= now else None

    def open_window(self, held: Held, ends: Instant) -> None:
        """Starts the clock of a waiting write, once its ack leaves (P17)."""
        if held.is_waiting and not held.has_window:
            held.has_window = True
            self.arm(held, min(held.deadline, ends))

    def grant(self, held: Held, grant: GrantId, budget: Duration, now: Instant) -> None:
        """Lets a waiting write start, with a new budget from now."""
        held.pending.budget = budget
        held.grant = grant
        held.deadline = now + budget
        held.stage = Stage.QUEUED
        self.arm(held, held.deadline)
        self._queued.append(held)

    def next_start(self, now: Instant) -> Start | None:
        """Starts the next attempt that may."""
        while self._queued:
            held = self._queued.popleft()
            if held.stage is not Stage.QUEUED or not self._holds(held):
                continue
            held.stage = Stage.RUNNING
            held.started = now
            self.running += 1
            pending = held.pending
            start = Start(
                of=held.of,
                reply=held.reply,
                tool=pending.tool,
                effect=held.effect,
                arguments=pending.arguments,
                budget=pending.budget,
                key=pending.key,
                traceparent=pending.traceparent,
            )
            pending.arguments = b""
            return start
        return None

    def _holds(self, held: Held) -> bool:
        return self._entries[held.at] is held

    def _is_current(self, timer: tuple[Instant, int, int, Held]) -> bool:
        due, _, _, held = timer
        return held.due == due and self._holds(held)
