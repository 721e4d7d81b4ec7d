"""What a worker knows of the NATS server: its address, which versions will do, how its refusals read, and how long to
wait before the next try.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

VERSION_MIN = (2, 10)
"""The oldest server that will do, as major and minor version."""
PING_INTERVAL_S = 5
"""Seconds between two pings of the server."""
CONNECTION_TIMEOUT_S = 5
"""Seconds that a handshake with a server may take."""
RECONNECT_DELAY_MAX_S = 4.0
"""Most seconds before the next try to reconnect."""


class LinkError(Exception):
    """The server can't be reached or can't be worked with; the text says the cause and the cure."""


class BadServer(ValueError):
    """What was given names no server, or no credentials."""


@dataclass(frozen=True)
class Denied:
    """A permission that the server refuses."""

    operation: str
    subject: str

    def __str__(self) -> str:
        doing = "publish to" if self.operation == "publish" else "subscribe to"
        return (
            f'the NATS user may not {doing} "{self.subject}"; allow it under '
            f"`permissions.{self.operation}` of that user"
        )


_DENIED = re.compile(r'permissions violation for (\w+)[^"]*"([^"]*)"', re.IGNORECASE)


def read_denied(error: str) -> Denied | None:
    """Reads the one way in which a server says that a permission is missing."""
    found = _DENIED.search(error)
    if found is None:
        return None
    is_subscription = found[1].lower() == "subscription"
    return Denied("subscribe" if is_subscription else "publish", found[2])


def read_urls(text: str) -> list[str]:
    """Checks the URLs of one cluster, separated by commas."""
    urls = [part.strip() for part in text.split(",") if part.strip()]
    if not urls:
        raise BadServer("no NATS server is named; write it as nats://host:4222")
    return [_check_url(url) for url in urls]


def _check_url(url: str) -> str:
    full = url if "://" in url else f"nats://{url}"
    try:
        parts = urlsplit(full)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadServer(_not_a_server(full, str(error))) from error
    if parts.scheme not in ("nats", "tls"):
        raise BadServer(_not_a_server(full, f"its scheme is {parts.scheme!r}"))
    if not host or port == 0:
        raise BadServer(_not_a_server(full, "it has no host"))
    return full


def _not_a_server(url: str, reason: str) -> str:
    return f'"{shown(url)}" names no NATS server: {reason}; write it as nats://host:4222 or tls://host:4222'


def shown(urls: str) -> str:
    """URLs without their logins, for logs and errors."""
    return re.sub(r"//[^/@,]*@", "//", urls)


def version_is_supported(version: str) -> bool:
    """Tells whether a server of this version will do. A version that can't be read will not."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= VERSION_MIN


def reconnect_delay(attempt: int, random: float) -> float:
    """Seconds before reconnect number ``attempt`` (from 1): full jitter over 2^attempt ms, at most
    :data:`RECONNECT_DELAY_MAX_S`, so that the clients of a restarted server don't come as one.
    """
    longest = min(float(1 << min(attempt, 12)) / 1000, RECONNECT_DELAY_MAX_S)
    return longest * min(max(random, 0.0), 1.0)
