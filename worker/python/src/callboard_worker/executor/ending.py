"""What a call comes to, by how its tool ended. A model reads every text here; they are those of the Rust worker."""

from __future__ import annotations

from typing import Any

from ..core import StopReason
from ..plain import plain
from ..proto.content import Completed, Failed, Outcome
from ..proto.words import Executed, FailureKind
from ..tool.answer import to_completed
from ..tool.errors import CallFailed, ToolError
from ..tool.state import Phase
from . import cut

MESSAGE_BYTES_MAX = 8 * 1024
"""Longest text of a failure, in bytes (chosen, not measured)."""

_KINDS = {
    StopReason.TIMED_OUT: FailureKind.TIMED_OUT,
    StopReason.CANCELLED: FailureKind.CANCELLED,
    StopReason.ORPHANED: FailureKind.CANCELLED,
    StopReason.DRAINED: FailureKind.INTERRUPTED,
}
_TEXTS = {
    StopReason.TIMED_OUT: "the tool was stopped because its time was up",
    StopReason.CANCELLED: "the tool was stopped because its call was cancelled",
    StopReason.ORPHANED: "the tool was stopped because the worker had not heard from whoever called it",
    StopReason.DRAINED: "the tool was stopped because its worker is shutting down",
}


def of_value(value: Any, bytes_max: int) -> Outcome:
    """The outcome of a tool that gave something back."""
    try:
        return _fitted(to_completed(value), bytes_max)
    except CallFailed as error:
        return _of_failure(error)


def of_exception(error: BaseException, stop: StopReason | None, bytes_max: int) -> Outcome:
    """The outcome of a tool that gave no answer; a stop that it was told of names the kind."""
    if isinstance(error, ToolError):
        return _fitted(Completed(error.content, is_error=True), bytes_max)
    failed = _of_failure(error) if isinstance(error, CallFailed) else _of_crash(error)
    if stop is None or failed.executed is Executed.NO:
        return failed
    message = f"{_TEXTS[stop]}; the tool said: {failed.message}"
    return Failed(_KINDS[stop], cut.text(message, MESSAGE_BYTES_MAX), failed.executed)


def of_stop(reason: StopReason, phase: Phase, *, is_on_thread: bool) -> Failed:
    """The outcome of a tool that was stopped."""
    if phase is Phase.QUEUED:
        return Failed(_KINDS[reason], f"{_TEXTS[reason]}; it had not begun", Executed.NO)
    message = _TEXTS[reason]
    if is_on_thread:
        message += "; its thread could not be stopped and may still be working"
    return Failed(_KINDS[reason], message, Executed.YES)


def _of_crash(error: BaseException) -> Failed:
    said = cut.text(plain(str(error)), MESSAGE_BYTES_MAX)
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return Failed(FailureKind.CRASHED, f"the tool crashed after it had begun: {what}", Executed.YES)


def _of_failure(error: CallFailed) -> Failed:
    message = cut.text(plain(str(error)), MESSAGE_BYTES_MAX)
    return Failed(error.kind, message, error.executed, error.retry_after_ms)


def _fitted(completed: Completed, bytes_max: int) -> Outcome:
    try:
        return cut.fit(completed, bytes_max)
    except cut.TooLarge as error:
        return Failed(FailureKind.OUTPUT_TOO_LARGE, str(error), Executed.YES)
