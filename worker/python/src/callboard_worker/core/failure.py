"""The failures that a worker's core reports itself, each of an attempt that never entered its tool. A model reads the
texts: they are those of the Rust worker.
"""

from __future__ import annotations

from dataclasses import replace

from ..proto.codec import shortened
from ..proto.content import Failed, Outcome
from ..proto.words import Executed, FailureKind


def cancelled() -> Failed:
    """A cancel came first."""
    return _unexecuted(FailureKind.CANCELLED, "The call was cancelled before its tool was entered; it did not run.")


def timed_out() -> Failed:
    """The budget was over first."""
    return _unexecuted(
        FailureKind.TIMED_OUT, "The time for the call was over before its tool was entered; it did not run."
    )


def interrupted() -> Failed:
    """The grace of a drain was over first."""
    return _unexecuted(
        FailureKind.INTERRUPTED,
        "The worker was told to end before the call's tool was entered; it did not run.",
    )


def unreadable(reason: str) -> Failed:
    """The item names its attempt, and the rest of it can't be read."""
    return _unexecuted(
        FailureKind.PROTOCOL_ERROR, f"The worker can't read the call ({shortened(reason)}); it did not run."
    )


def other_arguments() -> Failed:
    """The attempt came again as another call."""
    return _unexecuted(
        FailureKind.PROTOCOL_ERROR,
        "The same attempt was delivered before with other arguments; this delivery did not run.",
    )


def in_doubt(outcome: Outcome) -> Outcome:
    """Takes back a `no` about an attempt that may have run in an earlier delivery."""
    if isinstance(outcome, Failed) and outcome.executed is Executed.NO:
        doubt = " Whether an earlier delivery of it ran isn't known any more."
        return replace(outcome, executed=Executed.UNKNOWN, message=outcome.message + doubt)
    return outcome


def _unexecuted(kind: FailureKind, message: str) -> Failed:
    return Failed(kind, message, Executed.NO)
