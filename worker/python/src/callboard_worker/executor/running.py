"""What is being executed: which tools have a slot of their own left, who waits for progress, and which stopped tools
have how long left.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass

from ..core import Finished, Start, StopReason
from ..core.clock import MS, Duration, Instant
from ..proto.ids import AttemptKey, ReplyTo
from ..proto.message import ProgressItem
from ..tool.state import CallState, Phase
from . import ending
from .runtime import Entry

PROGRESS_INTERVAL: Duration = 250 * MS
"""Least time between two messages about one attempt (P23)."""


@dataclass(slots=True, eq=False)
class Running:
    """One attempt that was handed to its tool and has not ended."""

    of: AttemptKey
    state: CallState
    reply: ReplyTo
    tool: str
    since: Instant
    progress_sent: Instant | None = None
    is_stopping: bool = False


class Gate:
    """A tool's own slots. A call above them waits here, with the slot of the worker that it holds."""

    def __init__(self, slots: int) -> None:
        self.free = slots
        self.waiting: deque[Entry] = deque()


@dataclass(slots=True)
class Stopped:
    """What became of a stop: the end of the attempt, and whether its thread runs on."""

    finished: Finished
    is_abandoned: bool


class RunningCalls:
    """All attempts that are handed to their tools; bounded by the core's slots."""

    def __init__(self, cancel_grace: Duration, gates: dict[str, Gate]) -> None:
        self._calls: dict[AttemptKey, Running] = {}
        self._cancel_grace = cancel_grace
        self._gates = gates
        self._stopping: list[tuple[Instant, int, Running, StopReason]] = []
        self._speaking: list[tuple[Instant, int, Running]] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._calls)

    def begin(self, start: Start, entry: Entry, now: Instant) -> Entry | None:
        """Takes an attempt, and gives its entry back if its tool has a slot for it now."""
        self._calls[start.of] = Running(start.of, entry.state, start.reply, start.tool, now)
        gate = self._gates.get(start.tool)
        if gate is None:
            return entry
        if gate.free > 0:
            gate.free -= 1
            return entry
        gate.waiting.append(entry)
        return None

    def end(self, of: AttemptKey) -> Entry | None:
        """Forgets an attempt that has ended, and gives the one that has its tool's slot now."""
        running = self._calls.pop(of, None)
        gate = self._gates.get(running.tool) if running is not None else None
        if running is None or gate is None:
            return None
        for entry in gate.waiting:
            if entry.state is running.state:
                gate.waiting.remove(entry)
                return None
        if gate.waiting:
            return gate.waiting.popleft()
        gate.free += 1
        return None

    def stop(self, of: AttemptKey, reason: StopReason, now: Instant) -> Stopped | None:
        """Tells an attempt to stop. One that has not been entered, or that runs on a thread and never looked at its
        cancellation, ends at once; the others get their grace.
        """
        running = self._calls.get(of)
        if running is None:
            return None
        state = running.state
        state.stop(reason)
        is_deaf = state.is_on_thread and not state.watches
        if is_deaf or self._is_waiting(running):
            return self._force(running, reason, now)
        if not running.is_stopping:
            running.is_stopping = True
            heapq.heappush(self._stopping, (now + self._cancel_grace, self._next(), running, reason))
        return None

    def force_due(self, now: Instant) -> Stopped | None:
        """Ends one stopped attempt whose grace is over."""
        while self._stopping and self._stopping[0][0] <= now:
            _, _, running, reason = heapq.heappop(self._stopping)
            stopped = self._force(running, reason, now)
            if stopped is not None:
                return stopped
        return None

    def abort_all(self) -> None:
        """Tells everything to end and waits for nothing."""
        for running in self._calls.values():
            running.state.take_end()
            running.state.stop(None)
        self._calls.clear()

    def progressed(self, of: AttemptKey, now: Instant) -> tuple[ReplyTo, ProgressItem] | None:
        """Hears that an attempt has news, and gives them when they may be sent now."""
        running = self._calls.get(of)
        if running is None:
            return None
        sent = running.progress_sent
        if sent is not None and sent + PROGRESS_INTERVAL > now:
            heapq.heappush(self._speaking, (sent + PROGRESS_INTERVAL, self._next(), running))
            return None
        running.progress_sent = now
        percent, message = running.state.read_progress()
        return running.reply, ProgressItem(of, percent, message)

    def take_progress_due(self, now: Instant) -> list[AttemptKey]:
        """Takes the attempts whose news were held back until now."""
        due = []
        while self._speaking and self._speaking[0][0] <= now:
            due.append(heapq.heappop(self._speaking)[2].of)
        return due

    def next_due(self) -> Instant | None:
        """When :meth:`force_due` or :meth:`take_progress_due` has work next."""
        self._drop_ended()
        heads = [queue[0][0] for queue in (self._stopping, self._speaking) if queue]
        return min(heads, default=None)

    def _drop_ended(self) -> None:
        while self._stopping and self._calls.get(self._stopping[0][2].of) is not self._stopping[0][2]:
            heapq.heappop(self._stopping)
        while self._speaking and self._calls.get(self._speaking[0][2].of) is not self._speaking[0][2]:
            heapq.heappop(self._speaking)

    def _is_waiting(self, running: Running) -> bool:
        gate = self._gates.get(running.tool)
        return gate is not None and any(entry.state is running.state for entry in gate.waiting)

    def _force(self, running: Running, reason: StopReason, now: Instant) -> Stopped | None:
        if self._calls.get(running.of) is not running:
            return None
        is_on_thread = running.state.is_on_thread
        phase = running.state.take_end()
        if phase is None:
            # The tool was faster: its end is on the way.
            return None
        outcome = ending.of_stop(reason, phase, is_on_thread=is_on_thread)
        executed = 0 if phase is Phase.QUEUED else now - running.since
        return Stopped(Finished(running.of, outcome, executed), is_abandoned=is_on_thread)

    def _next(self) -> int:
        self._number += 1
        return self._number
