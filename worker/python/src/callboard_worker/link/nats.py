"""The link by NATS: one subscription for all that is said to this instance, one queue group for each tool on offer,
three for the micro service.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from ..proto import subject
from ..proto.ids import ReplyTo
from ..proto.message import Announce
from ..proto.server import (
    CONNECTION_TIMEOUT_S,
    PING_INTERVAL_S,
    VERSION_MIN,
    BadServer,
    LinkError,
    read_denied,
    reconnect_delay,
    shown,
    version_is_supported,
)
from ..proto.words import Kind
from . import Down, Incoming, ServerRefused, UnreadableRequest, Up, reading
from .headers import HEADER_BYTES_MAX, headers_of
from .micro import Micro

log = logging.getLogger(__name__)

INCOMING_MAX = 4096
"""Messages that wait here before the client's own queues fill up (chosen, not measured)."""
OUTGOING_BYTES_MAX = 64 * 1024 * 1024
"""Bytes that may wait for a connection that takes nothing: what a server itself keeps for one slow client."""


@dataclass
class ServerOptions:
    """Which servers to connect to, and how."""

    urls: Sequence[str]
    credentials_file: Path | None = None
    tls: ssl.SSLContext | None = None
    names: str = field(init=False)
    """The servers, for errors: no login stands in it."""

    def __post_init__(self) -> None:
        self.names = shown(",".join(self.urls))


class NatsLink:
    """A worker's connection to NATS. :meth:`connect` makes it; :attr:`wake` is called when there is something."""

    def __init__(self, options: ServerOptions, tenant: str, announce: Announce) -> None:
        self._options = options
        self._tenant = tenant
        self._announce = announce
        self._client = Client()
        self._micro = Micro(tenant, announce)
        self._incoming: deque[Incoming] = deque()
        self._notices: deque[Incoming] = deque()
        self._room = asyncio.Event()
        self._is_up = False
        self._is_closing = False
        self._problems: list[Exception] = []
        self._headers = {kind: headers_of(kind) for kind in Kind}
        self._beat_subject = subject.beat(tenant, announce.pool, announce.instance)
        self.wake: Callable[[], None] = lambda: None

    async def connect(self) -> None:
        """Connects, subscribes for the instance and its tools, and returns when the server has taken the
        subscriptions. The announcement's ``payload_bytes_max`` is set to what the server says.

        :raises LinkError: no server answers, it is too old, refuses the login, or refuses a permission.
        :raises BadServer: the credentials can't be used.
        """
        await self._open()
        found = self._client.connected_server_version
        version = f"{found.major}.{found.minor}.{found.patch}"
        if not version_is_supported(version):
            await self.abandon()
            oldest = ".".join(map(str, VERSION_MIN))
            raise LinkError(
                f'the NATS server at {self._options.names} has version "{version}", and {oldest} is the oldest that '
                "will do; upgrade it, or name another"
            )
        self._is_up = True
        self._announce.payload_bytes_max = self.payload_bytes_max
        try:
            await self._subscribe()
            await self.fence()
        except nats.errors.Error as error:
            await self.abandon()
            raise self._silent() from error
        for problem in self._problems:
            denied = read_denied(str(problem))
            if denied is not None:
                await self.abandon()
                raise LinkError(f"the NATS server at {self._options.names} grants too little: {denied}")

    async def _open(self) -> None:
        options: dict[str, Any] = {}
        if self._options.credentials_file is not None:
            options["user_credentials"] = _credentials(self._options.credentials_file)
        if self._options.tls is not None:
            options["tls"] = self._options.tls
        try:
            await self._client.connect(
                list(self._options.urls),
                name=f"callboard-worker {self._announce.worker}",
                error_cb=self._on_error,
                disconnected_cb=self._on_down,
                reconnected_cb=self._on_up,
                closed_cb=self._on_closed,
                connect_timeout=CONNECTION_TIMEOUT_S,
                ping_interval=PING_INTERVAL_S,
                max_outstanding_pings=2,
                # For the first connection alone: twice at each server, and then it is told.
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                reconnect_to_server_handler=_next_server,
                # Nothing waits in the client for a connection that it doesn't have (P13).
                pending_size=0,
            )
        except (OSError, nats.errors.Error, asyncio.TimeoutError, ValueError) as error:
            raise self._why_not(error) from error
        # From here on it tries for ever.
        self._client.options["max_reconnect_attempts"] = -1

    def _why_not(self, error: Exception) -> LinkError:
        names = self._options.names
        said = " ".join(str(problem) for problem in (*self._problems, error)).lower()
        if "authorization" in said or "authentication" in said:
            return LinkError(
                f"the NATS server at {names} refuses the login; check the user and password in the URL, or the "
                "credentials file"
            )
        if any(isinstance(problem, ssl.SSLError) for problem in (*self._problems, error)):
            return LinkError(
                f"no TLS connection to the NATS server at {names}; check the certificate files, and that the name in "
                "the URL is the one in the server's certificate"
            )
        last = self._problems[-1] if self._problems else error
        return LinkError(
            f"no NATS server answers at {names}; start one there, or name another ({str(last) or type(last).__name__})"
        )

    def _silent(self) -> LinkError:
        return LinkError(
            f"the NATS server at {self._options.names} gave nothing back within {CONNECTION_TIMEOUT_S} s; check its "
            "load, and the network between"
        )

    async def _subscribe(self) -> None:
        announce = self._announce
        own = subject.worker_all(self._tenant, announce.pool, announce.instance)
        await self._client.subscribe(own, cb=self._on_request)
        for tool in announce.tools:
            on = subject.call(self._tenant, tool.name)
            await self._client.subscribe(on, subject.QUEUE_GROUP, cb=partial(self._on_call, tool.name))
        for question in subject.service_all(announce.instance):
            await self._client.subscribe(question, cb=self._on_question)

    async def fence(self) -> None:
        """Waits until the server has all that was sent. The client's ``flush`` alone doesn't promise that: its ping
        overtakes what it has not written yet.

        :raises nats.errors.Error: the server gave nothing back.
        """
        await self._client.flush(CONNECTION_TIMEOUT_S)
        while self._client.pending_data_size > 0:
            await self._client.flush(CONNECTION_TIMEOUT_S)
        await self._client.flush(CONNECTION_TIMEOUT_S)

    async def close(self) -> None:
        """Waits until the server has what was sent, and disconnects.

        :raises LinkError: the server did not confirm; the connection is closed all the same.
        """
        self._is_closing = True
        try:
            if not self._is_connected:
                raise self._silent()
            await self.fence()
        except nats.errors.Error as error:
            raise self._silent() from error
        finally:
            await self.abandon()

    async def abandon(self) -> None:
        """Disconnects at once."""
        self._is_closing = True
        await self._client.close()

    @property
    def payload_bytes_max(self) -> int:
        """Largest message body that the server takes now, in bytes."""
        return max(0, self._client.max_payload - HEADER_BYTES_MAX)

    def take(self) -> Sequence[Incoming]:
        """Takes all that is there: first what the connection says of itself."""
        found = (*self._notices, *self._incoming)
        self._notices.clear()
        self._incoming.clear()
        self._room.set()
        return found

    async def send_reply(self, to: ReplyTo, kind: Kind, body: bytes) -> None:
        """Sends an answer, or drops it while the link is down: status asks for it again (P16)."""
        if len(body) > self.payload_bytes_max:
            self._micro.counts.unsent += 1
            log.warning("an answer is too large to be sent: a %s of %d bytes", kind, len(body))
            return
        self._micro.counts.answers += 1
        await self._publish(subject.reply(self._tenant, to), body, self._headers[kind])

    async def send_beat(self, body: bytes) -> None:
        """Sends a beat to everyone in the tenant, or drops it."""
        await self._publish(self._beat_subject, body, self._headers[Kind.BEAT])

    @property
    def _is_connected(self) -> bool:
        return self._is_up and self._client.is_connected

    async def _publish(self, to: str, body: bytes, headers: dict[str, str] | None) -> None:
        if not self._is_connected or self._client.pending_data_size + len(body) > OUTGOING_BYTES_MAX:
            self._micro.counts.unsent += 1
            return
        try:
            await self._client.publish(to, body, headers=headers)
        except (nats.errors.Error, OSError) as error:
            self._micro.counts.unsent += 1
            log.warning("a message to a coordinator was not sent: %s", error or type(error).__name__)

    async def _on_request(self, message: Msg) -> None:
        self._micro.counts.requests += 1
        await self._put(reading.request(self._tenant, message.subject, message.reply, message.headers, message.data))

    async def _on_call(self, tool: str, message: Msg) -> None:
        self._micro.calls[tool] = self._micro.calls.get(tool, 0) + 1
        await self._put(reading.call(self._tenant, tool, message.subject, message.reply, message.headers, message.data))

    async def _put(self, incoming: Incoming) -> None:
        if isinstance(incoming, UnreadableRequest):
            self._micro.counts.unreadable += 1
        while len(self._incoming) >= INCOMING_MAX:
            self._room.clear()
            await self._room.wait()
        self._incoming.append(incoming)
        self.wake()

    async def _on_question(self, message: Msg) -> None:
        answer = self._micro.answer(message.subject, message.reply)
        if answer is not None:
            await self._publish(message.reply, answer, None)

    async def _on_error(self, error: Exception) -> None:
        if not self._is_up:
            self._problems.append(error)
            return
        denied = read_denied(str(error))
        if denied is not None:
            self._problems.append(error)
            # A permission to answer that ran out costs one answer, and status brings that again; one to answer at all
            # that is missing shows in the log, and in calls that are never answered. An inbox is chosen by who asks.
            answers = (f"{subject.PREFIX}.reply.", "_INBOX")
            if denied.operation == "publish" and denied.subject.startswith(answers):
                log.error("an answer was refused by the server: %s", denied)
            else:
                self._note(ServerRefused(str(denied)))
        elif isinstance(error, nats.errors.SlowConsumerError):
            self._micro.counts.unreadable += 1
            log.warning("messages came faster than they were taken, and are lost")
        elif self._client.is_connected:
            log.warning("the connection: %s", error or type(error).__name__)
        else:
            log.debug("a try to reconnect failed: %s", error or type(error).__name__)

    async def _on_down(self) -> None:
        if self._is_closing:
            return
        # What the client took and did not write before the connection broke it would send after the next connect,
        # however late that is (P13). It offers no other way to take that back.
        self._client._pending.clear()
        self._client._pending_data_size = 0
        self._note(Down())

    async def _on_up(self) -> None:
        self._announce.payload_bytes_max = self.payload_bytes_max
        self._note(Up())

    async def _on_closed(self) -> None:
        if not self._is_closing:
            reason = self._client.last_error
            said = str(reason) if reason is not None else "the server closed the connection"
            self._note(ServerRefused(f"{said}; check the login, and the server's log"))

    def _note(self, notice: Incoming) -> None:
        self._notices.append(notice)
        self.wake()


def _next_server(servers: list[Any], _info: dict[str, Any]) -> tuple[Any, float]:
    """Which server to try next, and after how many seconds: the one that failed the least, with full jitter."""
    server = min(servers, key=lambda server: server.reconnects)
    return server, reconnect_delay(server.reconnects + 1, random.random())


def _credentials(path: Path) -> str:
    try:
        path.read_bytes()
    except OSError as error:
        raise BadServer(
            f"the credentials file {path} can't be read; it must be a NATS `.creds` file ({error.strerror})"
        ) from error
    try:
        import nkeys  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401
    except ImportError as error:
        raise BadServer(
            f"the credentials file {path} can't be used: the package nkeys is missing; install callboard-worker[creds]"
        ) from error
    return str(path)
