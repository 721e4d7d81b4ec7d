"""Where tools run: async ones on an event loop in a thread of its own, sync ones on threads. Neither is the thread that
sends beats and answers status, so that no tool can hold those up.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..core import Finished
from ..core.clock import Duration
from ..proto.content import Failed, Outcome
from ..proto.words import FailureKind
from ..tool.context import Context
from ..tool.definition import AnyTool
from ..tool.errors import InvalidArguments
from ..tool.state import CallState, Phase
from . import ending
from .threads import Threads

log = logging.getLogger(__name__)

CLOSE_SECONDS = 0.2
"""How long async tools may take to end with their worker (chosen, not measured)."""


@dataclass(slots=True)
class Entry:
    """One call, ready to enter its tool."""

    tool: AnyTool
    arguments: bytes
    context: Context
    state: CallState
    output_bytes_max: int


class Runtime:
    """The threads of the tools. ``finish`` is called on them, once for each attempt whose end nobody else took."""

    def __init__(self, finish: Callable[[Finished], None]) -> None:
        self._finish = finish
        self._threads = Threads()
        self._loop = asyncio.new_event_loop()
        # The loop knows its tasks only weakly.
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._serve, name="callboard-tools", daemon=True)
        self._thread.start()

    def enter(self, entries: list[Entry]) -> None:
        """Enters tools, all with one wake-up."""
        is_async = [entry for entry in entries if entry.tool.is_async]
        if is_async:
            self._loop.call_soon_threadsafe(self._enter_async, is_async)
        for entry in entries:
            if not entry.tool.is_async:
                context = contextvars.copy_context()
                self._threads.run(functools.partial(context.run, self._run_sync, entry))

    def close(self) -> None:
        """Ends the loop of the tools, and waits for none that doesn't end when it is told."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2 * CLOSE_SECONDS)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            # Those that don't end by themselves are given up.
            self._loop.run_until_complete(asyncio.wait(self._tasks, timeout=CLOSE_SECONDS))
        self._loop.close()

    def _enter_async(self, entries: list[Entry]) -> None:
        for entry in entries:
            task = self._loop.create_task(self._run_async(entry))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            interrupt = functools.partial(self._loop.call_soon_threadsafe, task.cancel)
            entry.state.on_stop(interrupt)

    async def _run_async(self, entry: Entry) -> None:
        began = time.monotonic_ns()
        try:
            arguments = self._begin(entry, began)
            if arguments is None:
                return
            outcome = ending.of_value(await entry.tool.function(**arguments), entry.output_bytes_max)
        except asyncio.CancelledError as error:
            outcome = self._of_cancelled(entry, error)
        except BaseException as error:
            # Even SystemExit: a tool ends its call, and never the worker.
            outcome = self._of_exception(entry, error)
        self._end(entry, outcome, time.monotonic_ns() - began)

    def _run_sync(self, entry: Entry) -> None:
        began = time.monotonic_ns()
        entry.state.is_on_thread = True
        try:
            arguments = self._begin(entry, began)
            if arguments is None:
                return
            outcome = ending.of_value(entry.tool.function(**arguments), entry.output_bytes_max)
        except asyncio.CancelledError as error:
            outcome = self._of_cancelled(entry, error)
        except BaseException as error:
            outcome = self._of_exception(entry, error)
        entry.state.is_on_thread = False
        self._end(entry, outcome, time.monotonic_ns() - began)

    def _begin(self, entry: Entry, began: int) -> dict[str, Any] | None:
        """Reads the arguments, before the tool counts as entered."""
        reason = entry.state.stop_reason
        if reason is not None:
            self._end(entry, ending.of_stop(reason, Phase.QUEUED, is_on_thread=False), 0)
            return None
        try:
            arguments = entry.tool.signature.arguments(entry.arguments, entry.context)
        except InvalidArguments as error:
            outcome = ending.of_exception(error, None, entry.output_bytes_max)
            self._end(entry, outcome, time.monotonic_ns() - began)
            return None
        return arguments if entry.state.enter() else None

    def _of_cancelled(self, entry: Entry, error: asyncio.CancelledError) -> Outcome:
        reason = entry.state.stop_reason
        if reason is None:
            return self._of_exception(entry, error)
        return ending.of_stop(reason, Phase.ENTERED, is_on_thread=False)

    def _of_exception(self, entry: Entry, error: BaseException) -> Outcome:
        outcome = ending.of_exception(error, entry.state.stop_reason, entry.output_bytes_max)
        if isinstance(outcome, Failed) and outcome.kind is FailureKind.CRASHED:
            log.warning("a tool crashed: %s", entry.tool.spec.name, exc_info=error, extra={"of": str(entry.state.of)})
        return outcome

    def _end(self, entry: Entry, outcome: Outcome, executed: Duration) -> None:
        if entry.state.take_end() is not None:
            self._finish(Finished(entry.state.of, outcome, executed))
