"""What a tool is given beside its arguments."""

from __future__ import annotations

import asyncio
import re
import time
import uuid

from ..proto.ids import AttemptKey, RunId
from .state import CallState

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


class Context:
    """One attempt of one call, as its tool sees it. Usable from any thread.

    A tool asks for it by a parameter of this type; it is no part of the schema.
    """

    def __init__(
        self, state: CallState, *, key: str | None = None, traceparent: str | None = None, deadline: float | None = None
    ) -> None:
        self._state = state
        self._key = key
        self._deadline = deadline
        is_sound = traceparent is not None and _TRACEPARENT.fullmatch(traceparent) and traceparent[:2] != "ff"
        self.traceparent = traceparent if is_sound else None
        """The W3C trace context of the call, if its coordinator traces."""

    @classmethod
    def detached(cls, tool_use_id: str = "c0", *, attempt: int = 1, budget: float | None = None) -> Context:
        """Makes a context that no worker knows of, for the tests of a tool."""
        of = AttemptKey(RunId(bytes(16)), 1, tool_use_id, attempt)
        return cls(CallState(of), deadline=None if budget is None else time.monotonic() + budget)

    @property
    def run(self) -> uuid.UUID:
        """The run that the call is of."""
        return uuid.UUID(bytes=self._state.of.run)

    @property
    def turn(self) -> int:
        """The turn within the run, from 1."""
        return self._state.of.turn

    @property
    def tool_use_id(self) -> str:
        """The provider's id of the call, unique only within its turn."""
        return self._state.of.id

    @property
    def attempt(self) -> int:
        """The delivery within the call, from 1."""
        return self._state.of.attempt

    @property
    def idempotency_key(self) -> str:
        """A key that is the same for every attempt of this call, for systems that accept one: the caller's own if it
        gave one, else ``{run}/{turn}/{tool_use_id}``.
        """
        of = self._state.of
        return self._key if self._key is not None else f"{of.run.hex()}/{of.turn}/{of.id}"

    @property
    def time_left(self) -> float:
        """Seconds until the worker stops the tool; infinite where nothing limits it."""
        if self._deadline is None:
            return float("inf")
        return max(0.0, self._deadline - time.monotonic())

    def progress(self, percent: float | None = None, message: str | None = None) -> None:
        """Says how far the tool is: percent from 0 to 100, a message of at most 512 bytes. The latest wins and at most
        four a second leave the worker, so a tool may say it as often as it likes.
        """
        self._state.report(percent, message)

    @property
    def cancelled(self) -> bool:
        """Whether the call must end. An async tool is cancelled as any task is; a sync one can't be interrupted: it
        asks here now and then, and from the first time on it is trusted to end within the worker's cancel grace.
        """
        self._state.watches = True
        return self._state.is_stopped

    def raise_if_cancelled(self) -> None:
        """Ends the tool if its call must end.

        :raises asyncio.CancelledError: it must; the worker reports why.
        """
        if self.cancelled:
            raise asyncio.CancelledError

    def wait_cancelled(self, seconds: float | None = None) -> bool:
        """Waits, in a sync tool, until the call must end or the time is over; tells whether it must end."""
        self._state.watches = True
        return self._state.wait_stopped(seconds)

    def cancel(self) -> None:
        """Tells the tool to stop: what a test does that made the context."""
        self._state.stop(None)
