"""Texts that others wrote, as a model and a person may read them."""

from __future__ import annotations

import re

_SEQUENCES = re.compile(
    "\x1b(?:"
    r"\[[^\x40-\x7e]*[\x40-\x7e]?"  # what colors and moves, up to its letter
    "|\\][^\x07\x1b]*(?:\x07|\x1b.?)?"  # what names and links, up to a bell or a string terminator
    "|(?![\\[\\]]).)?",
    re.DOTALL,
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """The text without terminal control sequences and control characters: a model reads it, and people read it in
    terminals.
    """
    text = _SEQUENCES.sub("", text)
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
