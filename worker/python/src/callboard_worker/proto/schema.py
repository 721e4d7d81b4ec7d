"""The structs of the wire, field by field in the order in which they are written: the same as in the golden files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from .content import Completed, Document, Failed, Image, Json, Outcome, Part, Resource, Text, UnknownPart
from .fields import (
    BIN,
    BOOL,
    BUDGET,
    COORDINATOR_ID,
    DIGEST,
    GRANT_ID,
    INSTANCE_ID,
    KEY,
    LABEL,
    NAME,
    OF,
    PERCENT,
    TEXT,
    TOOL_NAME,
    U32,
    U64,
    Form,
    Malformed,
    Struct,
    listed,
    maybe,
    required,
    unless_empty,
    word,
    written,
)
from .ids import AttemptKey
from .message import (
    AckItem,
    Announce,
    BadItem,
    Beat,
    CallHead,
    CallItem,
    Describe,
    Down,
    Drain,
    Free,
    GrantHead,
    GrantItem,
    InquiryHead,
    InquiryItem,
    Load,
    Manifest,
    ProgressHead,
    ProgressItem,
    Refusal,
    ReplyHead,
    ResultItem,
    ToolDigest,
    ToolsHead,
    ToolSpec,
)
from .words import Affinity, Effect, Executed, FailureKind, RefusalCode, State

T = TypeVar("T")

LOAD = Struct(Load, required("seq", U64), required("slots", U32), required("free", U32))
BAD_ITEM = Struct(BadItem, required("index", U32), required("reason", TEXT))

CALL_HEAD = Struct(
    CallHead,
    required("coordinator", COORDINATOR_ID),
    maybe("instance", INSTANCE_ID),
    maybe("seen", U64),
    written("waiting", U32),
)
CALL_ITEM = Struct(
    CallItem,
    required("of", OF),
    required("tool", TOOL_NAME),
    maybe("digest", DIGEST),
    required("effect", word(Effect, Effect.WRITE)),
    required("budget_ms", BUDGET),
    required("arguments", BIN),
    maybe("key", KEY),
    maybe("traceparent", TEXT),
)
GRANT_HEAD = Struct(
    GrantHead,
    required("coordinator", COORDINATOR_ID),
    required("instance", INSTANCE_ID),
    maybe("seen", U64),
)
GRANT_ITEM = Struct(GrantItem, required("of", OF), required("grant", GRANT_ID), required("budget_ms", BUDGET))
INQUIRY_HEAD = Struct(InquiryHead, required("coordinator", COORDINATOR_ID), required("instance", INSTANCE_ID))
INQUIRY_ITEM = Struct(InquiryItem, required("of", OF), maybe("seen", U64))
DESCRIBE = Struct(
    Describe,
    required("coordinator", COORDINATOR_ID),
    required("instance", INSTANCE_ID),
    required("from", U32, "first"),
)
DRAIN = Struct(Drain, required("instance", INSTANCE_ID), required("grace_ms", BUDGET))

REPLY_HEAD = Struct(
    ReplyHead,
    required("instance", INSTANCE_ID),
    required("load", LOAD),
    unless_empty("bad", listed(BAD_ITEM)),
)
ACK_ITEM = Struct(
    AckItem,
    required("of", OF),
    required("state", word(State, State.UNKNOWN)),
    maybe("grant", GRANT_ID),
    unless_empty("tool_full", BOOL),
)
PROGRESS_HEAD = Struct(ProgressHead, required("instance", INSTANCE_ID))
PROGRESS_ITEM = Struct(ProgressItem, required("of", OF), maybe("percent", PERCENT), maybe("message", TEXT))
FREE = Struct(Free, required("instance", INSTANCE_ID), required("load", LOAD))
REFUSAL = Struct(
    Refusal,
    required("instance", INSTANCE_ID),
    required("code", word(RefusalCode, RefusalCode.MALFORMED)),
    required("message", TEXT),
)


class _WirePart:
    """A part as the map that it is: which fields count depends on its type."""

    __slots__ = ("data", "media_type", "name", "part_type", "text", "uri")

    def __init__(
        self,
        part_type: str,
        text: str | None = None,
        media_type: str | None = None,
        name: str | None = None,
        uri: str | None = None,
        data: bytes | None = None,
    ) -> None:
        self.part_type, self.text, self.media_type = part_type, text, media_type
        self.name, self.uri, self.data = name, uri, data


_WIRE_PART = Struct(
    _WirePart,
    required("type", TEXT, "part_type"),
    maybe("text", TEXT),
    maybe("media_type", TEXT),
    maybe("name", TEXT),
    maybe("uri", TEXT),
    maybe("data", BIN),
)


def _there(value: T | None, name: str) -> T:
    if value is None:
        raise Malformed(f"the field `{name}` is missing")
    return value


def _read_part(value: object) -> Part:
    wire = _WIRE_PART.read(value)
    if wire.part_type == "text":
        return Text(_there(wire.text, "text"))
    if wire.part_type == "json":
        return Json.raw(_there(wire.text, "text"))
    if wire.part_type == "image":
        return Image(_there(wire.media_type, "media_type"), _there(wire.data, "data"))
    if wire.part_type == "document":
        return Document(_there(wire.media_type, "media_type"), _there(wire.data, "data"), wire.name)
    if wire.part_type == "resource":
        return Resource(_there(wire.uri, "uri"), wire.media_type, wire.text)
    return UnknownPart(wire.part_type, wire.text)


def _write_part(part: Part) -> object:
    if isinstance(part, Text):
        wire = _WirePart("text", text=part.text)
    elif isinstance(part, Json):
        wire = _WirePart("json", text=part.text)
    elif isinstance(part, Image):
        wire = _WirePart("image", media_type=part.media_type, data=part.data)
    elif isinstance(part, Document):
        wire = _WirePart("document", media_type=part.media_type, name=part.name, data=part.data)
    elif isinstance(part, Resource):
        wire = _WirePart("resource", text=part.text, media_type=part.media_type, uri=part.uri)
    else:
        wire = _WirePart(part.part_type, text=part.text)
    return _WIRE_PART.write(wire)


PART: Form[Part] = Form(_read_part, _write_part)


class _WireResult:
    """A result as the map that it is: which fields count depends on its status."""

    __slots__ = (
        "content",
        "executed",
        "executed_us",
        "is_error",
        "kind",
        "message",
        "of",
        "queued_us",
        "retry_after_ms",
        "status",
    )

    def __init__(
        self,
        of: AttemptKey,
        status: str,
        content: Sequence[Part] = (),
        is_error: bool = False,
        kind: FailureKind | None = None,
        message: str | None = None,
        executed: Executed | None = None,
        retry_after_ms: int | None = None,
        queued_us: int = 0,
        executed_us: int = 0,
    ) -> None:
        self.of, self.status, self.content, self.is_error = of, status, content, is_error
        self.kind, self.message, self.executed = kind, message, executed
        self.retry_after_ms = retry_after_ms
        self.queued_us, self.executed_us = queued_us, executed_us


_WIRE_RESULT = Struct(
    _WireResult,
    required("of", OF),
    required("status", TEXT),
    unless_empty("content", listed(PART)),
    unless_empty("is_error", BOOL),
    maybe("kind", word(FailureKind, FailureKind.INTERNAL)),
    maybe("message", TEXT),
    maybe("executed", word(Executed, Executed.UNKNOWN)),
    maybe("retry_after_ms", BUDGET),
    written("queued_us", U64),
    written("executed_us", U64),
)


def _read_result(value: object) -> ResultItem:
    wire = _WIRE_RESULT.read(value)
    outcome: Outcome
    if wire.status == "completed":
        outcome = Completed(wire.content, wire.is_error)
    else:
        # Any other status, a newer peer's too, is a failure (P22).
        outcome = Failed(
            wire.kind or FailureKind.INTERNAL,
            wire.message or "",
            wire.executed or Executed.UNKNOWN,
            wire.retry_after_ms,
        )
    return ResultItem(wire.of, outcome, wire.queued_us, wire.executed_us)


def _write_result(item: ResultItem) -> object:
    outcome = item.outcome
    wire = _WireResult(item.of, "completed", queued_us=item.queued_us, executed_us=item.executed_us)
    if isinstance(outcome, Completed):
        wire.content, wire.is_error = outcome.content, outcome.is_error
    else:
        wire.status, wire.kind, wire.message = "failed", outcome.kind, outcome.message
        wire.executed, wire.retry_after_ms = outcome.executed, outcome.retry_after_ms
    return _WIRE_RESULT.write(wire)


RESULT_ITEM: Form[ResultItem] = Form(_read_result, _write_result)


class _Retry:
    __slots__ = ("attempts",)

    def __init__(self, attempts: int) -> None:
        self.attempts = attempts


_RETRY = Struct(_Retry, required("attempts", U32))
_ATTEMPTS: Form[int] = Form(lambda value: _RETRY.read(value).attempts, lambda value: _RETRY.write(_Retry(value)))
MANIFEST = Struct(
    Manifest,
    required("effect", word(Effect, Effect.WRITE)),
    maybe("deadline_ms", U64),
    maybe("attempt_timeout_ms", U64),
    written("retry", _ATTEMPTS, "attempts"),
    written("affinity", word(Affinity, Affinity.RUN)),
    unless_empty("require", listed(LABEL)),
    unless_empty("prefer", listed(LABEL)),
    maybe("output_bytes_max", U64),
)
TOOL_SPEC = Struct(
    ToolSpec,
    required("name", TOOL_NAME),
    required("description", TEXT),
    required("input_schema", TEXT),
    required("manifest", MANIFEST),
)
TOOL_DIGEST = Struct(ToolDigest, required("name", TOOL_NAME), required("digest", DIGEST))
DOWN = Struct(Down, required("what", TEXT), required("why", TEXT))
ANNOUNCE = Struct(
    Announce,
    required("instance", INSTANCE_ID),
    required("worker", NAME),
    required("pool", NAME),
    required("version", TEXT),
    required("slots", U32),
    required("catalogue", U64),
    required("payload_bytes_max", U64),
    unless_empty("labels", listed(LABEL)),
    required("tools", listed(TOOL_DIGEST)),
    unless_empty("down", listed(DOWN)),
)
TOOLS_HEAD = Struct(
    ToolsHead,
    required("announce", ANNOUNCE),
    required("from", U32, "first"),
    required("total", U32),
    required("digests", listed(DIGEST)),
)
BEAT = Struct(
    Beat,
    required("instance", INSTANCE_ID),
    required("worker", NAME),
    required("pool", NAME),
    required("seq", U64),
    required("load", LOAD),
    written("draining", BOOL),
    required("catalogue", U64),
    maybe("unix_ms", U64),
)
