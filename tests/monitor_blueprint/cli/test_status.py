from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor_blueprint.cli import main
from monitor_blueprint.domain.models import Facts, Reading, Silence, Status, Thresholds
from monitor_blueprint.domain.text import Private, Public
from monitor_blueprint.probes import Observation
from monitor_blueprint.storage.store import Store
from tests.monitor_blueprint.conftest import Reports, Script, StartMonitor
from tests.monitor_blueprint.running import ENDED, UNIT, configure
from tests.monitor_blueprint.standins import HttpStandIn, Reply

DOWN = Observation((Reading("thing", Status.CRITICAL, facts={"reason": Public("gone")}),))
FULL = Observation((Reading("usage", value=85.0, unit="%", thresholds=Thresholds(80, 90)),))
SERVER = socket.gethostname()
OLD = f"(서버 {SERVER}). 아래는 마지막 점검 때의 상태입니다. 확인: systemctl status gunicorn_monitor"
Status_ = Callable[[], Result]


@pytest.fixture
def status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: Script) -> Status_:
    """Runs `neuronova-monitor status`."""
    monkeypatch.setenv("NEURONOVA_CONFIG", str(configure(tmp_path)))
    return lambda: CliRunner().invoke(main, ["status"])


@pytest.mark.parametrize(
    ("look", "exit_code", "overall"),
    [(None, 0, "OK"), (FULL, 1, "WARNING"), (DOWN, 2, "CRITICAL")],
    ids=["OK", "WARNING", "CRITICAL"],
)
def test_exit_code_is_the_overall_status(
    start_monitor: StartMonitor, status: Status_, script: Script, look: Observation | None, exit_code: int, overall: str
) -> None:
    if look is not None:
        script["Flask"] = lambda context: look
    start_monitor()
    done = status()
    first, second, *_ = done.output.splitlines()
    what = "" if overall == "OK" else r"Flask \(20[0-9: -]+ [A-Z]+부터\) · "
    assert done.exit_code == exit_code
    assert re.fullmatch(rf"{overall}: {what}서버 {re.escape(SERVER)}", first)
    assert second.startswith("마지막 헬스 체크: 20")


def test_without_a_monitor_nothing_is_said_to_be_well(start_monitor: StartMonitor, status: Status_, tmp_path: Path) -> None:
    """All was well a moment ago, and nobody looks any more."""
    done = status()
    first, second, *_ = done.output.splitlines()
    assert (done.exit_code, first) == (3, f"UNKNOWN: 모니터가 실행되고 있지 않습니다 {OLD}")
    assert second == "마지막 헬스 체크: 없음 (모니터 PID: 없음)"
    with Store(tmp_path / "state" / "monitor.db") as store:
        store.run(lambda tx: tx.record_round(datetime.now(UTC), 1.0, Status.OK, (), "schedule"))
    done = status()
    assert (done.exit_code, done.output.splitlines()[0]) == (3, f"UNKNOWN: 모니터가 실행되고 있지 않습니다 {OLD}")


def test_a_standstill_is_the_first_line(start_monitor: StartMonitor, status: Status_) -> None:
    """The monitor runs, and its schedule does not."""
    running = start_monitor()
    running.monitor.store.run(lambda tx: tx.prune(datetime.now(UTC) + timedelta(days=2), 1))
    done = status()
    assert (done.exit_code, done.output.splitlines()[0]) == (3, f"UNKNOWN: 점검이 멈춰 있습니다 {OLD}")


def test_it_says_what_since_when_why_and_what_next(start_monitor: StartMonitor, status: Status_, script: Script) -> None:
    script["Flask"] = lambda context: DOWN
    start_monitor()
    lines = status().output.splitlines()
    flask, look = next((line, lines[at + 1]) for at, line in enumerate(lines) if line.startswith("CRITICAL Flask "))
    assert "Flask: thing 위험 (gone) [20" in flask
    assert flask.endswith("부터 장애]")
    assert look.strip() == "확인: sudo neuronova-monitor history 1"
    incident, part = lines[-2:]
    assert incident.startswith("진행 중인 장애: 1번 (20")
    assert incident.endswith("담당자 없음, 맡으려면: sudo neuronova-monitor ack · 경과: sudo neuronova-monitor history 1")
    assert part.startswith("  - Flask: 20")


def test_a_row_names_the_cause(start_monitor: StartMonitor, status: Status_, script: Script) -> None:
    """What was found when it failed stands below it."""
    script["Flask"] = lambda context: DOWN
    start_monitor(UNIT).find()
    lines = status().output.splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("CRITICAL Flask "))
    assert [line.strip() for line in lines[at + 1 : at + 4]] == [f"[종료 원인 flask] {ENDED[0]}", *ENDED[1:]]
    assert lines[at + 4].strip().startswith("확인: ")
    script["Flask"] = lambda context: Observation((Reading("thing"),))
    CliRunner().invoke(main, ["health-check"])
    assert "종료 원인" not in status().output, "of what is well"


@pytest.mark.parametrize(("result", "is_named"), [("success", False), ("watchdog", True)])
def test_who_was_stopped_has_no_exception(
    start_monitor: StartMonitor, status: Status_, script: Script, result: str, *, is_named: bool
) -> None:
    facts: Facts = {"state": Public("inactive/dead"), "result": Public(result)}
    script["Flask"] = lambda context: Observation((Reading("thing", Status.CRITICAL, facts=facts),))
    running = start_monitor(UNIT)
    pieces = [("exception flask", Private("at UTC: KeyError ×2")), ("journal flask", Private("at UTC app[1]: ERROR KeyError: 1"))]
    running.monitor.store.run(lambda tx: tx.add_evidence(1, pieces, datetime.now(UTC)))
    assert ("KeyError" in status().output) is is_named


def test_a_warning_says_since_when_and_what_next(start_monitor: StartMonitor, status: Status_, script: Script) -> None:
    """Nobody is told of it, so it has to say so itself."""
    script["Flask"] = lambda context: FULL
    start_monitor()
    lines = status().output.splitlines()
    flask, look = next((line, lines[at + 1]) for at, line in enumerate(lines) if line.startswith("WARNING  Flask "))
    assert re.search(r"경고 기준 80% \[20[0-9: -]+ [A-Z]+부터 경고 · 알림 없이 기록만\]$", flask)
    assert look.strip().startswith("확인: ")


def test_each_command_has_a_line(start_monitor: StartMonitor, status: Status_, script: Script) -> None:
    """What is to be pasted stands alone, and so it does on the check's page, where moments have their zone."""
    script["Flask"] = lambda context: Observation((Reading("thing", Status.UNKNOWN, facts={"reason": Public("gone")}),))
    running = start_monitor()
    commands = [line.strip() for line in status().output.splitlines() if line.strip().startswith("확인: s")]
    assert commands == ["확인: systemctl status gunicorn_monitor", "확인: sudo journalctl -u gunicorn_monitor -n 50"]
    page = running.admin.get("/checks/Flask").text
    assert "<li><code>systemctl status gunicorn_monitor</code></li>" in page
    assert re.search(r"점검 시각: 20[0-9-]+ [0-9:]{8} [A-Z]+ ", page)


def test_silences_are_seen(start_monitor: StartMonitor, status: Status_, script: Script) -> None:
    """What is silenced is no less down; and it is said that nobody is told."""
    script["Flask"] = lambda context: DOWN
    running = start_monitor()
    now = datetime.now(UTC)
    silence = Silence("Flask", now - timedelta(hours=1), now + timedelta(hours=1), "배포")
    running.monitor.store.run(lambda tx: tx.add_silence(silence))
    done = status()
    assert done.exit_code == 2
    assert "알림 중지 중 (20" in next(line for line in done.output.splitlines() if line.startswith("CRITICAL Flask "))
    assert done.output.splitlines()[-1].startswith("알림 중지 1번: Flask, 20")


def test_a_maintenance_window_is_seen(start_monitor: StartMonitor, status: Status_) -> None:
    days = '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'
    window = '[[maintenance]]\ndays = {}\nstart = {}\nend = {}\ntimezone = "UTC"\nwhy = "이사"\n'
    always = window.format(days, "00:00:00", "12:00:00") + window.format(days, "12:00:00", "00:00:00")
    checks = '[[check]]\nname = "Flask"\nkind = "scripted"\nline = "Flask"\n'
    start_monitor(f"{checks}{always}")
    assert "까지, 이사)]" in status().output


def test_an_open_incident_is_in_the_first_line(start_monitor: StartMonitor, status: Status_, script: Script) -> None:
    """Though all is well again, and only its confirmation is awaited."""
    script["Flask"] = lambda context: DOWN
    running = start_monitor()
    with Store(running.monitor.config.database) as store:
        state = store.reads.state()
        well = replace(state.checks["Flask"], status=Status.OK, streak_of=Status.OK)
        store.run(lambda tx: tx.save_state(replace(state, checks={**state.checks, "Flask": well}), datetime.now(UTC)))
    done = status()
    assert (done.exit_code, done.output.splitlines()[0]) == (
        0,
        f"OK: 진행 중인 장애 1번 (Flask 복구 확인 중) · 서버 {SERVER}",
    )


def test_a_failing_channel_is_a_warning(
    start_monitor: StartMonitor, status: Status_, script: Script, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is tried again: where, why, and what to type, never the address itself."""
    script["Flask"] = lambda context: DOWN
    with HttpStandIn(lambda post: Reply(503, "")) as slack:
        monkeypatch.setenv("SLACK_WEBHOOK", slack.url)
        running = start_monitor(SLACK_WEBHOOK=slack.url)
        slack.next_post()
        running.monitor.outbox.deliver_due()
        script.clear()
        running.monitor.schedule.run_soon("test")
        reports.until_checked()
        done = status()
        (channel,) = running.admin.get("/api/v1/channels").get_json()["channels"]
    assert done.exit_code == 1
    note = next(line for line in done.output.splitlines() if line.startswith("모니터: Slack 알림: 전송 실패, 재시도 중 "))
    assert note.startswith("모니터: Slack 알림: 전송 실패, 재시도 중 (127.0.0.1: HTTP 503, 20")
    assert note.endswith(", 시험: sudo neuronova-monitor test-alert)")
    assert any(line.startswith("WARNING  Monitor ") for line in done.output.splitlines())
    assert slack.url not in done.output
    assert (channel["status"], channel["server"], channel["try_command"]) == (
        "WARNING",
        "127.0.0.1",
        "sudo neuronova-monitor test-alert",
    )
    assert channel["sentence"].startswith("127.0.0.1: HTTP 503, 20")
