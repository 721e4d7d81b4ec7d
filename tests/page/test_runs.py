"""The list of runs, and the workers."""

from playwright.sync_api import expect


def test_a_list_without_runs_says_how_to_start_one(guarded, open_page):
    page = open_page(guarded.url, extra_http_headers={"authorization": f"Bearer {guarded.token}"})
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    expect(page.locator("pre")).to_contain_text("/v1/runs")


def test_runs_come_and_change_by_themselves(open_page, service):
    page = open_page(service.url)
    run = service.begin("live", "the one that is looked for")
    row = page.locator(f'[data-run="{run}"]')
    expect(row).to_contain_text("running")
    expect(row).to_contain_text("the one that is looked for")
    page.get_by_label("Ended", exact=True).check()
    expect(row).to_have_count(0)
    service.cancel(run)
    expect(row).to_contain_text("cancelled")
    page.get_by_label("Running", exact=True).check()
    expect(row).to_have_count(0)


def test_runs_have_pages(open_page, service):
    for _ in range(55):
        service.begin("quick", wait=True)
    page = open_page(service.url)
    rows = page.locator("tr[data-run]")
    expect(rows).to_have_count(50)
    first = rows.first.get_attribute("data-run")
    page.get_by_role("button", name="Older").click()
    expect(page.get_by_text("Page 2")).to_be_visible()
    expect(page.locator(f'[data-run="{first}"]')).to_have_count(0)
    page.get_by_role("button", name="Newest").click()
    expect(page.locator(f'[data-run="{first}"]')).to_have_count(1)
    expect(page.get_by_role("button", name="Newest")).to_be_disabled()


def test_a_link_keeps_the_focus_while_the_list_is_asked_for_again(open_page, service):
    run = service.begin("quick", "keep me", wait=True)
    page = open_page(service.url)
    page.locator(f'[data-run="{run}"] a').focus()
    with page.expect_response("**/v1/runs?*"):
        pass
    with page.expect_response("**/v1/runs?*"):
        pass
    assert page.evaluate("document.activeElement.textContent") == "keep me"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="keep me")).to_be_visible()


def test_workers_are_told_with_slots_load_beats_and_tools(open_page, service):
    run = service.begin("live")
    page = open_page(f"{service.url}/#/workers")
    row = page.locator('[data-worker="embedded"]')
    expect(row).to_contain_text("1 of 64")
    service.cancel(run)
    expect(row).to_contain_text("0 of 64")
    expect(row).to_contain_text("ready")
    expect(row).to_contain_text("ago")
    for tool in ("echo", "wait", "flaky"):
        expect(row.get_by_text(tool, exact=True)).to_be_visible()
