"""What connects a worker with its coordinators. A link moves encoded messages and knows nothing of what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Union

from ..proto.ids import ReplyTo
from ..proto.words import Kind, RefusalCode


@dataclass(slots=True)
class Request:
    """A message to this instance, or a single call from a queue group. Without a reply subject that a worker may
    publish to, ``reply`` is none.
    """

    reply: ReplyTo | None
    kind: Kind
    body: bytes


@dataclass(slots=True)
class UnreadableRequest:
    """A message whose header or subject can't be taken; it is answered by a ``refusal``."""

    reply: ReplyTo | None
    code: RefusalCode
    reason: str


@dataclass(slots=True)
class ServerRefused:
    """The server refuses what this worker needs: its word, and the cure."""

    reason: str


@dataclass(slots=True)
class Down:
    """The connection is lost; nothing is handed to it until it is back."""


@dataclass(slots=True)
class Up:
    """The connection is back."""


Incoming = Union[Request, UnreadableRequest, ServerRefused, Down, Up]


class Link(Protocol):
    """What an executor asks of a link."""

    @property
    def payload_bytes_max(self) -> int:
        """Largest message body that the link takes now, in bytes."""

    def take(self) -> Sequence[Incoming]:
        """Takes all that is there."""

    async def send_reply(self, to: ReplyTo, kind: Kind, body: bytes) -> None:
        """Sends an answer, or drops it while the link is down: status asks for it again (P16)."""

    async def send_beat(self, body: bytes) -> None:
        """Sends a beat to everyone in the tenant, or drops it."""
