"""The golden files, in both directions, and what no friend sends."""

import json
from typing import Any

import msgpack
import pytest

from callboard_worker.proto import codec, limit, schema, subject
from callboard_worker.proto.codec import DecodeError
from callboard_worker.proto.ids import InstanceId
from callboard_worker.proto.message import CallItem, ProgressHead, Unreadable
from callboard_worker.proto.words import Effect, Executed, FailureKind, Kind, State

from .repository import GOLDEN, WIRE
from .wire import BATCHES, SINGLES, read

FILES = sorted(path for path in GOLDEN.glob("*.json") if path.name != "announce.metadata.json")
Case = tuple[Kind, bytes, dict[str, Any]]


def load(path: Any) -> Case:
    golden = json.loads(path.read_text())
    return Kind(golden["headers"]["Cb-Kind"]), bytes.fromhex(golden["hex"]), golden


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def case(request: pytest.FixtureRequest) -> Case:
    return load(request.param)


def test_there_is_a_golden_message_of_every_kind() -> None:
    assert {load(path)[0] for path in FILES} == set(Kind) == set(BATCHES) | set(SINGLES)


def test_golden_bytes_are_read_and_written_again(case: Case) -> None:
    kind, body, golden = case
    found = read(kind, body)
    assert found.bad == []
    assert found.again.hex() == golden["hex"]


def unpack(body: bytes) -> Any:
    return msgpack.unpackb(body, raw=False, strict_map_key=False)


def pack(value: Any) -> bytes:
    return bytes(msgpack.packb(value, use_bin_type=True))


def each_map(value: Any, change: Any, depth: int = 0, is_items: bool = False) -> Any:
    """Changes each map of a message, the items' own included."""
    if isinstance(value, dict):
        inner = {
            name: each_map(element, change, depth + 1, depth == 0 and name == "items")
            for name, element in value.items()
        }
        return change(inner)
    if isinstance(value, list):
        return [each_map(element, change, depth + 1, is_items) for element in value]
    if isinstance(value, bytes) and is_items:
        return pack(each_map(unpack(value), change, 1))
    return value


UNKNOWN = {
    "x-nil": None,
    "x-number": 2**64 - 1,
    "x-float": 1.5,
    "x-bin": b"\xc1" * 40,
    "x-map": {"of": [None], 7: {1: 2}},
    "x-ext": msgpack.ExtType(5, b"x"),
}


def test_unknown_fields_are_ignored_at_every_depth(case: Case) -> None:
    kind, body, golden = case
    newer = pack(each_map(unpack(body), lambda found: {**found, **UNKNOWN}))
    assert read(kind, newer).again.hex() == golden["hex"]


def test_unknown_fields_may_hold_what_python_cannot_hash_or_decode(case: Case) -> None:
    kind, body, golden = case
    # A map whose key is a map, and a text that isn't UTF-8.
    for name, value in ((b"\xa1x", b"\x81\x80\x01"), (b"\xa1y", b"\xa2\xff\xfe")):
        newer = bytes([body[0] + 1]) + body[1:] + name + value
        assert read(kind, newer).again.hex() == golden["hex"]


def test_fields_may_stand_in_any_order(case: Case) -> None:
    kind, body, golden = case
    turned = pack(each_map(unpack(body), lambda found: dict(reversed(list(found.items())))))
    assert read(kind, turned).again.hex() == golden["hex"]


def test_every_truncation_is_refused(case: Case) -> None:
    kind, body, _ = case
    for length in range(len(body)):
        with pytest.raises(DecodeError, match="isn't the MessagePack"):
            read(kind, body[:length])


def test_bytes_behind_the_end_are_refused(case: Case) -> None:
    kind, body, _ = case
    for byte in range(256):
        with pytest.raises(DecodeError, match="more bytes follow"):
            read(kind, body + bytes([byte]))


def test_a_field_that_stands_twice_is_refused(case: Case) -> None:
    kind, body, _ = case
    value = unpack(body)
    name = next(iter(value))
    doubled = bytes([body[0] + 1]) + body[1:] + pack(name) + pack(value[name])
    with pytest.raises(DecodeError, match="stands twice"):
        read(kind, doubled)


def test_deep_nesting_is_refused(case: Case) -> None:
    kind, body, golden = case
    for depth, is_fine in ((29, True), (32, False), (1_000, False), (100_000, False)):
        deep = bytes([body[0] + 1]) + body[1:] + b"\xa1x" + b"\x91" * depth + b"\xc0"
        if is_fine:
            assert read(kind, deep).again.hex() == golden["hex"]
        else:
            with pytest.raises(DecodeError):
                read(kind, deep)


def test_wider_numbers_are_read_and_others_refused() -> None:
    kind, body, golden = load(GOLDEN / "beat.json")
    at = body.index(b"\xa3seq") + 4
    wide = body[:at] + b"\xcf" + (71).to_bytes(8, "big") + body[at + 1 :]
    assert read(kind, wide).again.hex() == golden["hex"]
    for number in (b"\xff", b"\xca\x3f\x80\0\0", b"\xc3", b"\xa11"):
        with pytest.raises(DecodeError):
            read(kind, body[:at] + number + body[at + 1 :])


def a_call() -> dict[str, Any]:
    return {
        "of": {"run": b"r" * 16, "turn": 1, "id": "c0", "attempt": 1},
        "tool": "look",
        "effect": "read",
        "budget_ms": 5000,
        "arguments": b"{}",
    }


def decode_call(**changes: Any) -> CallItem:
    return codec.decode(schema.CALL_ITEM, pack({**a_call(), **changes}))


def test_optional_fields_may_be_missing_or_nil() -> None:
    for item in (decode_call(), decode_call(key=None, digest=None, traceparent=None)):
        assert (item.key, item.digest, item.traceparent, item.of.epoch) == (None, None, None, 0)


def test_unknown_words_fall_to_the_safe_side() -> None:
    assert decode_call(effect="later").effect is Effect.WRITE
    ack = codec.decode(schema.ACK_ITEM, pack({"of": a_call()["of"], "state": "later"}))
    assert ack.state is State.UNKNOWN
    result = codec.decode(schema.RESULT_ITEM, pack({"of": a_call()["of"], "status": "later"}))
    assert result.outcome.kind is FailureKind.INTERNAL  # type: ignore[union-attr]
    assert result.outcome.executed is Executed.UNKNOWN  # type: ignore[union-attr]


def test_bounds_are_kept() -> None:
    assert decode_call(budget_ms=2**64 - 1).budget_ms == limit.BUDGET_MAX
    assert decode_call(key="k" * 256).key == "k" * 256
    of = a_call()["of"]
    for bad in (
        {"key": "k" * 257},
        {"tool": "a\nb"},
        {"tool": ""},
        {"tool": "é" * 65},
        {"digest": b"short"},
        {"of": {**of, "id": ""}},
        {"of": {**of, "id": "i" * 257}},
        {"of": {**of, "turn": 2**32}},
        {"of": {**of, "run": b"r" * 15}},
        {"arguments": "{}"},
        {"effect": 7},
    ):
        with pytest.raises(DecodeError):
            decode_call(**bad)


def test_a_bad_item_harms_no_sibling_and_its_attempt_is_named() -> None:
    good = pack(a_call())
    torn = [good[:-1], pack({**a_call(), "tool": 3}), good + b"\x91", b"\x83" + good[1:]]
    nameless = [b"", b"\xc1", pack({"tool": "look"}), pack([1])]
    head = pack({"coordinator": b"c" * 16})
    items = b"".join(b"\xc4" + bytes([len(item)]) + item for item in [good, *torn, *nameless, good])
    body = b"\x82\xa4head" + head + b"\xa5items" + bytes([0x90 + 10]) + items
    batch = codec.decode_batch(schema.CALL_HEAD, schema.CALL_ITEM, body)
    of = codec.decode(schema.CALL_ITEM, good).of
    assert isinstance(batch.items[0], CallItem)
    assert isinstance(batch.items[9], CallItem)
    found = [item.of for item in batch.items if isinstance(item, Unreadable)]
    assert found == [of] * 4 + [None] * 4


def test_too_many_items_and_too_large_bodies_are_refused() -> None:
    head = pack({"coordinator": b"c" * 16})
    body = b"\x82\xa4head" + head + b"\xa5items\xdc\x10\x01" + b"\xc4\x00" * 4097
    with pytest.raises(DecodeError, match="at most 4096"):
        codec.decode_batch(schema.CALL_HEAD, schema.CALL_ITEM, body)
    with pytest.raises(DecodeError, match="more than the"):
        codec.decode(schema.BEAT, bytes(limit.BODY_BYTES_MAX + 1))
    with pytest.raises(ValueError, match="4097 items"):
        codec.encode_batch(schema.PROGRESS_HEAD, ProgressHead(InstanceId(bytes(16))), [b""] * 4097)


def test_a_reason_is_short_whatever_the_body_quotes() -> None:
    for body in (pack({"instance": "é" * 100_000, "grace_ms": 1}), pack({"é" * 100_000: 1})):
        with pytest.raises(DecodeError) as caught:
            codec.decode(schema.DRAIN, body)
        assert len(str(caught.value).encode()) < 400


def test_the_limits_are_those_of_the_page() -> None:
    page = WIRE.read_text()
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| `") and line.count("|") == 4]
    found = {name.strip(" `"): int(value) for name, value in rows if value.strip().isdigit()}
    assert len(found) >= 14
    assert found == {name: getattr(limit, name) for name in found}


def test_subjects_are_spelled_as_the_contract_says() -> None:
    assert subject.call("acme", "a b.c>*é") == "cb.v1.call.acme.a=20b=2Ec=3E=2A=C3=A9"
    for name in ("order get.v2", "=41", "é€😀", "a=2Eb"):
        assert subject.tool_from_token(subject.tool_token(name)) == name
    for token in ("", "=", "=2", "=41", "=2e", "a.b", "a b", "=FF", "=0A", "=+F", "é", "=ZZ", "*"):
        assert subject.tool_from_token(token) is None, token


def test_only_a_reply_subject_of_the_tenant_is_answered() -> None:
    digits = "1" * 32
    good = f"cb.v1.reply.acme.{digits}.{digits}"
    to = subject.read_reply("acme", good)
    assert to is not None
    assert subject.reply("acme", to) == good
    hyphened = "11111111-1111-1111-1111-111111111111"
    for bad in (
        "",
        "_INBOX.abc.def",
        f"cb.v1.reply.acme.{digits}",
        f"{good}.{digits}",
        f"cb.v1.reply.acme.{digits}.*",
        "cb.v1.reply.acme.>",
        f"cb.v1.reply.acme2.{digits}.{digits}",
        f"cb.v1.reply.acme.{hyphened}.{digits}",
        f"cb.v1.reply.acme.{digits}.{'A' * 32}",
        f"cb.v2.reply.acme.{digits}.{digits}",
        f"xcb.v1.reply.acme.{digits}.{digits}",
        good + "\n",
        "$JS.API.STREAM.DELETE.x",
    ):
        assert subject.read_reply("acme", bad) is None, bad
