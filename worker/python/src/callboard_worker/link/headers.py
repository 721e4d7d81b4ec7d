"""The two headers of every message: the protocol's version and the message's kind."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..proto.words import Kind, RefusalCode

HEADER_VERSION = "Cb-V"
HEADER_KIND = "Cb-Kind"
VERSION = "1"
HEADER_BYTES_MAX = 128
"""Room that the headers take of a server's ``max_payload``, in bytes."""

_SUPPORTED = re.compile(r"1(\.[0-9]+)?")
_KINDS = {kind.value: kind for kind in Kind}


class UnreadableHeaders(ValueError):
    """Headers that say nothing that this side can read."""

    def __init__(self, code: RefusalCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def headers_of(kind: Kind) -> dict[str, str]:
    """The headers of a message of this kind."""
    return {HEADER_VERSION: VERSION, HEADER_KIND: kind.value}


def kind_of(headers: Mapping[str, str] | None) -> Kind:
    """The kind that a message's headers name.

    :raises UnreadableHeaders: they name another major version, or no kind that is known.
    """
    found = headers or {}
    version = found.get(HEADER_VERSION, "")
    if not _SUPPORTED.fullmatch(version):
        reason = f'header {HEADER_VERSION} is "{version[:64]}"; this side speaks version {VERSION}'
        raise UnreadableHeaders(RefusalCode.VERSION, reason)
    name = found.get(HEADER_KIND, "")
    kind = _KINDS.get(name)
    if kind is None:
        reason = (
            f'header {HEADER_KIND} is "{name[:64]}"; this side speaks version {VERSION} and knows {", ".join(_KINDS)}'
        )
        raise UnreadableHeaders(RefusalCode.KIND, reason)
    return kind
