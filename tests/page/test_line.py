"""The line to the service: lost, mended, refused."""

import pytest
from playwright.sync_api import expect

from line import Line
from service import CANARY

LOST = ("Failed to load resource",)


@pytest.fixture
def line(service):
    made = Line(service.port)
    yield made
    made.end()


@pytest.mark.errors(*LOST)
def test_a_lost_line_is_told_and_the_run_goes_on_where_it_was(service, line, open_page):
    run = service.begin("live")
    page = open_page(f"{line.url}/#/runs/{run}")
    second = page.locator('[data-key="1/second"]')
    expect(second).to_have_attribute("data-tone", "live")
    line.cut()
    status = page.get_by_role("status")
    expect(status).to_have_text("Line lost – trying again")
    expect(second).to_be_attached()
    frozen = page.locator(".lasted").text_content()
    with page.expect_event("requestfailed"):
        pass
    assert page.locator(".lasted").text_content() == frozen, "nobody knows what runs now"
    service.cancel(run)
    line.heads.clear()
    line.mend()
    expect(status).to_have_text("Complete")
    asked = [head for head in line.heads if "/events" in head]
    assert asked and all("last-event-id: " in head for head in asked), "it goes on where it was"
    expect(second).to_have_attribute("data-outcome", "cancelled")
    expect(page.locator(".row.call")).to_have_count(2)


@pytest.mark.errors(*LOST)
def test_a_list_says_when_it_is_old_and_comes_back(service, line, open_page):
    service.begin("quick", "still here", wait=True)
    page = open_page(line.url)
    expect(page.get_by_text("still here").first).to_be_visible()
    line.cut()
    expect(page.get_by_role("alert")).to_contain_text("What stands here is old")
    expect(page.get_by_text("still here").first).to_be_visible()
    line.mend()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("status")).to_have_text("Live")


@pytest.mark.errors(*LOST)
def test_a_token_is_asked_for_kept_by_the_tab_and_never_in_an_address(guarded, open_page):
    run = guarded.begin("quick", "behind a token", wait=True)
    page = open_page(guarded.url)
    asked = []
    page.on("request", lambda request: asked.append(request))
    field = page.get_by_label("Token", exact=True)
    expect(field).to_be_focused()
    field.fill("cb_wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Not taken")
    field.fill(guarded.token)
    page.get_by_role("button", name="Show the runs").click()
    expect(page.get_by_text("behind a token")).to_be_visible()
    page.get_by_text("behind a token").click()
    expect(page.locator('[data-key="1/a"]')).to_have_attribute("data-outcome", "completed")
    page.reload()
    expect(page.locator('[data-key="1/a"]')).to_have_attribute("data-outcome", "completed")
    assert all(guarded.token not in request.url for request in asked) and guarded.token not in page.url
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    assert any(f"/v1/runs/{run}/events" in request.url for request in asked)
    page.get_by_role("button", name="Forget the token").click()
    expect(page.get_by_label("Token", exact=True)).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0
    other = page.context.new_page()
    other.goto(guarded.url)
    expect(other.get_by_label("Token", exact=True)).to_be_visible()


def test_what_models_and_tools_write_stays_text(open_page, service):
    run = service.begin("mixed", CANARY, wait=True)
    page = open_page(service.url)
    expect(page.locator(f'[data-run="{run}"]')).to_contain_text(CANARY)
    page.goto(f"{service.url}/#/runs/{run}/2/canary")
    pane = page.get_by_role("complementary")
    for content in ("arguments", "result"):
        expect(pane.locator(f'[data-content="{content}"]')).to_contain_text("<b>CANARY</b>")
    page.locator('[data-key="2"]').click()
    expect(pane).to_contain_text(CANARY)
    assert page.locator("main img, main b").count() == 0
    assert page.title() != "OWNED"


@pytest.mark.errors("POLICY", "This document requires", "Connecting to", "Refused to connect", "Fetch API cannot load")
def test_the_policy_refuses_what_a_slip_would_do(open_page, service):
    page = open_page(service.url)
    refused = page.evaluate("""() => {
        const tried = {};
        try { document.body.innerHTML = '<b>x</b>'; } catch (error) { tried.markup = error.name; }
        return tried;
    }""")
    assert refused == {"markup": "TypeError"}
    assert page.evaluate("fetch('http://127.0.0.1:1/').then(() => 'went', (error) => error.name)") == "TypeError"


def test_files_are_not_sent_twice(open_page, service):
    page = open_page(service.url)
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    statuses = page.evaluate("""async () => {
        const first = await fetch('/page/main.js', { cache: 'no-store' });
        const again = await fetch('/page/main.js', { cache: 'no-store', headers: { 'if-none-match': first.headers.get('etag') } });
        return [first.status, again.status];
    }""")
    assert statuses == [200, 304]
