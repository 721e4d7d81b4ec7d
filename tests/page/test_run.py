"""One run: its waterfall, its pane, its way from beginning to end."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from service import TRACE

KINDS = {
    "good": ("completed", "done"),
    "again": ("completed", "done"),
    "crashed": ("crashed", "lost"),
    "wrong": ("tool_error", "wrong"),
    "late": ("timed_out", "late"),
    "nobody": ("unknown_tool", "refused"),
    "arguments": ("invalid_arguments", "refused"),
}


@pytest.fixture(scope="module")
def mixed(service):
    return service.begin("mixed", "everything at once", wait=True)


def row(page: Page, key: str):
    return page.locator(f'[data-key="{key}"]')


def test_each_call_has_a_row_and_each_attempt_a_bar(open_page, service, mixed):
    page = open_page(f"{service.url}/#/runs/{mixed}")
    told = service.ask(f"/v1/runs/{mixed}")["report"]
    for call in told["turns"][0]["calls"]:
        outcome, tone = KINDS[call["id"]]
        assert call["outcome"] == outcome
        shown = row(page, f"1/{call['id']}")
        expect(shown).to_have_attribute("data-outcome", outcome)
        expect(shown).to_have_attribute("data-tone", tone)
        expect(shown).to_contain_text(call["tool"])
        expect(shown.locator(".attempt")).to_have_count(max(call["attempts"], 1))
        if outcome != "completed":
            expect(shown.locator(".label")).to_have_text(outcome.replace("_", " "))
    attempts = row(page, "1/again").locator(".attempt")
    assert [attempts.nth(n).get_attribute("data-tone") for n in range(2)] == ["lost", "done"]
    expect(row(page, "1")).to_contain_text("7 calls, 5 failed")


def test_tones_differ_by_more_than_colour(open_page, service, mixed):
    page = open_page(f"{service.url}/#/runs/{mixed}")
    looks, marks = set(), set()
    for key in ("good", "crashed", "wrong", "late", "arguments"):
        shown = row(page, f"1/{key}")
        expect(shown).to_be_visible()
        marks.add(shown.locator(".mark").text_content())
        work = shown.locator(".piece.work")
        if work.count():
            looks.add(work.first.evaluate("e => getComputedStyle(e).backgroundImage"))
    assert len(marks) == 5
    assert len(looks) >= 3


def test_waiting_is_hatched_and_work_is_solid(open_page, service):
    run = service.begin("hundred", wait=True)
    page = open_page(f"{service.url}/#/runs/{run}")
    expect(page.locator(".piece.work").first).to_be_attached()
    waiting = page.locator(".piece.wait, .piece.queue").first
    assert "repeating-linear-gradient" in waiting.evaluate("e => getComputedStyle(e).backgroundImage")


def test_a_near_deadline_is_a_line_and_a_far_one_is_named(open_page, service, mixed):
    page = open_page(f"{service.url}/#/runs/{mixed}")
    expect(row(page, "1").locator(".beyond")).to_contain_text("deadline")
    tell(page, "near", [
        {"type": "turn_opened", "turn": 1, "deadline_ms": 100, "at_ms": 0},
        {"type": "call_opened", "turn": 1, "id": "a", "tool": "t", "at_ms": 0},
        {"type": "call_settled", "turn": 1, "id": "a", "outcome": "timed_out", "executed": "no", "attempts": 0, "elapsed_ms": 100, "queued_ms": 0, "executed_ms": 0, "at_ms": 100},
        {"type": "run_ended", "reason": "answered", "at_ms": 120},
    ])
    expect(row(page, "1/a").locator(".deadline")).to_be_attached()
    expect(row(page, "1").locator(".deadline-name")).to_contain_text("deadline 100")


def tell(page: Page, run: str, events: list[dict]) -> None:
    """Shows a run that is told by the test in the place of the service."""
    lines = [f"id: {seq}\nevent: {event['type']}\ndata: {json.dumps({'seq': seq, **event})}\n\n" for seq, event in enumerate(events, 1)]

    def answer(route):
        if route.request.headers.get("last-event-id"):
            return route.fulfill(status=204)
        return route.fulfill(content_type="text/event-stream", body="".join(lines))

    page.route(f"**/v1/runs/{run}/events", answer)
    view = {"id": run, "status": "ended", "model": "m", "task": "told", "started_at": "2026-11-23T00:00:00Z", "started_by": "t", "cancelling": False, "turns": 1, "calls": 1, "elapsed_ms": 1, "reason": "answered", "keeps_content": False}
    page.route(f"**/v1/runs/{run}", lambda route: route.fulfill(json=view))
    page.goto(re.sub("#.*|$", f"#/runs/{run}", page.url, count=1))


def test_a_run_grows_while_it_is_looked_at(open_page, service):
    run = service.begin("live")
    page = open_page(f"{service.url}/#/runs/{run}")
    expect(row(page, "1/second")).to_have_attribute("data-tone", "live")
    before = page.locator(".lasted").text_content()
    expect(row(page, "1/first")).to_have_attribute("data-outcome", "completed")
    expect(row(page, "1/second").locator(".piece.work")).to_be_attached()
    expect(page.locator(".lasted")).not_to_have_text(before)
    expect(page.get_by_role("status")).to_have_text("Live")
    service.cancel(run)
    expect(page.get_by_role("status")).to_have_text("Complete")
    expect(row(page, "1/second")).to_have_attribute("data-outcome", "cancelled")
    expect(page.locator(".facts")).to_contain_text("cancelled")


def test_the_pane_tells_attempts_times_worker_and_content(open_page, service, mixed):
    page = open_page(f"{service.url}/#/runs/{mixed}")
    row(page, "1/again").click()
    pane = page.get_by_role("complementary", name="flaky")
    expect(pane).to_contain_text("2 attempts")
    cells = pane.locator(".attempts tbody tr")
    expect(cells.nth(0)).to_contain_text("crashed")
    expect(cells.nth(1)).to_contain_text("completed")
    expect(cells.nth(0)).to_contain_text("embedded")
    expect(pane.locator('[data-content="arguments"]')).to_have_text("{}")
    expect(pane.get_by_role("link", name="The run's trace in Jaeger")).to_have_attribute("href", f"http://127.0.0.1:1/jaeger/trace/{TRACE}")
    row(page, "1/crashed").click()
    expect(page.get_by_role("complementary", name="crash")).to_contain_text("The tool ran")
    row(page, "1").click()
    expect(page.get_by_role("complementary", name="Turn 1")).to_contain_text("I try seven things.")


def test_without_capture_the_pane_says_how_to_have_it(guarded, open_page):
    run = guarded.begin("quick", wait=True)
    headers = {"authorization": f"Bearer {guarded.token}"}
    page = open_page(f"{guarded.url}/#/runs/{run}/1/a", extra_http_headers=headers)
    expect(page.get_by_role("complementary")).to_contain_text("telemetry.content = true")


def test_an_address_leads_back_to_the_same_call(open_page, service, mixed):
    page = open_page(f"{service.url}/#/runs/{mixed}")
    row(page, "2/canary").click()
    expect(page.get_by_role("complementary", name="echo")).to_be_visible()
    page.reload()
    expect(page.get_by_role("complementary", name="echo")).to_be_visible()
    expect(row(page, "2/canary")).to_have_attribute("aria-selected", "true")
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("complementary")).to_have_count(0)
    assert page.url.endswith(f"#/runs/{mixed}")


def test_only_what_failed_is_shown_where_that_is_wanted(open_page, service, mixed):
    page = open_page(f"{service.url}/#/runs/{mixed}")
    page.get_by_label("Failed or retried", exact=True).check()
    expect(row(page, "1/good")).to_have_count(0)
    expect(row(page, "1/again")).to_be_visible()
    expect(page.locator(".row.call")).to_have_count(6)
    page.get_by_label("Open", exact=True).check()
    expect(page.get_by_text("No call is open.")).to_be_visible()


def test_turns_can_be_laid_over_each_other(open_page, service, mixed):
    page = open_page(f"{service.url}/#/runs/{mixed}")
    left = lambda: row(page, "2/canary").locator(".piece").first.evaluate("e => parseFloat(e.style.getPropertyValue('--left'))")
    expect(row(page, "2/canary")).to_be_visible()
    assert left() > 20
    page.get_by_label("Since each turn began", exact=True).check()
    expect(row(page, "2/canary").locator(".piece").first).to_have_attribute("style", re.compile(r"--left: 0(\.\d+)?%"))


def test_missing_events_and_results_that_came_late_are_told(open_page, service):
    page = open_page(service.url)
    tell(page, "gone", [
        {"type": "gap", "after": 0, "first_kept": 40},
        *({"type": "run_started", "run": "gone", "model": "m", "started_at": "x", "at_ms": 0} for _ in range(39)),
        {"type": "call_opened", "turn": 1, "id": "a", "tool": "t", "at_ms": 1},
        {"type": "call_late", "turn": 1, "id": "a", "attempt": 1, "outcome": "completed", "at_ms": 9},
        {"type": "run_ended", "reason": "model_failed", "message": "the provider said no", "at_ms": 9},
    ])
    expect(page.get_by_text("The first 39 events of this run are kept no longer")).to_be_visible()
    expect(page.get_by_text("The run ended: the provider said no")).to_be_visible()
    expect(row(page, "1/a").locator(".late-mark")).to_be_attached()


@pytest.mark.errors("Failed to load resource")
def test_a_run_that_is_gone_is_told_with_what_helps(open_page, service):
    other = "ffffffffffffffffffffffffffffffff"
    page = open_page(f"{service.url}/#/runs/{other}")
    problem = page.get_by_role("alert")
    expect(problem).to_have_attribute("data-code", re.compile("run_(gone|unknown)"))
    expect(problem.get_by_role("link", name="All runs")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Refused")
