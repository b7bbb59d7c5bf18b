"""The pages with pictures in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor_blueprint import config
from monitor_blueprint.domain.models import CheckResult, Reading, Status, Thresholds
from monitor_blueprint.storage.store import Store
from tests.e2e.browsing import NEEDED, PHONE, STICKING_OUT, chromium, findings
from tests.e2e.conftest import StartMonitor
from tests.e2e.programs import Program
from tests.monitor_blueprint.running import TOKEN, configure

LONG_NAME = "W" * 40
HOSTILE_NAME = "<img/src=x/onerror=document.title=1>"
CHECKS = f"""
[[check]]
name = "Disk"
kind = "disk"

[[check]]
name = "{LONG_NAME}"
kind = "memory"

[[check]]
name = "{HOSTILE_NAME}"
kind = "cpu"
"""
NAMES = ("Disk", LONG_NAME, HOSTILE_NAME)
ADDRESSES = [
    "/checks/Disk?range=24h",
    "/checks/Disk?range=1y",
    f"/checks/{LONG_NAME}?range=7d",
    f"/checks/{HOSTILE_NAME}",
    f"/compare?check=Disk&check={LONG_NAME}&check={HOSTILE_NAME}",
    "/incidents",
    f"/incidents?text={LONG_NAME}&check={HOSTILE_NAME}",
]
pytestmark = NEEDED


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def monitor(tmp_path: Path, start_monitor: StartMonitor) -> Program:
    """A monitor that has measured for two days, with an outage."""
    environ = {"NEURONOVA_CONFIG": str(configure(tmp_path, CHECKS)), "MONITOR_ADMIN_TOKEN": TOKEN}
    now = datetime.now(UTC)
    with Store(config.load(environ).database) as store:
        for number in range(2 * 96):
            at = now - timedelta(minutes=15 * (2 * 96 - number))
            status = Status.CRITICAL if 100 < number < 110 else Status.OK
            reading = Reading("usage", status, value=20.0 + number % 70, unit="%", thresholds=Thresholds(80, 90))
            results = [CheckResult(name, "disk", (reading,), at, duration_ms=2.0) for name in NAMES]
            store.run(lambda tx, at=at, results=results: tx.record_round(at, 1.0, Status.OK, results), is_lasting=False)  # type: ignore[misc]
    program = start_monitor(environ)
    program.reports.until_checked()
    return program


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_fit_every_screen(browser: Any, monitor: Program, scheme: str) -> None:
    """Nothing sticks out of a phone, no name does anything, and neither Chromium nor axe-core has a complaint."""
    context = browser.new_context(viewport=PHONE, color_scheme=scheme, extra_http_headers={"Authorization": f"Bearer {TOKEN}"})
    page, told = context.new_page(), []
    page.on("console", lambda message: told.append(message.text))
    for address in ADDRESSES:
        page.goto(monitor.url + address)
        # A region that is scrolled within itself may be wider.
        assert page.evaluate(STICKING_OUT.replace("pre *", "pre *, .scrolled *, .picture *")) == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
        assert page.title() != "1"
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert findings(page) == [], address
    assert told == []
    context.close()


def test_pictures_are_seen_and_read(browser: Any, monitor: Program) -> None:
    context = browser.new_context(
        viewport={"width": 1280, "height": 900},
        java_script_enabled=False,
        extra_http_headers={"Authorization": f"Bearer {TOKEN}"},
    )
    page = context.new_page()
    page.goto(f"{monitor.url}/checks/Disk?range=7d&lang=en")
    picture = page.locator(".picture").first
    box = picture.bounding_box()
    assert box["width"] > 900
    # The style sheet colours what the classes name.
    assert picture.locator(".curve").first.evaluate("each => getComputedStyle(each).stroke") != "none"
    assert picture.locator("line.limit.warning").evaluate("each => getComputedStyle(each).strokeDasharray") != "none"
    assert page.get_by_role("img", name="the last 7 days").first.is_visible()
    # The figures can be had without a script, too.
    page.click("summary:has-text('figures as a table')")
    assert page.locator(".figures table").first.is_visible()
    page.click("text=Compare with others")
    page.wait_for_url("**/compare?**")
    page.check(f"input[value='{LONG_NAME}']")
    page.click("text=Show")
    assert page.locator("figure .picture").count() == 2
    context.close()
