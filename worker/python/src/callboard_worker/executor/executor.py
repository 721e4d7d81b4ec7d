"""The executor's loop: the only place of a worker that waits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, field
from enum import Enum, unique

from ..core import Config, Counters, Drained, DrainInput, Finished, Identity, Start, Stop, Worker
from ..core.clock import SECOND, Duration, Instant
from ..link import Down, Incoming, Link, Request, ServerRefused, UnreadableRequest, Up
from ..proto import limit
from ..proto.content import Completed, Failed
from ..proto.ids import AttemptKey, InstanceId, ReplyTo
from ..proto.message import Announce, ProgressItem
from ..proto.words import Executed, FailureKind, Kind, RefusalCode
from ..tool.context import Context
from ..tool.state import CallState
from . import inbound, outbound
from .catalogue import Catalogue, PageTooSmall
from .inbound import Describe, Refuse, Unanswerable
from .news import News
from .running import RunningCalls, Stopped
from .runtime import Entry, Runtime

log = logging.getLogger(__name__)

CANCEL_GRACE: Duration = 2 * SECOND
"""How long a stopped tool that can end by itself may take to (chosen, not measured)."""
LATE: Duration = SECOND // 10
"""A wake-up that comes this late means that the process stood still: what it was sent meanwhile is read first (P14)."""
SETTLED_AFTER = 4
"""Rounds of the event loop without news after which all that was there counts as read."""


@unique
class Why(Enum):
    """Why an executor ended."""

    DRAINED = "drained"
    STOPPED = "stopped"
    REFUSED = "refused"


@dataclass
class Options:
    """Who a worker is and what it allows."""

    instance: InstanceId
    worker: str
    pool: str
    version: str
    labels: tuple[str, ...] = ()
    slots: int = 16
    cancel_grace: Duration = CANCEL_GRACE


@dataclass
class Tally:
    """What passed through the shell."""

    messages: int = 0
    refused: int = 0
    unanswerable: int = 0
    completed: int = 0
    failed: int = 0
    abandoned: int = 0
    core: Counters = field(default_factory=Counters)


class Executor:
    """Executes the calls that its link brings, until it is drained or stopped."""

    def __init__(self, options: Options, catalogue: Catalogue, link: Link, announce: Announce) -> None:
        self._instance = options.instance
        self._catalogue = catalogue
        self._link = link
        self._announce = announce
        self._loop = asyncio.get_running_loop()
        self._awake = asyncio.Event()
        config = Config(slots=options.slots, batch_bytes_max=limit.batch_bytes_max(link.payload_bytes_max))
        identity = Identity(options.instance, options.worker, options.pool)
        self._core = Worker(identity, config, catalogue.offered(), time.monotonic_ns())
        self._news = News(self._wake_from_thread)
        self._running = RunningCalls(options.cancel_grace)
        self._runtime = Runtime(self._news.finish)
        self._batch: list[Entry] = []
        self._timer: asyncio.TimerHandle | None = None
        self._armed: Instant = 0
        self._why: Why | None = None
        self.refusal = ""
        """What the server refused, where that ended the executor."""
        self.tally = Tally(core=self._core.counters)

    def wake(self) -> None:
        """Says that the link has something."""
        self._awake.set()

    def _wake_from_thread(self) -> None:
        # A thread that runs on after the worker has ended tells nobody.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._awake.set)

    def drain(self, grace: Duration | None) -> None:
        """Takes no more calls; what runs after the grace is stopped."""
        log.info("worker drains", extra={"running": self._core.running})
        self._core.handle_input(DrainInput(grace), time.monotonic_ns())
        self._awake.set()

    def stop(self) -> None:
        """Ends at once; what runs is given up."""
        self._why = self._why or Why.STOPPED
        self._awake.set()

    async def run(self) -> Why:
        """Executes calls until it is drained or stopped. What was said last is handed to the link; closing it is the
        caller's business.
        """
        try:
            while True:
                await self._perform()
                if self._why is not None:
                    return self._why
                await self._wait()
                await self._take_all()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._running.abort_all()
            self._runtime.close()

    async def _wait(self) -> None:
        due = self._next_due()
        # A timer that fires early is cheaper than one that is set again with every message.
        if self._timer is None or due < self._armed:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(due / SECOND, self._ring)
            self._armed = due
        await self._awake.wait()
        self._awake.clear()

    def _ring(self) -> None:
        self._timer = None
        self._awake.set()

    def _next_due(self) -> Instant:
        due = self._core.poll_timeout()
        running = self._running.next_due()
        return due if running is None else min(due, running)

    async def _take_all(self) -> None:
        """Feeds all that is there, then what is due: a worker that was held up reads what it was sent meanwhile before
        it calls anybody late (P14).
        """
        is_late = time.monotonic_ns() > self._next_due() + LATE
        await self._take_incoming()
        quiet = 0
        while is_late and quiet < SETTLED_AFTER:
            await asyncio.sleep(0)
            quiet = 0 if await self._take_incoming() else quiet + 1
        now = time.monotonic_ns()
        finished, progressed = self._news.take()
        for one in finished:
            self._finish(one, now)
        await self._send_progress(progressed, now)
        while (stopped := self._running.force_due(now)) is not None:
            self._take_stopped(stopped, now)
        await self._send_progress(self._running.take_progress_due(now), now)
        if self._core.poll_timeout() <= now:
            self._core.handle_timeout(now)

    async def _take_incoming(self) -> bool:
        found = self._link.take()
        for incoming in found:
            await self._handle(incoming, time.monotonic_ns())
        return bool(found)

    async def _handle(self, incoming: Incoming, now: Instant) -> None:
        if isinstance(incoming, Request):
            heard = inbound.read(self._instance, incoming.reply, incoming.kind, incoming.body)
        elif isinstance(incoming, UnreadableRequest):
            heard = Refuse(incoming.reply, incoming.code, incoming.reason)
        elif isinstance(incoming, ServerRefused):
            log.error("the server refuses what a worker needs: %s", incoming.reason)
            self.refusal = incoming.reason
            self._why = self._why or Why.REFUSED
            return
        elif isinstance(incoming, Down):
            log.warning("the link is down; what runs goes on")
            return
        else:
            assert isinstance(incoming, Up)
            log.warning("the link is up again")
            # It may be another server, with another limit.
            self._core.set_batch_bytes_max(limit.batch_bytes_max(self._link.payload_bytes_max))
            return
        self.tally.messages += 1
        if isinstance(heard, Describe):
            await self._describe(heard.reply, heard.first)
        elif isinstance(heard, Refuse):
            await self._refuse(heard)
        elif isinstance(heard, Unanswerable):
            self.tally.unanswerable += 1
            log.debug("a message names no subject to answer on; dropped")
        else:
            if isinstance(heard, DrainInput):
                log.info("worker is told to drain")
            self._core.handle_input(heard, now)

    async def _describe(self, reply: ReplyTo, first: int) -> None:
        payload = self._link.payload_bytes_max
        self._announce.payload_bytes_max = payload
        try:
            page = self._catalogue.page(self._announce, first, limit.batch_bytes_max(payload))
        except PageTooSmall as error:
            log.error("a tool can't be described: %s", error)
            await self._refuse(Refuse(reply, RefusalCode.MALFORMED, str(error)))
            return
        await self._link.send_reply(reply, Kind.TOOLS, page)

    async def _refuse(self, refuse: Refuse) -> None:
        self.tally.refused += 1
        log.debug("a message was refused (%s): %s", refuse.code, refuse.reason)
        if refuse.reply is not None:
            await outbound.send_refusal(self._link, self._instance, refuse.reply, refuse.code, refuse.reason)

    def _finish(self, finished: Finished, now: Instant) -> None:
        self._running.end(finished.of)
        if isinstance(finished.outcome, Completed):
            self.tally.completed += 1
        else:
            self.tally.failed += 1
            log.debug("a call failed: %s", finished.outcome.kind, extra={"of": str(finished.of)})
        self._core.handle_input(finished, now)

    def _take_stopped(self, stopped: Stopped, now: Instant) -> None:
        if stopped.is_abandoned:
            self.tally.abandoned += 1
            log.warning("a stopped tool's thread runs on", extra={"of": str(stopped.finished.of)})
        self._finish(stopped.finished, now)

    async def _send_progress(self, with_news: list[AttemptKey], now: Instant) -> None:
        messages: dict[ReplyTo, list[ProgressItem]] = {}
        for of in with_news:
            found = self._running.progressed(of, now)
            if found is not None:
                messages.setdefault(found[0], []).append(found[1])
        for to, items in messages.items():
            await outbound.send_progress(self._link, self._instance, to, items)

    async def _perform(self) -> None:
        """Performs the core's effects until it has none, and hands all starts over at once."""
        now = time.monotonic_ns()
        while (act := self._core.poll_effect()) is not None:
            if isinstance(act, Start):
                self._start(act, now)
            elif isinstance(act, Stop):
                stopped = self._running.stop(act.of, act.reason, now)
                if stopped is not None:
                    self._take_stopped(stopped, now)
            elif isinstance(act, Drained):
                self._why = self._why or Why.DRAINED
            else:
                await outbound.send(self._link, act)
        if self._batch:
            batch, self._batch = self._batch, []
            self._runtime.enter(batch)

    def _start(self, start: Start, now: Instant) -> None:
        tool = self._catalogue.by_name.get(start.tool)
        if tool is None:
            text = f"the worker offers {start.tool} and doesn't have it"
            failed = Failed(FailureKind.INTERNAL, text, Executed.NO)
            self._finish(Finished(start.of, failed, 0), now)
            return
        state = CallState(start.of, self._news.progressed)
        deadline = (now + start.budget) / SECOND
        context = Context(state, key=start.key, traceparent=start.traceparent, deadline=deadline)
        inline = limit.inline_bytes_max(self._link.payload_bytes_max)
        most = min(self._catalogue.output_bytes_max(start.tool), inline)
        self._running.begin(start, state, now)
        self._batch.append(Entry(tool, start.arguments, context, state, most))
