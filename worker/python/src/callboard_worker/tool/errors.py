"""The ways in which a tool gives no plain answer."""

from __future__ import annotations

from collections.abc import Sequence

from ..plain import plain
from ..proto.content import Part, Text
from ..proto.words import Executed, FailureKind


class ToolError(Exception):
    """The tool worked, and could not do what was asked: name the cause and what the model can do about it.

    It becomes an answer with ``is_error``; the call is not tried again. Give ``content`` for more than a text.
    """

    def __init__(self, text: str, *, content: Sequence[Part] | None = None) -> None:
        super().__init__(text)
        self.content: tuple[Part, ...] = (Text(plain(text)),) if content is None else tuple(content)


class CallFailed(Exception):
    """The call failed. ``executed`` is the truth about this attempt: ``no`` only if the tool changed nothing."""

    kind = FailureKind.INTERNAL
    executed = Executed.YES

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_ms = None if retry_after is None else round(retry_after * 1000)
        """When trying again can help, in milliseconds."""


class InvalidArguments(CallFailed):
    """The arguments aren't what the tool takes; nothing was done."""

    kind = FailureKind.INVALID_ARGUMENTS
    executed = Executed.NO


class Refused(CallFailed):
    """The tool won't do this; nothing was done."""

    kind = FailureKind.REFUSED
    executed = Executed.NO


class Overloaded(CallFailed):
    """What the tool needs takes no more work now; nothing was done. Give ``retry_after`` in seconds if you know it."""

    kind = FailureKind.OVERLOADED
    executed = Executed.NO


class ToolDefinitionError(TypeError):
    """A tool that can't be offered; the text names it, the cause and the cure."""
