"""What needs no server of the link: headers, subjects, the micro service's words; and what released versions said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callboard_worker.link import Request, UnreadableRequest, reading
from callboard_worker.link.headers import HEADER_KIND, HEADER_VERSION, headers_of
from callboard_worker.link.micro import Micro, announce_json
from callboard_worker.proto import codec, schema, subject
from callboard_worker.proto.ids import Digest, InstanceId
from callboard_worker.proto.message import Announce, ToolDigest
from callboard_worker.proto.server import (
    BadServer,
    Denied,
    read_denied,
    read_urls,
    reconnect_delay,
    shown,
    version_is_supported,
)
from callboard_worker.proto.words import Kind, RefusalCode

from .repository import CORPUS, GOLDEN, ROOT
from .wire import read

INSTANCE = InstanceId(bytes.fromhex("22" * 16))
REPLY = "cb.v1.reply.acme." + "1" * 32 + "." + "4" * 32
OWN = f"cb.v1.worker.acme.shop.{INSTANCE.hex()}."


def announced() -> Announce:
    tools = [ToolDigest("order_get", Digest(bytes(range(32))))]
    return Announce(INSTANCE, "shop-1", "shop", "0.1.0", 16, 1, 1048576, ["zone=eu-1"], tools)


def test_the_announcement_is_the_golden_one() -> None:
    assert announce_json(announced()) + "\n" == (GOLDEN / "announce.metadata.json").read_text()


def test_the_service_answers_where_it_may() -> None:
    micro = Micro("acme", announced())
    micro.calls["order_get"] = 7
    for scope in ("", ".callboard-worker", f".callboard-worker.{INSTANCE.hex()}"):
        ping, info, stats = (
            json.loads(micro.answer(f"$SRV.{verb}{scope}", "_INBOX.a.b") or b"") for verb in ("PING", "INFO", "STATS")
        )
        assert {(one["name"], one["id"]) for one in (ping, info, stats)} == {("callboard-worker", INSTANCE.hex())}
        assert info["metadata"] == {"callboard_tenant": "acme", "callboard": announce_json(announced())}
        assert [one["num_requests"] for one in stats["endpoints"]] == [0, 7]
        assert [one["queue_group"] for one in info["endpoints"]] == ["", "callboard"]
    assert micro.answer("$SRV.INFO", REPLY) is not None
    assert micro.answer("$SRV.INFO", REPLY.replace("acme", "other")) is None
    assert micro.answer("$SRV.INFO", "$JS.API.STREAM.DELETE.x") is None
    assert micro.answer("$SRV.SCHEMA", "_INBOX.a.b") is None


def test_a_message_must_have_a_place_where_it_comes() -> None:
    def request(verb: str, headers: dict[str, str] | None, reply: str = REPLY) -> Request | UnreadableRequest:
        return reading.request("acme", OWN + verb, reply, headers, b"")

    for kind in Kind:
        verb = subject.verb_of(kind)
        if verb is not None:
            assert isinstance(request(verb, headers_of(kind)), Request)
        found = request("call", headers_of(kind))
        assert isinstance(found, Request) == (kind is Kind.CALL)
    newer = request("call", {HEADER_VERSION: "1.7", HEADER_KIND: "call"})
    assert isinstance(newer, Request)
    assert newer.reply is not None
    unanswerable = request("drain", headers_of(Kind.DRAIN), "_INBOX.x")
    assert isinstance(unanswerable, Request)
    assert unanswerable.reply is None
    for headers, code in (
        (None, RefusalCode.VERSION),
        ({HEADER_KIND: "call"}, RefusalCode.VERSION),
        ({HEADER_VERSION: "2", HEADER_KIND: "call"}, RefusalCode.VERSION),
        ({HEADER_VERSION: "1x", HEADER_KIND: "call"}, RefusalCode.VERSION),
        ({"cb-v": "1", HEADER_KIND: "call"}, RefusalCode.VERSION),
        ({HEADER_VERSION: "1"}, RefusalCode.KIND),
        ({HEADER_VERSION: "1", HEADER_KIND: "Call"}, RefusalCode.KIND),
    ):
        found = request("call", headers)
        assert isinstance(found, UnreadableRequest)
        assert found.code is code


def test_a_queue_group_takes_one_call_of_its_tool() -> None:
    one = json.loads((GOLDEN / "call-one.json").read_text())
    body = bytes.fromhex(one["hex"])
    batch = codec.decode_batch(schema.CALL_HEAD, schema.CALL_ITEM, body)
    item: Any = batch.items[0]
    twice = codec.encode_batch(schema.CALL_HEAD, batch.head, [codec.encode(schema.CALL_ITEM, item)] * 2)

    def call(tool: str, kind: Kind, body: bytes) -> Request | UnreadableRequest:
        return reading.call("acme", tool, subject.call("acme", tool), REPLY, headers_of(kind), body)

    assert isinstance(call(item.tool, Kind.CALL, body), Request)
    for tool, kind, bad, code in (
        (item.tool, Kind.STATUS, body, RefusalCode.KIND),
        (item.tool, Kind.CALL, twice, RefusalCode.MALFORMED),
        (item.tool, Kind.CALL, body[:-1], RefusalCode.MALFORMED),
        ("other", Kind.CALL, body, RefusalCode.MALFORMED),
    ):
        found = call(tool, kind, bad)
        assert isinstance(found, UnreadableRequest)
        assert found.code is code


SESSIONS = sorted(CORPUS.glob("*/session.jsonl"))


def test_there_is_a_corpus() -> None:
    assert SESSIONS


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.parent.name)
def test_what_released_versions_said_is_read(path: Any) -> None:
    kinds = set()
    for line in path.read_text().splitlines():
        said = json.loads(line)
        kind = said.get("kind")
        if kind is None or kind == "announce" or said.get("refused"):
            continue
        kinds.add(kind)
        found = read(Kind(kind), bytes.fromhex(said["body"]))
        assert len(found.bad) == len(said.get("bad_items", ())), line
        if not found.bad:
            assert found.again.hex() == said["body"]
    assert kinds >= {kind.value for kind in Kind} - {"announce", "drain"}


def test_refusals_of_the_server_are_read() -> None:
    assert read_denied('nats: permissions violation for publish to "cb.v1.beat.t.p.i"') == Denied(
        "publish", "cb.v1.beat.t.p.i"
    )
    group = 'Permissions Violation for Subscription to "cb.v1.call.t.Grep" using queue "callboard"'
    assert read_denied(group) == Denied("subscribe", "cb.v1.call.t.Grep")
    assert read_denied("maximum payload violation") is None
    assert str(Denied("subscribe", "cb.v1.beat.t.>")) == (
        'the NATS user may not subscribe to "cb.v1.beat.t.>"; allow it under `permissions.subscribe` of that user'
    )


def test_versions_urls_and_delays() -> None:
    for version, will_do in (("2.10.0", True), ("v2.15.2", True), ("3.0.0", True), ("2.9.25", False), ("dev", False)):
        assert version_is_supported(version) is will_do
    assert read_urls("localhost, tls://a:1") == ["nats://localhost", "tls://a:1"]
    assert shown("nats://user:secret@host:4222,nats://t@b") == "nats://host:4222,nats://b"
    for bad in ("", "http://a", "nats://", "nats://a:99999"):
        with pytest.raises(BadServer, match="NATS server"):
            read_urls(bad)
    assert [reconnect_delay(attempt, 1.0) for attempt in (1, 5, 12, 10**6)] == [0.002, 0.032, 4.0, 4.0]
    assert reconnect_delay(9, 0.0) == 0.0


def test_the_package_has_the_version_of_the_workspace() -> None:
    from callboard_worker import __version__

    assert f'\nversion = "{__version__}"\n' in (ROOT / "Cargo.toml").read_text()
