"""Every bound of the wire, by the names that ``docs/wire.md`` gives them."""

from __future__ import annotations

from typing import Final

TOOL_USE_ID_BYTES_MAX: Final = 256
TOOL_NAME_BYTES_MAX: Final = 128
NAME_BYTES_MAX: Final = 63
KEY_BYTES_MAX: Final = 256
REASON_BYTES_MAX: Final = 256
BATCH_ITEMS_MAX: Final = 4096
DEPTH_MAX: Final = 32
BODY_BYTES_MAX: Final = 64 * 1024 * 1024
PAYLOAD_RESERVE_BYTES: Final = 8 * 1024
INLINE_BYTES_MAX: Final = 256 * 1024

# Milliseconds.
BUDGET_MAX: Final = 24 * 60 * 60 * 1000
BEAT_INTERVAL: Final = 1000
GRANT_WINDOW: Final = 2000
ACK_WITHIN: Final = 2

U32_MAX: Final = 2**32 - 1
U64_MAX: Final = 2**64 - 1


def inline_bytes_max(payload_bytes_max: int) -> int:
    """Gives the largest arguments or result that travel under a server's ``max_payload``, in bytes (P24)."""
    return min(INLINE_BYTES_MAX, payload_bytes_max // 4)


def batch_bytes_max(payload_bytes_max: int) -> int:
    """Gives the largest batch body under a server's ``max_payload``, in bytes (P21)."""
    return max(0, min(payload_bytes_max, BODY_BYTES_MAX) - PAYLOAD_RESERVE_BYTES)
