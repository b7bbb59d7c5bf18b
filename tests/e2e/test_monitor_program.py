"""The monitor as a program: who runs the schedule, what a wrong configuration does, who may see what."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from monitor_blueprint.adapters.http import fetch
from monitor_blueprint.config import own_url
from monitor_blueprint.domain.story import StoryKind
from monitor_blueprint.engine.leader import ScheduleLock
from monitor_blueprint.storage.store import Store
from tests.e2e.conftest import StartMonitor
from tests.e2e.programs import DEADLINE_S, ROOT, clean_environ, command, kill_all, procfile
from tests.monitor_blueprint.conftest import Reports
from tests.monitor_blueprint.guide import without_time
from tests.monitor_blueprint.probes.looking import nobody
from tests.monitor_blueprint.running import configure
from tests.monitor_blueprint.standins import HttpStandIn

DISK = '[[check]]\nname = "Disk"\nkind = "disk"\nwarning = 100\ncritical = 100\n'
DOWN = '[[check]]\nname = "Flask"\nkind = "http"\nurl = "{url}"\nattempts = 1\n'

pytestmark = pytest.mark.slow


def lines(path: Path) -> list[str]:
    return [without_time(line) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("[20")]


def environ_of(directory: Path, checks: str = DISK, **environ: str) -> dict[str, str]:
    return {"NEURONOVA_CONFIG": str(configure(directory, checks)), **environ}


def test_second_monitor_takes_over(tmp_path: Path, start_monitor: StartMonitor) -> None:
    """Of two monitors the second waits, says so, and takes over when the first is killed."""
    environ = environ_of(tmp_path)
    first = start_monitor(environ)
    first.reports.until_checked()
    second = start_monitor(environ)
    # It stands by: it is ready, feeds no watchdog, and says that it will not.
    report = second.reports.until_ready().splitlines()
    assert "WATCHDOG_USEC=0" in report
    assert "WATCHDOG=1" not in report
    assert f"WARNING: 다른 모니터가 실행 중 (PID {first.worker()}) - 대기" in lines(second.stdout)
    body = requests.get(f"{second.url}/health", timeout=DEADLINE_S).json()
    assert body["scheduler"] == {"running": False, "pid": first.worker()}
    assert body["ok"]
    first.end(signal.SIGKILL)
    second.reports.until_checked()
    assert ScheduleLock(tmp_path / "state").holder() == second.worker()
    assert f"INFO: 점검 일정을 맡음 (PID {second.worker()})" in lines(tmp_path / "log" / "cron.log")


def test_journal_knows_how_grave_a_line_is(tmp_path: Path) -> None:
    """Of a health check, of gunicorn and of our own: what goes into the journal has a priority, and the file has none."""
    reports = Reports(tmp_path / "notify")
    with (tmp_path / "journal").open("wb") as journal:
        found = os.fstat(journal.fileno())
        environ = environ_of(
            tmp_path, JOURNAL_STREAM=f"{found.st_dev}:{found.st_ino}", NOTIFY_SOCKET=str(reports.path), HEARTBEAT_URL=nobody()
        )
        with subprocess.Popen(
            [*procfile("monitor"), "--bind", "127.0.0.1:0"], cwd=ROOT, env=clean_environ(environ), stdout=journal, stderr=journal
        ) as process:
            try:
                reports.until_checked()
                # The arbiter complains of it, at the level of a warning or worse.
                psutil.Process(process.pid).children()[0].kill()
                reports.until_checked()
            finally:
                kill_all(process)
    reports.close()
    written = (tmp_path / "journal").read_text(encoding="utf-8").splitlines()
    assert {line[:3] for line in written} <= {"<3>", "<4>", "<6>"}
    assert any(line.startswith("<3>[20") and "] ERROR: 알림 채널이 설정되지 않음" in line for line in written), written
    assert "<4>heartbeat was not accepted: ConnectionError" in written
    assert any(line[:3] in ("<3>", "<4>") and "[ERROR] Worker" in line for line in written), written
    assert "<" not in (tmp_path / "log" / "health_check.log").read_text(encoding="utf-8")


def test_pages_are_where_they_are_wanted(tmp_path: Path, start_monitor: StartMonitor) -> None:
    """Behind a unix socket as well, to which the dead man's switch finds its way."""
    with tempfile.TemporaryDirectory() as directory:
        bind = f"unix:{directory}/http.sock"
        monitor = start_monitor(environ_of(tmp_path, MONITOR_BIND=bind))
        monitor.reports.until_checked()
        assert fetch(f"{own_url({'MONITOR_BIND': bind})}/health", DEADLINE_S).status == 200
        done = command("deadman", environ=environ_of(tmp_path, MONITOR_BIND=bind))
        assert (done.returncode, done.stdout) == (0, "")


def test_pages_for_others_are_refused(tmp_path: Path) -> None:
    environ = environ_of(tmp_path, MONITOR_BIND="0.0.0.0:9001")
    done = subprocess.run(
        [*procfile("monitor")],
        cwd=ROOT,
        env=clean_environ(environ),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == os.EX_CONFIG
    assert "MONITOR_BIND 값은 127.0.0.1:PORT" in done.stderr


def test_killed_worker_is_replaced(tmp_path: Path, start_monitor: StartMonitor) -> None:
    """A worker that is killed is followed by one that goes on."""
    monitor = start_monitor(environ_of(tmp_path))
    monitor.reports.until_checked()
    killed = monitor.worker()
    psutil.Process(killed).kill()
    monitor.reports.until_checked()
    assert monitor.worker() != killed
    assert len([line for line in lines(tmp_path / "log" / "cron.log") if "점검 일정을 맡음" in line]) == 2


def test_one_worker_runs_schedule(tmp_path: Path, start_monitor: StartMonitor) -> None:
    """Started with four workers, the schedule runs in one."""
    environ = environ_of(tmp_path, GUNICORN_CMD_ARGS="--workers 4")
    monitor = start_monitor(environ)
    ready = 0
    while ready < 4:
        ready += "READY=1" in monitor.reports.next()
    assert len([line for line in lines(tmp_path / "log" / "cron.log") if "점검 일정을 맡음" in line]) == 1
    assert len([line for line in lines(monitor.stdout) if "다른 모니터가 실행 중" in line]) == 3


def test_one_worker_runs_schedule_without_state(tmp_path: Path, start_monitor: StartMonitor, slack: HttpStandIn) -> None:
    """Started with four workers, the schedule runs in one even without a state directory."""
    (tmp_path / "state").write_text("a file is in the way")
    monitor = start_monitor(environ_of(tmp_path, GUNICORN_CMD_ARGS="--workers 4", SLACK_WEBHOOK=slack.url))
    ready = checked = 0
    while ready < 4 or not checked:
        report = monitor.reports.next()
        ready += "READY=1" in report
        checked += report == "WATCHDOG=1"
    assert slack.next_post().text.splitlines()[1] == "실패한 서비스: Monitor"
    (holder,) = {
        line.rpartition("PID ")[2].rstrip(")") for line in lines(tmp_path / "log" / "cron.log") if "점검 일정을 맡음" in line
    }
    assert len([line for line in lines(monitor.stdout) if f"다른 모니터가 실행 중 (PID {holder})" in line]) == 3
    psutil.Process(int(holder)).kill()
    monitor.reports.until_checked()
    assert len([line for line in lines(tmp_path / "log" / "cron.log") if "점검 일정을 맡음" in line]) == 2


def test_ends_when_told_to(tmp_path: Path, start_monitor: StartMonitor) -> None:
    """The monitor ends at once when it is told to."""
    monitor = start_monitor(environ_of(tmp_path))
    monitor.reports.until_checked()
    monitor.end(signal.SIGTERM)
    assert monitor.process.returncode == 0
    assert "Traceback" not in monitor.stderr.read_text() + monitor.stdout.read_text()


@pytest.mark.parametrize(
    ("settings", "environ", "expected"),
    [
        ("every_minute = 5", {}, '{path}: [monitor]: 키 "every_minute"은(는) 없는 키 (혹시 "every_minutes"?); 가능한 값: '),
        ("", {"SLACK_WEBHOOK": "hooks.slack.com/secret"}, "환경 변수(monitor.env): SLACK_WEBHOOK 값은 https:// 주소여야 함"),
    ],
)
def test_unusable_configuration_stops_program(tmp_path: Path, settings: str, environ: dict[str, str], expected: str) -> None:
    """A configuration that cannot be used stops the program with one readable line."""
    path = configure(tmp_path, DISK, settings)
    done = subprocess.run(
        [*procfile("monitor"), "--bind", "127.0.0.1:0"],
        cwd=ROOT,
        env=clean_environ({"NEURONOVA_CONFIG": str(path), **environ}),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == os.EX_CONFIG
    (line,) = (done.stdout + done.stderr).splitlines()
    assert line.startswith(expected.format(path=path))
    assert "secret" not in line


def test_broken_reload_keeps_old_configuration(tmp_path: Path, start_monitor: StartMonitor, slack: HttpStandIn) -> None:
    """A reload with a broken configuration keeps the old one running, and tells."""
    environ = environ_of(tmp_path, SLACK_WEBHOOK=slack.url)
    monitor = start_monitor(environ)
    monitor.reports.until_checked()
    configure(tmp_path, "[[check]]")
    monitor.process.send_signal(signal.SIGHUP)
    monitor.reports.until_checked()
    alert = slack.next_post().text
    assert alert.splitlines()[:2] == ["[CRITICAL] NeuroNova 서비스 장애 발생!", "실패한 서비스: Monitor"]
    assert "변경된 설정에 오류가 있어 이전 설정 사용 중" in alert
    written = lines(tmp_path / "log" / "health_check.log")
    assert any(line.startswith("SUCCESS: 디스크 사용량: ") for line in written[-12:])
    health = requests.get(f"{monitor.url}/health", timeout=DEADLINE_S).json()
    assert (health["ok"], health["status"]) == (True, "degraded")
    # Mended, it is taken in.
    configure(tmp_path, DISK + DISK.replace("Disk", "Other"))
    monitor.process.send_signal(signal.SIGHUP)
    monitor.reports.until_checked()
    assert slack.next_post().text.splitlines()[:2] == ["[OK] NeuroNova 서비스 복구", "복구된 서비스: Monitor"]
    done = command("status", environ=environ)
    assert "Other" in done.stdout
    # The one before was still there, as it has to be.
    waited = [line for line in lines(monitor.stdout) if "다른 모니터가 실행 중" in line]
    assert waited == [line for line in waited if line.startswith("INFO: ")]
    with Store(tmp_path / "state" / "monitor.db") as store:
        last = store.reads.story.last(StoryKind.STARTED)
    assert last is not None
    assert last.facts["reread"]
    assert slack.posts.empty()


def test_only_administrators_see_page(tmp_path: Path, start_monitor: StartMonitor) -> None:
    """Only administrators see the statistics and the page."""
    monitor = start_monitor(environ_of(tmp_path))
    monitor.reports.until_checked()
    token = (tmp_path / "state" / "admin_token").read_text().strip()
    for address in ("/", "/api/system/stats/"):
        assert requests.get(monitor.url + address, timeout=DEADLINE_S).status_code == 401
        assert requests.get(monitor.url + address, timeout=DEADLINE_S, auth=("admin", "wrong")).status_code == 401
        assert requests.get(monitor.url + address, timeout=DEADLINE_S, auth=("admin", token)).status_code == 200
    answer = requests.get(f"{monitor.url}/api/system/stats/", timeout=DEADLINE_S, headers={"Authorization": f"Bearer {token}"})
    assert list(answer.json()) == ["cpu", "memory", "disk"]
    written = monitor.stdout.read_text() + monitor.stderr.read_text() + (tmp_path / "log" / "health_check.log").read_text()
    assert token not in written


@pytest.mark.parametrize(("checks", "exit_code", "overall"), [(DISK, 0, "OK"), (DOWN, 2, "CRITICAL")])
def test_health_check_needs_no_monitor(tmp_path: Path, checks: str, exit_code: int, overall: str) -> None:
    """The health check by hand needs no running monitor."""
    environ = environ_of(tmp_path, checks.replace("{url}", nobody()))
    done = command("health-check", environ=environ)
    assert (done.returncode, done.stderr) == (exit_code, "")
    assert done.stdout == (tmp_path / "log" / "health_check.log").read_text(encoding="utf-8")
    assert without_time(done.stdout.splitlines()[-2]) == f"INFO: 헬스 체크 완료: {overall}"


def test_unreadable_request_is_not_logged(start_monitor: StartMonitor, tmp_path: Path) -> None:
    """A request that cannot be read is neither shown nor logged."""
    program = start_monitor(environ_of(tmp_path))
    program.reports.until_ready()
    address = urlsplit(program.url)
    with socket.create_connection((str(address.hostname), address.port or 0), timeout=30) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nAuthorization Bearer a-secret-token\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"ok": False, "error": "the request could not be read"}
    program.end()
    written = program.stdout.read_text() + program.stderr.read_text()
    assert "a request could not be read" in written
    assert "a-secret-token" not in written
