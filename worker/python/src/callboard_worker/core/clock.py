"""Instants and durations of the core: whole nanoseconds, so that no sum is rounded."""

from __future__ import annotations

from typing import Final

Instant = int
Duration = int

US: Final = 1_000
MS: Final = 1_000_000
SECOND: Final = 1_000_000_000
