"""What the messages of the instance's and its tools' subscriptions are. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ..proto import codec, schema, subject
from ..proto.codec import DecodeError
from ..proto.message import Unreadable
from ..proto.words import Kind, RefusalCode
from . import Request, UnreadableRequest
from .headers import UnreadableHeaders, kind_of

Headers = Mapping[str, str] | None


def request(tenant: str, on: str, reply: str, headers: Headers, body: bytes) -> Request | UnreadableRequest:
    """What a message to the instance itself is: its kind must be one that its subject is for, because permissions are
    given by subject.
    """
    to = subject.read_reply(tenant, reply)
    try:
        kind = kind_of(headers)
    except UnreadableHeaders as error:
        return UnreadableRequest(to, error.code, str(error))
    if subject.verb_of(kind) != subject.worker_verb(on):
        return UnreadableRequest(to, RefusalCode.KIND, f"a {kind} has no place on {on}")
    return Request(to, kind, body)


def call(tenant: str, tool: str, on: str, reply: str, headers: Headers, body: bytes) -> Request | UnreadableRequest:
    """What a message to a tool's queue group is: one call of that very tool, because permissions are given by
    subject.
    """
    to = subject.read_reply(tenant, reply)
    try:
        kind = kind_of(headers)
    except UnreadableHeaders as error:
        return UnreadableRequest(to, error.code, str(error))
    if kind is not Kind.CALL:
        return UnreadableRequest(to, RefusalCode.KIND, f"a {kind} has no place on {on}")
    reason = _why_not_one_call(tool, on, body)
    return Request(to, kind, body) if reason is None else UnreadableRequest(to, RefusalCode.MALFORMED, reason)


def _why_not_one_call(tool: str, on: str, body: bytes) -> str | None:
    try:
        items = codec.decode_batch(schema.CALL_HEAD, schema.CALL_ITEM, body).items
    except DecodeError as error:
        return str(error)
    if len(items) != 1:
        return f"{len(items)} calls in one message; a queue group takes one"
    item = items[0]
    if isinstance(item, Unreadable):
        return item.reason
    return None if item.tool == tool else f"a call of {item.tool} has no place on {on}"
