"""What the tools' threads hand back: ends and news of progress, all that is there at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..core import Finished
from ..proto.ids import AttemptKey
from ..tool.state import CallState


class News:
    """Collects what tools hand back, from any thread. Bounded by the slots: each attempt ends once, and stands in the
    progress at most once until it is read.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._finished: list[Finished] = []
        self._progressed: list[AttemptKey] = []
        self._is_awake = False

    def finish(self, finished: Finished) -> None:
        """Hands an end back."""
        with self._lock:
            self._finished.append(finished)
            was_awake, self._is_awake = self._is_awake, True
        if not was_awake:
            self._wake()

    def progressed(self, state: CallState) -> None:
        """Takes an attempt whose progress changed since it was last read."""
        with self._lock:
            self._progressed.append(state.of)
            was_awake, self._is_awake = self._is_awake, True
        if not was_awake:
            self._wake()

    def take(self) -> tuple[list[Finished], list[AttemptKey]]:
        """Takes all that is there."""
        with self._lock:
            self._is_awake = False
            finished, self._finished = self._finished, []
            progressed, self._progressed = self._progressed, []
        return finished, progressed
