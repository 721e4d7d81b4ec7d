"""What the executor and a running tool share about one attempt: whether it must stop, whether its end was already
taken, and how far it is. Tools run on other threads, so everything here is under one lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum, unique

from ..core.effects import StopReason
from ..proto.ids import AttemptKey

PROGRESS_BYTES_MAX = 512
"""Longest progress message that is kept, in bytes (chosen, not measured)."""


@unique
class Phase(Enum):
    """How far an attempt's execution is."""

    QUEUED = 0
    ENTERED = 1
    ENDED = 2


class CallState:
    """The shared state of one attempt."""

    def __init__(self, of: AttemptKey, progressed: Callable[[CallState], None] | None = None) -> None:
        self.of = of
        self._lock = threading.Lock()
        self._phase = Phase.QUEUED
        self._stop: StopReason | None = None
        self._stopped = threading.Event()
        self._on_stop: Callable[[], object] | None = None
        self._progress: tuple[int | None, str | None] = (None, None)
        self._is_unread = False
        self._progressed = progressed
        self.watches = False
        """Whether the tool has looked at its cancellation, and so is trusted to end by itself."""
        self.is_on_thread = False
        """Whether a thread that nobody can interrupt executes the tool."""

    def stop(self, reason: StopReason | None) -> None:
        """Tells the tool to stop; the first reason stays. There is none where the whole worker ends."""
        with self._lock:
            if self._stopped.is_set():
                return
            self._stop = reason
            self._stopped.set()
            on_stop = self._on_stop
        if on_stop is not None:
            on_stop()

    def on_stop(self, interrupt: Callable[[], object]) -> None:
        """Says how the tool is interrupted; at once, if it was told to stop already."""
        with self._lock:
            self._on_stop = interrupt
            is_stopped = self._stopped.is_set()
        if is_stopped:
            interrupt()

    @property
    def is_stopped(self) -> bool:
        """Whether the tool must stop."""
        return self._stopped.is_set()

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the tool was told to stop, if the executor told it."""
        return self._stop

    def wait_stopped(self, seconds: float | None) -> bool:
        """Waits until the tool must stop."""
        return self._stopped.wait(seconds)

    def enter(self) -> bool:
        """Enters the tool, unless the attempt's end was taken before."""
        with self._lock:
            if self._phase is not Phase.QUEUED:
                return False
            self._phase = Phase.ENTERED
            return True

    def take_end(self) -> Phase | None:
        """Takes the right to report the attempt's end, and says what it ends; only the first asker gets it. An attempt
        that was queued can't be entered from here on.
        """
        with self._lock:
            phase, self._phase = self._phase, Phase.ENDED
            return None if phase is Phase.ENDED else phase

    def report(self, percent: float | None, message: str | None) -> None:
        """Notes how far the tool is; the latest wins."""
        whole = None if percent is None else min(100, max(0, int(percent)))
        if message is not None:
            message = message.encode(errors="replace")[:PROGRESS_BYTES_MAX].decode(errors="ignore")
        with self._lock:
            if self._phase is Phase.ENDED:
                return
            self._progress = (whole, message)
            was_read = not self._is_unread
            self._is_unread = True
        if was_read and self._progressed is not None:
            self._progressed(self)

    def read_progress(self) -> tuple[int | None, str | None]:
        """Reads the latest progress; the next change is announced again."""
        with self._lock:
            self._is_unread = False
            return self._progress
