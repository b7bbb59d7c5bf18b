from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor_blueprint import config
from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.domain.messages import Delivered, Handover, Message, Outcome, Refused, Retry
from monitor_blueprint.domain.models import Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.engine.self_check import Problem, SelfCheck, whole
from monitor_blueprint.notifiers import Channel
from monitor_blueprint.storage.reads import RoundRecord
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import messages, render
from monitor_blueprint.text.health_log import HealthLog

NOW = datetime(2025, 12, 6, 5, 35, 1, tzinfo=UTC)


class There:
    """The parts of a monitor, one channel's included."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        document = {
            "monitor": {"log_dir": f"{directory}/log", "state_dir": f"{directory}/state", **settings},
            "check": [{"name": "CPU", "kind": "cpu"}],
        }
        self.config = config.parse(document, {}, source="monitor.toml")
        self.store = Store(self.config.database, busy_timeout_s=0.2)
        self.log = HealthLog(self.config.log_dir)
        self.answer: Outcome = Delivered()
        channel = Channel("slack", self._take, host="hooks.slack.com")
        self.outbox = Outbox(self.store, [channel], clock=lambda: NOW, jitter=lambda: 1.0)

    def _take(self, message: Message, handover: Handover) -> Outcome:
        return self.answer

    def self_check(self, config_problem: str = "") -> SelfCheck:
        return SelfCheck(self.config, self.store, self.log, self.outbox, config_problem=config_problem)

    def refuse(self) -> None:
        self.send(Refused("HTTP 404 no_service"))

    def send(self, answer: Outcome) -> None:
        self.answer = answer
        event, result = self.failed()
        message = messages.alert(event, "nn-1", {result.check: result})
        self.store.run(lambda tx: tx.add_event(event, message, self.outbox.receivers))
        self.outbox.deliver_due()

    def failed(self) -> Any:
        damaged = self.config.database.with_name(f"monitor.db.corrupt-{NOW:%Y%m%dT%H%M%S%f}Z")
        damaged.write_bytes(b"x")
        found = self.self_check().loss(NOW)
        damaged.unlink()
        return found

    def close(self) -> None:
        self.store.close()
        self.log.close()


@pytest.fixture
def there(tmp_path: Path) -> Iterator[There]:
    made = There(tmp_path)
    yield made
    made.close()


def test_a_monitor_that_is_well(there: There) -> None:
    check = there.self_check()
    assert check.problems(NOW) == []
    result = check.result(NOW)
    assert [(reading.aspect, reading.status) for reading in result.readings] == [
        ("database", Status.OK),
        ("log", Status.OK),
        ("config", Status.OK),
        ("channel_slack", Status.OK),
    ]


def test_log_and_pages_agree(there: There, tmp_path: Path) -> None:
    """Whatever is an incident of the monitor itself is a problem as well, in the same words."""
    there.refuse()
    (tmp_path / "log").write_text("a file is in the way")
    there.log.check()
    check = there.self_check(config_problem="monitor.toml: wrong")
    result = check.result(NOW)
    shown = [render.line(result, reading) for reading in result.readings if reading.status is Status.CRITICAL]
    assert [problem.sentence for problem in check.problems(NOW)] == shown
    assert len(shown) == 3
    assert [problem.text for problem in check.problems(NOW)][1:] == [
        "monitor.toml was changed and cannot be used",
        "slack: refused",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_lost_log_names_the_cure(there: There, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    path = tmp_path / "log" / "cron.log"
    path.symlink_to("nowhere")
    os.lchown(path, 65534, 65534)
    there.log.check()
    (problem,) = there.self_check().problems(NOW)
    assert problem.text == f"{path}: Permission denied"
    assert problem.sentence == (
        f"로그 파일: 기록 불가 ({path}: Permission denied - 소유자가 바뀜. 조치: systemctl restart gunicorn_monitor)"
    )


def test_some_problems_wake_nobody(there: There) -> None:
    """No lock and no token are seen by whoever looks, but are no incident."""
    check = SelfCheck(there.config, there.store, there.log, there.outbox, has_admin_token=False)
    check.lock_problem = Public("Read-only file system")
    assert [problem.text for problem in check.problems(NOW)] == [
        "no lock file: Read-only file system",
        "no administrators' token: nobody is let in",
    ]
    assert check.result(NOW).status is Status.OK


@pytest.mark.parametrize(("minutes", "is_stalled"), [(10, False), (10.1, True)])
def test_two_missed_rounds_are_a_standstill(there: There, minutes: float, is_stalled: bool) -> None:
    last = RoundRecord(NOW - timedelta(minutes=minutes), 1.0, Status.OK, "schedule")
    assert there.self_check().is_stalled(last, NOW) is is_stalled


def test_no_round_is_a_standstill(there: There) -> None:
    assert there.self_check().is_stalled(None, NOW)


def test_damaged_database_news_lasts_a_day(there: There) -> None:
    assert there.self_check().loss(NOW) is None
    event, result = there.failed()
    assert (event.incident, event.at, event.checks) == (0, NOW, ("Monitor",))
    assert result.readings[0].facts["file"].endswith("Z")
    damaged = there.config.database.with_name(f"monitor.db.corrupt-{NOW - timedelta(days=1):%Y%m%dT%H%M%S%f}Z")
    damaged.write_bytes(b"x")
    assert there.self_check().loss(NOW) is None


@pytest.mark.usefixtures("seoul")
def test_channel_that_is_tried_again_is_told(there: There) -> None:
    """To whoever looks: nobody is woken for a pause. Where, why, since when, what comes next, and what to type."""
    there.send(Retry("HTTP 503"))
    check = there.self_check()
    reading = check.result(NOW).readings[-1]
    assert (reading.aspect, reading.status) == ("trying_slack", Status.WARNING)
    (problem,) = check.problems(NOW)
    assert problem.text == "slack: trying again, 1 waiting"
    assert problem.status is Status.WARNING
    assert problem.sentence == (
        "Slack 알림: 전송 실패, 재시도 중 (hooks.slack.com: HTTP 503, 2025-12-06 14:35:01 KST부터, 대기 1건,"
        " 다음 시도 2025-12-06 14:35:02 KST, 시험: sudo neuronova-monitor test-alert)"
    )


def test_refused_channel_says_all_to_administrators(there: There) -> None:
    """The sentence that leaves stays short."""
    there.refuse()
    result = there.self_check().result(NOW)
    reading = result.readings[-1]
    assert render.line(result, reading) == "Slack 알림: 전송 실패 (거부됨: HTTP 404 no_service)"
    full = render.full_line(result, reading).text
    assert "[hooks.slack.com: HTTP 404 no_service, 2025" in full
    # It is shown until the next look, when another attempt is due, and more wait.
    assert "다음 시도" not in full
    assert "대기" not in full
    (problem,) = there.self_check().problems(NOW)
    assert problem.aspect == reading.aspect
    assert full.endswith("시험: sudo neuronova-monitor test-alert]")


def test_trouble_since_makes_the_whole_a_warning() -> None:
    grave, note = Problem(Public("x"), Public("x"), Status.CRITICAL), Problem(Public("x"), Public("x"))
    assert whole(Status.OK, [grave]) is Status.WARNING
    assert whole(Status.OK, [note]) is Status.OK
    assert whole(Status.UNKNOWN, [grave]) is Status.UNKNOWN
