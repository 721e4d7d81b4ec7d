"""The page by keyboard and by ear: what a screen reader is given, and what axe says of it."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.className || document.activeElement.textContent")


def active(page: Page) -> str:
    return page.evaluate("document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.dataset.key")


def test_a_walk_by_keyboard_alone(open_page, service):
    run = service.begin("mixed", "walk", wait=True)
    page = open_page(service.url)
    expect(page.locator(f'[data-run="{run}"]')).to_be_visible()
    page.keyboard.press("Tab")
    assert focused(page) == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.textContent") != "walk":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    fall = page.get_by_role("treegrid")
    expect(fall).to_be_visible()
    expect(page.locator(".row.call").first).to_be_visible()
    for _ in range(10):
        page.keyboard.press("Tab")
        if focused(page) == "fall":
            break
    assert focused(page) == "fall"
    page.keyboard.press("ArrowDown")
    assert active(page) == "1"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert active(page) == "1/again"
    page.keyboard.press("Enter")
    pane = page.get_by_role("complementary")
    expect(pane).to_contain_text("flaky")
    page.keyboard.press("ArrowDown")
    expect(pane).to_contain_text("crash")
    assert active(page) == "1/crashed"
    page.keyboard.press("Tab")
    assert focused(page) == "quiet", "the pane comes next"
    page.keyboard.press("Escape")
    expect(pane).to_have_count(0)
    assert focused(page) == "fall"
    assert active(page) == "1/crashed"
    page.keyboard.press("ArrowLeft")
    assert active(page) == "1"
    page.keyboard.press("ArrowLeft")
    expect(page.locator('[data-key="1"]')).to_have_attribute("aria-expanded", "false")
    expect(page.locator('[data-key="1/again"]')).to_have_count(0)
    page.keyboard.press("ArrowRight")
    expect(page.locator('[data-key="1/again"]')).to_have_count(1)
    page.keyboard.press("End")
    assert active(page) == "3"
    page.keyboard.press("Home")
    assert active(page) == "1"


def test_the_focus_is_seen(open_page, service):
    run = service.begin("quick", wait=True)
    page = open_page(f"{service.url}/#/runs/{run}")
    expect(page.locator(".row.call")).to_be_visible()
    page.get_by_role("treegrid").focus()
    page.keyboard.press("ArrowDown")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    border = page.evaluate("getComputedStyle(document.querySelector('.row.active'), '::after').borderTopWidth")
    assert (outline, border) == ("solid", "2px")


def test_a_screen_reader_is_told_what_the_bars_show(open_page, service):
    run = service.begin("mixed", wait=True)
    page = open_page(f"{service.url}/#/runs/{run}")
    expect(page.get_by_role("banner")).to_be_visible()
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Complete")
    fall = page.get_by_role("treegrid", name="Turns and their calls")
    expect(fall).to_have_attribute("aria-rowcount", "12")
    late = fall.get_by_role("row", name="stuck")
    expect(late).to_have_attribute("aria-level", "2")
    expect(late).to_contain_text("timed out; the tool ran")
    retried = fall.get_by_role("row", name="flaky")
    expect(retried).to_contain_text("attempt 1 on embedded, crashed; attempt 2 on embedded")
    page.goto(f"{service.url}/")
    expect(page.get_by_role("table", name="Runs, the latest first")).to_be_visible()
    page.goto(f"{service.url}/#/workers")
    expect(page.get_by_role("table", name="Workers, by pool and name")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page, service, scheme):
    run = service.begin("mixed", wait=True)
    # axe brings code of its own, which the page's policy would refuse.
    page = open_page(service.url, color_scheme=scheme, bypass_csp=True)
    for place, there in [
        ("#/runs", "tr[data-run]"),
        (f"#/runs/{run}", ".row.call"),
        (f"#/runs/{run}/1/late", ".attempts"),
        ("#/workers", "tr[data-worker]"),
    ]:
        page.goto(f"{service.url}/{place}")
        expect(page.locator(there).first).to_be_visible()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [320, 640, 1280])
def test_no_width_needs_scrolling_to_the_side(open_page, service, width):
    """640 is a window of 1280 at 200 %, 320 one at 400 %."""
    run = service.begin("mixed", "a task with words that are longer than the window is wide: " + "x" * 90, wait=True)
    page = open_page(service.url, viewport={"width": width, "height": 480})
    for place, there in [("#/runs", "tr[data-run]"), (f"#/runs/{run}", ".row.call"), ("#/workers", "tr[data-worker]")]:
        page.goto(f"{service.url}/{place}")
        expect(page.locator(there).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
    page.goto(f"{service.url}/#/runs/{run}/1/again")
    expect(page.get_by_role("complementary")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary")).to_have_count(0)
    assert focused(page) == "fall"
