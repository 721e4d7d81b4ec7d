"""A browser, a service, and pages that must do nothing that they may not."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from service import Service, new_token

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
expect.set_options(timeout=20_000)
#: Containers beside us come and go, and with them the machine's networks: Chromium gives up what it is loading then.
NOISE = "Failed to load resource: net::ERR_NETWORK_CHANGED"
#: Tells of every breach of the policy, from before the page's first script.
WATCH = "addEventListener('securitypolicyviolation', (e) => console.error('POLICY ' + e.violatedDirective + ' ' + e.blockedURI));"


@dataclass
class Seen:
    """What a page did."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = os.environ.get("CALLBOARD_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "no Chromium; install it (Debian: `apt-get install chromium`), or name it in CALLBOARD_CHROMIUM"
    with sync_playwright() as playwright:
        # Root has no sandbox of Chromium's; what is shown here is our own.
        made = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield made
        made.close()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("service"))
    yield made
    made.end()


@pytest.fixture
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One that wants a token."""
    folder = tmp_path_factory.mktemp("guarded")
    token, entry = new_token("reader")
    (folder / "tokens.toml").write_text(entry)
    made = Service(folder, "--tokens", "tokens.toml", content=False)
    made.token = token
    yield made
    made.end()


@pytest.fixture
def open_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator:
    """Opens pages; at the end none has an error, a breach of its policy, or a request to anybody else.

    Errors that begin with one of `request.node.get_closest_marker("errors").args` are expected.
    """
    marker = request.node.get_closest_marker("errors")
    expected = marker.args if marker else ()
    opened: list[tuple[Page, Seen, str]] = []

    def make(url: str, **options) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(20_000)
        page = context.new_page()
        seen = Seen()
        page.add_init_script(WATCH)
        page.on("console", lambda message: message.type in ("error", "warning") and seen.errors.append(message.text))
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("request", lambda asked: seen.requests.append(asked.url))
        origin = "/".join(url.split("/")[:3])
        opened.append((page, seen, origin))
        page.goto(url, wait_until="load")
        while any(error == NOISE for error in seen.errors):
            seen.errors.clear()
            page.reload(wait_until="load")
        return page

    yield make
    for page, seen, origin in opened:
        page.context.close()
        assert [error for error in seen.errors if not error.startswith((NOISE, *expected))] == []
        assert [asked for asked in seen.requests if not asked.startswith(origin + "/")] == []
        assert seen.requests, "the page asked for something"
