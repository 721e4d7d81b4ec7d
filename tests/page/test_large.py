"""A turn of 1,000 calls: shown at once, and smooth to scroll through."""

import time

from playwright.sync_api import expect

#: Rows of the waterfall, at most: what is seen and some beyond it.
ROWS_MAX = 120
#: Seconds from the address to the last call. Chosen: a person waits for it; measured 0.5 s (2026-11-23, 2 cores).
SHOWN_MAX = 4.0
#: Milliseconds of script for one frame, 95th percentile. 16 ms are a frame; this machine may be busy with other things.
DRAW_MAX = 40.0

SCROLL = """async () => {
    const fall = document.querySelector('.fall');
    const frame = () => new Promise(requestAnimationFrame);
    const draws = [];
    let blank = 0;
    const top = fall.getBoundingClientRect().top;
    for (let n = 0; n < 120; n += 1) {
        fall.scrollTop = (fall.scrollHeight - fall.clientHeight) * ((n * 37) % 120) / 119;
        await frame();
        const began = performance.now();
        await frame();
        draws.push(performance.now() - began);
        const box = fall.getBoundingClientRect();
        const seen = document.elementFromPoint(box.left + 40, box.top + box.height / 2);
        if (!seen?.closest('.row.call')) blank += 1;
    }
    draws.sort((one, other) => one - other);
    return { p95: draws[Math.floor(draws.length * 0.95)], blank, rows: document.querySelectorAll('.row').length };
}"""


def test_a_thousand_calls_are_shown_at_once_and_scroll_smoothly(open_page, service):
    run = service.begin("thousand", wait=True)
    page = open_page(service.url)
    began = time.monotonic()
    page.goto(f"{service.url}/#/runs/{run}")
    expect(page.get_by_role("treegrid")).to_have_attribute("aria-rowcount", "1003")
    took = time.monotonic() - began
    assert took < SHOWN_MAX, f"{took:.1f} s"
    assert page.locator(".row").count() < ROWS_MAX
    told = page.evaluate(SCROLL)
    assert told["blank"] == 0, told
    assert told["rows"] < ROWS_MAX, told
    assert told["p95"] < DRAW_MAX * 2, told
    page.get_by_role("treegrid").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary")).to_contain_text("c999")


def test_a_thousand_calls_are_followed_while_they_run(open_page, service):
    run = service.begin("thousand")
    page = open_page(f"{service.url}/#/runs/{run}")
    expect(page.locator(".tally")).to_contain_text("1,000 calls")
    expect(page.get_by_role("status")).to_have_text("Complete", timeout=30_000)
    expect(page.locator(".tally")).to_have_text("1,000 calls")
    assert page.locator(".row").count() < ROWS_MAX
