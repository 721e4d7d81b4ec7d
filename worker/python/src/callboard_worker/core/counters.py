"""What happened how often."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counters:
    """What happened in an instance's life, for logs and for tests that must see rare arms taken. All only grow."""

    started: int = 0
    finished: int = 0
    busy: int = 0
    tool_busy: int = 0
    stale: int = 0
    wrong_digest: int = 0
    draining: int = 0
    duplicates: int = 0
    conflicting: int = 0
    unreadable: int = 0
    not_held: int = 0
    forgotten: int = 0
    grants: int = 0
    grants_repeated: int = 0
    grants_ignored: int = 0
    grants_stale: int = 0
    grants_void: int = 0
    cancelled_unstarted: int = 0
    timed_out_unstarted: int = 0
    timed_out: int = 0
    cancelled: int = 0
    orphans_dropped: int = 0
    orphans_stopped: int = 0
    drained: int = 0
    offers: int = 0
    offers_expired: int = 0
    frees: int = 0
    results_expired: int = 0
    results_evicted: int = 0
    tombstones_dropped: int = 0
    finished_unknown: int = 0
    other_instance: int = 0
    beats: int = 0
    acks: int = 0
    results: int = 0
