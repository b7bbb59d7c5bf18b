from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from flask.testing import FlaskClient

from monitor_blueprint import notifiers
from monitor_blueprint.domain.models import Reading, Silence, Status
from monitor_blueprint.engine.leader import ScheduleLock
from monitor_blueprint.probes import Observation
from tests.monitor_blueprint import guide
from tests.monitor_blueprint.conftest import Reports, Script, StartMonitor
from tests.monitor_blueprint.running import TOKEN, Running
from tests.monitor_blueprint.standins import HttpStandIn, Reply
from tests.monitor_blueprint.web.test_stats import shape

DOWN = Observation((Reading("thing", Status.CRITICAL, facts={"reason": "<script>alert('gone')</script>"}),))
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
def test_without_the_token_nobody_sees_anything_and_the_answer_is_json(well: Running, address: str, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = well.anybody.get(address, headers=headers)
    assert (answer.status_code, answer.json) == (401, {"ok": False, "error": "the administrators' token is needed"})
    # So that a browser asks for the password.
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", basic(TOKEN)])
def test_the_token_opens_as_bearer_token_and_as_password(well: Running, authorization: str) -> None:
    answer = well.anybody.get("/api/system/stats/", headers={"Authorization": authorization})
    assert answer.status_code == 200


def test_without_a_token_nobody_gets_in(start_monitor: StartMonitor, tmp_path: Path) -> None:
    """None is configured, and none can be made: something else is in its place."""
    (tmp_path / "state" / "admin_token").mkdir(parents=True)
    running = start_monitor(MONITOR_ADMIN_TOKEN="")
    for authorization in ("Bearer ", basic("")):
        assert running.anybody.get("/", headers={"Authorization": authorization}).status_code == 401
    assert "no administrators' token: nobody is let in" in str(health(running.anybody)[1]["problems"])


def test_health_and_the_style_sheet_are_open(well: Running) -> None:
    assert well.anybody.get("/health").status_code == 200
    answer = well.anybody.get("/static/monitor.css")
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    answer.close()


def test_errors_are_json_and_say_what_is_wrong(well: Running) -> None:
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


def test_health_says_when_the_last_check_ended_and_whether_the_schedule_is_alive(well: Running) -> None:
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
    last = well.monitor.store.reads.last_cycle()
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


def test_health_is_alive_when_there_is_nothing_to_complain_of(start_monitor: StartMonitor) -> None:
    running = start_monitor(ALERT_EMAIL="ops@example.com", SMTP_HOST="127.0.0.1")
    status, body = health(running.anybody)
    assert (status, body["status"], body["problems"]) == (200, "alive", [])


def test_health_is_degraded_while_the_log_cannot_be_written(well: Running, tmp_path: Path) -> None:
    for path in (tmp_path / "log").iterdir():
        path.unlink()
    (tmp_path / "log").rmdir()
    (tmp_path / "log").write_text("a file is in the way")
    well.monitor.log.write(20, "a line")
    _, body = health(well.anybody)
    assert body["status"] == "degraded"
    assert f"{tmp_path}/log/health_check.log: " in str(body["problems"])


def test_health_is_503_when_no_check_has_come_to_its_end_for_two_periods(well: Running) -> None:
    old = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10, seconds=1)
    well.monitor.store.run(lambda transaction: transaction.prune(datetime.now(UTC) + timedelta(days=2), 1))
    status, body = health(well.anybody)
    assert (status, body["ok"], body["status"], body["last_check_at"]) == (503, False, "stalled", None)
    well.monitor.store.run(lambda transaction: transaction.record_cycle(old, 1.0, Status.OK, ()))
    status, body = health(well.anybody)
    assert (status, body["status"], body["last_check_at"]) == (503, "stalled", old.isoformat())


def test_the_figures_for_prometheus_have_every_check(ailing: Running) -> None:
    answer = ailing.admin.get("/metrics")
    assert answer.mimetype == "text/plain"
    assert 'neuronova_check_status{check="Flask"} 2.0' in answer.text
    assert 'neuronova_check_status{check="Disk"} 0.0' in answer.text


# --- The pages


def test_the_page_shows_every_check_with_its_status_and_what_it_says(ailing: Running) -> None:
    page = ailing.admin.get("/").text
    assert '<strong id="overall">CRITICAL</strong>' in page
    assert 'id="check-Flask"' in page
    assert 'id="check-Disk"' in page
    assert 'id="check-Monitor"' in page
    assert '<span class="badge critical">CRITICAL</span>' in page
    assert "Disk: thing 정상" in page
    assert "진행 중인 장애 1번" in page


def test_text_from_outside_cannot_become_a_part_of_the_page(ailing: Running) -> None:
    for address in ("/", "/incidents/1"):
        page = ailing.admin.get(address).text
        assert "<script" not in page
    assert "&lt;script&gt;alert(&#39;gone&#39;)&lt;/script&gt;" in ailing.admin.get("/").text


def test_the_page_says_when_the_checks_have_stopped(well: Running) -> None:
    assert '<strong id="overall">OK</strong>' in well.admin.get("/").text
    well.monitor.store.run(lambda transaction: transaction.prune(datetime.now(UTC) + timedelta(days=2), 1))
    page = well.admin.get("/").text
    assert '<strong id="overall">UNKNOWN</strong>' in page
    assert "점검이 멈춰 있습니다" in page


def problems_shown(page: str) -> list[str]:
    return re.findall(r'<p class="problem">모니터: (.*?)</p>', page)


def test_what_is_wrong_with_the_monitor_is_said_to_people_in_korean_and_to_programs_in_english(
    start_monitor: StartMonitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_channel_that_refuses_is_said_in_korean_and_so_is_how_its_message_fared(
    start_monitor: StartMonitor, script: Script
) -> None:
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


def test_an_incident_that_nobody_could_be_told_of_says_so(ailing: Running) -> None:
    assert "<td>알림 채널 없음</td>" in ailing.admin.get("/incidents/1").text


def test_the_page_shows_the_silences_and_who_takes_care(ailing: Running) -> None:
    now = datetime.now(UTC)
    silence = Silence("Flask", now, now + timedelta(hours=1), "<b>배포</b>")
    ailing.monitor.store.run(lambda transaction: transaction.add_silence(silence))
    page = ailing.admin.get("/").text
    assert "담당자 없음" in page
    assert "&lt;b&gt;배포&lt;/b&gt;" in page


def test_an_incident_has_a_page_with_its_course_and_its_evidence(ailing: Running) -> None:
    page = ailing.admin.get("/incidents/1").text
    assert "장애 1번" in page
    assert "<td>발생</td><td>Flask</td>" in page
    assert "메모리 상위 프로세스" in page


def test_an_incident_that_never_was_is_not_found(well: Running) -> None:
    answer = well.admin.get("/incidents/99")
    assert answer.status_code == 404
    assert "장애 99번은 없습니다" in answer.text


def test_the_pages_change_nothing(ailing: Running, reports: Reports) -> None:
    before = ailing.monitor.store.reads.cycles()
    for address in ADDRESSES:
        ailing.admin.get(address)
    assert ailing.monitor.store.reads.cycles() == before
