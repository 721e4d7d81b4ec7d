"""What a worker says, encoded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from ..core import Act, SendAck, SendBeat, SendFree, SendResult
from ..link import Link
from ..proto import codec, schema
from ..proto.ids import InstanceId, ReplyTo
from ..proto.message import ProgressHead, ProgressItem, Refusal
from ..proto.words import Kind, RefusalCode


async def send(link: Link, act: Act) -> None:
    """Sends what the core wants said."""
    if isinstance(act, SendResult):
        await link.send_reply(act.to, Kind.RESULT, codec.encode_batch(schema.REPLY_HEAD, act.head, act.items))
    elif isinstance(act, SendAck):
        items = [codec.encode(schema.ACK_ITEM, ack) for ack in act.items]
        await link.send_reply(act.to, Kind.ACK, codec.encode_batch(schema.REPLY_HEAD, act.head, items))
    elif isinstance(act, SendFree):
        await link.send_reply(act.to, Kind.FREE, codec.encode(schema.FREE, act.free))
    elif isinstance(act, SendBeat):
        # With the time of day, which the core doesn't know.
        beat = replace(act.beat, unix_ms=time.time_ns() // 1_000_000)
        await link.send_beat(codec.encode(schema.BEAT, beat))


async def send_progress(link: Link, instance: InstanceId, to: ReplyTo, items: Sequence[ProgressItem]) -> None:
    """Says how far attempts are."""
    encoded = [codec.encode(schema.PROGRESS_ITEM, item) for item in items]
    body = codec.encode_batch(schema.PROGRESS_HEAD, ProgressHead(instance), encoded)
    await link.send_reply(to, Kind.PROGRESS, body)


async def send_refusal(link: Link, instance: InstanceId, to: ReplyTo, code: RefusalCode, reason: str) -> None:
    """Refuses a whole message."""
    await link.send_reply(to, Kind.REFUSAL, codec.encode(schema.REFUSAL, Refusal(instance, code, reason)))
