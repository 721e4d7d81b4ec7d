"""What a link brought, decoded: an input for the core, a question, or a reason to refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Union

from ..core import CallInput, CancelInput, DrainInput, GrantInput, Input, StatusInput
from ..core.clock import MS
from ..proto import codec, schema
from ..proto.codec import DecodeError
from ..proto.ids import VIEWER, InstanceId, ReplyTo
from ..proto.words import Kind, RefusalCode


@dataclass(slots=True)
class Describe:
    """The question which tools there are, from this one on."""

    reply: ReplyTo
    first: int


@dataclass(slots=True)
class Refuse:
    """It can't be acted on; nothing of it was executed."""

    reply: ReplyTo | None
    code: RefusalCode
    reason: str


@dataclass(slots=True)
class Unanswerable:
    """It names no subject to answer on, so nobody could learn what became of it."""


Heard = Union[Input, Describe, Refuse, Unanswerable]


def read(instance: InstanceId, reply: ReplyTo | None, kind: Kind, body: bytes) -> Heard:
    """Decodes one message to this instance."""
    try:
        if kind is Kind.DRAIN:
            # An operator needs no answer: the beats say that the instance drains.
            drain = codec.decode(schema.DRAIN, body)
            return _named(instance, drain.instance, reply) or DrainInput(drain.grace_ms * MS)
        reader = _READERS.get(kind)
        if reader is None:
            return Refuse(reply, RefusalCode.KIND, f"a worker sends {kind} messages and takes none")
        if reply is None:
            return Unanswerable()
        if reply.coordinator == VIEWER and kind is not Kind.DESCRIBE:
            return Refuse(reply, RefusalCode.KIND, f"who only looks may ask for the tools, and sends no {kind}")
        named, heard = reader(reply, body)
    except DecodeError as error:
        return Refuse(reply, RefusalCode.MALFORMED, f"the {kind} message can't be read: {error}")
    return _named(instance, named, reply) or heard


def _named(instance: InstanceId, named: InstanceId | None, reply: ReplyTo | None) -> Refuse | None:
    """Refuses what names another instance (P2). A call of a queue group names nobody."""
    if named is None or named == instance:
        return None
    reason = f"the message is for instance {named.hex()}, and this is {instance.hex()}"
    return Refuse(reply, RefusalCode.INSTANCE, reason)


Found = tuple[InstanceId | None, Heard]


def _call(reply: ReplyTo, body: bytes) -> Found:
    batch = codec.decode_batch(schema.CALL_HEAD, schema.CALL_ITEM, body)
    return batch.head.instance, CallInput(reply, batch)


def _grant(reply: ReplyTo, body: bytes) -> Found:
    batch = codec.decode_batch(schema.GRANT_HEAD, schema.GRANT_ITEM, body)
    return batch.head.instance, GrantInput(reply, batch)


def _cancel(reply: ReplyTo, body: bytes) -> Found:
    batch = codec.decode_batch(schema.INQUIRY_HEAD, schema.INQUIRY_ITEM, body)
    return batch.head.instance, CancelInput(reply, batch)


def _status(reply: ReplyTo, body: bytes) -> Found:
    batch = codec.decode_batch(schema.INQUIRY_HEAD, schema.INQUIRY_ITEM, body)
    return batch.head.instance, StatusInput(reply, batch)


def _describe(reply: ReplyTo, body: bytes) -> Found:
    describe = codec.decode(schema.DESCRIBE, body)
    return describe.instance, Describe(reply, describe.first)


_READERS: dict[Kind, Callable[[ReplyTo, bytes], Found]] = {
    Kind.CALL: _call,
    Kind.GRANT: _grant,
    Kind.CANCEL: _cancel,
    Kind.STATUS: _status,
    Kind.DESCRIBE: _describe,
}
