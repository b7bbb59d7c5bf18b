from __future__ import annotations

import io
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor_blueprint import config
from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.domain.messages import Delivered, Handover, Message
from monitor_blueprint.domain.models import CheckResult, EventKind, ProbeError, Reading, Silence, Status, Thresholds
from monitor_blueprint.domain.text import Public
from monitor_blueprint.engine import evidence, health_check
from monitor_blueprint.engine.evidence_found import Subject
from monitor_blueprint.engine.health_check import HealthCheck
from monitor_blueprint.engine.round import HealthReport
from monitor_blueprint.engine.runner import Runner
from monitor_blueprint.engine.self_check import SelfCheck
from monitor_blueprint.notifiers import Channel
from monitor_blueprint.probes import Observation, ProbeContext
from monitor_blueprint.storage import sqlite
from monitor_blueprint.storage.reads import MANUAL
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko, render
from monitor_blueprint.text.health_log import HealthLog
from tests.monitor_blueprint import guide
from tests.monitor_blueprint.bus import Systemd
from tests.monitor_blueprint.conftest import Script
from tests.monitor_blueprint.guide import without_time
from tests.monitor_blueprint.probes.looking import nobody, serve

NOW = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)
DOWN = Observation((Reading("thing", Status.CRITICAL, facts={"reason": Public("gone")}),))
STRONGER = Observation((Reading("unit", Status.CRITICAL, facts={"state": Public("failed/failed")}),))


class Bench:
    """A health check over a directory, with its log on a page and its messages in a list."""

    def __init__(
        self,
        directory: Path,
        *checks: dict[str, Any],
        channels: Sequence[str] = ("slack",),
        is_embedded: bool = False,
        **settings: Any,
    ) -> None:
        document = {
            "monitor": {"log_dir": f"{directory}/log", "state_dir": f"{directory}/state", **settings},
            "check": [check if "kind" in check else {"kind": "scripted", "line": check["name"], **check} for check in checks],
        }
        self.config = config.parse(document, {}, source="monitor.toml", is_embedded=is_embedded)
        self.now = NOW
        self.sent: list[Message] = []
        self.screen = io.StringIO()
        self.store = Store(self.config.database, busy_timeout_s=0.2)
        self.log = HealthLog(self.config.log_dir, self.screen)
        self.outbox = Outbox(self.store, [Channel(name, self._take) for name in channels], clock=lambda: self.now)
        self.check = self.health_check()

    def health_check(self, config_problem: str = "") -> HealthCheck:
        self_check = SelfCheck(self.config, self.store, self.log, self.outbox, config_problem=config_problem)
        return HealthCheck(self.config, self.store, self.log, self.outbox, self_check)

    def _take(self, message: Message, handover: Handover) -> Delivered:
        self.sent.append(message)
        return Delivered()

    def run(self, at: datetime = NOW, *, only: Sequence[str] | None = None, reason: str = "test") -> HealthReport:
        """Run one health check and deliver what it tells; the page has the lines of this one only."""
        self.now = at
        self.screen.seek(0)
        self.screen.truncate()
        outcome = self.check.run(at, reason, only)
        self.outbox.deliver_due()
        return outcome

    @property
    def lines(self) -> list[str]:
        return [without_time(line) for line in self.screen.getvalue().splitlines()]

    def close(self) -> None:
        self.store.close()
        self.log.close()


MakeBench = Callable[..., Bench]


@pytest.fixture
def bench(tmp_path: Path, script: Script) -> Iterator[MakeBench]:
    benches: list[Bench] = []

    def make(*checks: dict[str, Any] | str, **settings: Any) -> Bench:
        sections = [check if isinstance(check, dict) else {"name": check} for check in checks]
        benches.append(Bench(tmp_path, *sections, **settings))
        return benches[-1]

    yield make
    for each in benches:
        each.close()


def rising(*values: float) -> Callable[[ProbeContext], Observation]:
    """A probe that measures these values, one at a time."""
    waiting = list(values)
    return lambda context: Observation((Reading("usage", value=waiting.pop(0), unit="%", thresholds=Thresholds(80, 90)),))


class GuidesMachine(Runner):
    """Sees what the guide's example shows."""

    def run(self, checks: Sequence[config.Check], *, now: datetime, **_: Any) -> list[CheckResult]:
        limits = Thresholds(80, 90)
        answering = Reading("http", facts={"http_status": 200})
        seen = {
            "Nginx": (Reading("unit"),),
            "Django": (Reading("unit"), answering),
            "Flask": (Reading("unit"), answering),
            "Disk": (Reading("usage", value=45.0, unit="%", thresholds=limits),),
            "Memory": (Reading("usage", value=62.5, unit="%", thresholds=limits),),
            "CPU": (Reading("load", value=28, unit="%", thresholds=Thresholds(70, 90), facts={"load": 0.45, "cores": 4}),),
        }
        return [CheckResult(check.name, check.kind, seen[check.name], now) for check in checks]


def test_log_matches_the_guide(bench: MakeBench) -> None:
    """A health check writes the guide's log, line by line."""
    stack = [
        {"name": "Nginx", "kind": "service", "unit": "nginx"},
        {"name": "Django", "kind": "service", "unit": "gunicorn_django"},
        {"name": "Flask", "kind": "service", "unit": "gunicorn_flask"},
    ]
    resources = [{"name": name, "kind": name.lower()} for name in ("Disk", "Memory", "CPU")]
    there = bench(*stack, *resources)
    there.check._runner = GuidesMachine()
    assert there.run().overall is Status.OK
    expected = [without_time(line) for line in guide.LOG]
    own = [
        "INFO: 7. 모니터 자체 상태 확인 중...",
        "SUCCESS: 데이터베이스: 정상",
        "SUCCESS: 로그 파일: 정상",
        "SUCCESS: 설정: 정상",
        "SUCCESS: Slack 알림: 정상",
    ]
    assert there.lines == [*expected[:17], *own, *expected[17:]]
    assert there.screen.getvalue() == (there.config.log_dir / "health_check.log").read_text(encoding="utf-8")


def test_log_says_what_is_not_told(bench: MakeBench, script: Script, seoul: None) -> None:
    """As long as it is so; the failure is there as ever."""
    script["Flask"] = lambda context: DOWN
    there = bench("Django", "Flask")
    there.store.run(lambda tx: tx.add_silence(Silence("Flask", NOW, NOW + FIVE_MINUTES, "배포")))
    there.run(NOW)
    # Why a person says so is for those who may ask.
    silenced = "INFO: 알림 중지 중: Flask, 2025-12-06 14:40:01 KST까지 - 이유: sudo neuronova-monitor silences"
    assert silenced in there.lines
    assert "ERROR: Flask: thing 위험 (gone)" in there.lines
    assert not there.sent
    there.run(NOW, only=["Django"])
    assert silenced not in there.lines
    there.run(NOW + FIVE_MINUTES)
    assert silenced not in there.lines
    (opened,) = there.sent
    assert "2025-12-06 14:35:01 KST부터" in opened.body, "it opens at its own time"


def test_journal_repeats_nothing(bench: MakeBench, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the schedule finds unchanged is one line in the journal; the file has them all, and so has who checks by hand."""
    there = bench("Django", "Flask")
    script["Flask"] = rising(85.0, 86.0, 84.0, 83.0, 82.0)
    with (tmp_path / "journal").open("w+", encoding="utf-8") as journal:
        found = os.fstat(journal.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        there.log = HealthLog(there.config.log_dir, journal)
        there.check = there.health_check()

        def shown(number: int, reason: str = "schedule") -> list[str]:
            before = journal.tell()
            there.run(NOW + number * FIVE_MINUTES, reason=reason)
            journal.seek(before)
            return [line[:3] + without_time(line[3:]) for line in journal.read().splitlines()]

        first = shown(0)
        assert first[0] == f"<6>INFO: {ko.RULE}"
        assert "<4>WARNING: Flask: usage 경고 (85%) · 경고 기준 80%" in first
        assert shown(1) == ["<4>WARNING: 헬스 체크 완료: WARNING (점검 3개, 변화 없음)"]
        script["Django"] = lambda context: DOWN
        assert "<3>ERROR: Django: thing 위험 (gone)" in shown(2)
        # The alert was news; that it stays down is none.
        assert len(shown(3)) > 1
        assert len(shown(3 + 1, MANUAL)) > 1
        script["Flask"] = rising(82.0)
        assert shown(5) == ["<3>ERROR: 헬스 체크 완료: CRITICAL (점검 3개, 변화 없음) - 문제: Django"]
    text = (there.config.log_dir / "health_check.log").read_text(encoding="utf-8")
    assert text.count("헬스 체크 시작") == 6
    assert "<" not in text


def test_critical_check_is_told_once(bench: MakeBench, script: Script) -> None:
    """What is critical is an error line, and is told once."""
    script["Flask"] = lambda context: DOWN
    there = bench("Django", "Flask")
    outcome = there.run()
    assert outcome.overall is Status.CRITICAL
    assert [(event.kind, event.checks) for event in outcome.decision.events] == [(EventKind.OPENED, ("Flask",))]
    assert [line for line in there.lines if line.startswith("ERROR")] == ["ERROR: Flask: thing 위험 (gone)"]
    assert there.lines[-4:] == [
        "INFO: 알림: 장애 1번 발생 - Flask (slack)",
        f"INFO: {ko.RULE}",
        "INFO: 헬스 체크 완료: CRITICAL",
        f"INFO: {ko.RULE}",
    ]
    (message,) = there.sent
    assert message.body.splitlines()[:2] == ["[CRITICAL] NeuroNova 서비스 장애 발생!", "실패한 서비스: Flask"]
    there.run(NOW + FIVE_MINUTES)
    assert len(there.sent) == 1


def test_alert_and_recovery_match_the_guide(bench: MakeBench, script: Script, seoul: None) -> None:
    """An outage of two is the guide's alert, and its recovery says how long it lasted."""
    script["Django"] = script["Flask"] = lambda context: DOWN
    there = bench("Nginx", "Django", "Flask")
    there.run(NOW)
    script.clear()
    there.run(NOW + FIVE_MINUTES)
    failed, recovered = there.sent
    assert failed.body.splitlines()[:3] == guide.ALERT
    assert recovered.body.splitlines()[:6] == [
        "[OK] NeuroNova 서비스 복구",
        "복구된 서비스: Django Flask",
        "시각: 2025-12-06 14:40:01 KST",
        f"서버: {socket.gethostname()}",
        "- Django: 5분 동안 장애 상태였음 (2025-12-06 14:35:01 ~ 14:40:01 KST)",
        "- Flask: 5분 동안 장애 상태였음 (2025-12-06 14:35:01 ~ 14:40:01 KST)",
    ]


def test_warning_is_only_logged(bench: MakeBench, script: Script) -> None:
    script["Disk"] = rising(80.0)
    there = bench("Disk")
    assert there.run().overall is Status.WARNING
    assert "WARNING: Disk: usage 경고 (80%) · 경고 기준 80%" in there.lines
    assert there.lines[-2] == "INFO: 헬스 체크 완료: WARNING"
    assert not there.sent


def test_value_around_limit_told_once(bench: MakeBench, script: Script) -> None:
    """A value that dances on a limit is told once."""
    script["Disk"] = rising(90.0, 89.0, 90.0, 86.0, 84.9)
    there = bench("Disk")
    statuses = [there.run(NOW + number * FIVE_MINUTES).overall for number in range(5)]
    assert statuses == [Status.CRITICAL, Status.CRITICAL, Status.CRITICAL, Status.CRITICAL, Status.WARNING]
    assert [message.kind for message in there.sent] == ["opened"]


def test_unconfirmed_failure_is_a_warning(bench: MakeBench, script: Script) -> None:
    """A failure that is to be confirmed is a warning until it is."""
    script["Flask"] = lambda context: DOWN
    there = bench({"name": "Flask", "confirm": 2})
    there.run()
    assert "WARNING: Flask: thing 위험 (gone) - 재확인 대기" in there.lines
    assert not any(line.startswith("ERROR") for line in there.lines)
    assert not there.sent
    there.run(NOW + FIVE_MINUTES)
    assert "ERROR: Flask: thing 위험 (gone)" in there.lines
    assert len(there.sent) == 1


def test_stopped_unit_needs_no_confirmation(bench: MakeBench, script: Script) -> None:
    """A unit that systemd calls down needs no confirmation."""
    script["Flask"] = lambda context: STRONGER
    there = bench({"name": "Flask", "confirm": 5})
    assert there.run().overall is Status.CRITICAL


def test_transition_is_rechecked_after_grace(bench: MakeBench, script: Script) -> None:
    """What is in transition is no fault yet, and is to be looked at again after the grace time."""
    settling = Reading("unit", Status.CRITICAL, facts={"state": Public("activating/auto-restart")}, is_settling=True)
    script["Flask"] = lambda context: Observation((settling,))
    there = bench("Django", "Flask", grace_s=10.0)
    outcome = there.run()
    assert "INFO: Flask: 재시작 중 (activating/auto-restart)" in there.lines
    assert outcome.decision.transitions == {"Flask": 10.0}
    assert not there.sent
    # It did not come up in time.
    outcome = there.run(NOW + timedelta(seconds=10.1), only=["Flask"])
    assert outcome.decision.transitions == {}
    assert [message.kind for message in there.sent] == ["opened"]


def test_slow_start_has_its_own_grace(bench: MakeBench, script: Script) -> None:
    """What is known to start slowly, and what an operator says may take longer, is waited for."""
    settling = Reading("unit", Status.CRITICAL, facts={"state": Public("activating/start")}, is_settling=True, settles_s=120.0)
    script["Slow"] = lambda context: Observation((settling,))
    script["Patient"] = lambda context: Observation((replace(settling, settles_s=0.0),))
    there = bench("Slow", {"name": "Patient", "grace_s": 200})
    assert there.run().decision.transitions == {"Slow": 120.0, "Patient": 200.0}
    there.run(NOW + timedelta(seconds=119))
    assert not there.sent
    there.run(NOW + timedelta(seconds=121))
    assert [message.body.splitlines()[1] for message in there.sent] == ["실패한 서비스: Slow"]
    there.run(NOW + timedelta(seconds=201))
    assert there.sent[1].kind == "joined"


def test_probe_is_told_its_grace(bench: MakeBench, script: Script) -> None:
    """After the monitor's own start, too: the machine may have started with it."""
    seen: list[tuple[float, bool]] = []

    def look(context: ProbeContext) -> Observation:
        seen.append((context.grace_s, context.is_starting))
        return Observation((Reading("thing"),))

    script["A"] = script["B"] = look
    there = bench("A", {"name": "B", "grace_s": 3600})
    there.check = HealthCheck(
        there.config,
        there.store,
        there.log,
        there.outbox,
        SelfCheck(there.config, there.store, there.log, there.outbox),
        began_monotonic=time.monotonic() - 100,
    )
    there.run()
    assert sorted(seen) == [(0.0, False), (3600.0, True)]


def test_timely_restart_is_no_outage(bench: MakeBench, script: Script) -> None:
    settling = Reading("unit", Status.CRITICAL, facts={"state": Public("activating/start")}, is_settling=True)
    script["Flask"] = lambda context: Observation((settling,))
    there = bench("Flask")
    there.run()
    script.clear()
    assert there.run(NOW + timedelta(seconds=5), only=["Flask"]).overall is Status.OK
    assert not there.sent


def test_skipped_check_is_neutral(bench: MakeBench) -> None:
    """What is left out on purpose is neither a success nor a warning."""
    there = bench({"name": "Nginx", "kind": "service", "unit": "nginx", "when_absent": "skip"})
    assert there.run().overall is Status.OK
    assert "INFO: Nginx: systemd 유닛 nginx 없음 (점검 제외)" in there.lines


def test_embedded_check_may_appear(bench: MakeBench) -> None:
    """It is left out until there is something to check, without a restart; from then on that is missed, by hand as well."""
    url = nobody()
    section = {"name": "DjangoHealth", "kind": "health_body", "url": url}
    there = bench(section, is_embedded=True)
    left_out = ["INFO: 1. Django 자체 점검 확인 중...", "INFO: DjangoHealth: 이 서버에 없음 (점검 제외)"]
    assert there.run().overall is Status.OK
    assert there.lines[3:5] == left_out
    with serve(port=int(url.rstrip("/").rpartition(":")[2])) as site:
        site.answers = [b'{"status": "healthy"}']
        there.run(NOW + FIVE_MINUTES)
        assert there.lines[4] == "SUCCESS: Django 상태 본문: healthy"
    # Another process, that has only the database in common.
    there.check = there.health_check()
    there.run(NOW + 2 * FIVE_MINUTES, reason=MANUAL)
    assert there.run(NOW + 2 * FIVE_MINUTES + timedelta(seconds=11)).overall is Status.CRITICAL
    assert [message.kind for message in there.sent] == ["opened"]


def test_configured_check_is_never_absent(bench: MakeBench) -> None:
    """What an operator has named is missed at once."""
    there = bench({"name": "DjangoHealth", "kind": "health_body", "url": nobody()})
    there.run()
    assert there.run(NOW + timedelta(seconds=11)).overall is Status.CRITICAL


def test_absent_check_is_always_due(bench: MakeBench, tmp_path: Path) -> None:
    """What runs once a day is seen as soon as it is there."""
    weekly = {"name": "Backup", "kind": "backup", "pattern": f"{tmp_path}/backup/*", "interval_s": 604800}
    there = bench(weekly, is_embedded=True)
    there.run()
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "new").write_bytes(b"x")
    outcome = there.run(NOW + FIVE_MINUTES)
    assert [reading.aspect for reading in outcome.latest["Backup"].readings] != ["absent"]
    assert [result.check for result in there.run(NOW + 2 * FIVE_MINUTES).results] == ["Monitor"]


def test_probe_error_is_unknown(bench: MakeBench, script: Script) -> None:
    """What could not be looked at is unknown, and nobody is blamed."""

    def fail(context: ProbeContext) -> Observation:
        raise ProbeError(Public("no system bus"))

    script["Flask"] = fail
    there = bench("Flask")
    assert there.run().overall is Status.UNKNOWN
    assert "WARNING: Flask: 확인 불가 (no system bus)" in there.lines
    assert there.lines[-2] == "INFO: 헬스 체크 완료: UNKNOWN"
    assert not there.sent
    for number in (1, 2):
        there.run(NOW + number * FIVE_MINUTES)
    assert [message.kind for message in there.sent] == ["blind"]


def test_probe_fault_is_isolated(bench: MakeBench, script: Script) -> None:
    """A fault in one probe is that check's, and the others are checked and alerted as usual."""
    script["Uptime"] = lambda context: Observation((Reading("exists", facts={"path": Path("/etc")}),))  # type: ignore[dict-item]
    script["Flask"] = lambda context: DOWN
    there = bench("Uptime", "Flask")
    assert there.run().overall is Status.CRITICAL
    assert "WARNING: Uptime: 확인 불가 (fault in the probe: its readings cannot be kept: TypeError)" in there.lines
    assert [message.body.splitlines()[1] for message in there.sent] == ["실패한 서비스: Flask"]


def test_partial_check_writes_its_lines(bench: MakeBench, script: Script) -> None:
    """A look at some checks writes those lines only."""
    there = bench("Django", "Flask")
    outcome = there.run(only=["Flask"])
    assert [result.check for result in outcome.results] == ["Flask"]
    assert there.lines == ["INFO: 2. Flask ML 서버 상태 확인 중...", "SUCCESS: Flask: thing 정상"]


def test_undue_check_shows_previous_result(bench: MakeBench, script: Script, seoul: None) -> None:
    """A check that is not due keeps its place and number, and shows its previous result."""
    script["Weekly"] = lambda context: DOWN
    weekly = {"interval_s": 604800}
    there = bench("A", {"name": "Weekly", **weekly}, {"name": "Backup", **weekly}, "B")
    there.run()
    outcome = there.run(NOW + FIVE_MINUTES)
    assert outcome.overall is Status.CRITICAL
    assert [result.check for result in outcome.results] == ["A", "B", "Monitor"]
    assert there.lines[3:12] == [
        "INFO: 1. A 확인 중...",
        "SUCCESS: A: thing 정상",
        "INFO: 2. Weekly 확인 중...",
        "ERROR: Weekly: thing 위험 (gone) - 이전 결과 (2025-12-06 14:35:01 KST)",
        "INFO: 3. Backup 확인 중...",
        "SUCCESS: Backup: thing 정상 - 이전 결과 (2025-12-06 14:35:01 KST)",
        "INFO: 4. B 확인 중...",
        "SUCCESS: B: thing 정상",
        "INFO: 5. 모니터 자체 상태 확인 중...",
    ]
    outcome = there.run(NOW + timedelta(days=7))
    assert [result.check for result in outcome.results] == ["A", "Weekly", "Backup", "B", "Monitor"]


def test_undue_unconfirmed_failure_stays_warning(bench: MakeBench, script: Script, seoul: None) -> None:
    """A failure that waits for its confirmation is no success meanwhile."""
    script["Weekly"] = lambda context: DOWN
    there = bench({"name": "Weekly", "interval_s": 604800, "confirm": 2})
    there.run()
    assert there.run(NOW + FIVE_MINUTES).overall is Status.OK
    assert there.lines[4] == "WARNING: Weekly: thing 위험 (gone) - 재확인 대기 - 이전 결과 (2025-12-06 14:35:01 KST)"


def test_manual_check_repeats_undue_fault(bench: MakeBench, script: Script) -> None:
    """A fault is looked at again by hand, even where it is not due."""
    script["Weekly"] = lambda context: DOWN
    there = bench({"name": "Weekly", "interval_s": 604800})
    there.run()
    script["Weekly"] = lambda context: Observation((Reading("thing"),))
    assert there.run(NOW + FIVE_MINUTES).overall is Status.CRITICAL
    assert there.run(NOW + FIVE_MINUTES, reason=MANUAL).overall is Status.OK
    # What is well is asked no sooner.
    assert [result.check for result in there.run(NOW + 2 * FIVE_MINUTES, reason=MANUAL).results] == ["Monitor"]


def test_what_has_come_back_is_asked_of(bench: MakeBench, script: Script) -> None:
    """A check that is not well is due again as soon as what it depends on is well, and no sooner."""
    script["Flask"] = script["Weekly"] = lambda context: DOWN
    there = bench("Flask", {"name": "Weekly", "interval_s": 604800, "depends_on": ["Flask"]})

    def asked(minutes: int) -> list[str]:
        return [result.check for result in there.run(NOW + timedelta(minutes=minutes)).results]

    assert asked(0) == ["Flask", "Weekly", "Monitor"]
    assert asked(5) == ["Flask", "Monitor"]
    del script["Flask"]
    assert asked(10) == ["Flask", "Monitor"]
    del script["Weekly"]
    assert asked(15) == ["Flask", "Weekly", "Monitor"]
    assert asked(20) == ["Flask", "Monitor"]


def test_what_is_in_transition_is_asked_again(bench: MakeBench, script: Script) -> None:
    script["Weekly"] = lambda context: Observation((Reading("thing", Status.WARNING, is_settling=True),))
    there = bench({"name": "Weekly", "interval_s": 604800})
    assert [len(there.run(NOW + timedelta(minutes=minutes)).results) for minutes in (0, 5, 10)] == [2, 2, 1]


def test_early_run_skips_no_check(bench: MakeBench) -> None:
    there = bench({"name": "A", "interval_s": 600})
    there.run()
    assert len(there.run(NOW + timedelta(seconds=300)).results) == 1
    assert len(there.run(NOW + timedelta(seconds=599)).results) == 2


def test_clock_set_back_still_alerts(bench: MakeBench, script: Script) -> None:
    """A clock that was set back does not make the monitor deaf."""
    there = bench("Flask")
    there.run(NOW + timedelta(days=365))
    script["Flask"] = lambda context: DOWN
    assert there.run(NOW).overall is Status.CRITICAL
    assert len(there.sent) == 1


def test_older_look_is_ignored(bench: MakeBench, script: Script) -> None:
    """An older look says nothing new once a newer one is known."""
    there = bench("Flask")
    there.run(NOW)
    script["Flask"] = lambda context: DOWN
    outcome = there.run(NOW - timedelta(seconds=1))
    assert {result.check: result.status for result in outcome.results} == {"Flask": Status.OK, "Monitor": Status.OK}
    assert "SUCCESS: Flask: thing 정상" in there.lines
    assert not there.sent


def test_probe_gets_its_checkpoint_back(bench: MakeBench, script: Script) -> None:
    """A probe gets back what it remembered."""
    remembered: list[int] = []

    def count(context: ProbeContext) -> Observation:
        number = context.checkpoint.get("count", 0)
        remembered.append(number)
        return Observation((Reading("thing"),), {"count": number + 1})

    script["Log"] = count
    there = bench("Log")
    for number in range(3):
        there.run(NOW + number * FIVE_MINUTES)
    assert remembered == [0, 1, 2]


def test_silenced_check_is_only_logged(bench: MakeBench, script: Script) -> None:
    """A silenced check is checked and written, and not sent."""
    script["Flask"] = lambda context: DOWN
    there = bench("Flask")
    silence = Silence("Flask", NOW, NOW + FIVE_MINUTES, "배포")
    there.store.run(lambda transaction: transaction.add_silence(silence))
    there.run()
    assert "ERROR: Flask: thing 위험 (gone)" in there.lines
    assert not there.sent
    there.run(NOW + FIVE_MINUTES)
    assert len(there.sent) == 1


def test_restart_neither_repeats_nor_forgets(bench: MakeBench, script: Script) -> None:
    """A restart of the monitor neither repeats nor forgets what was told."""
    script["Flask"] = lambda context: DOWN
    first = bench("Flask")
    first.run()
    first.close()
    second = bench("Flask")
    second.run(NOW + FIVE_MINUTES)
    assert not second.sent
    script.clear()
    second.run(NOW + 2 * FIVE_MINUTES)
    assert [message.kind for message in second.sent] == ["recovered"]


def test_incident_keeps_evidence_and_id(bench: MakeBench, script: Script) -> None:
    """An incident keeps evidence, and its messages have the id of the event."""
    script["Flask"] = lambda context: DOWN
    there = bench("Flask")
    there.run()
    detail = there.store.reads.incident(1)
    assert detail is not None
    assert (
        [record.id for record in detail.events] == [message.id for message in there.sent] == ["nn-1-opened-20251206T053501000000"]
    )
    assert {"processes_cpu", "processes_memory"} <= {item.title for item in detail.evidence}
    assert [(delivery.channel, delivery.state) for delivery in detail.deliveries] == [("slack", "delivered")]


def test_evidence_is_of_the_real_unit(bench: MakeBench, systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of its alias, which the journal does not know, nor of the unit that stands for it."""
    asked: list[str] = []

    def collect(subjects: Sequence[Subject], *_: object, **__: object) -> list[evidence.Piece]:
        asked.extend(each.unit for each in subjects)
        return []

    monkeypatch.setattr(evidence, "collect", collect)
    systemd.aliases = {"mysql.service": "mariadb.service"}
    systemd.has("mariadb.service", active="failed", sub="failed")
    systemd.has("postgresql.service", sub="exited", ConsistsOf=["postgresql@15-main.service"])
    systemd.has("postgresql@15-main.service", active="failed", sub="failed")
    systemd.has("nginx.service", active="failed", sub="failed")
    names = {"MySQL": "mysql", "PostgreSQL": "postgresql", "Nginx": "nginx"}
    there = bench(*({"name": name, "kind": "service", "unit": unit} for name, unit in names.items()))
    there.run()
    assert asked == ["mariadb.service", "postgresql@15-main.service", "nginx"]
    assert "ERROR: PostgreSQL: 중지됨 (failed/failed, postgresql@15-main.service)" in there.lines


def test_alert_says_why_it_does_not_start(bench: MakeBench, systemd: Systemd) -> None:
    """And the history has that first, before what else was found."""
    gunicorn = ["/opt/venv/bin/python", "/opt/venv/bin/gunicorn", "-c", "python:ml_server.gunicorn_conf", "wsgi:app"]
    systemd.has(
        "gunicorn_flask.service",
        active="failed",
        sub="failed",
        Result="exit-code",
        NRestarts=4,
        ExecMainExitTimestamp=int((NOW - timedelta(seconds=3)).timestamp() * 1e6),
        ExecMainCode=1,
        ExecMainStatus=78,
        ExecStart=[(gunicorn[0], gunicorn, False, 0, 0, 0, 0, 0, 0, 0)],
        EnvironmentFiles=[("/etc/neuronova/ml_server.env", False)],
    )
    there = bench({"name": "Flask", "kind": "service", "unit": "gunicorn_flask"})
    there.run()
    (told,) = there.store.reads.story.told(1).values()
    assert "[종료 원인 gunicorn_flask]\n주 프로세스 종료: 종료 코드 78/CONFIG · " in told.text
    assert "· 자동 재시작 4회\n설정 오류: /etc/neuronova/ml_server.env 를 확인\n" in told.text
    detail = there.store.reads.incident(1)
    assert detail is not None
    assert detail.evidence[0].title == "unit gunicorn_flask"


def test_missing_channel_is_always_logged(bench: MakeBench) -> None:
    """Without any channel, every health check says so."""
    there = bench("Flask", channels=())
    for number in range(2):
        there.run(NOW + number * FIVE_MINUTES)
        assert f"ERROR: {ko.NO_CHANNEL}" in there.lines


def test_alert_goes_to_every_channel(bench: MakeBench, script: Script) -> None:
    script["Flask"] = lambda context: DOWN
    there = bench("Flask", channels=("email", "slack"))
    there.run()
    assert "INFO: 알림: 장애 1번 발생 - Flask (email, slack)" in there.lines
    assert len(there.sent) == 2


def test_unusable_database_is_an_incident(bench: MakeBench, script: Script, tmp_path: Path) -> None:
    """Without a usable database, checks and alerts go on, and that is an incident too."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "monitor.db").mkdir()
    script["Flask"] = lambda context: DOWN
    there = bench("Flask")
    outcome = there.run()
    assert outcome.overall is Status.CRITICAL
    assert any(line.startswith("ERROR: 데이터베이스: 사용 불가, 메모리에 기록 중 (") for line in there.lines)
    (message,) = there.sent
    assert message.body.splitlines()[1] == "실패한 서비스: Flask Monitor"


def test_manual_check_claims_no_alert(bench: MakeBench, script: Script, tmp_path: Path) -> None:
    """A check by hand that cannot use the database does not say that it told."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "monitor.db").mkdir()
    script["Flask"] = lambda context: DOWN
    there = bench("Flask")
    assert there.run(reason=MANUAL).decision.events
    assert not [line for line in there.lines if line.startswith("INFO: 알림: ")]


def test_damaged_database_is_put_aside(bench: MakeBench, tmp_path: Path) -> None:
    """A damaged database is put aside, and that is written in the log."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "monitor.db").write_bytes(b"this is no database" * 1000)
    there = bench("Flask")
    assert there.run().overall is Status.OK
    assert any(line.startswith("WARNING: 모니터: corrupt database moved to ") for line in there.lines)


def test_damaged_database_is_told_once(bench: MakeBench, tmp_path: Path) -> None:
    """A damaged database is told once, over every channel, in the guide's format."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "monitor.db").write_bytes(b"this is no database" * 1000)
    there = bench("Flask", channels=("slack", "email"))
    now = datetime.now(UTC)
    # Neither a silence nor another health check, a restart included, changes anything about that.
    there.store.run(lambda tx: tx.add_silence(Silence("*", now - FIVE_MINUTES, now + FIVE_MINUTES)))
    there.run(now)
    there.run(now + FIVE_MINUTES)
    first, second = there.sent
    after_a_restart = bench("Flask", channels=("slack", "email"))
    after_a_restart.run(now + 2 * FIVE_MINUTES)
    assert after_a_restart.sent == []
    assert first == second
    (aside,) = (tmp_path / "state").glob("monitor.db.corrupt-*")
    moved = sqlite.last_moved_aside(tmp_path / "state" / "monitor.db")
    assert moved is not None
    assert first.body.splitlines() == [
        "[CRITICAL] NeuroNova 서비스 장애 발생!",
        "실패한 서비스: Monitor",
        f"시각: {render.guide_time(moved[1])}",
        f"시간대: {render.zone(moved[1])}",
        f"서버: {socket.gethostname()}",
        "- 데이터베이스: 손상되어 새로 시작함, 이전 기록과 진행 중이던 장애가 사라졌을 수 있음"
        f" ({aside}) · {render.local(moved[1])}부터",
        "  확인: systemctl status gunicorn_monitor · sudo neuronova-monitor status · sudo journalctl -u gunicorn_monitor -n 50",
    ]


def test_damage_found_elsewhere_is_told(bench: MakeBench, tmp_path: Path) -> None:
    """Damage that another process found is told all the same, once for each time."""
    there = bench("Flask")
    now = datetime.now(UTC)
    there.run(now)
    for number in range(1, 3):
        with closing(sqlite3.connect(there.config.database)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        there.config.database.write_bytes(b"this is no database" * 1000)
        # `neuronova-monitor status`, for one.
        Store(there.config.database).close()
        for _ in range(2):
            there.run(now + number * FIVE_MINUTES)
        assert ["손상" in message.body for message in there.sent] == [True] * number


def test_locked_database_delays_no_alert(bench: MakeBench, script: Script) -> None:
    script["Flask"] = lambda context: DOWN
    there = bench("Flask")
    with closing(sqlite3.connect(there.config.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        there.run()
        assert [message.kind for message in there.sent] == ["opened"]
    # Once it is free again, what was kept in memory is written, and nothing is told twice.
    there.run(NOW + FIVE_MINUTES)
    assert there.store.problem == ""
    assert [record.number for record in there.store.reads.incidents()] == [1]
    assert [message.kind for message in there.sent].count("opened") == 1


def test_unwritable_log_is_an_incident(bench: MakeBench, tmp_path: Path) -> None:
    """A log that cannot be written is an incident of the monitor itself."""
    (tmp_path / "log").write_text("a file is in the way")
    there = bench("Flask")
    there.run()
    assert there.run(NOW + FIVE_MINUTES).overall is Status.CRITICAL
    (message,) = there.sent
    assert message.body.splitlines()[1] == "실패한 서비스: Monitor"
    assert "로그 파일: 기록 불가" in message.body


def test_unused_configuration_is_an_incident(bench: MakeBench) -> None:
    """A configuration that is not in use is an incident of the monitor itself."""
    there = bench("Flask")
    there.check = there.health_check(config_problem="monitor.toml: wrong")
    assert there.run().overall is Status.CRITICAL
    cure = "monitor.toml, 확인: sudo neuronova-monitor check-config"
    assert f"ERROR: 설정: 변경된 설정에 오류가 있어 이전 설정 사용 중 ({cure})" in there.lines


def test_all_units_are_asked_about_once(bench: MakeBench, systemd: Systemd) -> None:
    systemd.has("nginx.service")
    systemd.has("gunicorn_flask.service", active="failed", sub="failed")
    sections = [
        {"name": name, "kind": "service", "unit": unit} for name, unit in (("Nginx", "nginx"), ("Flask", "gunicorn_flask"))
    ]
    there = bench(*sections)
    there.run()
    assert "SUCCESS: Nginx: 정상 실행 중" in there.lines
    assert "ERROR: Flask: 중지됨 (failed/failed)" in there.lines
    assert systemd.asked.count("ListUnitsByNames") == 1


def test_removed_check_forgets(bench: MakeBench, script: Script) -> None:
    """A check that is added again begins anew: what is there now is what is meant."""
    seen: list[dict[str, Any]] = []

    def look(context: ProbeContext) -> Observation:
        seen.append(dict(context.checkpoint))
        return Observation((Reading("thing"),), {"was": "here"})

    script["Data"] = look
    bench("Data").run()
    bench("Data").run(NOW + FIVE_MINUTES)
    bench("Other").run(NOW + 2 * FIVE_MINUTES)
    bench("Data").run(NOW + 3 * FIVE_MINUTES)
    assert seen == [{}, {"was": "here"}, {}]


BODY = b'{"status": "degraded", "checks": {"database": "error: x", "disk": "ok"}}'


@pytest.mark.parametrize("body", [BODY, b'{"status": "degraded"}'], ids=["entry", "status"])
def test_an_ill_site_is_one_alert(bench: MakeBench, systemd: Systemd, body: bytes) -> None:
    """What it says of itself is the cause, whoever is looked at first; and one recovery ends it."""
    systemd.has("site.service", ActiveEnterTimestampMonotonic=1)
    with serve() as site:
        site.answers, site.status = [b'{"status": "ok"}'], 200
        asking: dict[str, Any] = {"kind": "service", "unit": "site", "url": site.url, "attempts": 1}
        reading: dict[str, Any] = {"name": "Body", "kind": "health_body", "url": site.url, "depends_on": ["Site"]}
        there = bench({"name": "Site", **asking}, reading)
        there.run()
        site.answers, site.status = [body], 503
        # systemd has said that the unit has changed.
        there.run(NOW + timedelta(minutes=1), only=["Site"])
        there.run(NOW + timedelta(minutes=2))
        site.answers, site.status = [b'{"status": "ok"}'], 200
        there.run(NOW + timedelta(minutes=3), only=["Site"])
        there.run(NOW + timedelta(minutes=4))
    opened, recovered = there.sent
    assert opened.body.splitlines()[1] == "실패한 서비스: Body Site"
    assert "원인: Body" in opened.body
    assert "별개" not in opened.body
    assert recovered.subject == "[OK] NeuroNova 서비스 복구 Body Site"
    (incident,) = there.store.reads.incidents()
    assert incident.opened_at == NOW + timedelta(minutes=1)


def test_an_older_member_moves_the_beginning(bench: MakeBench, script: Script) -> None:
    """Of the incident, in the history too: it is no later than what belongs to it."""
    there = bench({"name": "A", "confirm": 3}, "B")
    script["A"] = lambda context: DOWN
    there.run()
    script["B"] = lambda context: DOWN
    there.run(NOW + FIVE_MINUTES)
    there.run(NOW + 2 * FIVE_MINUTES)
    (incident,) = there.store.reads.incidents()
    assert (incident.opened_at, incident.checks) == (NOW, ("B", "A"))
    assert "서로 별개인 장애 2건 (알려진 공통 원인 없음): (1) A (2) B" in there.sent[-1].body.splitlines()


def test_every_surface_has_the_same_duration(bench: MakeBench, script: Script) -> None:
    """What the message says, and what the history says and its two moments give."""
    there = bench("A", "B")
    script["A"] = script["B"] = lambda context: DOWN
    there.run(NOW + timedelta(seconds=0.9))
    del script["A"]
    there.run(NOW + timedelta(seconds=31.2), only=["A"])
    settling = Observation((replace(DOWN.readings[0], is_settling=True),))
    script["B"] = lambda context: settling
    there.run(NOW + timedelta(seconds=32), only=["B"])
    del script["B"]
    there.run(NOW + timedelta(seconds=37.3))
    (incident,) = there.store.reads.incidents()
    assert incident.closed_at == NOW + timedelta(seconds=37.3)
    line = render.incident_line(incident.number, incident.checks, incident.opened_at, incident.closed_at)
    assert line.endswith("(37초)  A B")
    assert "- B: 37초 동안" in "".join(message.body for message in there.sent)


def test_a_stop_under_way_is_told_by_its_end(bench: MakeBench, systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would say later that it has stopped."""
    monkeypatch.setattr(health_check, "STOP_S", 60.0)
    systemd.has("site.service", active="deactivating", sub="stop-sigterm", job="stop")
    there = bench({"name": "Site", "kind": "service", "unit": "site"})
    ending = threading.Timer(0.3, lambda: systemd.has("site.service", active="inactive", sub="dead", job="", MainPID=0))
    ending.start()
    there.run()
    ending.join()
    (told,) = there.sent
    assert "- Site: 중지됨 (inactive/dead, systemctl stop 등으로 오류 없이 정지됨)" in told.body
    assert there.store.reads.latest_results()["Site"].at == NOW


def test_a_stop_that_takes_long_is_not_waited_for(bench: MakeBench, systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alert is due; it says that it has not stopped yet."""
    monkeypatch.setattr(health_check, "STOP_S", 0.2)
    systemd.has("site.service", active="deactivating", sub="stop-sigterm", job="stop")
    there = bench({"name": "Site", "kind": "service", "unit": "site"})
    there.run()
    assert "- Site: 정지하는 중 (deactivating/stop-sigterm, 아직 멈추지 않음)" in there.sent[0].body


NGINX = {"name": "Nginx", "kind": "service", "unit": "nginx"}
SITE = {"name": "Site", "kind": "service", "unit": "site"}


@pytest.mark.parametrize("going", [{"active": "deactivating", "sub": "stop-sigterm"}, {"active": "active"}])
def test_what_is_stopped_together_is_told_together(
    bench: MakeBench, systemd: Systemd, monkeypatch: pytest.MonkeyPatch, going: dict[str, str]
) -> None:
    """One command stops several units, and systemd's signal of the first brings the look at that one."""
    monkeypatch.setattr(health_check, "STOP_S", 60.0)
    systemd.has("nginx.service")
    systemd.has("site.service")
    there = bench(NGINX, SITE)
    there.run()
    systemd.has("nginx.service", active="inactive", sub="dead", MainPID=0)
    systemd.has("site.service", job="stop", **going)
    ending = threading.Timer(0.3, lambda: systemd.has("site.service", active="inactive", sub="dead", job="", MainPID=0))
    ending.start()
    there.run(NOW + timedelta(seconds=60), only=["Nginx"])
    ending.join()
    there.run(NOW + timedelta(seconds=59.5), only=["Site"])
    there.run(NOW + timedelta(seconds=61))
    (told,) = there.sent
    assert told.body.splitlines()[1] == "실패한 서비스: Nginx Site"
    assert "- Site: 중지됨 (inactive/dead, systemctl stop 등으로 오류 없이 정지됨)" in told.body


def test_who_stays_up_holds_up_no_alert(bench: MakeBench, systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor who is restarted, nor who has been down before."""
    monkeypatch.setattr(health_check, "STOP_LOOK_S", 3600.0)
    for unit in ("nginx", "site", "worker"):
        systemd.has(f"{unit}.service")
    systemd.has("worker.service", active="failed", sub="failed", MainPID=0)
    there = bench(NGINX, SITE, {"name": "Worker", "kind": "service", "unit": "worker"}, "Disk")
    there.run()
    systemd.has("nginx.service", active="inactive", sub="dead", MainPID=0)
    systemd.has("site.service", active="deactivating", sub="stop-sigterm", job="restart")
    there.run(NOW + timedelta(seconds=60), only=["Nginx"])
    assert [each.body.splitlines()[1] for each in there.sent] == ["실패한 서비스: Worker", "실패한 서비스: Nginx Worker"]


def test_who_is_started_again_meanwhile_has_not_failed(
    bench: MakeBench, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_check, "STOP_S", 60.0)
    systemd.has("site.service", active="deactivating", sub="stop-sigterm", job="stop")
    there = bench({"name": "Site", "kind": "service", "unit": "site"})
    ending = threading.Timer(0.3, lambda: systemd.has("site.service", active="activating", sub="start", job="start"))
    ending.start()
    there.run()
    ending.join()
    assert there.sent == []
