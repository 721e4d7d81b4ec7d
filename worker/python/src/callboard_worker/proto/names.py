"""Names that people choose, and why one can't be taken."""

from __future__ import annotations

import re
import unicodedata

from .limit import NAME_BYTES_MAX, TOOL_NAME_BYTES_MAX

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_LABEL = re.compile(r"[A-Za-z0-9_./=-]+")


class InvalidName(ValueError):
    """A name that can't be taken; the text says why."""


def bytes_of(text: str) -> int:
    """Gives a text's length in UTF-8 bytes."""
    return len(text) if text.isascii() else len(text.encode())


def has_control(text: str) -> bool:
    """Tells whether a text holds a control character."""
    if text.isprintable():
        return False
    return any(unicodedata.category(character) == "Cc" for character in text)


def _check_length(name: str, bytes_max: int) -> None:
    if not name:
        raise InvalidName("the name is empty")
    found = bytes_of(name)
    if found > bytes_max:
        raise InvalidName(f"the name has {found} bytes, more than the {bytes_max} that are allowed")


def check_token(name: str, what: str) -> str:
    """Checks a tenant's, pool's or worker's name and gives it back."""
    _check_length(name, NAME_BYTES_MAX)
    if not _TOKEN.fullmatch(name):
        raise InvalidName(f"{name!r} can't be {what}; allowed are letters, digits, '-' and '_'")
    return name


def check_tool_name(name: str) -> str:
    """Checks a tool's name and gives it back."""
    _check_length(name, TOOL_NAME_BYTES_MAX)
    if has_control(name):
        raise InvalidName(f"{name!r} can't be a tool's name; allowed are all characters but control characters")
    return name


def check_label(label: str) -> str:
    """Checks a label and gives it back."""
    _check_length(label, TOOL_NAME_BYTES_MAX)
    if not _LABEL.fullmatch(label):
        raise InvalidName(f"{label!r} can't be a label; allowed are letters, digits and '-', '_', '.', '/', '='")
    return label
