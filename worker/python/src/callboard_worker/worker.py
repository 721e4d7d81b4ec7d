"""A worker: tools, a link and an executor in one."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import socket
import ssl
import sys
import traceback
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from .core.clock import SECOND
from .executor.catalogue import Catalogue
from .executor.executor import Executor, Options, Tally, Why
from .link.nats import NatsLink, ServerOptions
from .proto.ids import InstanceId
from .proto.message import Announce
from .proto.names import check_label, check_token
from .proto.server import LinkError, read_urls
from .tool.definition import AnyTool, Tool
from .tool.errors import ToolDefinitionError
from .version import __version__

FIRST_CATALOGUE = 1


class Worker:
    """One life of a worker: it offers its tools from :meth:`run` on, until it has drained or is stopped.

    :param tools: what it offers, see :func:`callboard_worker.tool`.
    :param nats: URL of a NATS server; several, of one cluster, separated by commas.
    :param name: the name under which its lives succeed each other; host and process id if none is given.
    :param slots: calls that it executes at once.
    :param labels: what tools may require or prefer, by custom ``key=value``.
    :param grace: seconds for running calls to finish in a drain.
    :param cancel_grace: seconds for a stopped tool that can end by itself to do so.
    :param credentials: a NATS ``.creds`` file; needs the extra ``callboard-worker[creds]``.
    :param tls: for servers that ask for TLS with certificates of their own.
    :raises ToolDefinitionError, ValueError: what is given can't be worked with.
    """

    def __init__(
        self,
        tools: Iterable[AnyTool],
        *,
        nats: str,
        name: str | None = None,
        pool: str = "default",
        tenant: str = "default",
        slots: int = 16,
        labels: Sequence[str] = (),
        grace: float = 30.0,
        cancel_grace: float = 2.0,
        credentials: str | Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if slots < 1:
            raise ValueError("a worker needs at least one slot")
        self.tenant = check_token(tenant, "a tenant's name")
        self.options = Options(
            instance=InstanceId(uuid.uuid4().bytes),
            worker=check_token(name or default_name(), "a worker's name"),
            pool=check_token(pool, "a pool's name"),
            version=__version__,
            labels=tuple(check_label(label) for label in labels),
            slots=slots,
            cancel_grace=round(cancel_grace * SECOND),
        )
        self.catalogue = Catalogue(tools, self.options.labels)
        if not len(self.catalogue):
            raise ToolDefinitionError("a worker needs tools to offer")
        self.server = ServerOptions(read_urls(nats), None if credentials is None else Path(credentials), tls)
        self.grace = grace
        self._executor: Executor | None = None
        self._asked: list[float | None] = []
        self._is_stopped = False
        self.is_offering = asyncio.Event()
        """Set once coordinators can reach it."""

    @property
    def instance(self) -> uuid.UUID:
        """This life of the worker."""
        return uuid.UUID(bytes=self.options.instance)

    @property
    def tally(self) -> Tally | None:
        """What passed through it, once it runs."""
        return None if self._executor is None else self._executor.tally

    async def run(self) -> None:
        """Offers the tools until the worker has drained or is stopped.

        :raises LinkError: the server can't be reached, refuses what a worker needs, or did not confirm the last
            answers.
        """
        options = self.options
        announce = Announce(
            instance=options.instance,
            worker=options.worker,
            pool=options.pool,
            version=options.version,
            slots=options.slots,
            catalogue=FIRST_CATALOGUE,
            payload_bytes_max=0,
            labels=options.labels,
            tools=self.catalogue.digests(),
        )
        link = NatsLink(self.server, self.tenant, announce)
        await link.connect()
        executor = Executor(options, self.catalogue, link, announce)
        link.wake = executor.wake
        self._executor = executor
        for grace in self._asked:
            executor.drain(grace if grace is None else round(grace * SECOND))
        if self._is_stopped:
            executor.stop()
        self.is_offering.set()
        why: Why | None = None
        try:
            why = await executor.run()
        finally:
            if why is not Why.DRAINED:
                await link.abandon()
        if why is Why.REFUSED:
            raise LinkError(f"the server refuses what this worker needs: {executor.refusal}")
        if why is Why.DRAINED:
            await link.close()

    def drain(self, grace: float | None = None) -> None:
        """Takes no more calls; what still runs after the grace (the worker's own, if none is given) is stopped."""
        grace = self.grace if grace is None else grace
        if self._executor is None:
            self._asked.append(grace)
        else:
            self._executor.drain(round(grace * SECOND))

    def stop(self) -> None:
        """Ends at once; what runs is given up."""
        self._is_stopped = True
        if self._executor is not None:
            self._executor.stop()


def default_name() -> str:
    """Host and process id: two processes of one host don't share a name unless they are told to."""
    host = re.sub(r"[^A-Za-z0-9]", "-", socket.gethostname())[:50] or "worker"
    return f"{host}-{os.getpid()}"


def find_tools(target: str) -> list[AnyTool]:
    """Finds tools by ``module`` (all of its tools), ``module:name`` (a tool, a list of tools, or a function that gives
    some) or a path to a file in the module's place.

    :raises ToolDefinitionError: there are none.
    """
    where, _, name = target.partition(":")
    module = _load(where, target)
    if not name:
        found = _distinct(value for value in vars(module).values() if isinstance(value, Tool))
        if not found:
            raise ToolDefinitionError(
                f"{where} holds no tools; mark functions with @tool, or name a list: {where}:tools"
            )
        return found
    try:
        value: Any = module
        for part in name.split("."):
            value = getattr(value, part)
    except AttributeError as error:
        raise ToolDefinitionError(f"{where} has no {name}") from error
    if callable(value) and not isinstance(value, Tool):
        try:
            value = value()
        except Exception as error:
            raise _broken(target, error) from error
    tools = [value] if isinstance(value, Tool) else list(value) if isinstance(value, Iterable) else []
    if not tools or not all(isinstance(tool, Tool) for tool in tools):
        raise ToolDefinitionError(f"{target} is no tool and no list of tools; mark functions with @tool")
    return tools


def _load(where: str, target: str) -> ModuleType:
    path = Path(where)
    if path.suffix == ".py":
        sys.path.insert(0, str(path.parent.resolve()))
        where = path.stem
    else:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is not None and (where == error.name or where.startswith(f"{error.name}.")):
            raise ToolDefinitionError(f"{target}: there is no module {where} here") from error
        raise _broken(target, error) from error
    except Exception as error:
        raise _broken(target, error) from error


def _broken(target: str, error: Exception) -> ToolDefinitionError:
    """What a file of tools does wrong, with file and line."""
    if isinstance(error, ToolDefinitionError):
        return error
    if isinstance(error, SyntaxError):
        file, line, what = error.filename, error.lineno, error.msg
    else:
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen ")
        ]
        file, line, what = frames[-1].filename, frames[-1].lineno, str(error)
    return ToolDefinitionError(f"{target} can't be used: {file}, line {line}: {type(error).__name__}: {what}")


def _distinct(tools: Iterable[AnyTool]) -> list[AnyTool]:
    return list({id(tool): tool for tool in tools}.values())
