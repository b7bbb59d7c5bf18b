"""The operators' page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browsing import NEEDED, STICKING_OUT, chromium, sign_in
from tests.e2e.conftest import StartMonitor
from tests.e2e.programs import Program, command
from tests.monitor_blueprint.running import TOKEN, configure

HOSTILE_NAME = "<img/src=x/onerror=document.title=1>"
LONG_NAME = "W" * 40  # no name of a check may be longer
LONG_WORD = "without_any_place_to_break" * 5
CHECKS = f"""
[[check]]
name = "{HOSTILE_NAME}"
kind = "http"
url = "http://127.0.0.1:1/"
attempts = 1

[[check]]
name = "Script"
kind = "disk"
path = "/<script>document.title=2</script>"

[[check]]
name = "LongPath"
kind = "disk"
path = "/{LONG_WORD}"

[[check]]
name = "{LONG_NAME}"
kind = "http"
url = "http://127.0.0.1:1/{LONG_WORD}"
attempts = 1

[[check]]
name = "Disk"
kind = "disk"
warning = 100
critical = 100
"""

# Puts one word in the place of every text of the page.
FILL = """word => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) if (texts.currentNode.data.trim()) texts.currentNode.data = word;
}"""

pytestmark = NEEDED


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with chromium() as chrome:
        yield chrome


@pytest.fixture
def browser(chrome: Any) -> Iterator[Any]:
    context = chrome.new_context(viewport={"width": 390, "height": 844})
    yield context
    context.close()


@pytest.fixture
def monitor(tmp_path: Path, start_monitor: StartMonitor) -> Program:
    # The directory of the log is a file, so that the page says what is wrong with the monitor itself.
    (tmp_path / "log").touch()
    environ = {"NEURONOVA_CONFIG": str(configure(tmp_path, CHECKS, "grace_s = 0")), "MONITOR_ADMIN_TOKEN": TOKEN}
    program = start_monitor(environ)
    program.reports.until_checked()
    for arguments in (["ack", "--by", LONG_NAME], ["silence", LONG_NAME, "1h", "--why", LONG_WORD]):
        assert command(*arguments, environ=environ).returncode == 0
    return program


def test_a_phone_shows_how_everything_is(browser, monitor: Program) -> None:  # type: ignore[no-untyped-def]
    page = browser.new_page()
    sign_in(page, monitor.url)
    assert page.inner_text("#overall") == "CRITICAL"
    page.click("#well summary")
    assert page.inner_text("#check-Disk .badge") == "OK"
    assert page.inner_text("#check-Script .badge") == "UNKNOWN"
    # The style sheet has arrived.
    assert page.evaluate("getComputedStyle(document.querySelector('.badge')).borderRadius") != "0px"
    page.click("text=진행 중인 장애 1번")
    page.wait_for_url("**/incidents/1")
    assert page.inner_text("h1") == "장애 1번"
    page.close()


@pytest.mark.parametrize("address", ["/", "/incidents/1", "/silences", "/sign-in"])
def test_nothing_sticks_out_of_a_phone(browser, monitor: Program, address: str) -> None:  # type: ignore[no-untyped-def]
    """Neither what this monitor has to say, which is long, nor anything else that it ever might."""
    page = browser.new_page()
    sign_in(page, monitor.url)
    page.goto(monitor.url + address)
    assert page.evaluate(STICKING_OUT) == []
    page.evaluate(FILL, "W" * 300)
    assert page.evaluate(STICKING_OUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_checks_are_read_whole(browser, monitor: Program) -> None:  # type: ignore[no-untyped-def]
    """What every check says can be read whole, on a phone and on a desk: what has failed on cards, the others in a table."""
    page = browser.new_page()
    sign_in(page, monitor.url)
    for width, columns in ((390, 3), (1280, 6)):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(monitor.url)
        page.click("#well summary")
        assert page.locator("[id^=check-]").count() == 6
        for card in page.locator("article").all():
            assert card.locator(".why p").first.evaluate("each => each.scrollWidth <= each.clientWidth")
        # Nothing of the table is to be found by scrolling to the right only.
        assert page.evaluate("document.querySelector('.checks').getBoundingClientRect().right") <= width
        for row in page.locator(".checks tbody tr").all():
            cells = [cell.bounding_box() for cell in row.locator("th, td").all() if cell.is_visible()]
            assert len(cells) == columns
            assert all(cell["x"] >= 0 and cell["x"] + cell["width"] <= width for cell in cells)
            assert row.locator("td").nth(1).evaluate("cell => cell.scrollWidth <= cell.clientWidth")
            # The badge stands beside the name, and what the check says below both where there is little room.
            assert abs(cells[0]["y"] - cells[1]["y"]) < 1
            assert (cells[2]["y"] >= cells[0]["y"] + cells[0]["height"]) is (width == 390)
        heads = [head for head in page.locator(".checks thead th").all() if head.is_visible()]
        assert len(heads) == (0 if width == 390 else columns)
    page.close()


def test_hostile_texts_are_not_run(browser, monitor: Program) -> None:  # type: ignore[no-untyped-def]
    """Names and texts from outside are shown, and not run."""
    page = browser.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(page, monitor.url)
    for address in ("/", "/incidents/1"):
        page.goto(monitor.url + address)
        assert page.title() not in ("1", "2")
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == page.locator("script[src$='/static/live.js']").count()
        assert HOSTILE_NAME in page.inner_text("body")
    page.goto(monitor.url)
    assert "/<script>document.title=2</script>: No such file or directory" in page.inner_text("#check-Script")
    assert not complaints
    page.close()


def test_page_needs_password(browser, monitor: Program) -> None:  # type: ignore[no-untyped-def]
    """Without the password, the browser shows nothing."""
    stranger = browser.new_page()
    answer = stranger.request.get(monitor.url, headers={"Authorization": "Bearer wrong"})
    assert answer.status == 401
    assert "Flask" not in answer.text()
    stranger.close()
