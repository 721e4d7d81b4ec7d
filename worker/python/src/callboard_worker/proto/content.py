"""What a tool gives back: typed parts (P23), and how an attempt ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Union

from .names import bytes_of
from .words import Executed, FailureKind


@dataclass(frozen=True)
class Text:
    """Plain text."""

    text: str

    @property
    def bytes(self) -> int:
        """Payload, in bytes."""
        return bytes_of(self.text)


@dataclass(frozen=True, init=False)
class Json:
    """One JSON value; :meth:`raw` takes a text that is JSON already.

    :raises TypeError, ValueError: the value can't be JSON.
    """

    text: str

    def __init__(self, value: object) -> None:
        object.__setattr__(self, "text", json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")))

    @classmethod
    def raw(cls, text: str) -> Json:
        """Makes a part of a JSON text as it stands."""
        part = cls.__new__(cls)
        object.__setattr__(part, "text", text)
        return part

    @property
    def bytes(self) -> int:
        """Payload, in bytes."""
        return bytes_of(self.text)


@dataclass(frozen=True)
class Image:
    """An image with its media type, such as ``image/png``."""

    media_type: str
    data: bytes = field(repr=False)

    @property
    def bytes(self) -> int:
        """Payload, in bytes."""
        return bytes_of(self.media_type) + len(self.data)


@dataclass(frozen=True)
class Document:
    """A document with its media type, such as ``application/pdf``."""

    media_type: str
    data: bytes = field(repr=False)
    name: str | None = None

    @property
    def bytes(self) -> int:
        """Payload, in bytes."""
        return bytes_of(self.media_type) + bytes_of(self.name or "") + len(self.data)


@dataclass(frozen=True)
class Resource:
    """A reference, with its text where the tool has it."""

    uri: str
    media_type: str | None = None
    text: str | None = None

    @property
    def bytes(self) -> int:
        """Payload, in bytes."""
        return bytes_of(self.uri) + bytes_of(self.media_type or "") + bytes_of(self.text or "")


@dataclass(frozen=True)
class UnknownPart:
    """A part of a type that this version doesn't know; its type and text are kept."""

    part_type: str
    text: str | None = None

    @property
    def bytes(self) -> int:
        """Payload, in bytes."""
        return bytes_of(self.part_type) + bytes_of(self.text or "")


Part = Union[Text, Json, Image, Document, Resource, UnknownPart]


@dataclass(frozen=True)
class Completed:
    """The tool answered; ``is_error`` says whether it calls its own answer an error."""

    content: Sequence[Part] = ()
    is_error: bool = False

    @property
    def bytes(self) -> int:
        """Payload, in bytes."""
        return sum(part.bytes for part in self.content)


@dataclass(frozen=True)
class Failed:
    """There is no answer. A model reads the message; ``executed`` is the truth about this attempt."""

    kind: FailureKind
    message: str
    executed: Executed
    retry_after_ms: int | None = None

    @property
    def bytes(self) -> int:
        """Payload, in bytes."""
        return bytes_of(self.message)


Outcome = Union[Completed, Failed]
