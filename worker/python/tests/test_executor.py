"""The shell: what tools come to, stops, progress, drains, pages. Real threads, a link in memory, no server."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest

from callboard_worker import Context, InvalidArguments, Json, Overloaded, Text, ToolError, tool
from callboard_worker.executor.executor import Why
from callboard_worker.link import UnreadableRequest
from callboard_worker.proto.content import Completed, Failed, Image
from callboard_worker.proto.ids import VIEWER
from callboard_worker.proto.message import ToolSpec
from callboard_worker.proto.words import Executed, FailureKind, Kind, RefusalCode, State

from .party import call, party


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def failed(outcome: Any, kind: FailureKind, executed: Executed) -> str:
    assert isinstance(outcome, Failed), outcome
    assert (outcome.kind, outcome.executed) == (kind, executed), outcome
    return outcome.message


@tool(effect="read")
async def give(what: str) -> Any:
    """Gives each kind of answer."""
    if what == "text":
        return "plain"
    if what == "json":
        return {"a": [1, None]}
    if what == "parts":
        return [Text("t"), Json(1), Image("image/png", b"\x89")]
    if what == "nothing":
        return None
    if what == "error":
        raise ToolError("no such order; list the orders first")
    if what == "busy":
        raise Overloaded("the shop is full", retry_after=1.5)
    if what == "refuse":
        raise InvalidArguments("not on Sundays")
    if what == "set":
        return {1, 2}
    if what == "exit":
        raise SystemExit(3)
    raise RuntimeError("boom")


@in_loop
async def test_answers_and_failures() -> None:
    async with party(give) as there:
        whats = ["text", "json", "parts", "nothing", "error", "busy", "refuse", "set", "exit", "crash"]
        there.call(*(call(give, what, what=what) for what in whats))
        ends = {what: await there.result(what) for what in whats}
    assert ends["text"] == Completed((Text("plain"),))
    assert ends["json"] == Completed((Json.raw('{"a":[1,null]}'),))
    assert ends["parts"] == Completed((Text("t"), Json.raw("1"), Image("image/png", b"\x89")))
    assert ends["nothing"] == Completed(())
    assert ends["error"] == Completed((Text("no such order; list the orders first"),), is_error=True)
    assert ends["busy"] == Failed(FailureKind.OVERLOADED, "the shop is full", Executed.NO, 1500)
    assert ends["refuse"] == Failed(FailureKind.INVALID_ARGUMENTS, "not on Sundays", Executed.NO)
    assert "can't be written as JSON" in failed(ends["set"], FailureKind.INTERNAL, Executed.YES)
    crashed = "the tool crashed after it had begun: "
    assert failed(ends["exit"], FailureKind.CRASHED, Executed.YES) == crashed + "SystemExit: 3"
    assert failed(ends["crash"], FailureKind.CRASHED, Executed.YES) == crashed + "RuntimeError: boom"


@in_loop
async def test_arguments_that_do_not_fit_leave_the_tool_unentered() -> None:
    async with party(give) as there:
        item = call(give, "list", what="x")
        item.arguments = b"[1]"
        torn = call(give, "torn", what="x")
        torn.arguments = b"{"
        there.call(item, torn, call(give, "type", what=1), call(give, "more", what="x", z=1), call(give, "less"))
        texts = {
            name: failed(await there.result(name), FailureKind.INVALID_ARGUMENTS, Executed.NO)
            for name in ("list", "torn", "type", "more", "less")
        }
    assert texts["list"] == "the arguments are a list, and a tool takes a JSON object"
    assert texts["torn"].startswith("the arguments are no JSON: ")
    assert texts["type"] == "the arguments don't fit the tool's schema: what is a number, and must be a text"
    assert texts["more"] == "the arguments don't fit the tool's schema: z is no field of it; there are what"
    assert texts["less"] == "the arguments don't fit the tool's schema: what is missing"


@in_loop
async def test_a_write_runs_once_and_only_under_its_grant() -> None:
    runs = []

    @tool
    def pay(ctx: Context) -> str:
        """Pays."""
        runs.append(ctx.tool_use_id)
        return "paid"

    async with party(pay) as there:
        there.call(call(pay, "a"), call(pay, "b"))
        await there.state("a", State.WAITING)
        assert runs == []
        for _ in range(3):
            there.grant("a")
        assert await there.result("a") == Completed((Text("paid"),))
        there.call(call(pay, "a"))
        there.ask(Kind.CANCEL, "b")
        failed(await there.result("b"), FailureKind.CANCELLED, Executed.NO)
        there.grant("b")
        await there.state("b", State.DONE)
    assert runs == ["a"]


@in_loop
async def test_a_blocking_tool_holds_up_neither_beats_nor_answers() -> None:
    release = threading.Event()

    @tool(effect="read")
    async def block() -> str:
        """Blocks the loop of the tools, as none should."""
        release.wait(20)
        return "late"

    @tool(effect="read")
    def quick() -> str:
        """Answers from a thread."""
        return "quick"

    async with party(block, quick) as there:
        there.call(call(block, "slow"))
        await there.state("slow", State.RUNNING)
        there.call(call(quick, "fast"))
        assert await there.result("fast") == Completed((Text("quick"),))
        beats = len(there.beats())
        await there.link.until(lambda: len(there.beats()) > beats or None)
        release.set()
        assert await there.result("slow") == Completed((Text("late"),))


@in_loop
async def test_a_cancelled_async_tool_ends_as_a_task_does() -> None:
    seen = []

    @tool(effect="read")
    async def wait(ctx: Context) -> str:
        """Waits."""
        ctx.progress(1)
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return "never"

    @tool(effect="read")
    async def stubborn(ctx: Context) -> str:
        """Answers all the same."""
        ctx.progress(1)
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            return "had it already"
        return "never"

    @tool(effect="read")
    async def deaf(ctx: Context) -> str:
        """Ignores its cancellation."""
        ctx.progress(1)
        while "ignored" not in seen:
            try:
                await asyncio.sleep(20)
            except asyncio.CancelledError:
                seen.append("ignored")
        await asyncio.sleep(20)
        return "never"

    async with party(wait, stubborn, deaf, cancel_grace=0.2) as there:
        there.call(call(wait, "w"), call(stubborn, "s"), call(deaf, "d"))
        for name in ("w", "s", "d"):
            await there.progress(name)
        there.ask(Kind.CANCEL, "w", "s", "d")
        text = failed(await there.result("w"), FailureKind.CANCELLED, Executed.YES)
        assert text == "the tool was stopped because its call was cancelled"
        assert await there.result("s") == Completed((Text("had it already"),))
        failed(await there.result("d"), FailureKind.CANCELLED, Executed.YES)
    assert "cancelled" in seen


@in_loop
async def test_budgets_end_tools_and_say_so_in_time() -> None:
    release = threading.Event()

    @tool(effect="read")
    async def wait() -> None:
        """Waits."""
        await asyncio.sleep(20)

    @tool(effect="read")
    def deaf() -> None:
        """Can't be stopped."""
        release.wait(20)

    @tool(effect="read")
    def watchful(ctx: Context) -> str:
        """Ends by itself."""
        ctx.wait_cancelled()
        ctx.raise_if_cancelled()
        return "never"

    async with party(wait, deaf, watchful) as there:
        began = time.monotonic()
        there.call(*(call(one, one.spec.name, budget_ms=1000) for one in (wait, deaf, watchful)))
        ends = {one: await there.result(one) for one in ("wait", "deaf", "watchful")}
        assert 0.99 < time.monotonic() - began < 10
        stopped = "the tool was stopped because its time was up"
        assert failed(ends["wait"], FailureKind.TIMED_OUT, Executed.YES) == stopped
        assert failed(ends["watchful"], FailureKind.TIMED_OUT, Executed.YES) == stopped
        text = failed(ends["deaf"], FailureKind.TIMED_OUT, Executed.YES)
        assert text == stopped + "; its thread could not be stopped and may still be working"
        assert there.executor.tally.abandoned == 1
        release.set()
        # Its late end is nobody's any more.
        there.call(call(wait, "next", budget_ms=1))
        await there.result("next")
        assert len(there.results("deaf")) == 1


@in_loop
async def test_a_tools_own_slots_bound_it_and_no_other() -> None:
    most = [0, 0]
    release = asyncio.Event()

    @tool(effect="read", slots=2)
    async def narrow() -> str:
        """Two at once."""
        most[0] += 1
        most[1] = max(most)
        await asyncio.sleep(0.01)
        most[0] -= 1
        return "n"

    @tool(effect="read", slots=1)
    async def stuck(ctx: Context) -> None:
        """Never ends."""
        ctx.progress(1)
        await asyncio.sleep(20)

    async with party(narrow, stuck, give) as there:
        there.call(*(call(narrow, f"n{number}") for number in range(3)), call(give, "free", what="text"))
        assert (await there.state("n2", State.BUSY)).tool_full
        for number in range(2):
            assert await there.result(f"n{number}") == Completed((Text("n"),))
        there.call(call(narrow, "n3"))
        assert await there.result("n3") == Completed((Text("n"),))
        assert most == [0, 2]
        there.call(call(stuck, "first"))
        await there.progress("first")
        there.call(call(stuck, "second"))
        assert (await there.state("second", State.BUSY)).tool_full
        there.ask(Kind.CANCEL, "first")
        failed(await there.result("first"), FailureKind.CANCELLED, Executed.YES)
        there.call(call(stuck, "third"))
        await there.progress("third")
        there.ask(Kind.CANCEL, "third")
        failed(await there.result("third"), FailureKind.CANCELLED, Executed.YES)
    assert not release.is_set()


@in_loop
async def test_progress_is_rare_and_the_latest_wins() -> None:
    @tool(effect="read")
    async def climb(ctx: Context) -> str:
        """Says how far it is, all the time."""
        for percent in range(300):
            ctx.progress(percent / 3, f"step {percent}" + "é" * 600)
            await asyncio.sleep(0.003)
        return "up"

    async with party(climb) as there:
        there.call(call(climb, "c"))
        assert await there.result("c") == Completed((Text("up"),))
        said = [said for said in there.link.said if said.kind is Kind.PROGRESS]
        assert 2 <= len(said) <= 8
        last = said[-1].body.items[0]
        assert last.percent > 50
        assert len(last.message.encode()) <= 512


@in_loop
async def test_a_drain_lets_what_runs_finish_and_takes_no_more() -> None:
    release = threading.Event()

    @tool(effect="read")
    def work(ctx: Context) -> str:
        """Works."""
        release.wait(20)
        return ctx.tool_use_id

    async with party(work) as there:
        there.call(*(call(work, f"c{number}") for number in range(5)))
        await there.state("c4", State.RUNNING)
        there.executor.drain(None)
        await there.link.until(lambda: there.beats()[-1].draining or None)
        there.call(call(work, "late"))
        await there.state("late", State.DRAINING)
        release.set()
        assert await there.running is Why.DRAINED
        for number in range(5):
            assert await there.result(f"c{number}") == Completed((Text(f"c{number}"),))


@in_loop
async def test_the_grace_of_a_drain_ends_what_runs() -> None:
    @tool(effect="read")
    async def wait(ctx: Context) -> None:
        """Waits."""
        ctx.progress(1)
        await asyncio.sleep(20)

    async with party(wait) as there:
        there.call(call(wait, "c"))
        await there.progress("c")
        there.executor.drain(100_000_000)
        text = failed(await there.result("c"), FailureKind.INTERRUPTED, Executed.YES)
        assert text == "the tool was stopped because its worker is shutting down"
        assert await there.running is Why.DRAINED


@in_loop
async def test_results_that_are_too_large_are_cut_or_refused() -> None:
    @tool(effect="read", output_max=2048)
    async def pour(count: int, image: bool = False) -> Any:
        """Pours."""
        return Image("image/png", bytes(count)) if image else "H" + "é" * count + "T"

    async with party(pour) as there:
        there.call(
            call(pour, "fits", count=10), call(pour, "cut", count=5000), call(pour, "no", count=5000, image=True)
        )
        assert await there.result("fits") == Completed((Text("H" + "é" * 10 + "T"),))
        (part,) = (await there.result("cut")).content
        assert len(part.text.encode()) <= 2048
        assert part.text.startswith("Hé")
        assert part.text.endswith("éT")
        assert "of 10002 bytes are left out here: the result was too large to send whole" in part.text
        text = failed(await there.result("no"), FailureKind.OUTPUT_TOO_LARGE, Executed.YES)
        assert "more than the 2048 that can be sent" in text


@in_loop
async def test_the_tools_are_told_page_by_page() -> None:
    @tool(effect="read", description="d" * 20_000)
    def wide() -> None: ...

    @tool(effect="read", description="e" * 20_000, name="wider")
    def wider() -> None: ...

    async with party(wide, give, wider, payload=40_000) as there:
        specs: list[ToolSpec] = []
        digests: list[bytes] = []
        while True:
            page = (await there.answer(there.describe(len(specs)))).body
            assert (page.head.first, page.head.total) == (len(specs), 3)
            specs += page.items
            digests += page.head.digests
            if len(specs) == 3:
                break
        assert [spec.name for spec in specs] == ["wide", "give", "wider"]
        assert digests == [wide.digest, give.digest, wider.digest]
        beyond = (await there.answer(there.describe(7))).body
        assert (beyond.head.first, list(beyond.items)) == (7, [])


@in_loop
async def test_what_can_not_be_acted_on_is_refused() -> None:
    async with party(give) as there:
        for kind, body, code in (
            (Kind.CALL, b"\xc1", RefusalCode.MALFORMED),
            (Kind.BEAT, b"\x80", RefusalCode.KIND),
            (Kind.DESCRIBE, b"\x80", RefusalCode.MALFORMED),
        ):
            said = await there.answer(there.send(kind, body))
            assert (said.kind, said.body.code) == (Kind.REFUSAL, code)
        for kind in (Kind.CALL, Kind.GRANT, Kind.CANCEL, Kind.STATUS):
            said = await there.answer(there.send(kind, b"", VIEWER))
            assert (said.kind, said.body.code) == (Kind.REFUSAL, RefusalCode.KIND)
        other = b"\x83\xabcoordinator\xc4\x10" + b"c" * 16 + b"\xa8instance\xc4\x10" + b"x" * 16 + b"\xa4from\x00"
        said = await there.answer(there.send(Kind.DESCRIBE, other))
        assert said.body.code is RefusalCode.INSTANCE
        to = there.describe(0)
        there.link.bring(UnreadableRequest(to, RefusalCode.VERSION, "header Cb-V is 2"))
        await there.link.until(
            lambda: any(said.kind is Kind.REFUSAL and said.to == to for said in there.link.said) or None
        )


@in_loop
async def test_a_context_tells_what_a_tool_needs() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @tool(effect="idempotent")
    def tell(ctx: Context) -> dict[str, Any]:
        """Tells."""
        return {
            "turn": ctx.turn,
            "attempt": ctx.attempt,
            "key": ctx.idempotency_key,
            "trace": ctx.traceparent,
            "left": 4 < ctx.time_left <= 5,
            "run": str(ctx.run),
        }

    async with party(tell) as there:
        plain = call(tell, "plain", budget_ms=5000)
        given = call(tell, "given", budget_ms=5000)
        given.key, given.traceparent = "mine", trace
        odd = call(tell, "odd", budget_ms=5000)
        odd.traceparent = "00-0-0-0"
        there.call(plain, given, odd)
        told = {
            name: Json.__dict__ and (await there.result(name)).content[0].text for name in ("plain", "given", "odd")
        }
    run = (b"r" * 16).hex()
    assert f'"key":"{run}/1/plain"' in told["plain"]
    assert '"left":true' in told["plain"]
    assert '"trace":null' in told["odd"]
    assert '"key":"mine"' in told["given"]
    assert trace in told["given"]


def test_a_tool_is_still_the_function_that_it_is_made_of() -> None:
    with pytest.raises(ToolError, match="no such order"):
        asyncio.run(give(what="error"))
    context = Context.detached(budget=1.0)
    context.cancel()
    assert context.cancelled
    assert 0 < context.time_left <= 1
