"""What a worker wants done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, unique
from typing import Union

from ..proto.ids import AttemptKey, ReplyTo
from ..proto.message import AckItem, Beat, Free, ReplyHead
from ..proto.words import Effect
from .clock import Duration


@unique
class StopReason(Enum):
    """Why a running tool must end."""

    TIMED_OUT = "timed_out"
    """Its budget is used up: the outcome is ``timed_out``."""
    CANCELLED = "cancelled"
    """Its coordinator asked: the outcome is ``cancelled``."""
    ORPHANED = "orphaned"
    """Its coordinator is silent (P20): the outcome is ``cancelled``."""
    DRAINED = "drained"
    """The drain's grace is over: the outcome is ``interrupted``."""


@dataclass(slots=True)
class Start:
    """Enter a tool now; a ``Finished`` must follow, once."""

    of: AttemptKey
    reply: ReplyTo
    tool: str
    effect: Effect
    arguments: bytes
    budget: Duration
    key: str | None
    traceparent: str | None


@dataclass(slots=True)
class Stop:
    """End a running tool; its ``Finished`` must still follow, with the outcome that the reason names unless the tool
    was faster.
    """

    of: AttemptKey
    reason: StopReason


@dataclass(slots=True)
class SendAck:
    """Send an ``ack``."""

    to: ReplyTo
    head: ReplyHead
    items: Sequence[AckItem]


@dataclass(slots=True)
class SendResult:
    """Send a ``result``; its items are encoded already."""

    to: ReplyTo
    head: ReplyHead
    items: Sequence[bytes]


@dataclass(slots=True)
class SendFree:
    """Send a ``free``."""

    to: ReplyTo
    free: Free


@dataclass(slots=True)
class SendBeat:
    """Publish a beat."""

    beat: Beat


@dataclass(slots=True)
class Drained:
    """Nothing runs any more, and everything was said: the process may go."""


Act = Union[Start, Stop, SendAck, SendResult, SendFree, SendBeat, Drained]
