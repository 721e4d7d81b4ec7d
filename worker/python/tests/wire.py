"""Reads and writes a message of any kind, for tests that don't care which it is."""

from dataclasses import dataclass
from typing import Any

from callboard_worker.proto import codec, schema
from callboard_worker.proto.fields import Form
from callboard_worker.proto.message import Unreadable
from callboard_worker.proto.words import Kind

BATCHES: dict[Kind, tuple[Form[Any], Form[Any]]] = {
    Kind.CALL: (schema.CALL_HEAD, schema.CALL_ITEM),
    Kind.GRANT: (schema.GRANT_HEAD, schema.GRANT_ITEM),
    Kind.CANCEL: (schema.INQUIRY_HEAD, schema.INQUIRY_ITEM),
    Kind.STATUS: (schema.INQUIRY_HEAD, schema.INQUIRY_ITEM),
    Kind.ACK: (schema.REPLY_HEAD, schema.ACK_ITEM),
    Kind.RESULT: (schema.REPLY_HEAD, schema.RESULT_ITEM),
    Kind.PROGRESS: (schema.PROGRESS_HEAD, schema.PROGRESS_ITEM),
    Kind.TOOLS: (schema.TOOLS_HEAD, schema.TOOL_SPEC),
}
SINGLES: dict[Kind, Form[Any]] = {
    Kind.DESCRIBE: schema.DESCRIBE,
    Kind.DRAIN: schema.DRAIN,
    Kind.FREE: schema.FREE,
    Kind.REFUSAL: schema.REFUSAL,
    Kind.BEAT: schema.BEAT,
    Kind.ANNOUNCE: schema.ANNOUNCE,
}


@dataclass
class Read:
    """A message that was read: what it is written as again, and the items that can't be read."""

    value: Any
    again: bytes
    bad: list[Unreadable]


def read(kind: Kind, body: bytes) -> Read:
    """Reads a body of a kind and writes it again, without the items that can't be read."""
    if kind in SINGLES:
        value = codec.decode(SINGLES[kind], body)
        return Read(value, codec.encode(SINGLES[kind], value), [])
    head, item = BATCHES[kind]
    batch = codec.decode_batch(head, item, body)
    good = [found for found in batch.items if not isinstance(found, Unreadable)]
    again = codec.encode_batch(head, batch.head, [codec.encode(item, found) for found in good])
    return Read(batch, again, [found for found in batch.items if isinstance(found, Unreadable)])
