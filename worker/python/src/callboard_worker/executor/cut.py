"""Results that are larger than may travel (P24): texts are cut to head and tail and say so; what can't be cut fails."""

from __future__ import annotations

from dataclasses import replace

from ..proto.content import Completed, Json, Part, Text
from ..proto.names import bytes_of

PARTS_MAX = 1024
"""Most parts of one answer (chosen, not measured)."""
PART_BYTES = 32
"""Bytes that each part costs beyond its payload: the names of its fields."""
NOTE_BYTES = 160
"""Room for the note in a text that is cut."""


class TooLarge(ValueError):
    """An answer that can't be made to fit; a model reads the text."""


def fit(completed: Completed, bytes_max: int) -> Completed:
    """Makes an answer fit.

    :raises TooLarge: it can't be cut.
    """
    parts = list(completed.content)
    if len(parts) > PARTS_MAX:
        raise TooLarge(
            f"the tool's answer has {len(parts)} parts, more than the {PARTS_MAX} that can be sent; ask for less at "
            "once"
        )
    if sum(map(_cost, parts)) <= bytes_max:
        return completed
    texts = sorted((part.bytes, at) for at, part in enumerate(parts) if isinstance(part, (Text, Json)))
    whole = sum(PART_BYTES if isinstance(part, (Text, Json)) else _cost(part) for part in parts)
    # Each cut text needs room for its note at least.
    if whole + len(texts) * NOTE_BYTES > bytes_max:
        raise TooLarge(
            f"the tool's answer holds {whole} bytes of images, documents or references, more than the {bytes_max} that "
            "can be sent, and those can't be cut; ask for less or for a smaller form"
        )
    left = bytes_max - whole
    # From the smallest: what a small text doesn't use, the larger ones share.
    for sharers, (size, at) in zip(range(len(texts), 0, -1), texts, strict=True):
        share = left // sharers
        part = parts[at]
        if size > share and isinstance(part, (Text, Json)):
            # JSON that is cut is JSON no more.
            parts[at] = Text(text(part.text, share))
        left -= min(size, share)
    return replace(completed, content=tuple(parts))


def _cost(part: Part) -> int:
    return part.bytes + PART_BYTES


def text(whole: str, bytes_max: int) -> str:
    """A text of at most so many bytes: whole, or head and tail around a note that says what is missing. A bound below
    the note's own size is taken as that size.
    """
    size = bytes_of(whole)
    if size <= bytes_max:
        return whole
    raw = whole.encode()
    room = max(0, bytes_max - NOTE_BYTES)
    head = raw[: room - room // 4].decode(errors="ignore")
    tail = raw[size - room // 4 :].decode(errors="ignore")
    missing = size - bytes_of(head) - bytes_of(tail)
    return (
        f"{head}\n\n[{missing} of {size} bytes are left out here: the result was too large to send whole; ask for less "
        f"at once]\n\n{tail}"
    )
