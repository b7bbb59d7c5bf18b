"""What can be done from the pages: each form as a browser sends it, and what another site or a reader cannot send."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from werkzeug.test import TestResponse

from monitor_blueprint.console.gate import new_token
from monitor_blueprint.console.orders import Order, add_token
from monitor_blueprint.console.throttle import MOST_FAILURES
from monitor_blueprint.domain.access import Role, Visitor
from monitor_blueprint.domain.models import Reading, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.probes import Observation
from tests.monitor_blueprint.conftest import Script, StartMonitor
from tests.monitor_blueprint.page_text import said_in
from tests.monitor_blueprint.running import TOKEN, Running

DOWN = Observation((Reading("thing", Status.CRITICAL, facts={"reason": Public("gone")}),))
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
KOREAN = re.compile("[가-힣]")
HOSTILE = "<script>alert('x')</script>{why}%s"


class Browser:
    """A browser with its cookies: it sends the forms of the page that it has opened."""

    def __init__(self, running: Running, **headers: str) -> None:
        self.client = running.app.test_client()
        self.headers = {**HTML, **headers}
        self.page = ""

    def open(self, address: str, status: int = 200) -> str:
        return self._read(self.client.get(address, headers=self.headers, follow_redirects=True), status)

    def send(self, action: str, status: int = 200, headers: Mapping[str, str] | None = None, **typed: str | list[str]) -> str:
        """Send the first form of the page that goes to this address, with what it carries hidden."""
        (form, *_) = re.findall(rf'<form[^>]*action="{re.escape(action)}".*?</form>', self.page, re.DOTALL) or [""]
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))
        data = {**{name: unescape(value) for name, value in hidden.items()}, **typed}
        sent = self.client.post(action, data=data, headers={**self.headers, **(headers or {})}, follow_redirects=status == 200)
        return self._read(sent, status)

    def sign_in(self, token: str = TOKEN, name: str = "kim") -> None:
        self.open("/sign-in")
        self.send("/sign-in", token=token, name=name)

    def said(self) -> str:
        return "".join(re.findall(r'<p class="notice said" role="status">(.*?)</p>', self.page))

    def _read(self, answer: TestResponse, status: int) -> str:
        assert answer.status_code == status, answer.text
        self.page = answer.text
        return self.page


@pytest.fixture
def ailing(start_monitor: StartMonitor, script: Script) -> Running:
    script["Flask"] = lambda context: DOWN
    return start_monitor()


@pytest.fixture
def operator(ailing: Running) -> Browser:
    browser = Browser(ailing)
    browser.sign_in()
    return browser


def add(running: Running, name: str, role: Role) -> str:
    token, record = new_token(name, role, "lee", datetime.now(UTC))
    by = Visitor("lee", Role.OPERATE)
    assert running.monitor.store.run(lambda tx: add_token(Order(tx, by, datetime.now(UTC)), record))
    return token


def silences(running: Running) -> list[tuple[str, str]]:
    return [(each.check, each.why) for each in running.monitor.store.reads.silences(datetime.now(UTC))]


# --- The way in


@pytest.mark.parametrize("address", ["/", "/incidents/1", "/silences?check=Disk&lang=en", "/nowhere"])
def test_a_stranger_is_led_to_the_sign_in(ailing: Running, address: str) -> None:
    """And back to where he was going."""
    browser = Browser(ailing)
    answer = browser.client.get(address, headers=HTML)
    assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/sign-in")
    browser.open(address)
    assert 'type="password"' in browser.page
    answer = browser.client.get(address)
    assert (answer.status_code, answer.mimetype) == (401, "application/json"), "a program has its 401"
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    browser.send("/sign-in", 303 if address == "/nowhere" else 200, token=TOKEN)
    assert address == "/nowhere" or 'type="password"' not in browser.page


def test_signed_in_and_out(ailing: Running) -> None:
    browser = Browser(ailing)
    browser.open("/sign-in")
    answer = browser.client.get_cookie("neuronova_session")
    assert answer is None
    browser.send("/sign-in", token=TOKEN, name="김하나")
    assert "김하나" in browser.page
    browser.send("/sign-out")
    assert "김하나" not in browser.page
    assert 'type="password"' in browser.open("/")


def test_a_wrong_token_is_told(ailing: Running) -> None:
    browser = Browser(ailing)
    browser.open("/sign-in?next=/incidents/1")
    page = browser.send("/sign-in", 403, token="guess", name=HOSTILE)
    assert "이 토큰은 없습니다" in page
    assert "guess" not in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page, "what was typed stays, the token aside"
    assert 'name="next" value="/incidents/1"' in page
    page = browser.send("/sign-in", 422, token="", name="kim")
    assert "토큰을 쓰십시오" in page


def test_many_wrong_tokens_are_throttled(ailing: Running) -> None:
    browser = Browser(ailing)
    browser.open("/sign-in")
    for _ in range(MOST_FAILURES):
        browser.send("/sign-in", 403, token="guess")
    assert "초 뒤에 다시 하십시오" in browser.send("/sign-in", 429, token="guess")
    browser.send("/sign-in", token=TOKEN)
    assert "틀린 토큰으로 접속 시도 20번" in browser.page


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/../x",
        "/a\nb",
        "",
    ],
)
def test_only_own_addresses_are_led_to(ailing: Running, target: str) -> None:
    browser = Browser(ailing)
    browser.open("/sign-in")
    form = {"token": TOKEN, "next": target}
    browser.send("/sign-in", 303, None, **form)
    browser.open("/sign-in")
    hidden = dict(re.findall(r'name="(form_token)" value="([^"]*)"', browser.page))
    answer = browser.client.post("/sign-in", data={**form, **hidden})
    assert answer.headers["Location"] == "/"


# --- Forms


def test_an_incident_is_acknowledged(ailing: Running, operator: Browser) -> None:
    operator.open("/")
    operator.send("/incidents/1/acknowledge")
    assert operator.said() == "장애 1번을 맡았습니다: kim"
    assert "담당: kim" in operator.page
    assert operator.said()
    operator.open("/")
    assert operator.said() == "", "it is said once"
    operator.open("/incidents/1")
    operator.send("/incidents/1/release")
    assert "다시 나갑니다" in operator.said()
    operator.send("/incidents/1/acknowledge", note=HOSTILE)
    assert "&lt;script&gt;alert" in operator.page
    assert "<script>alert" not in operator.page
    assert [each.facts["text"] for each in ailing.monitor.store.reads.story.notes(1)] == [HOSTILE]


def test_a_shared_token_says_who_it_is(ailing: Running) -> None:
    """Nobody is called "admin": the form asks for the name."""
    browser = Browser(ailing, Authorization=f"Bearer {TOKEN}")
    page = browser.open("/")
    assert 'action="/incidents/1/acknowledge"' not in page
    assert 'href="/incidents/1#acknowledge"' in page
    browser.open("/incidents/1")
    page = browser.send("/incidents/1/acknowledge", 422, name=" ", note="looking")
    assert "이름을 쓰십시오" in page
    assert 'value="looking"' in page
    browser.send("/incidents/1/acknowledge", name="lee")
    assert browser.said() == "장애 1번을 맡았습니다: lee"
    named = Browser(ailing, Authorization=f"Bearer {TOKEN}", **{"X-Remote-User": "park"})
    named.open("/incidents/1")
    named.send("/incidents/1/release")
    named.send("/incidents/1/acknowledge", name="somebody else")
    assert named.said() == "장애 1번을 맡았습니다: park", "whom Nginx has let in is not called otherwise"


def test_a_note_is_added(ailing: Running, operator: Browser) -> None:
    operator.open("/incidents/1")
    operator.send("/incidents/1/notes", text="Kabel\nersetzt <b>")
    assert operator.said() == "장애 1번에 메모를 남겼습니다."
    assert "&lt;b&gt;" in operator.page
    page = operator.send("/incidents/1/notes", 422, text="x" * 1001)
    assert "1000자 이내" in page
    assert "x" * 1001 in page


def test_checks_are_silenced(ailing: Running, operator: Browser) -> None:
    operator.open("/silences?check=Flask")
    assert re.findall(r'name="checks" value="([^"]+)" checked', operator.page) == ["Flask", "*"]
    operator.send("/silences", checks=["Flask", "Disk"], why=HOSTILE, minutes="60")
    assert silences(ailing) == [("Flask", HOSTILE), ("Disk", HOSTILE)]
    assert operator.said().startswith("Flask Disk 알림을 20")
    assert "<script>alert" not in operator.page
    operator.send("/silences/1/end")
    assert operator.said() == "알림 중지 1번을 끝냈습니다."
    assert silences(ailing) == [("Disk", HOSTILE)]


def test_maintenance_is_planned(ailing: Running, operator: Browser) -> None:
    operator.open("/silences")
    begin = (datetime.now().astimezone() + timedelta(days=2)).replace(second=0, microsecond=0)
    form = "%Y-%m-%dT%H:%M"
    typed = {"starts_at": begin.strftime(form), "ends_at": (begin + timedelta(hours=3)).strftime(form)}
    operator.send("/silences", 200, None, checks=["*"], why="switch", **typed)
    assert "유지보수를 예약했습니다" in operator.said()
    (made,) = ailing.monitor.store.reads.silences(datetime.now(UTC))
    assert (made.check, made.starts_at, made.ends_at - made.starts_at) == ("*", begin, timedelta(hours=3))
    assert "<article" in operator.page, "nothing is silenced yet"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"checks": ["Flask"], "minutes": "60"}, "이유를 쓰십시오"),
        ({"checks": ["Flask"], "why": " \t", "minutes": "60"}, "이유를 쓰십시오"),
        ({"why": "kept", "minutes": "60"}, "점검 항목을 하나 이상"),
        ({"checks": ["Nothing"], "why": "kept", "minutes": "60"}, "점검 항목을 하나 이상"),
        ({"checks": ["Flask"], "why": "kept", "minutes": "0"}, "기간을 고르십시오"),
        ({"checks": ["Flask"], "why": "kept", "minutes": "x"}, "기간을 고르십시오"),
        ({"checks": ["Flask"], "why": "kept"}, "끝은 시작과 지금보다 뒤"),
        ({"checks": ["Flask"], "why": "kept", "ends_at": "tomorrow"}, "끝은 시작과 지금보다 뒤"),
        ({"checks": ["Flask"], "why": "kept", "ends_at": "2001-01-01T00:00"}, "끝은 시작과 지금보다 뒤"),
        ({"checks": ["Flask"], "why": "kept", "ends_at": "0001-01-01T00:00"}, "끝은 시작과 지금보다 뒤"),
        ({"checks": ["Flask"], "why": "kept", "starts_at": "2001-01-01T00:00", "form": "planned"}, "시작은 날짜와 시각으로"),
    ],
)
def test_a_wrong_field_is_named(ailing: Running, operator: Browser, typed: dict[str, str | list[str]], told: str) -> None:
    """And what was typed stays."""
    operator.open("/silences")
    page = operator.send("/silences", 422, None, **{"form": "now", **typed})
    assert told in "".join(re.findall(r'<strong class="wrong".*?</strong>', page))
    assert "아래 표시된 칸" in page
    assert typed.get("why") != "kept" or 'value="kept"' in page
    assert typed.get("checks") != ["Flask"] or 'value="Flask" checked' in page
    assert silences(ailing) == []


def test_checks_are_run(ailing: Running, operator: Browser, script: Script) -> None:
    before = ailing.monitor.store.reads.last_round()
    operator.open("/")
    operator.send("/checks/Flask/run")
    assert operator.said() == "지금 점검했습니다: CRITICAL (Flask)"
    script["Flask"] = lambda context: Observation((Reading("thing"),))
    operator.send("/run")
    assert operator.said() == "지금 점검했습니다: OK (Flask Disk Monitor)"
    assert "<article" not in operator.page
    assert ailing.monitor.store.reads.last_round() != before
    assert "찾을 수 없습니다" in operator.send("/checks/Nothing/run", 404, form_token=token_of(operator))


def test_a_test_alert_is_sent(ailing: Running, operator: Browser) -> None:
    operator.open("/")
    operator.send("/trials")
    assert "<h1>테스트 알림</h1>" in operator.page


# --- What is refused


def token_of(browser: Browser) -> str:
    found: list[str] = re.findall(r'name="form_token" value="([^"]*)"', browser.page)
    return found[0]


ACTIONS = ["/incidents/1/acknowledge", "/incidents/1/release", "/incidents/1/notes", "/silences", "/silences/1/end", "/run"]
ACTIONS += ["/checks/Flask/run", "/trials", "/sign-out"]


@pytest.mark.parametrize("action", ACTIONS)
def test_another_site_sends_no_form(ailing: Running, operator: Browser, action: str) -> None:
    operator.open("/")
    good = token_of(operator)
    form: dict[str, str | list[str]] = {"text": "x", "why": "x", "checks": ["Flask"], "minutes": "5"}
    other = Browser(ailing, Authorization=f"Bearer {TOKEN}")
    other.open("/")
    before = ailing.monitor.store.reads.rounds()
    for token in ("", "x", token_of(other)):
        assert "새로 열고" in operator.send(action, 403, None, **{**form, "form_token": token})
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        assert "다른 사이트" in operator.send(action, 403, headers, **{**form, "form_token": good})
    operator.client.delete_cookie("neuronova_form")
    assert "새로 열고" in operator.send(action, 403, None, **{**form, "form_token": good})
    assert ailing.monitor.store.reads.rounds() == before
    assert silences(ailing) == []
    state = ailing.monitor.store.reads.state()
    assert state.incident is not None
    assert state.incident.acked_by == ""
    assert "kim" in operator.open("/")


@pytest.mark.parametrize("action", ACTIONS[:-1])
def test_a_stranger_sends_no_form(ailing: Running, action: str) -> None:
    browser = Browser(ailing)
    browser.open("/sign-in")
    token = token_of(browser)
    assert browser.client.post(action, data={"form_token": token}).status_code == 401
    answer = browser.client.post(action, data={"form_token": token}, headers=HTML)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")


@pytest.fixture
def reader(ailing: Running) -> Browser:
    browser = Browser(ailing)
    browser.sign_in(add(ailing, "reader", Role.READ))
    return browser


def test_a_reader_sees_no_button(ailing: Running, operator: Browser, reader: Browser) -> None:
    """Nor anything that a person has typed."""
    operator.open("/incidents/1")
    operator.send("/incidents/1/notes", text="the secret note")
    operator.send("/incidents/1/acknowledge", note="")
    for address in ("/", "/incidents/1"):
        page = reader.open(address)
        assert "Flask" in page
        assert re.findall(r'<form[^>]*action="([^"]+)"', page) == ["/sign-out"]
        assert "secret note" not in page
        assert "kim" not in page
    reader.open("/")
    for action in ACTIONS[:-1]:
        answer = reader.client.post(action, data={"form_token": token_of(reader)}, headers=HTML)
        assert answer.headers["Location"] == "/sign-in", action
    assert "권한(read)" in reader.open("/silences")


def test_what_is_said_cannot_be_forged(operator: Browser) -> None:
    for said in ("x", "WyJub3RlZCIseyJudW1iZXIiOiI8Yj4ifV0.x"):
        operator.client.set_cookie("neuronova_said", said)
        operator.open("/")
        assert operator.said() == ""


# --- Languages


def test_english_is_remembered(operator: Browser) -> None:
    page = operator.open("/?lang=en")
    assert '<html lang="en">' in page
    assert ">Acknowledge<" in page
    page = operator.open("/incidents/1")
    assert "Incident 1" in page
    assert '<html lang="ko">' in operator.open("/?lang=ko")
    assert '<html lang="ko">' in operator.open("/?lang=xx")


def test_an_order_in_english_is_told_in_korean(ailing: Running, operator: Browser, script: Script) -> None:
    """Whoever is told reads Korean, whatever the page of him who has it checked."""
    operator.open("/?lang=en")
    script["Flask"] = lambda context: Observation((Reading("thing"),))
    operator.send("/run")
    assert operator.said() == "Checked just now: OK (Flask Disk Monitor)"
    told = ailing.monitor.store.reads.story.told(1)
    assert any("복구" in each.text for each in told.values())
    assert all("정상" in line or "위험" in line for each in told.values() for line in each.measured if line.startswith("Flask"))


def test_a_wrong_form_is_shown_in_english(operator: Browser) -> None:
    operator.open("/incidents/1?lang=en")
    page = operator.send("/incidents/1/notes", 422, text=" ")
    assert "Write a note" in page
    assert not KOREAN.search(said_in(page, "en"))


def test_a_reader_reads_english(ailing: Running, operator: Browser, reader: Browser) -> None:
    operator.open("/silences")
    operator.send("/silences", checks=["Flask"], why="moving", minutes="60")
    for address in ("/?lang=en", "/checks/Flask", "/incidents", "/incidents/1", "/compare"):
        told = said_in(reader.open(address), "en")
        assert not KOREAN.search(told), (address, [line for line in told.splitlines() if KOREAN.search(line)])
    assert "withheld" in said_in(reader.open("/"), "en")


def test_way_to_sign_in_keeps_the_language(ailing: Running) -> None:
    answer = ailing.app.test_client().get("/?lang=en", headers=HTML)
    page = ailing.app.test_client().get(answer.headers["Location"], headers=HTML)
    assert '<html lang="en"' in page.text
