"""The messages, one class for each struct of ``docs/wire.md``; :mod:`callboard_worker.proto.codec` reads and writes
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .content import Outcome
from .ids import AttemptKey, CoordinatorId, Digest, GrantId, InstanceId
from .words import Affinity, Effect, RefusalCode, State


@dataclass(slots=True)
class CallHead:
    """What the calls of a message share."""

    coordinator: CoordinatorId
    instance: InstanceId | None = None
    seen: int | None = None
    waiting: int = 0


@dataclass(slots=True)
class CallItem:
    """Execute this call."""

    of: AttemptKey
    tool: str
    effect: Effect
    budget_ms: int
    arguments: bytes
    digest: Digest | None = None
    key: str | None = None
    traceparent: str | None = None


@dataclass(slots=True)
class GrantHead:
    """What the grants of a message share."""

    coordinator: CoordinatorId
    instance: InstanceId
    seen: int | None = None


@dataclass(slots=True)
class GrantItem:
    """This waiting write may run, once."""

    of: AttemptKey
    grant: GrantId
    budget_ms: int


@dataclass(slots=True)
class InquiryHead:
    """What the items of a ``cancel`` or ``status`` share."""

    coordinator: CoordinatorId
    instance: InstanceId


@dataclass(slots=True)
class InquiryItem:
    """An attempt that a ``cancel`` or ``status`` names, with the ``seen`` of its own call."""

    of: AttemptKey
    seen: int | None = None


@dataclass(slots=True)
class Describe:
    """Which tools are on offer, from this position on?"""

    coordinator: CoordinatorId
    instance: InstanceId
    first: int


@dataclass(slots=True)
class Drain:
    """Take no more calls, finish, go."""

    instance: InstanceId
    grace_ms: int


@dataclass(slots=True)
class Load:
    """Capacity, as one coordinator may use it."""

    seq: int
    slots: int
    free: int


@dataclass(slots=True)
class BadItem:
    """An item that can't be read and names no attempt."""

    index: int
    reason: str


@dataclass(slots=True)
class ReplyHead:
    """What the items of an ``ack`` or ``result`` share."""

    instance: InstanceId
    load: Load
    bad: Sequence[BadItem] = ()


@dataclass(slots=True)
class AckItem:
    """The state of one attempt."""

    of: AttemptKey
    state: State
    grant: GrantId | None = None
    tool_full: bool = False
    """With ``busy``: whether the slots of the tool are taken, not those of the instance."""


@dataclass(slots=True)
class ResultItem:
    """How one attempt ended."""

    of: AttemptKey
    outcome: Outcome
    queued_us: int = 0
    executed_us: int = 0


@dataclass(slots=True)
class ProgressHead:
    """What the items of a ``progress`` share."""

    instance: InstanceId


@dataclass(slots=True)
class ProgressItem:
    """How far one attempt is."""

    of: AttemptKey
    percent: int | None = None
    message: str | None = None


@dataclass(slots=True)
class Free:
    """Slots that are now held out to a coordinator."""

    instance: InstanceId
    load: Load


@dataclass(slots=True)
class Refusal:
    """A whole message that can't be acted on."""

    instance: InstanceId
    code: RefusalCode
    message: str


@dataclass(slots=True)
class Manifest:
    """What a tool declares beyond its schema."""

    effect: Effect
    deadline_ms: int | None = None
    attempt_timeout_ms: int | None = None
    attempts: int = 3
    affinity: Affinity = Affinity.NONE
    require: Sequence[str] = ()
    prefer: Sequence[str] = ()
    output_bytes_max: int | None = None


@dataclass(slots=True)
class ToolSpec:
    """What a tool declares; its digest covers all of it."""

    name: str
    description: str
    input_schema: str
    manifest: Manifest


@dataclass(slots=True)
class ToolDigest:
    """A tool on offer, by name and digest."""

    name: str
    digest: Digest


@dataclass(slots=True)
class Down:
    """A part of an instance that should offer tools and can't now, and why."""

    what: str
    why: str


@dataclass(slots=True)
class Announce:
    """What an instance says of itself."""

    instance: InstanceId
    worker: str
    pool: str
    version: str
    slots: int
    catalogue: int
    payload_bytes_max: int
    labels: Sequence[str] = ()
    tools: Sequence[ToolDigest] = field(default=())
    down: Sequence[Down] = ()


@dataclass(slots=True)
class ToolsHead:
    """What the tools of a page share."""

    announce: Announce
    first: int
    total: int
    digests: Sequence[Digest]


@dataclass(slots=True)
class Beat:
    """This instance lives."""

    instance: InstanceId
    worker: str
    pool: str
    seq: int
    load: Load
    catalogue: int
    draining: bool = False
    unix_ms: int | None = None


H = TypeVar("H")
I = TypeVar("I")  # noqa: E741


@dataclass(slots=True)
class Unreadable:
    """An item of a batch that can't be read, and its attempt where at least that can."""

    of: AttemptKey | None
    reason: str


@dataclass(slots=True)
class Batch(Generic[H, I]):
    """A decoded batch: its head, and each item or why it can't be read."""

    head: H
    items: Sequence[I | Unreadable]
