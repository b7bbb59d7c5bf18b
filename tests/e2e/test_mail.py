"""A mail in a real browser, as a mail client shows it: on a phone and beside a list, by day and by night."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitor_blueprint import notifiers
from monitor_blueprint.alerts.attempt import send_to_all
from monitor_blueprint.domain.models import CheckResult, EventKind, Reading, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.text import messages
from tests.e2e.browsing import CHROMIUM, FLAGS, NEEDED
from tests.monitor_blueprint.standins import MailStandIn
from tests.monitor_blueprint.text.samples import AT, RESULTS, event

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = NEEDED
HOSTILE = "<img/src=x/onerror=document.title=1></td></table><script>document.title=2</script>"
LONG = "without_any_place_to_break" * 8
HOSTILE_CHECK = CheckResult(HOSTILE, "service", (Reading("unit", Status.CRITICAL, facts={"state": Public(LONG)}),), AT)
# All texts whose contrast is below what WCAG AA asks for (4.5).
PALE = """() => {
    const parsed = text => (text.match(/[0-9.]+/g) || []).map(Number);
    const light = text => parsed(text).slice(0, 3).map(each => each / 255)
        .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
        .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
    const behind = element => {
        for (let each = element; each; each = each.parentElement) {
            const [red, green, blue, opacity = 1] = parsed(getComputedStyle(each).backgroundColor);
            if (opacity === 1 && red !== undefined) return getComputedStyle(each).backgroundColor;
        }
        return "rgb(255, 255, 255)";
    };
    return [...document.querySelectorAll("body *")]
        .filter(each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
        .filter(each => {
            const [a, b] = [light(getComputedStyle(each).color), light(behind(each))].sort((x, y) => y - x);
            return (a + 0.05) / (b + 0.05) < 4.5;
        }).map(each => each.textContent.trim().slice(0, 40));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def letters() -> Iterator[list[str]]:
    """The pages of two mails: one about a hostile machine, and one about its end."""
    checks = (HOSTILE, "Flask", LONG)
    evidence = [("journal nginx", Public(f"{HOSTILE}\n{LONG}"))]
    down = messages.alert(event(checks=checks), "nn-7", {**RESULTS, HOSTILE: HOSTILE_CHECK}, evidence)
    over = event(EventKind.RECOVERED, ("Flask",))
    up = messages.alert(over, "nn-8", RESULTS)
    with MailStandIn() as mail:
        channels = notifiers.channels(mail.environ | {"MONITOR_URL": f"https://mon.example.org/{LONG}"})
        for message in (down, up):
            list(send_to_all(message, channels))
        yield [mail.next_mail().page for _ in range(2)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800])
def test_a_mail_can_be_read(browser, letters: list[str], scheme: str, width: int) -> None:  # type: ignore[no-untyped-def]
    """Nothing in it comes from elsewhere, and nothing that others have written does anything."""
    for letter in letters:
        page = browser.new_page(viewport={"width": width, "height": 700}, color_scheme=scheme)
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.set_content(letter)
        assert asked == []
        assert page.title().endswith(("NeuroNova 서비스 장애 발생!", "NeuroNova 서비스 복구"))
        assert page.evaluate("document.querySelectorAll('script, img, iframe, form, link').length") == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.querySelector('.card').getBoundingClientRect().width") <= 600
        assert page.evaluate(PALE) == []
        lines = page.inner_text("body").splitlines()
        assert lines[0].startswith("[")
        assert any(line.startswith("시각: 2025-12-0") for line in lines[:4])
        is_dark = page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor") != "rgb(255, 255, 255)"
        assert is_dark is (scheme == "dark")
        page.close()
