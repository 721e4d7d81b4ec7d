"""``python -m callboard_worker module:tools --nats URL``: offers tools to coordinators."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from . import log
from .proto.server import BadServer, LinkError
from .tool.errors import ToolDefinitionError
from .version import __version__
from .worker import Worker, find_tools

DONE, INTERNAL, BAD_INPUT, UNREACHABLE, INTERRUPTED = 0, 1, 2, 5, 130

EXIT_CODES = """\
exit codes, as those of the callboard command:
  0    drained: every call that ran was answered
  1    a fault of the worker's own
  2    the tools or the options can't be worked with; nothing was run
  5    the NATS server can't be reached or can't be worked with
  130  ended at once by a second SIGTERM or Ctrl-C

Every option but --label and --check can come from the variable that it names."""

NAMES_TOLD_MAX = 16
"""Tools that the worker's first line names (chosen, not measured)."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


def seconds(text: str) -> float:
    """Reads a time such as ``30s``, ``500ms`` or ``2m``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write it like 30s, 500ms or 2m")
    return float(found[1]) * _UNITS[found[2]]


def slots(text: str) -> int:
    """Reads a number of slots."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} lets nothing run; give a number from 1")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """What can be typed."""
    made = argparse.ArgumentParser(
        prog="python -m callboard_worker",
        description="Offers Python tools to Callboard's coordinators.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "tools",
        nargs="+",
        metavar="MODULE[:NAME]",
        help="what to offer: all tools of a module, or a tool, a list of tools or a function that gives one in it; "
        "MODULE may be a file",
    )

    def option(flag: str, variable: str, fallback: str | None, about: str, **more: object) -> None:
        told = f" [{variable}; default: {fallback}]" if fallback is not None else f" [{variable}]"
        made.add_argument(flag, default=os.environ.get(variable) or fallback, help=about + told, **more)  # type: ignore[arg-type]

    option("--nats", "CALLBOARD_NATS__URL", None, "NATS server (several: separated by commas)", metavar="URL")
    option("--tenant", "CALLBOARD_NATS__TENANT", "default", "tenant that it works for", metavar="NAME")
    option("--creds", "CALLBOARD_NATS__CREDENTIALS_FILE", None, "NATS .creds file", metavar="FILE")
    option("--name", "CALLBOARD_WORKER__NAME", None, "name of its lives; else host and process id", metavar="NAME")
    option("--pool", "CALLBOARD_WORKER__POOL", "default", "pool that it belongs to", metavar="NAME")
    option("--slots", "CALLBOARD_WORKER__SLOTS", "16", "calls that it runs at once", metavar="N", type=slots)
    option(
        "--grace", "CALLBOARD_WORKER__GRACE", "30s", "time for running calls to finish", metavar="TIME", type=seconds
    )
    option("--log", "CALLBOARD_LOG__FILTER", "warning", "least level that is logged", metavar="LEVEL")
    option("--log-format", "CALLBOARD_LOG__FORMAT", "text", "how a log line looks", choices=["text", "json"])
    made.add_argument(
        "--label", action="append", default=[], metavar="KEY=VALUE", help="label that it carries; repeatable"
    )
    made.add_argument("--check", action="store_true", help="check the tools, print names, effects and digests, and end")
    made.add_argument("--version", action="version", version=f"callboard-worker {__version__}")
    return made


def note(text: str) -> None:
    """Tells the operator something."""
    print(f"callboard: {text}", file=sys.stderr, flush=True)


def told(names: Sequence[str]) -> str:
    """What is on offer, in a few words."""
    shown, others = names[:NAMES_TOLD_MAX], len(names) - NAMES_TOLD_MAX
    if others <= 0:
        return ", ".join(shown)
    return f"{len(names)} tools: {', '.join(shown)} and {others} more"


def refuse_signing() -> None:
    """Refuses to start where signatures are configured: this worker neither makes nor checks them."""
    for name in ("SIGN", "REQUIRE", "COORDINATORS"):
        variable = f"CALLBOARD_SIGNING__{name}"
        if os.environ.get(variable, "").strip().lower() not in ("", "false", "[]"):
            raise ValueError(
                f"{variable} is set, and the Python worker doesn't sign and checks no signature; "
                "unset it, keep this pool out of signing.workers and let coordinators that don't require signatures "
                "use it, or offer the tools by `callboard worker`"
            )


def make(arguments: argparse.Namespace) -> Worker:
    """Makes the worker that was asked for."""
    for label in arguments.label:
        if not re.match("[^=]+=", label):
            raise ValueError(f"--label {label!r}: a label is written key=value")
    tools = [tool for target in arguments.tools for tool in find_tools(target)]
    return Worker(
        tools,
        nats=arguments.nats or "nats://127.0.0.1:4222",
        name=arguments.name,
        pool=arguments.pool,
        tenant=arguments.tenant,
        slots=arguments.slots,
        labels=arguments.label,
        grace=arguments.grace,
        credentials=arguments.creds,
    )


async def serve(worker: Worker) -> None:
    """Runs a worker until it has drained. The first signal asks for an orderly end, the second ends at once."""
    loop = asyncio.get_running_loop()
    asked = 0

    def on_signal() -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            end(INTERRUPTED)
        note("ending in order; Ctrl-C again quits at once")
        worker.drain()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)

    async def tell() -> None:
        await worker.is_offering.wait()
        names = told(list(worker.catalogue.by_name))
        options = worker.options
        note(
            f"worker {options.worker} (instance {options.instance.hex()[:8]}, pool {options.pool}, "
            f"{options.slots} slots) offers {names} on {worker.server.names}"
        )

    telling = asyncio.create_task(tell())
    try:
        await worker.run()
    finally:
        telling.cancel()
    note("the worker has drained and ended")


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Does what was typed, and ends the process."""
    arguments = parser().parse_args(words)
    try:
        log.set_up(arguments.log, is_json=arguments.log_format == "json")
    except ValueError:
        note(f"--log {arguments.log!r} is no level; write debug, info, warning or error")
        end(BAD_INPUT)
    try:
        if arguments.nats is None and not arguments.check:
            raise ValueError("a worker needs a NATS server to be reached by; give one with --nats nats://host:4222")
        refuse_signing()
        worker = make(arguments)
        if arguments.check:
            for name, tool in worker.catalogue.by_name.items():
                print(f"{name} {tool.spec.manifest.effect} {tool.digest.hex()}")
        else:
            asyncio.run(serve(worker))
    except (ToolDefinitionError, BadServer, ValueError) as error:
        note(str(error))
        end(BAD_INPUT)
    except LinkError as error:
        note(str(error))
        end(UNREACHABLE)
    except Exception:
        import traceback

        traceback.print_exc()
        end(INTERNAL)
    end(DONE)


def end(code: int) -> NoReturn:
    """Ends the process, whatever threads of tools nobody can stop still do."""
    sys.stdout.flush()
    sys.stderr.flush()
    if threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)
