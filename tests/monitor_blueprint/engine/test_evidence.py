from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor_blueprint.engine import evidence
from monitor_blueprint.engine.evidence_found import Subject
from tests.monitor_blueprint.probes.conftest import journal

__all__ = ["journal"]

NOW = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
BEGIN = NOW - timedelta(minutes=5)
ACCESS = """\
203.0.113.9 - - [06/Dec/2025:14:31:01 +0900] "GET /api/health/ HTTP/1.1" 200 157 "-" "curl/7.88.1"
203.0.113.9 - - [06/Dec/2025:14:31:02 +0900] "POST /api/patients/1234567/scan?name=Kim HTTP/1.1" 502 157 "-" "curl"
203.0.113.9 - kim [06/Dec/2025:14:31:03 +0900] "GET /api/by-name/%EA%B9%80 HTTP/1.1" 500 157 "https://x/?name=Kim" "-"
127.0.0.1 - - [06/Dec/2025:14:31:04 +0900] "GET /api/health/ HTTP/1.1" 502 157 "-" "neuronova-monitor"
"""
JSON_ACCESS = """\
{"time_iso8601": "2025-12-06T14:31:30+09:00", "status": 503, "request": "GET /early HTTP/1.1"}
{"time_iso8601": "2025-12-06T14:34:30+09:00", "status": "504", "request": "GET /api/1234567/scan?x=1 HTTP/1.1", "user": "kim"}
{"time_local": "06/Dec/2025:14:34:31 +0900", "status": 502, "request_method": "POST", "uri": "/predict"}
{"msec": "1764999272", "status": 502}
{"status": 502,
"""
pytestmark = pytest.mark.usefixtures("seoul")


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "MOST_S", 60.0)


def collect(folder: Path, journal: str, units: Sequence[str] = ("gunicorn_django",)) -> list[tuple[str, str]]:
    log = folder / "access.log"
    log.write_text(ACCESS)
    return texts_of(collected(units, access_log=log, journal_directory=journal))


def collected(units: Sequence[str], *, seconds: float = 60, begin: datetime = BEGIN, **options: Any) -> list[evidence.Piece]:
    subjects = [Subject(unit, begin) for unit in units]
    return evidence.collect(subjects, begin, NOW, time.monotonic() + seconds, **options)


def texts_of(found: list[evidence.Piece]) -> list[tuple[str, str]]:
    return [(piece.key, piece.text.text) for piece in found]


def test_units_last_lines_are_kept(tmp_path: Path, journal: str) -> None:
    """The failing units' last lines are kept."""
    texts = dict(collect(tmp_path, journal, ("gunicorn_django", "nginx")))
    assert "WORKER TIMEOUT (pid:900)" in texts["journal gunicorn_django"]
    assert "worker process exited on signal 9" in texts["journal nginx"]


def test_the_kernels_kills_are_kept(tmp_path: Path, journal: str) -> None:
    killed = dict(collect(tmp_path, journal))["oom"]
    assert "Killed process 900 (gunicorn)" in killed
    assert len(killed.splitlines()) == 2


def test_what_the_kernel_proves_may_leave(tmp_path: Path, journal: str) -> None:
    """And of the programs' lines only which exceptions they name."""
    found = collected(["gunicorn_django"], access_log=tmp_path, journal_directory=journal)
    public = {piece.key: piece.public for piece in found if piece.public}
    assert set(public) <= {"oom", "journal gunicorn_django"}
    assert [line.split(" ", 3)[3] for line in public["oom"].splitlines()] == [
        "커널이 메모리 부족으로 프로세스를 종료함 (gunicorn, PID 900, 500 MB)",
        "커널이 메모리 부족으로 프로세스를 종료함 (python3, PID 901, 597 MB)",
    ]


def test_recent_5xx_kept_without_persons(tmp_path: Path, journal: str) -> None:
    """The recent 5xx are kept, without who asked and for whom; what the monitor itself was answered is none."""
    assert dict(collect(tmp_path, journal))["nginx_5xx"].splitlines() == [
        "500: 1건 · 502: 1건 (12-06 14:31:02 KST ~ 12-06 14:31:03 KST)",
        "2025-12-06 14:31:02 KST 502 POST /api/patients/***",
        "2025-12-06 14:31:03 KST 500 GET /api/by-name/***",
    ]


def test_statuses_leave_and_no_path(tmp_path: Path, journal: str) -> None:
    log = tmp_path / "access.log"
    log.write_text(ACCESS)
    public = {piece.key: piece.public for piece in collected([], access_log=log, journal_directory=journal)}
    assert public["nginx_5xx"] == "500: 1건 · 502: 1건 (12-06 14:31:02 KST ~ 12-06 14:31:03 KST)"


def test_old_requests_are_not_of_now(tmp_path: Path, journal: str) -> None:
    """Nor are they where the log is in another form; what cannot be understood is left out."""
    log = tmp_path / "access.log"
    log.write_text(ACCESS + JSON_ACCESS)
    begin = NOW - timedelta(minutes=2)
    found = dict(texts_of(collected([], begin=begin, access_log=log, journal_directory=journal)))
    assert found["nginx_5xx"].splitlines() == [
        "502: 1건 · 504: 1건 (12-06 14:34:30 KST ~ 12-06 14:34:31 KST)",
        "2025-12-06 14:34:30 KST 504 GET /api/***/scan",
        "2025-12-06 14:34:31 KST 502 POST /predict",
    ]


def test_the_failing_unit_comes_first(tmp_path: Path, journal: str) -> None:
    found = collect(tmp_path, journal, ("nginx", "gunicorn_django"))
    assert [key for key, _ in found if key.startswith("journal")] == ["journal nginx", "journal gunicorn_django"]


def test_largest_processes_come_first(tmp_path: Path, journal: str) -> None:
    found = dict(collect(tmp_path, journal))
    for key in ("processes_cpu", "processes_memory"):
        lines = found[key].splitlines()
        assert 1 <= len(lines) <= 5
        shares = [float(line.split("%")[0]) for line in lines]
        assert shares == sorted(shares, reverse=True)


def test_processes_have_their_command_lines(tmp_path: Path, journal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name such as "python" says nothing; a secret among the arguments says too much."""
    monkeypatch.setattr(evidence, "PROCESSES", 100_000)
    monkeypatch.setattr(evidence, "MAX_TEXT", 10_000_000)
    waiting = "import sys; print('ready', flush=True); sys.stdin.read()"
    argv = [sys.executable, "-c", waiting, "planted-argument", "--password=planted-secret", "--token", "planted-token"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = dict(collect(tmp_path, journal))
        process.communicate()
    (line,) = [line for line in found["processes_memory"].splitlines() if f" {process.pid} " in line]
    assert line.endswith("planted-argument --password=*** --token ***")
    assert "planted-secret" not in str(found)
    assert "planted-token" not in str(found)


def test_only_the_journal_may_leave(tmp_path: Path, journal: str) -> None:
    """Neither command lines, nor what a check has of its own."""
    more = [("disk /", lambda: "/srv/x"), ("threads nginx", lambda: "x"), ("answers Flask", lambda: "x")]
    found = collected(["gunicorn_django"], access_log=tmp_path, journal_directory=journal, more=more)
    assert {"disk /", "threads nginx", "answers Flask"} <= {piece.key for piece in found}
    assert {piece.key.partition(" ")[0] for piece in found if piece.public} <= {"journal", "oom"}


def test_who_uses_the_memory_is_told(tmp_path: Path, journal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is short: by a name that everybody may know, and by its number; never by its command line."""
    monkeypatch.setattr(evidence, "unit_of", lambda pid: "gunicorn_flask.service")
    options: dict[str, Any] = {"access_log": tmp_path, "journal_directory": journal, "is_of_memory": True}
    found = {piece.key: piece for piece in collected(["gunicorn_flask"], **options)}["processes_memory"]
    pattern = r"가장 많이 쓰는 프로세스: (?:[\w.: -]+, )?gunicorn_flask\.service, PID \d+ \(\d+\.\d%\)"
    assert re.fullmatch(pattern, found.public)
    assert found.text.text.splitlines()[0] == found.public
    private = {piece.key: piece for piece in collected([], **options)}["processes_memory"].public
    assert "gunicorn_flask" not in private, "a unit of others"


def test_evidence_has_no_personal_data(tmp_path: Path, journal: str) -> None:
    """Nothing in the evidence is a secret or a patient."""
    # How the processes of this machine are numbered and called is nobody's secret, and could be any of these.
    everything = " ".join(text for key, text in collect(tmp_path, journal) if not key.startswith("processes_"))
    for secret in ("Kim", "Minsu", "example.org", "abcdefghijk0123", "1234567", "203.0.113.9", "%EA"):
        assert secret not in everything


def test_missing_sources_are_left_out(tmp_path: Path) -> None:
    nowhere = tmp_path / "none"
    found = collected(["nginx"], access_log=nowhere, journal_directory=str(nowhere))
    assert {key for key, _ in texts_of(found)} == {"processes_cpu", "processes_memory"}


def test_what_takes_long_is_left_out(tmp_path: Path, journal: str) -> None:
    """No machine runs a thousand commands in so little time."""
    units = [f"gunicorn_django@{number}" for number in range(1000)]
    found = texts_of(collected(units, seconds=0.2, access_log=tmp_path / "none", journal_directory=journal))
    assert {"oom", "nginx_5xx"}.isdisjoint(key for key, _ in found)
    assert "processes_memory" in dict(found)


def test_expired_deadline_collects_little(tmp_path: Path, journal: str) -> None:
    """A deadline that is over collects next to nothing."""
    found = texts_of(collected(["nginx"], seconds=-1, access_log=tmp_path / "none"))
    assert {key for key, _ in found} <= {"processes_cpu", "processes_memory"}


def test_much_text_keeps_its_newest_lines(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    line = '1.2.3.4 - - [06/Dec/2025:14:34:{} +0900] "GET /{} HTTP/1.1" 500 1 "-" "-"\n'
    log.write_text("".join(line.format(number, "x" * 600) for number in range(10, 60)))
    # The kernel of this machine may have killed somebody, too.
    lines = dict(texts_of(collected([], access_log=log)))["nginx_5xx"].splitlines()
    assert sum(map(len, lines)) <= 4000
    assert lines[-1].startswith("2025-12-06 14:34:59 KST 500 GET")
