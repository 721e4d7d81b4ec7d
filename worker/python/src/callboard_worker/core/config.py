"""Who the worker is, what it offers, and its limits."""

from __future__ import annotations

from dataclasses import dataclass

from ..proto import limit
from ..proto.ids import Digest, InstanceId
from ..proto.words import Effect
from .clock import MS, SECOND, Duration


@dataclass(frozen=True)
class Identity:
    """Who an instance is (P2)."""

    instance: InstanceId
    worker: str
    pool: str


@dataclass(frozen=True)
class OfferedTool:
    """What the core must know of a tool."""

    name: str
    digest: Digest
    effect: Effect
    slots: int | None = None
    """Its own units of capacity, below those of the instance; none for as many as there are."""


@dataclass(frozen=True)
class Config:
    """The limits of a worker: those of the page and of the Rust worker."""

    slots: int = 16
    """Units of capacity; a call holds one from admission to its end."""
    beat_interval: Duration = limit.BEAT_INTERVAL * MS
    """Time between two beats."""
    grant_window: Duration = limit.GRANT_WINDOW * MS
    """How long an ungranted ``write`` keeps its slot after its own ack (P17)."""
    ack_within: Duration = limit.ACK_WITHIN * MS
    """How long a call message's results may take to replace its ack (P7)."""
    orphan_after: Duration = 10 * SECOND
    """How long an instance works on for a coordinator that it doesn't hear (P20)."""
    results_kept_for: Duration = 60 * SECOND
    """How long a result is kept for a status that asks for it (P16)."""
    results_bytes_max: int = 64 * 1024 * 1024
    """Most bytes of results that are kept, oldest evicted first (P16)."""
    tombstones_max: int = 65_536
    """Most refused attempts that are remembered; the horizons stand for the others."""
    offer_window: Duration = 50 * MS
    """How long an offered slot is held out to one coordinator (P6)."""
    batch_items_max: int = limit.BATCH_ITEMS_MAX
    """Result items of one message at most."""
    batch_bytes_max: int = limit.batch_bytes_max(1024 * 1024)
    """Bytes of one message at most, envelope included (P21)."""
