"""The referee of the fault tests (`tests/src/harness/referee.rs`) as a Python worker: the same tools with the same
digests, so that one pool can hold both. Every execution is written to a ledger before it answers."""

import asyncio
import os
import time

from callboard_worker import Context, Text, ToolError, tool

WORKER = os.environ["REFEREE_WORKER"]
LEDGER = os.environ["REFEREE_LEDGER"]


def schema(field: str) -> str:
    properties = f'{{"{field}":{{"type":"integer","minimum":0}}}}'
    return f'{{"type":"object","properties":{properties},"required":["{field}"]}}'


def entered(name: str, ctx: Context) -> str:
    """Writes one entry, whole or not at all, whoever else writes."""
    file = os.open(LEDGER, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(file, f"{name.replace(' ', '_')} {ctx.tool_use_id} {WORKER}\n".encode())
    finally:
        os.close(file)
    return f"done {ctx.tool_use_id}"


@tool(description="For tests: note.", schema=schema("ms"), effect="write")
def note(ms: int, ctx: Context) -> str:
    """On a thread, as most people's writes."""
    done = entered("note", ctx)
    time.sleep(ms / 1000)
    return done


@tool(description="For tests: look.", schema=schema("ms"), effect="read")
async def look(ms: int, ctx: Context) -> str:
    done = entered("look", ctx)
    await asyncio.sleep(ms / 1000)
    return done


ODD = "odd name.*>é"


@tool(name=ODD, description=f"For tests: {ODD}.", schema=schema("ms"), effect="read")
async def odd(ms: int, ctx: Context) -> str:
    done = entered(ODD, ctx)
    await asyncio.sleep(ms / 1000)
    return done


@tool(description="For tests: pour.", schema=schema("bytes"), effect="read")
async def pour(bytes: int) -> Text:
    return Text("x" * bytes)


@tool(effect="read")
async def fail(how: str, ctx: Context) -> str:
    """Fails, in each way that there is."""
    ctx.progress(50, "about to fail")
    if how == "error":
        raise ToolError("there is no such order")
    raise RuntimeError(how)
