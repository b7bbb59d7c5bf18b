"""The monitor as a program: who runs the schedule, what a wrong configuration does, who may see what."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from monitor_blueprint.engine.leader import ScheduleLock
from tests.e2e.conftest import StartMonitor
from tests.e2e.programs import DEADLINE_S, ROOT, clean_environ, command, procfile
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


def test_of_two_monitors_the_second_waits_says_so_and_takes_over_when_the_first_is_killed(
    tmp_path: Path, start_monitor: StartMonitor
) -> None:
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


def test_a_worker_that_is_killed_is_followed_by_one_that_goes_on(tmp_path: Path, start_monitor: StartMonitor) -> None:
    monitor = start_monitor(environ_of(tmp_path))
    monitor.reports.until_checked()
    killed = monitor.worker()
    psutil.Process(killed).kill()
    monitor.reports.until_checked()
    assert monitor.worker() != killed
    assert len([line for line in lines(tmp_path / "log" / "cron.log") if "점검 일정을 맡음" in line]) == 2


def test_started_with_four_workers_the_schedule_runs_in_one(tmp_path: Path, start_monitor: StartMonitor) -> None:
    environ = environ_of(tmp_path, GUNICORN_CMD_ARGS="--workers 4")
    monitor = start_monitor(environ)
    ready = 0
    while ready < 4:
        ready += "READY=1" in monitor.reports.next()
    assert len([line for line in lines(tmp_path / "log" / "cron.log") if "점검 일정을 맡음" in line]) == 1
    assert len([line for line in lines(monitor.stdout) if "다른 모니터가 실행 중" in line]) == 3


def test_started_with_four_workers_the_schedule_runs_in_one_even_without_a_state_directory(
    tmp_path: Path, start_monitor: StartMonitor, slack: HttpStandIn
) -> None:
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


def test_it_ends_at_once_when_it_is_told_to(tmp_path: Path, start_monitor: StartMonitor) -> None:
    monitor = start_monitor(environ_of(tmp_path))
    monitor.reports.until_checked()
    monitor.end(signal.SIGTERM)
    assert monitor.process.returncode == 0
    assert "Traceback" not in monitor.stderr.read_text() + monitor.stdout.read_text()


@pytest.mark.parametrize(
    ("settings", "environ", "expected"),
    [
        ("every_minute = 5", {}, '{path}: [monitor]: key "every_minute" is not known (did you mean "every_minutes"?); allowed: '),
        ("", {"SLACK_WEBHOOK": "hooks.slack.com/secret"}, "environment: SLACK_WEBHOOK must be an https:// URL"),
    ],
)
def test_a_configuration_that_cannot_be_used_stops_the_program_with_one_readable_line(
    tmp_path: Path, settings: str, environ: dict[str, str], expected: str
) -> None:
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
    assert done.returncode != 0
    (line,) = (done.stdout + done.stderr).splitlines()
    assert line.startswith(expected.format(path=path))
    assert "secret" not in line


def test_a_reload_with_a_broken_configuration_keeps_the_old_one_running_and_tells(
    tmp_path: Path, start_monitor: StartMonitor, slack: HttpStandIn
) -> None:
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
    assert slack.posts.empty()


def test_only_administrators_see_the_statistics_and_the_page(tmp_path: Path, start_monitor: StartMonitor) -> None:
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
def test_the_health_check_by_hand_needs_no_running_monitor(tmp_path: Path, checks: str, exit_code: int, overall: str) -> None:
    environ = environ_of(tmp_path, checks.replace("{url}", nobody()))
    done = command("health-check", environ=environ)
    assert (done.returncode, done.stderr) == (exit_code, "")
    assert done.stdout == (tmp_path / "log" / "health_check.log").read_text(encoding="utf-8")
    assert without_time(done.stdout.splitlines()[-2]) == f"INFO: 헬스 체크 완료: {overall}"


def test_a_request_that_cannot_be_read_is_neither_shown_nor_logged(start_monitor: StartMonitor, tmp_path: Path) -> None:
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
