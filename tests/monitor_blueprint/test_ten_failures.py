"""Ten different failures of real parts: each surface says what, since when, why, where and what to do."""

from __future__ import annotations

import io
import os
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor_blueprint import create_monitor
from monitor_blueprint.cli import main
from monitor_blueprint.engine.health_check import HealthCheck
from monitor_blueprint.text.health_log import HealthLog
from tests.monitor_blueprint.bus import Systemd
from tests.monitor_blueprint.certificates import make_certificate
from tests.monitor_blueprint.page_text import said_in
from tests.monitor_blueprint.probes.looking import nobody, serve
from tests.monitor_blueprint.running import TOKEN
from tests.monitor_blueprint.standins import HttpStandIn, ScriptedMailServer

CONFIGURATION = """
[monitor]
log_dir = "{directory}/log"
state_dir = "{directory}/state"
grace_s = 0
[[check]]
name = "Nginx"
kind = "service"
unit = "nginx"
[[check]]
name = "Masked"
kind = "service"
unit = "masked"
[[check]]
name = "Missing"
kind = "service"
unit = "missing"
[[check]]
name = "Portal"
kind = "http"
url = "{site}portal?token=secret"
attempts = 1
[[check]]
name = "Gone"
kind = "http"
url = "{nobody}"
attempts = 1
[[check]]
name = "DjangoHealth"
kind = "health_body"
url = "{site}api/health/"
[[check]]
name = "Certificate"
kind = "tls"
file = "{directory}/both.pem"
[[check]]
name = "Backup"
kind = "backup"
pattern = "{directory}/backups/*"
[[check]]
name = "Disk"
kind = "disk"
warning = 0.001
critical = 0.001
clear = 0
"""
# What each says of the cause, and one of the commands.
SAID = {
    "Nginx": ("Nginx: 중지됨 (failed/failed, 메모리 부족으로 종료됨)", "sudo journalctl -u nginx.service -n 50"),
    "Masked": ("Masked: 중지됨 (시작이 막혀 있음", "systemctl status masked.service"),
    "Missing": ("Missing: 중지됨 (systemd 유닛 없음)", "sudo neuronova-monitor check-config"),
    "Portal": ("Portal: 응답 이상 (HTTP 503) - {site}portal", "curl -i -m 10 {site}portal"),
    "Gone": ("Gone: 응답 이상 (연결 거부) - {nobody}", "curl -i -m 10 {nobody}"),
    "DjangoHealth": ("Django 자체 점검 실패: database", "curl -i -m 10 {site}api/health/"),
    "Certificate": (
        "TLS 인증서: 1일 후 만료 ({directory}/both.pem",
        "sudo openssl x509 -noout -subject -issuer -dates -ext subjectAltName -in ",
    ),
    "Backup": ("백업: 파일 없음 ({directory}/backups/*)", "systemctl list-timers"),
    "Disk": ("디스크 사용량: ", "df -h /"),
    "Monitor": ("이메일 알림: 전송 실패 (거부됨: … 550 no such user)", "sudo neuronova-monitor check-config --send"),
}
# The same on the English pages.
SAID_IN_ENGLISH = {
    "Nginx": "Nginx: down (failed/failed, killed for lack of memory)",
    "Masked": "Masked: down (masked, cannot be started",
    "Missing": "Missing: down (no such systemd unit)",
    "Portal": "Portal: no proper answer (HTTP 503) - {site}portal",
    "Gone": "Gone: no proper answer (connection refused) - {nobody}",
    "DjangoHealth": "Django's own checks failed: database",
    "Certificate": "TLS certificate: expires in 1 d ({directory}/both.pem",
    "Backup": "Backup: no file ({directory}/backups/*)",
    "Disk": "Disk usage: ",
    "Monitor": "Mail alerts: not delivered (refused: … 550 no such user)",
}
KOREAN = re.compile("[가-힣]")
UNHEALTHY = b'{"status": "unhealthy", "checks": {"database": "error: Hong Gildong", "disk": "ok"}}'


class Surfaces:
    """All that an operator reads of the same ten failures."""

    def __init__(self, directory: Path, environ: dict[str, str], slack: HttpStandIn) -> None:
        app = create_monitor(environ)
        monitor = app.extensions["neuronova_monitor"]
        log = HealthLog(directory / "log", io.StringIO())
        check = HealthCheck(monitor.config, monitor.store, log, monitor.outbox, monitor.self_check)
        began = datetime.now(UTC)
        for minutes in (0, 5):
            check.run(began + timedelta(minutes=minutes), "schedule")
            monitor.outbox.deliver_due()
        while not slack.posts.empty():
            self.alert = slack.posts.get().text
        client = app.test_client()
        operator = {"Authorization": f"Bearer {TOKEN}"}
        page = client.get("/", headers=operator).text
        self.page = unescape(re.sub(r"<[^>]+>", " ", page))
        self.status = self._command(environ, "status")
        self.history = self._command(environ, "history", "1")
        for path, body in (("incidents/1/acknowledgement", {}), ("silences", {"checks": ["Gone"], "why": "moved", "minutes": 9})):
            assert client.post(f"/api/v1/{path}", json=body, headers=operator).status_code < 300
        addresses = ("/", "/incidents", "/incidents/1", "/compare", "/silences", *(f"/checks/{name}" for name in SAID))
        self.english = {each: client.get(f"{each}?lang=en", headers=operator).text for each in addresses}
        client.delete_cookie("neuronova_lang")
        self.after = client.get("/", headers=operator).text
        monitor.store.close()
        monitor.log.close()
        log.close()

    @staticmethod
    def _command(environ: dict[str, str], *arguments: str) -> str:
        return CliRunner(env=environ).invoke(main, list(arguments)).output


@pytest.fixture
def surfaces(tmp_path: Path, systemd: Systemd, seoul: None) -> Iterator[tuple[Surfaces, dict[str, str]]]:
    systemd.has("nginx.service", active="failed", sub="failed", Result="oom-kill", MainPID=0)
    systemd.has("masked.service", load="masked", active="inactive", sub="dead")
    make_certificate(tmp_path)
    with serve() as site, HttpStandIn() as slack, ScriptedMailServer({"RCPT": "550 no such user"}) as mail:
        site.answers, site.status = [UNHEALTHY], 503
        places = {"directory": str(tmp_path), "site": site.url, "nobody": nobody()}
        path = tmp_path / "monitor.toml"
        path.write_text(CONFIGURATION.format(**places))
        own = {"NEURONOVA_CONFIG": str(path), "MONITOR_ADMIN_TOKEN": TOKEN, "SLACK_WEBHOOK": slack.url}
        bus = {"DBUS_SYSTEM_BUS_ADDRESS": os.environ["DBUS_SYSTEM_BUS_ADDRESS"]}
        yield Surfaces(tmp_path, own | mail.environ | bus, slack), places


def test_every_surface_says_it_all(surfaces: tuple[Surfaces, dict[str, str]]) -> None:
    seen, places = surfaces
    for name, (why, command) in SAID.items():
        line, next_ = why.format(**places), command.format(**places)
        for surface in (seen.alert, seen.history, seen.status, seen.page):
            assert name in surface
            assert line in surface, (name, surface)
            assert next_ in surface, (name, surface)
        told = seen.alert.splitlines()
        (number,) = [index for index, each in enumerate(told) if each.startswith(f"- {line}")]
        assert re.search(r" · \d{4}-\d\d-\d\d \d\d:\d\d:\d\d KST부터$", told[number])
        assert told[number + 1].startswith("  확인: ")
        assert len(told[number]) < 200
        assert re.search(rf"^CRITICAL {name} .*\[.*KST부터 장애\]$", seen.status, re.MULTILINE)
    # Nothing brought about the others, and the message says so.
    assert re.search(r"^서로 별개인 장애 10건 \(알려진 공통 원인 없음\): \(1\) Nginx \(2\) Masked ", seen.alert, re.MULTILINE)
    for surface in (seen.alert, seen.history, seen.status, seen.page):
        assert socket.gethostname() in surface
    assert "Gildong" not in seen.alert
    assert "token=secret" not in seen.alert + seen.history + seen.status + seen.page


def test_english_pages_are_english(surfaces: tuple[Surfaces, dict[str, str]]) -> None:
    """What was sent stays as it was; all else that is ours is English, and the next page is Korean again."""
    seen, places = surfaces
    for address, page in seen.english.items():
        told = said_in(page, "en")
        assert not KOREAN.search(told), (address, [line for line in told.splitlines() if KOREAN.search(line)])
    for name, why in SAID_IN_ENGLISH.items():
        for address in ("/", f"/checks/{name}"):
            assert why.format(**places) in unescape(said_in(seen.english[address], "en")), (address, name)
    assert "장애 발생" in seen.english["/incidents/1"]
    assert "중지됨" in seen.after
