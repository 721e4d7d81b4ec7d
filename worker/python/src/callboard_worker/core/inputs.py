"""What happens to a worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from ..proto.content import Outcome
from ..proto.ids import AttemptKey, ReplyTo
from ..proto.message import Batch, CallHead, CallItem, GrantHead, GrantItem, InquiryHead, InquiryItem
from .clock import Duration


@dataclass(slots=True)
class CallInput:
    """Calls arrive."""

    reply: ReplyTo
    batch: Batch[CallHead, CallItem]


@dataclass(slots=True)
class GrantInput:
    """Grants arrive."""

    reply: ReplyTo
    batch: Batch[GrantHead, GrantItem]


@dataclass(slots=True)
class CancelInput:
    """Cancels arrive."""

    reply: ReplyTo
    batch: Batch[InquiryHead, InquiryItem]


@dataclass(slots=True)
class StatusInput:
    """A coordinator asks what is held."""

    reply: ReplyTo
    batch: Batch[InquiryHead, InquiryItem]


@dataclass(slots=True)
class Finished:
    """The end of an attempt that entered its tool, or that the shell could not start."""

    of: AttemptKey
    outcome: Outcome
    executed: Duration


@dataclass(slots=True)
class DrainInput:
    """Take no more calls; after the grace, stop what still runs. Without a grace there is no end to it."""

    grace: Duration | None


Input = Union[CallInput, GrantInput, CancelInput, StatusInput, Finished, DrainInput]
