"""The subjects: the only place that builds or reads one."""

from __future__ import annotations

import re

from .ids import CoordinatorId, InstanceId, ReplyTo, Token
from .names import InvalidName, check_tool_name
from .words import Kind

PREFIX = "cb.v1"
QUEUE_GROUP = "callboard"
SERVICE_NAME = "callboard-worker"
METADATA_ANNOUNCE = "callboard"
METADATA_TENANT = "callboard_tenant"

_UUID = re.compile(r"[0-9a-f]{32}")
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_VERBS = {
    Kind.CALL: "call",
    Kind.GRANT: "grant",
    Kind.CANCEL: "cancel",
    Kind.STATUS: "status",
    Kind.DESCRIBE: "status",
    Kind.DRAIN: "drain",
}


def verb_of(kind: Kind) -> str | None:
    """The last token of the subject that messages of a kind to an instance come on."""
    return _VERBS.get(kind)


def worker(tenant: str, pool: str, instance: InstanceId, verb: str) -> str:
    """Where an instance hears one verb."""
    return f"{PREFIX}.worker.{tenant}.{pool}.{instance.hex()}.{verb}"


def worker_all(tenant: str, pool: str, instance: InstanceId) -> str:
    """Where an instance hears all its verbs."""
    return worker(tenant, pool, instance, "*")


def worker_verb(subject: str) -> str:
    """The verb of a subject that :func:`worker_all` matches."""
    return subject.rpartition(".")[2]


def call(tenant: str, tool: str) -> str:
    """Where the workers that offer a tool hear single calls, in queue group :data:`QUEUE_GROUP`."""
    return f"{PREFIX}.call.{tenant}.{tool_token(tool)}"


def beat(tenant: str, pool: str, instance: InstanceId) -> str:
    """Where an instance's beats go."""
    return f"{PREFIX}.beat.{tenant}.{pool}.{instance.hex()}"


def reply(tenant: str, to: ReplyTo) -> str:
    """Where an answer goes."""
    return f"{PREFIX}.reply.{tenant}.{to.coordinator.hex()}.{to.token.hex()}"


def read_reply(tenant: str, subject: str) -> ReplyTo | None:
    """Reads a reply subject of this tenant; anything else is nothing that a worker may publish to (P25)."""
    parts = subject.split(".")
    if len(parts) != 6 or parts[:3] != ["cb", "v1", "reply"] or parts[3] != tenant:
        return None
    if not (_UUID.fullmatch(parts[4]) and _UUID.fullmatch(parts[5])):
        return None
    return ReplyTo(CoordinatorId(bytes.fromhex(parts[4])), Token(bytes.fromhex(parts[5])))


def service_all(instance: InstanceId) -> tuple[str, str, str]:
    """What the micro service listens to: the three scopes, each for all verbs."""
    return "$SRV.*", f"$SRV.*.{SERVICE_NAME}", f"$SRV.*.{SERVICE_NAME}.{instance.hex()}"


def service_ping(instance: InstanceId) -> str:
    """Where an instance pings itself."""
    return f"$SRV.PING.{SERVICE_NAME}.{instance.hex()}"


def service_verb(subject: str) -> str:
    """The verb of a service's subject."""
    return subject.split(".")[1]


def tool_token(tool: str) -> str:
    """A tool's name as one token. No two names share one."""
    return "".join(chr(byte) if byte in _PLAIN else f"={byte:02X}" for byte in tool.encode())


def tool_from_token(token: str) -> str | None:
    """The tool's name that makes this token, if any does."""
    try:
        raw = re.sub(rb"=([0-9A-F]{2})", lambda found: bytes.fromhex(found[1].decode()), token.encode())
        name = check_tool_name(raw.decode())
    except (InvalidName, UnicodeError):
        return None
    return name if tool_token(name) == token else None
