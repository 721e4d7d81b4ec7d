"""What is being executed: who waits for progress, and which stopped tools have how long left."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from ..core import Finished, Start, StopReason
from ..core.clock import MS, Duration, Instant
from ..proto.ids import AttemptKey, ReplyTo
from ..proto.message import ProgressItem
from ..tool.state import CallState, Phase
from . import ending

PROGRESS_INTERVAL: Duration = 250 * MS
"""Least time between two messages about one attempt (P23)."""


@dataclass(slots=True, eq=False)
class Running:
    """One attempt that was handed to its tool and has not ended."""

    of: AttemptKey
    state: CallState
    reply: ReplyTo
    since: Instant
    progress_sent: Instant | None = None
    is_stopping: bool = False


@dataclass(slots=True)
class Stopped:
    """What became of a stop: the end of the attempt, and whether its thread runs on."""

    finished: Finished
    is_abandoned: bool


class RunningCalls:
    """All attempts that are handed to their tools; bounded by the core's slots."""

    def __init__(self, cancel_grace: Duration) -> None:
        self._calls: dict[AttemptKey, Running] = {}
        self._cancel_grace = cancel_grace
        self._stopping: list[tuple[Instant, int, Running, StopReason]] = []
        self._speaking: list[tuple[Instant, int, Running]] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._calls)

    def begin(self, start: Start, state: CallState, now: Instant) -> None:
        """Takes an attempt."""
        self._calls[start.of] = Running(start.of, state, start.reply, now)

    def end(self, of: AttemptKey) -> None:
        """Forgets an attempt that has ended."""
        self._calls.pop(of, None)

    def stop(self, of: AttemptKey, reason: StopReason, now: Instant) -> Stopped | None:
        """Tells an attempt to stop.

        One that runs on a thread and never looked at its cancellation ends at once; the others get their grace.
        """
        running = self._calls.get(of)
        if running is None:
            return None
        state = running.state
        state.stop(reason)
        if state.is_on_thread and not state.watches:
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
