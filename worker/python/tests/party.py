"""A link in memory, and a coordinator that speaks through it as one does on the wire."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from callboard_worker.core.clock import SECOND
from callboard_worker.executor.catalogue import Catalogue
from callboard_worker.executor.executor import Executor, Options, Why
from callboard_worker.link import Incoming, Request
from callboard_worker.proto import codec, schema
from callboard_worker.proto.fields import Form
from callboard_worker.proto.ids import AttemptKey, CoordinatorId, GrantId, InstanceId, ReplyTo, RunId, Token
from callboard_worker.proto.message import (
    AckItem,
    Announce,
    Beat,
    CallHead,
    CallItem,
    Describe,
    GrantHead,
    GrantItem,
    InquiryHead,
    InquiryItem,
    ProgressItem,
    ResultItem,
)
from callboard_worker.proto.words import Effect, Kind, State
from callboard_worker.tool.definition import AnyTool

from .wire import BATCHES, SINGLES

T = TypeVar("T")
PATIENCE = 20.0
INSTANCE = InstanceId(b"i" * 16)
COORDINATOR = CoordinatorId(b"c" * 16)
RUN = RunId(b"r" * 16)


@dataclass
class Said:
    """Something that the worker said."""

    to: ReplyTo | None
    kind: Kind
    body: Any


class MemoryLink:
    """A link without a server."""

    def __init__(self, payload_bytes_max: int = 1024 * 1024) -> None:
        self.payload_bytes_max = payload_bytes_max
        self.said: list[Said] = []
        self._incoming: list[Incoming] = []
        self._news = asyncio.Event()
        self.wake: Callable[[], None] = lambda: None

    def take(self) -> Sequence[Incoming]:
        found, self._incoming = self._incoming, []
        return found

    def bring(self, incoming: Incoming) -> None:
        self._incoming.append(incoming)
        self.wake()

    async def send_reply(self, to: ReplyTo, kind: Kind, body: bytes) -> None:
        if kind in SINGLES:
            self._say(Said(to, kind, codec.decode(SINGLES[kind], body)))
        else:
            self._say(Said(to, kind, codec.decode_batch(*BATCHES[kind], body)))

    async def send_beat(self, body: bytes) -> None:
        self._say(Said(None, Kind.BEAT, codec.decode(schema.BEAT, body)))

    def _say(self, said: Said) -> None:
        self.said.append(said)
        self._news.set()

    async def until(self, probe: Callable[[], T | None]) -> T:
        """Waits until something that was said makes the probe give something."""
        while (found := probe()) is None:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), PATIENCE)
        return found


class Party:
    """A worker and a coordinator."""

    def __init__(self, link: MemoryLink, executor: Executor) -> None:
        self.link = link
        self.executor = executor
        self.running: asyncio.Task[Why] = asyncio.create_task(executor.run())

    def _send(self, kind: Kind, body: bytes, coordinator: CoordinatorId = COORDINATOR) -> ReplyTo:
        reply = ReplyTo(coordinator, Token(os.urandom(16)))
        self.link.bring(Request(reply, kind, body))
        return reply

    def call(self, *items: CallItem) -> ReplyTo:
        head = CallHead(COORDINATOR, INSTANCE)
        return self._send(Kind.CALL, _batch(schema.CALL_HEAD, head, schema.CALL_ITEM, items))

    def grant(self, *ids: str, budget_ms: int = 30_000) -> ReplyTo:
        grants = [GrantItem(of(name), GrantId(b"g" * 16), budget_ms) for name in ids]
        head = GrantHead(COORDINATOR, INSTANCE)
        return self._send(Kind.GRANT, _batch(schema.GRANT_HEAD, head, schema.GRANT_ITEM, grants))

    def ask(self, kind: Kind, *ids: str) -> ReplyTo:
        head = InquiryHead(COORDINATOR, INSTANCE)
        inquiries = [InquiryItem(of(name)) for name in ids]
        return self._send(kind, _batch(schema.INQUIRY_HEAD, head, schema.INQUIRY_ITEM, inquiries))

    def describe(self, first: int) -> ReplyTo:
        return self._send(Kind.DESCRIBE, codec.encode(schema.DESCRIBE, Describe(COORDINATOR, INSTANCE, first)))

    def send(self, kind: Kind, body: bytes, coordinator: CoordinatorId = COORDINATOR) -> ReplyTo:
        return self._send(kind, body, coordinator)

    def _items(self, kind: Kind) -> Iterable[Any]:
        return (item for said in self.link.said if said.kind is kind for item in said.body.items)

    def results(self, name: str) -> list[ResultItem]:
        return [item for item in self._items(Kind.RESULT) if item.of.id == name]

    def beats(self) -> list[Beat]:
        return [said.body for said in self.link.said if said.kind is Kind.BEAT]

    async def result(self, name: str) -> Any:
        """The outcome of a call."""
        found = await self.link.until(lambda: next(iter(self.results(name)), None))
        return found.outcome

    async def state(self, name: str, state: State) -> AckItem:
        """Waits until an ack gives a call's state."""
        return await self.link.until(
            lambda: next((item for item in self._items(Kind.ACK) if (item.of.id, item.state) == (name, state)), None)
        )

    async def progress(self, name: str) -> ProgressItem:
        return await self.link.until(
            lambda: next((item for item in self._items(Kind.PROGRESS) if item.of.id == name), None)
        )

    async def answer(self, reply: ReplyTo) -> Said:
        """The first thing said under a reply subject."""
        return await self.link.until(lambda: next((said for said in self.link.said if said.to == reply), None))


def _batch(head_form: Form[Any], head: Any, item_form: Form[Any], items: Iterable[Any]) -> bytes:
    return codec.encode_batch(head_form, head, [codec.encode(item_form, item) for item in items])


def of(name: str) -> AttemptKey:
    return AttemptKey(RUN, 1, name, 1)


def call(tool: AnyTool, name: str, *, budget_ms: int = 30_000, **arguments: Any) -> CallItem:
    raw = json.dumps(arguments).encode()
    return CallItem(of(name), tool.spec.name, Effect.READ, budget_ms, raw, tool.digest)


@asynccontextmanager
async def party(
    *tools: AnyTool, slots: int = 16, cancel_grace: float = 2.0, payload: int = 1024 * 1024
) -> AsyncIterator[Party]:
    link = MemoryLink(payload)
    catalogue = Catalogue(tools, ())
    options = Options(INSTANCE, "worker", "main", "0", slots=slots, cancel_grace=round(cancel_grace * SECOND))
    announce = Announce(INSTANCE, "worker", "main", "0", slots, 1, payload, (), catalogue.digests())
    executor = Executor(options, catalogue, link, announce)
    link.wake = executor.wake
    made = Party(link, executor)
    try:
        yield made
    finally:
        executor.stop()
        await made.running
