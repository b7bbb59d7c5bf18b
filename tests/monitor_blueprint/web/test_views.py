from __future__ import annotations

import base64
import json
import re
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from flask.testing import FlaskClient

from monitor_blueprint import notifiers
from monitor_blueprint.domain.models import CheckState, Reading, Silence, State, Status
from monitor_blueprint.domain.story import StoryEntry, StoryKind
from monitor_blueprint.domain.text import Public
from monitor_blueprint.engine.leader import ScheduleLock
from monitor_blueprint.probes import Observation, ProbeContext
from monitor_blueprint.storage.reads import MANUAL
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import render
from monitor_blueprint.web import stats
from monitor_blueprint.web.pages.page import lasting
from tests.monitor_blueprint import guide
from tests.monitor_blueprint.conftest import Reports, Script, StartMonitor
from tests.monitor_blueprint.running import SCRIPTED, TOKEN, UNIT, Running, configure
from tests.monitor_blueprint.standins import HttpStandIn, Reply
from tests.monitor_blueprint.web.test_stats import shape

STATS_TOKEN = "the-statistics-token"
DOWN = Observation((Reading("thing", Status.CRITICAL, facts={"reason": Public("<script>alert('gone')</script>")}),))
ADDRESSES = ["/", "/incidents/1", "/api/system/stats/", "/metrics", "/nowhere"]


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()


@pytest.fixture
def well(start_monitor: StartMonitor) -> Running:
    """A monitor that has seen all well."""
    return start_monitor()


@pytest.fixture
def ailing(start_monitor: StartMonitor, script: Script) -> Running:
    """A monitor that has seen Flask down."""
    script["Flask"] = lambda context: DOWN
    return start_monitor()


# --- Who may see what


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer wrong", "Bearer ", basic("wrong"), basic(""), "Basic ???", "Negotiate x", "Bearer t\u00f6ken"],
)
def test_token_is_needed(well: Running, address: str, authorization: str) -> None:
    """Without the token nobody sees anything, and the answer is JSON."""
    headers = {"Authorization": authorization} if authorization else {}
    answer = well.anybody.get(address, headers=headers)
    assert (answer.status_code, answer.json) == (401, {"ok": False, "error": "the administrators' token is needed"})
    # So that a browser asks for the password.
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", basic(TOKEN)])
def test_token_opens_both_ways(well: Running, authorization: str) -> None:
    """The token opens as bearer token and as password."""
    answer = well.anybody.get("/api/system/stats/", headers={"Authorization": authorization})
    assert answer.status_code == 200


@pytest.fixture
def shared(start_monitor: StartMonitor) -> Running:
    """A monitor with a token for its statistics alone."""
    return start_monitor(MONITOR_STATS_TOKEN=STATS_TOKEN)


@pytest.mark.parametrize("authorization", [f"Bearer {STATS_TOKEN}", basic(STATS_TOKEN)])
def test_statistics_token_opens_statistics_only(shared: Running, authorization: str) -> None:
    headers = {"Authorization": authorization}
    answer = shared.anybody.get("/api/system/stats/", headers=headers)
    assert (answer.status_code, list(json.loads(answer.text))) == (200, ["cpu", "memory", "disk"])
    others = [("GET", address) for address in ADDRESSES if address != "/api/system/stats/"]
    for method, address in [*others, ("POST", "/api/system/stats/"), ("GET", "/api/system/stats"), ("GET", "/health/")]:
        answer = shared.anybody.open(address, method=method, headers=headers)
        stranger = shared.anybody.open(address, method=method)
        assert (answer.status_code, answer.data) == (stranger.status_code, stranger.data)
        assert answer.status_code in {401, 308}


def test_statistics_stay_the_administrators_too(shared: Running) -> None:
    assert shared.admin.get("/api/system/stats/").status_code == 200
    for token in ("", "wrong", STATS_TOKEN[:-1], f"{STATS_TOKEN}x"):
        answer = shared.anybody.get("/api/system/stats/", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401


def test_without_a_token_nobody_gets_in(start_monitor: StartMonitor, tmp_path: Path) -> None:
    """None is configured, and none can be made: something else is in its place."""
    (tmp_path / "state" / "admin_token").mkdir(parents=True)
    running = start_monitor(MONITOR_ADMIN_TOKEN="")
    for authorization in ("Bearer ", basic("")):
        assert running.anybody.get("/", headers={"Authorization": authorization}).status_code == 401
    assert "no administrators' token: nobody is let in" in str(health(running.anybody)[1]["problems"])


def test_open_addresses_need_no_token(well: Running) -> None:
    """Health and the style sheet are open."""
    assert well.anybody.get("/health").status_code == 200
    answer = well.anybody.get("/static/monitor.css")
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    answer.close()


def test_errors_are_json(well: Running) -> None:
    """Errors are JSON, and say what is wrong."""
    answer = well.admin.get("/nowhere")
    assert (answer.status_code, answer.json) == (404, {"ok": False, "error": "there is no such address"})
    for method in ("POST", "STRANGE"):
        answer = well.admin.open("/", method=method)
        assert (answer.status_code, answer.json) == (405, {"ok": False, "error": "this address is only read"})
        assert answer.allow.as_set() == {"get", "head", "options"}
        assert well.anybody.open("/", method=method).status_code == 401


# --- /api/system/stats/


def test_the_statistics_are_the_guides_json(well: Running) -> None:
    answer = well.admin.get("/api/system/stats/")
    assert answer.mimetype == "application/json"
    assert shape(json.loads(answer.text)) == shape(json.loads(guide.STATS))


# --- /health


def health(client: FlaskClient) -> tuple[int, dict[str, object]]:
    answer = client.get("/health")
    return answer.status_code, json.loads(answer.text)


def test_a_fault_says_nothing(well: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in the answer nor in the log: an exception's text can quote anything."""

    def fail() -> None:
        raise ValueError("홍길동")

    monkeypatch.setattr(stats, "read", fail)
    answer = well.admin.get("/api/system/stats/")
    assert (answer.status_code, answer.json) == (500, {"ok": False, "error": "it could not be answered"})
    assert "monitor.system_stats could not be answered: ValueError (" in caplog.text
    assert "홍길동" not in caplog.text


def test_health_tells_of_the_schedule(well: Running) -> None:
    """Health says when the last check ended, and whether the schedule is alive."""
    status, body = health(well.anybody)
    assert status == 200
    assert list(body) == [
        "ok",
        "status",
        "last_check_at",
        "last_check",
        "last_check_ms",
        "next_check_at",
        "scheduler",
        "problems",
    ]
    last = well.monitor.store.reads.last_round()
    assert last is not None
    due = well.monitor.schedule.next_run_at()
    assert due is not None
    assert (body["ok"], body["last_check"], body["last_check_ms"]) == (True, "OK", last.duration_ms)
    assert (body["last_check_at"], body["next_check_at"]) == (last.started_at.isoformat(), due.isoformat())
    pid = ScheduleLock(well.monitor.config.state_dir).holder()
    assert body["scheduler"] == {"running": True, "pid": pid}


def test_health_is_degraded_without_any_channel(well: Running) -> None:
    status, body = health(well.anybody)
    assert (status, body["status"], body["problems"]) == (200, "degraded", ["no alert channel is configured"])


def test_health_without_problems_is_alive(start_monitor: StartMonitor) -> None:
    """Health is alive when there is nothing to complain of."""
    running = start_monitor(ALERT_EMAIL="ops@example.com", SMTP_HOST="127.0.0.1")
    status, body = health(running.anybody)
    assert (status, body["status"], body["problems"]) == (200, "alive", [])


def test_health_is_degraded_without_log(well: Running, tmp_path: Path) -> None:
    """Health is degraded while the log cannot be written."""
    for path in (tmp_path / "log").iterdir():
        path.unlink()
    (tmp_path / "log").rmdir()
    (tmp_path / "log").write_text("a file is in the way")
    well.monitor.log.write(20, Public("a line"))
    _, body = health(well.anybody)
    assert body["status"] == "degraded"
    assert f"{tmp_path}/log/health_check.log: " in str(body["problems"])


def test_health_is_503_when_stalled(well: Running) -> None:
    """Health is 503 when no check has come to its end for two periods."""
    old = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10, seconds=1)
    well.monitor.store.run(lambda transaction: transaction.prune(datetime.now(UTC) + timedelta(days=2), 1))
    status, body = health(well.anybody)
    assert (status, body["ok"], body["status"], body["last_check_at"]) == (503, False, "stalled", None)
    well.monitor.store.run(lambda transaction: transaction.record_round(old, 1.0, Status.OK, ()))
    status, body = health(well.anybody)
    assert (status, body["status"], body["last_check_at"]) == (503, "stalled", old.isoformat())


def test_first_health_check_is_under_way(tmp_path: Path, reports: Reports, script: Script) -> None:
    """The seconds after the start are no standstill, though the last health check was hours ago."""
    go_on, is_asked = threading.Event(), threading.Event()
    old = datetime.now(UTC) - timedelta(hours=5)
    with Store(tmp_path / "state" / "monitor.db") as store:
        store.run(lambda tx: tx.record_round(old, 1.0, Status.OK, (), "schedule"))
        store.run(lambda tx: tx.save_state(State({"Flask": CheckState(Status.OK, old, old)}), old))

    def wait(context: ProbeContext) -> Observation:
        is_asked.set()
        go_on.wait(60)
        return Observation((Reading("thing"),))

    script["Flask"] = wait
    running = Running(configure(tmp_path), {})
    try:
        assert is_asked.wait(60)
        status, body = health(running.anybody)
        page = running.admin.get("/").text
    finally:
        go_on.set()
        reports.until_checked()
        running.close()
    assert (status, body["ok"], body["status"]) == (200, True, "starting")
    assert "시작 후 첫 점검이 진행 중입니다" in page
    assert '<strong id="overall">UNKNOWN</strong>' in page


def test_statistics_name_what_is_silenced(well: Running) -> None:
    """Beside the guide's keys, and only where something is."""
    now = datetime.now(UTC).replace(microsecond=0)
    until = now + timedelta(hours=1)
    well.monitor.store.run(lambda tx: tx.add_silence(Silence("Flask", now, until, "why")))
    answer = json.loads(well.admin.get("/api/system/stats/").text)
    assert list(answer) == ["cpu", "memory", "disk", "silences"]
    assert answer["silences"] == [{"check": "Flask", "until": until.isoformat()}]


def test_metrics_have_every_check(ailing: Running) -> None:
    """The figures for Prometheus have every check."""
    answer = ailing.admin.get("/metrics")
    assert answer.mimetype == "text/plain"
    assert 'neuronova_check_status{check="Flask"} 2.0' in answer.text
    assert 'neuronova_check_status{check="Disk"} 0.0' in answer.text


# --- The pages


def test_page_shows_every_check(ailing: Running) -> None:
    """The page shows every check, with its status and what it says."""
    page = ailing.admin.get("/").text
    assert '<strong id="overall">CRITICAL</strong>' in page
    assert 'id="check-Flask"' in page
    assert 'id="check-Disk"' in page
    assert 'id="check-Monitor"' in page
    assert '<span class="badge critical">CRITICAL</span>' in page
    assert "Disk: thing 정상" in page
    assert "진행 중인 장애 1번" in page


def test_hostile_text_is_escaped(ailing: Running) -> None:
    """Text from outside cannot become a part of the page."""
    for address in ("/", "/incidents/1"):
        page = ailing.admin.get(address).text
        assert re.findall("<script.*?>", page) == ['<script src="/static/live.js" defer>']
    assert "&lt;script&gt;alert(&#39;gone&#39;)&lt;/script&gt;" in ailing.admin.get("/").text


def test_page_says_when_checks_stopped(well: Running) -> None:
    assert '<strong id="overall">OK</strong>' in well.admin.get("/").text
    well.monitor.store.run(lambda transaction: transaction.prune(datetime.now(UTC) + timedelta(days=2), 1))
    page = well.admin.get("/").text
    assert '<strong id="overall">UNKNOWN</strong>' in page
    assert "점검이 멈춰 있습니다" in page


def test_page_knows_a_check_by_hand(well: Running) -> None:
    """As the command `status` does; whether the schedule still works it does not show."""
    by_hand = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=30)
    well.monitor.store.run(lambda transaction: transaction.record_round(by_hand, 1.0, Status.OK, (), MANUAL))
    assert f"마지막 헬스 체크: {render.local(by_hand)}" in well.admin.get("/").text
    well.monitor.store.run(lambda transaction: transaction.prune(datetime.now(UTC) + timedelta(days=2), 1))
    well.monitor.store.run(lambda transaction: transaction.record_round(by_hand, 1.0, Status.OK, (), MANUAL))
    assert "점검이 멈춰 있습니다" in well.admin.get("/").text


def problems_shown(page: str) -> list[str]:
    return re.findall(r'<p class="problem">모니터: (.*?)</p>', page)


def test_problems_are_said_in_korean(start_monitor: StartMonitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with the monitor is said to people in Korean, and to programs in English."""
    monkeypatch.setattr(notifiers, "__path__", [*notifiers.__path__, str(tmp_path)])
    (tmp_path / "unfinished.py").write_text("")
    fault = f"{tmp_path}/unfinished.py has no "
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "monitor.db").mkdir()
    running = start_monitor()
    texts = cast("list[str]", health(running.anybody)[1]["problems"])
    assert texts[0].startswith("database cannot be used: ")
    assert texts[1] == "no alert channel is configured"
    assert texts[2].startswith(fault)
    assert texts[3:] == []
    assert problems_shown(running.admin.get("/").text) == [
        f"데이터베이스: 사용 불가, 메모리에 기록 중 ({texts[0]})",
        "알림 채널이 설정되지 않음: SLACK_WEBHOOK 또는 ALERT_EMAIL 을 설정하십시오",
        f"사용할 수 없는 알림 채널 파일: {texts[2]}",
    ]


def test_refused_message_is_said_in_korean(start_monitor: StartMonitor, script: Script) -> None:
    """A channel that refuses is said in Korean, and so is how its message fared."""
    script["Flask"] = lambda context: DOWN
    with HttpStandIn(lambda post: Reply(404, "no_service")) as slack:
        running = start_monitor(SLACK_WEBHOOK=slack.url)
        slack.next_post()
        running.monitor.outbox.deliver_due()
    assert health(running.anybody)[1]["problems"] == ["slack: refused"]
    assert problems_shown(running.admin.get("/").text) == ["Slack 알림: 전송 실패 (거부됨: HTTP 404 no_service)"]
    page = running.admin.get("/incidents/1").text
    assert "slack: 거부됨 (HTTP 404 no_service)" in page
    assert '<th scope="col">구분</th>' in page


def test_untold_incident_says_so(ailing: Running) -> None:
    """An incident that nobody could be told of says so."""
    assert "<td>알림 채널 없음</td>" in ailing.admin.get("/incidents/1").text


def test_page_shows_silences(ailing: Running) -> None:
    """The page shows the silences, and who takes care."""
    now = datetime.now(UTC)
    silence = Silence("Flask", now, now + timedelta(hours=1), "<b>배포</b>")
    ailing.monitor.store.run(lambda transaction: transaction.add_silence(silence))
    page = ailing.admin.get("/").text
    assert "담당자 없음" in page
    assert "&lt;b&gt;배포&lt;/b&gt;" in page


def test_page_says_what_is_the_matter(ailing: Running) -> None:
    """What, since when, why, on which server, and what to do next; and that it is silenced."""
    page = ailing.admin.get("/").text
    assert f"서버: {socket.gethostname()}" in page
    assert re.search(r'<p id="what"><strong>Flask \(20[0-9: -]+ [A-Z]+부터\)</strong></p>', page)
    assert re.search(r"% \(관찰 \d+초\)</td>", page), "nobody has watched for 30 days"
    (card,) = re.findall(r'<article class="failure card critical" id="check-Flask".*?</article>', page, re.DOTALL)
    assert re.search(r"20[0-9: -]+ [A-Z]+부터 \(\d+초\)", card)
    assert re.search(r"<p>Flask: thing 위험 .*gone.*</p>", card)
    assert "<code>sudo neuronova-monitor history 1</code>" in card
    now = datetime.now(UTC)
    ailing.monitor.store.run(lambda tx: tx.add_silence(Silence("*", now, now + timedelta(hours=1), "배포")))
    page = ailing.admin.get("/").text
    assert "<article" not in page
    silenced = page[page.index("알림 중지 중인 문제") :]
    assert re.search(r"20[0-9: -]+ [A-Z]+부터 장애 · 알림 중지 중 \(20.*까지, 배포\)</p>", silenced)
    assert re.search(r"<em>알림 중지 중 \(20.*까지, 배포\)</em>", page), "of what is well, too"


def test_page_names_the_cause(start_monitor: StartMonitor, script: Script) -> None:
    """What was found when it failed stands below what it says."""
    script["Flask"] = lambda context: DOWN
    running = start_monitor(UNIT)
    running.find()
    page = running.admin.get("/").text
    found = re.findall(r'<p class="found">(.*?)</p>', page)
    assert found[:2] == ["[종료 원인 flask] 주 프로세스 종료: 종료 코드 78/CONFIG", "설정 오류: &lt;x&gt; 를 확인"]


def test_incident_has_a_page(ailing: Running) -> None:
    """An incident has a page, with its course and its evidence."""
    page = ailing.admin.get("/incidents/1").text
    assert "장애 1번" in page
    assert "<td>발생</td><td>Flask</td>" in page
    assert "메모리 상위 프로세스" in page


def test_a_length_fits_its_moments(well: Running) -> None:
    """It is the difference of both as they are shown, as in the messages."""
    begin = datetime(2025, 12, 6, 5, 34, 28, 990_000, UTC)
    with well.app.test_request_context("/"):
        assert lasting(begin, begin + timedelta(seconds=5.2)) == "6초"


def test_incident_page_begins_with_what_is_wrong(ailing: Running) -> None:
    """What is wrong stands before the forms, which are folded, and the course; none of it once all is over."""
    page = ailing.admin.get("/incidents/1").text
    places = [
        f"서버: {socket.gethostname()}",
        '<article class="failure card critical" aria-label="Flask">',
        "thing 위험",
        "다음에 할 일",
        '<details class="card forms" id="to-do">',
        '<h2 id="course">',
    ]
    assert sorted(places, key=page.index) == places
    ailing.monitor.store.run(lambda tx: tx.save_state(State(last_incident_number=1), datetime.now(UTC)))
    assert "<article" not in ailing.admin.get("/incidents/1").text


def test_incident_page_tells_the_whole_story(ailing: Running) -> None:
    """What was said, what was measured, and what was done meanwhile."""
    entry = StoryEntry(datetime.now(UTC), StoryKind.ACKED, {"by": "<lee>", "number": "1"})
    ailing.monitor.store.run(lambda tx: tx.story.add(entry))
    page = ailing.admin.get("/incidents/1").text
    assert "<pre>[CRITICAL] NeuroNova 서비스 장애 발생!" in page
    assert "측정: Flask: thing 위험" in page
    assert '<td>운영</td><td colspan="2">장애 1번 담당: &lt;lee&gt;</td>' in page
    assert "모니터 시작됨</td>" in page
    assert re.search(r"<li>20.* · 장애 1번 담당: &lt;lee&gt;</li>", ailing.admin.get("/").text)


def test_unknown_incident_is_not_found(well: Running) -> None:
    answer = well.admin.get("/incidents/99")
    assert answer.status_code == 404
    assert "장애 99번은 없습니다" in answer.text


def test_the_pages_change_nothing(ailing: Running, reports: Reports) -> None:
    before = ailing.monitor.store.reads.rounds()
    for address in ADDRESSES:
        ailing.admin.get(address)
    assert ailing.monitor.store.reads.rounds() == before


@pytest.mark.parametrize(
    ("runbook", "shown"),
    [
        ("<b>Call</b> Kim first", "운영 지침: &lt;b&gt;Call&lt;/b&gt; Kim first"),
        ("https://wiki/x?page=1&b", '<a href="https://wiki/x?page=1&amp;b" rel="noreferrer">https://wiki/x?page=1&amp;b</a>'),
        ("javascript:alert(1)", "운영 지침: javascript:alert(1)<"),
    ],
)
def test_page_shows_the_own_runbook(start_monitor: StartMonitor, script: Script, runbook: str, shown: str) -> None:
    script["Flask"] = lambda context: DOWN
    running = start_monitor(SCRIPTED.replace('line = "Flask"', f'line = "Flask"\nrunbook = "{runbook}"'))
    for address in ("/", "/checks/Flask"):
        assert shown in running.admin.get(address).text
    (event,) = running.monitor.store.reads.incident(1).events  # type: ignore[union-attr]
    told = running.monitor.store.reads.story.told(1)[event.id].text
    assert f"\n  지침: {runbook}" in told
