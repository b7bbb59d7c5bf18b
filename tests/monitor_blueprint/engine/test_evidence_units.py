from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from monitor_blueprint.domain.sanitize import redact_lines
from monitor_blueprint.engine.evidence_found import Subject
from monitor_blueprint.engine.evidence_units import UnitEvidence
from tests.monitor_blueprint.bus import Systemd
from tests.monitor_blueprint.probes.conftest import units_journal

__all__ = ["units_journal"]

NOW = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
BEGIN = NOW - timedelta(minutes=2)
pytestmark = pytest.mark.usefixtures("seoul")


def of(unit: str, journal: str, begin: datetime = BEGIN) -> UnitEvidence:
    return UnitEvidence(Subject(unit, begin), time.monotonic() + 60, journal)


def test_only_the_present_run_counts(units_journal: str) -> None:
    """What was said before somebody started it anew is of a failure that is over."""
    text, public = of("gunicorn_django", units_journal).journal()
    assert public.splitlines() == [
        "12-06 14:34:13 KST systemd: gunicorn_django.service: Starting.",
        "12-06 14:34:14 KST systemd: gunicorn_django.service: Started.",
        "12-06 14:34:58 KST systemd: gunicorn_django.service: Sent signal SIGSTOP to main process on client request.",
    ]
    assert of("gunicorn_django", units_journal).exceptions().public.splitlines() == [
        "12-06 14:34:50 KST 예외: NullPointerException ×1",
        "12-06 14:34:54 KST 예외: ConnectionRefusedError ×2",
    ]
    assert text.splitlines()[0].startswith("2025-12-06 14:34:13 KST systemd[1]: Starting gunicorn_django.service")
    assert "OperationalError" not in text


def test_every_line_is_redacted_by_itself(units_journal: str) -> None:
    lines = redact_lines(of("gunicorn_django", units_journal).journal().text).splitlines()
    assert [line.partition(": ")[2] for line in lines[-4:]] == [
        "ERROR for client",
        "slow: /srv/uploads/***.dcm",
        "gunicorn_django.service: Sent signal SIGSTOP to main process 710 (gunicorn) on client request.",
        "gunicorn_django.service: Sending signal SIGSTOP to process 711 (gunicorn) on client request.",
    ]


def test_attempts_of_systemds_own_count(units_journal: str) -> None:
    """They are one failure; the reload before them is another."""
    text, public = of("gunicorn_flask", units_journal).journal()
    assert public.splitlines()[-3:] == [
        "12-06 14:34:30 KST systemd: gunicorn_flask.service: Main process exited, code=exited, status=78/CONFIG",
        "12-06 14:34:30 KST systemd: gunicorn_flask.service: Failed with result 'exit-code'.",
        "12-06 14:34:30 KST systemd: gunicorn_flask.service: Failed to start (failed).",
    ]
    assert "Control process" not in text
    assert "Stopping" not in text


def test_nothing_written_is_said(units_journal: str) -> None:
    """And older lines are not shown in the place of those of now."""
    text, public = of("quiet", units_journal).journal()
    assert text == public == "이 시각 전후 기록 없음 (12-06 14:33:01 KST 이후)"
    assert of("quiet", units_journal).ending().text == ""


def test_database_says_nobodys_name(units_journal: str) -> None:
    """Of an instance of a template: errors with rows, bytes that are no text, and a line of 10 kB."""
    text, _ = of("postgresql@15-main", units_journal).journal()
    kept = redact_lines(text)
    assert "홍길동" not in kept
    assert len(kept.splitlines()) == 6
    assert "DETAIL:  Key (name)=(***" in kept
    assert "red: broken" in kept
    assert "\x1b" not in kept
    assert max(map(len, kept.splitlines())) <= 1100
    assert of("postgresql@15-main", units_journal).exceptions().public == "12-06 14:34:43 KST 예외: UniqueViolation ×1"


def test_much_written_hides_no_restart(units_journal: str) -> None:
    """systemd's own lines are found behind hundreds of a program's."""
    text, public = of("killed", units_journal).journal()
    assert "status=9/KILL" in public
    assert "restart counter is at 2." in public
    assert len(text.splitlines()) == 25


def test_the_ending_is_of_the_main_process(units_journal: str) -> None:
    """From the journal alone, where systemd is not asked."""
    assert of("gunicorn_flask", units_journal).ending().public.splitlines() == [
        "주 프로세스 종료: 종료 코드 78/CONFIG · 2025-12-06 14:34:30 KST · 자동 재시작 3회",
        "설정 오류: 서비스의 설정 파일을 확인",
    ]
    assert of("killed", units_journal).ending().public.startswith("주 프로세스 종료: 신호 9/KILL · 2025-12-06 14:34:33 KST")
    assert of("gunicorn_django", units_journal).ending().public == ""


def test_a_control_process_is_called_one(units_journal: str) -> None:
    found = of("pre", units_journal)
    assert found.ending().public.startswith("제어 프로세스(ExecStartPre) 종료: 종료 코드 1/FAILURE · 2025-12-06 14:34:30 KST")
    assert "Control process (ExecStartPre) exited, code=exited, status=1/FAILURE" in found.journal().public


def test_systemd_says_where_the_settings_are(units_journal: str, systemd: Systemd) -> None:
    """Its own figures, its unit's files, and what names the wrong setting."""
    ml = ["/opt/venv/bin/python", "/opt/venv/bin/gunicorn", "-c", "python:ml_server.gunicorn_conf", "wsgi:app"]
    systemd.has(
        "gunicorn_flask.service",
        active="activating",
        sub="auto-restart",
        Result="exit-code",
        NRestarts=7,
        ExecMainExitTimestamp=int((NOW - timedelta(seconds=2)).timestamp() * 1e6),
        ExecMainCode=1,
        ExecMainStatus=78,
        ExecStart=[(ml[0], ml, False, 0, 0, 0, 0, 0, 0, 0)],
        EnvironmentFiles=[("/etc/neuronova/ml_server.env", False)],
    )
    assert of("gunicorn_flask", units_journal).ending().public.splitlines() == [
        "주 프로세스 종료: 종료 코드 78/CONFIG · 2025-12-06 14:34:59 KST · 자동 재시작 7회",
        "설정 오류: /etc/neuronova/ml_server.env 를 확인",
        "어느 설정이 틀렸는지 보기: sudo neuronova-model status",
    ]


def test_old_endings_are_not_of_now(units_journal: str, systemd: Systemd) -> None:
    hour_ago_us = int((NOW - timedelta(hours=1)).timestamp() * 1e6)
    systemd.has(
        "quiet.service", active="failed", Result="exit-code", ExecMainExitTimestamp=hour_ago_us, ExecMainCode=1, ExecMainStatus=1
    )
    assert of("quiet", units_journal).ending().public == ""


@pytest.mark.parametrize("active", ["inactive", "deactivating"])
def test_who_was_stopped_fell_over_nothing(units_journal: str, systemd: Systemd, active: str) -> None:
    """What it printed is of another failure; it is kept for those who want to know."""
    systemd.has("gunicorn_django.service", active=active, sub="any", Result="success")
    text, _ = of("gunicorn_django", units_journal).journal()
    assert of("gunicorn_django", units_journal).exceptions().text == ""
    assert "ConnectionRefusedError" in text


def test_who_is_stopped_late_has_not_obeyed(units_journal: str, systemd: Systemd) -> None:
    systemd.has("gunicorn_django.service", active="deactivating", sub="stop-sigterm", Result="watchdog")
    assert "ConnectionRefusedError" in of("gunicorn_django", units_journal).exceptions().text
