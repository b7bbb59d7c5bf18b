"""An operator's night in a real browser: from the failure to the recovery, and what a page does meanwhile by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browsing import DESK, NEEDED, PHONE, STICKING_OUT, chromium, findings, look_again, sign_in
from tests.e2e.conftest import StartMonitor
from tests.e2e.programs import Program
from tests.monitor_blueprint.running import TOKEN, configure
from tests.monitor_blueprint.standins import HttpStandIn, Reply

pytestmark = NEEDED

CHECKS = """
[[check]]
name = "Portal"
kind = "http"
url = "{url}portal"
attempts = 1

[[check]]
name = "Shop"
kind = "http"
url = "{url}shop"
attempts = 1
depends_on = ["Portal"]

[[check]]
name = "Disk"
kind = "disk"
warning = 100
critical = 100
"""


@pytest.fixture
def site() -> Iterator[HttpStandIn]:
    """A site that is down."""
    with HttpStandIn() as site:
        site.page = Reply(503)
        yield site


@pytest.fixture
def monitor(tmp_path: Path, start_monitor: StartMonitor, site: HttpStandIn) -> Program:
    path = configure(tmp_path, CHECKS.format(url=site.url), "grace_s = 0")
    program = start_monitor({"NEURONOVA_CONFIG": str(path), "MONITOR_ADMIN_TOKEN": TOKEN})
    program.reports.until_checked()
    return program


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "Content Security" in message.text else None)
    yield page
    context.close()
    assert complaints == []


def icon(page: Any) -> str:
    return str(page.get_attribute("#icon", "href")).rpartition("/")[2]


def test_an_operators_night(page: Any, monitor: Program, site: HttpStandIn) -> None:
    sign_in(page, monitor.url)
    # What, since when, why, where, and what to do next: before all else.
    assert page.title().startswith("CRITICAL Portal Shop")
    assert icon(page) == "state-critical.svg"
    first = page.locator("article").first
    assert first.locator("h2").inner_text() == "Portal"
    assert "HTTP 503" in first.locator(".why").inner_text()
    assert f"curl -i -m 10 {site.url}portal" in first.locator(".commands").inner_text()
    assert page.locator("article").nth(1).locator("h2").inner_text() == "Shop"
    assert not page.is_visible("#check-Disk")
    # He takes it, and keeps it quiet.
    first.get_by_role("button", name="담당하기").click()
    assert page.inner_text(".said") == "장애 1번을 맡았습니다: kim"
    assert "담당: kim" in page.inner_text(".incident")
    page.locator("article").first.get_by_role("link", name="알림 중지").click()
    assert page.is_checked("#now input[value=Portal]")
    page.fill("#now-why", "the switch is replaced")
    page.press("#now-why", "Enter")
    page.wait_for_url(f"{monitor.url}/")
    assert page.inner_text(".said").startswith("Portal 알림을 20")
    assert "the switch is replaced" in page.inner_text("#check-Portal")
    # The page that is open sees by itself how it recovers.
    site.page = Reply()
    other = page.context.new_page()
    other.goto(monitor.url)
    for _ in range(2):
        other.get_by_role("button", name="전체 점검").click()
        assert other.inner_text(".said").startswith("지금 점검했습니다: ")
    other.close()
    look_again(page)
    page.wait_for_function("document.getElementById('overall').textContent === 'OK'")
    assert page.title().startswith("OK")
    assert icon(page) == "state-ok.svg"
    assert page.locator("article").count() == 0
    page.goto(f"{monitor.url}/incidents/1")
    assert "복구" in page.inner_text(".course")


def test_a_phone_shows_the_failure_first(page: Any, monitor: Program) -> None:
    """The failure and its buttons stand on the first screen."""
    page.set_viewport_size(PHONE)
    sign_in(page, monitor.url)
    first = page.locator("article").first
    for each in (first.locator("h2"), first.locator(".why"), *first.locator(".actions button, .actions .button").all()):
        box = each.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= PHONE["height"]
        assert box["x"] + box["width"] <= PHONE["width"]
    for address in ("/", "/incidents/1", "/silences"):
        page.goto(monitor.url + address)
        assert page.evaluate(STICKING_OUT) == []


def test_what_is_typed_stays(page: Any, monitor: Program, site: HttpStandIn) -> None:
    """While the page puts in what is new, so do the focus and what was opened."""
    sign_in(page, monitor.url)
    page.click("#well summary")
    page.focus("#run-Portal")
    note = page.context.new_page()
    note.goto(f"{monitor.url}/incidents/1")
    note.click("#to-do summary")
    note.fill("#text", "half a sen")
    note.evaluate("document.getElementById('text').setSelectionRange(4, 4)")
    page.get_by_role("button", name="담당하기").first.click()
    page.click("#well summary")
    page.focus("#run-Portal")
    look_again(note)
    note.wait_for_selector("text=담당: kim")
    assert note.input_value("#text") == "half a sen"
    assert note.evaluate("[document.activeElement.id, document.activeElement.selectionStart]") == ["text", 4]
    note.click("text=메모 남기기")
    note.close()
    look_again(page)
    page.wait_for_selector("#story ~ ul >> text=half a sen")
    assert page.evaluate("document.getElementById('well').open")
    assert page.evaluate("document.activeElement.id") == "run-Portal"


def test_a_monitor_that_is_away(page: Any, monitor: Program) -> None:
    sign_in(page, monitor.url)
    assert not page.is_visible("#away")
    monitor.end()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_selector("#away:visible")
    assert "연결 끊김" in page.inner_text("#away")
    assert page.locator("article").first.is_visible()


def test_a_session_that_is_over(page: Any, monitor: Program) -> None:
    sign_in(page, monitor.url)
    page.context.clear_cookies()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_url("**/sign-in**")


def test_without_scripts(browser: Any, monitor: Program) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, monitor.url)
    assert page.get_attribute("noscript meta", "http-equiv") == "refresh"
    page.get_by_role("button", name="지금 점검").first.click()
    assert page.inner_text(".said") == "지금 점검했습니다: CRITICAL (Portal)"
    context.close()


def test_the_keyboard_alone(page: Any, monitor: Program) -> None:
    """The first key leads past the menu; what has the focus can be seen; the buttons come in their order."""
    sign_in(page, monitor.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top >= 0")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    names = []
    while "지금 점검" not in names:
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.textContent.trim()"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert names == ["진행 중인 장애 1번", "Portal", "담당하기", "알림 중지", "지금 점검"]
    page.keyboard.press("Enter")
    page.wait_for_selector(".said")
    assert page.inner_text(".said").startswith("지금 점검했습니다")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_nothing_keeps_people_out(page: Any, monitor: Program, scheme: str, language: str) -> None:
    """As far as axe-core can tell, contrast included."""
    page.emulate_media(color_scheme=scheme)
    page.context.clear_cookies()
    page.goto(f"{monitor.url}/sign-in?lang={language}")
    assert findings(page) == []
    page.fill("#token", TOKEN)
    page.press("#token", "Enter")
    page.wait_for_url(f"{monitor.url}/")
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert findings(page) == []
    for address in ("/incidents/1", "/incidents/9", "/incidents", "/checks/Portal", "/compare?check=Disk", "/silences"):
        page.goto(monitor.url + address)
        assert findings(page) == [], address
    page.click("#now button")
    page.evaluate("document.querySelectorAll('[required]').forEach(each => each.required = false)")
    page.click("#now button")
    page.wait_for_selector(".wrong")
    assert findings(page) == []
