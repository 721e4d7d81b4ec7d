"""Identities (P1, P2, P3): UUIDs are their 16 bytes, everywhere but in a subject or in JSON."""

from __future__ import annotations

from typing import NamedTuple, NewType

RunId = NewType("RunId", bytes)
InstanceId = NewType("InstanceId", bytes)
CoordinatorId = NewType("CoordinatorId", bytes)
VIEWER = CoordinatorId(b"\xff" * 16)
"""Under which everybody asks who only looks; viewers hear what is answered to each other."""
Token = NewType("Token", bytes)
GrantId = NewType("GrantId", bytes)
Digest = NewType("Digest", bytes)


class AttemptKey(NamedTuple):
    """One delivery of a call. All five fields together are its identity, in every table."""

    run: RunId
    turn: int
    id: str
    attempt: int
    epoch: int = 0

    def __str__(self) -> str:
        epoch = f"@{self.epoch}" if self.epoch else ""
        return f"{self.run.hex()}/{self.turn}/{self.id}#{self.attempt}{epoch}"


class ReplyTo(NamedTuple):
    """Where a message wants its answers: the subject ``reply.{tenant}.{coordinator}.{token}``."""

    coordinator: CoordinatorId
    token: Token


def hyphenated(uuid: bytes) -> str:
    """Spells a UUID as JSON texts do."""
    digits = uuid.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
