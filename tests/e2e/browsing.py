"""A real Chromium, and what an operator does with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.monitor_blueprint.running import TOKEN

CHROMIUM = Path("/usr/bin/chromium")
NEEDED = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium at /usr/bin/chromium"),
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 360, "height": 640}
DESK = {"width": 1280, "height": 800}
# axe-core 4.14 of Deque Systems (MPL 2.0, see the licence beside it) looks for what keeps people out of a page.
_AXE = (Path(__file__).with_name("axe") / "axe.min.js").read_text(encoding="utf-8")
_FINDINGS = """async () => (await axe.run()).violations.flatMap(
    each => each.nodes.map(node => `${each.id}: ${node.html} ${node.failureSummary}`))"""
# What reaches beyond the right edge of the screen; evidence may be scrolled within its own box.
STICKING_OUT = """[...document.querySelectorAll("body :not(pre *, .skip)")]
    .filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth)
    .map(each => each.outerHTML.slice(0, 80))"""
# As a browser does when its window comes to the front again.
_LOOK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"

Page = Any


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; what a context of it remembers is its own."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def sign_in(page: Page, url: str, name: str = "kim", token: str = TOKEN) -> None:
    """Open the overview, by way of the sign-in page."""
    page.goto(url)
    assert page.url.startswith(f"{url}/sign-in")
    page.fill("#name", name)
    page.fill("#token", token)
    page.press("#token", "Enter")
    page.wait_for_url(f"{url}/")


def look_again(page: Page) -> None:
    """Let the page ask for what is new, and await the answer."""
    with page.expect_response(lambda answer: answer.request.resource_type == "fetch"):
        page.evaluate(_LOOK_AGAIN)


def findings(page: Page) -> list[str]:
    """What axe-core finds wrong with a page."""
    page.evaluate(_AXE)
    found: list[str] = page.evaluate(_FINDINGS)
    return found
