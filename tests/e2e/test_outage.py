"""The main story: both programs run, one dies, people are told, once, and told once that it is back."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from monitor_blueprint.storage.store import Store
from tests.e2e.conftest import StartMonitor
from tests.e2e.programs import DEADLINE_S, command
from tests.ml_server.server import Server
from tests.monitor_blueprint.guide import ALERT, without_time
from tests.monitor_blueprint.running import configure
from tests.monitor_blueprint.standins import HttpStandIn, MailStandIn

PATIENT, DOCTOR = "홍길동", "Kim-Minsu"
CHECKS = """
[[check]]
name = "Flask"
kind = "service"
url = "{url}/health"
retry_delay_s = 0.1

[[check]]
name = "Disk"
kind = "disk"
warning = 100
critical = 100
"""

pytestmark = pytest.mark.slow


class MlServers:
    """ML servers one after the other on the same port."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._servers: list[Server] = []

    def start(self) -> Server:
        directory = self._directory / f"ml{len(self._servers)}"
        directory.mkdir()
        bind = self._servers[-1].url.removeprefix("http://") if self._servers else "127.0.0.1:0"
        self._servers.append(Server(directory, {"ML_BIND": bind, "ML_WORKERS": "1"}))
        self._servers[-1].report_with("READY")
        return self._servers[-1]

    def close(self) -> None:
        for server in self._servers:
            server.stop()


@pytest.fixture
def ml_servers(tmp_path: Path) -> Iterator[MlServers]:
    servers = MlServers(tmp_path)
    yield servers
    servers.close()


def kill(server: Server) -> None:
    """`kill -9` of master and workers."""
    pids = [server.process.pid, *server.workers()]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    server.process.wait(DEADLINE_S)
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(pid).wait(DEADLINE_S)


def lines(path: Path) -> list[str]:
    return [without_time(line) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("[20")]


def everything_in(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


def test_outage_is_told_once(
    tmp_path: Path, ml_servers: MlServers, start_monitor: StartMonitor, slack: HttpStandIn, mail: MailStandIn
) -> None:
    """An outage is told once over every channel, and so is its end."""
    ml_server = ml_servers.start()
    path = configure(tmp_path, CHECKS.format(url=ml_server.url))
    environ = {"NEURONOVA_CONFIG": str(path), "SLACK_WEBHOOK": slack.url, **mail.environ}
    health_log = tmp_path / "log" / "health_check.log"

    # A prediction for a patient, and a first health check.
    answer = ml_server.predict({"features": {}, "patient_name": PATIENT, "doctor_name": DOCTOR})
    assert "request_id" in answer.json()
    monitor = start_monitor(environ)
    monitor.reports.until_checked()
    written = lines(health_log)
    assert written[1] == "INFO: NeuroNova 헬스 체크 시작"
    assert "SUCCESS: Flask API: 응답 정상 (HTTP 200)" in written
    assert "INFO: 헬스 체크 완료: OK" in written
    assert lines(monitor.stdout) == written

    # It dies. The next health check sees it, and people are told.
    kill(ml_server)
    done = command("health-check", environ=environ)
    assert done.returncode == 2, done.stderr
    assert [line for line in map(without_time, done.stdout.splitlines()) if line.startswith("ERROR")] == [
        "ERROR: Flask API: 응답 이상 (연결 거부)"
    ]
    alerts = [slack.next_post().text, mail.next_mail().text]
    for alert in alerts:
        first, second, third, zone, server, detail = alert.splitlines()[:6]
        assert (first, second) == (ALERT[0], "실패한 서비스: Flask")
        assert re.fullmatch(r"시각: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", third)
        assert re.fullmatch(r"시간대: \S+ \(UTC[+-]\d\d:\d\d\)", zone)
        assert (server, detail.split(" · ")[0]) == (f"서버: {socket.gethostname()}", "- Flask API: 응답 이상 (연결 거부)")

    # Neither a restart, nor a crash, nor a reload, nor another look repeats it, or takes it for over.
    monitor.end(signal.SIGTERM)
    monitor = start_monitor(environ)
    monitor.reports.until_checked()
    monitor.end(signal.SIGKILL)
    monitor = start_monitor(environ)
    monitor.reports.until_checked()
    monitor.process.send_signal(signal.SIGHUP)
    monitor.reports.until_checked()
    done = command("health-check", "--json", environ=environ)
    assert (done.returncode, '"overall": "CRITICAL"' in done.stdout) == (2, True)

    # It is back.
    back = ml_servers.start()
    done = command("health-check", environ=environ)
    assert done.returncode == 0, done.stdout
    recoveries = [slack.next_post().text, mail.next_mail().text]
    for recovery in recoveries:
        assert recovery.splitlines()[:2] == ["[OK] NeuroNova 서비스 복구", "복구된 서비스: Flask"]

    assert slack.posts.empty()
    assert mail.mails.empty()
    monitor.end()
    back.stop()
    with Store(tmp_path / "state" / "monitor.db") as store:
        (incident,) = store.reads.incidents()
        detail_of = store.reads.incident(incident.number)
    assert incident.closed_at is not None
    assert detail_of is not None
    assert [record.event.kind for record in detail_of.events] == ["opened", "recovered"]
    assert [(each.state, each.attempts) for each in detail_of.deliveries] == [("delivered", 1)] * 4

    # Nobody is named anywhere.
    seen = everything_in(tmp_path) + "".join([*alerts, *recoveries]).encode()
    assert b"predict request_id=" in seen
    for name in (PATIENT, DOCTOR, PATIENT.encode("unicode-escape").decode()):
        assert name.encode() not in seen
