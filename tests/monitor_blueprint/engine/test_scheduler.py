from __future__ import annotations

import io
import queue
import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from apscheduler.events import EVENT_JOB_MAX_INSTANCES
from apscheduler.jobstores.base import JobLookupError

from monitor_blueprint.domain.decision import Decision
from monitor_blueprint.domain.models import CheckState, State, Status
from monitor_blueprint.engine import scheduler
from monitor_blueprint.engine.health_check import HealthCheck
from monitor_blueprint.engine.round import HealthReport
from monitor_blueprint.engine.scheduler import BusyError, Schedule
from monitor_blueprint.text.health_log import HealthLog
from tests.monitor_blueprint.guide import without_time
from tests.monitor_blueprint.shortage import few_threads


def report(transitions: Mapping[str, float] | None = None, status: Status = Status.OK) -> HealthReport:
    state = State({"Flask": CheckState(status)})
    return HealthReport(datetime.now(UTC), 1.0, Decision(state, (), (), transitions or {}))


class Check(HealthCheck):
    """A health check that says when it is run, and does what the test says."""

    def __init__(self) -> None:
        self.runs: queue.Queue[tuple[str, Collection[str] | None]] = queue.Queue()
        self.result = report()
        self.work: Callable[[], None] = lambda: None
        self.has_begun = False

    def run(self, now: datetime, reason: str, only: Collection[str] | None = None) -> HealthReport:
        if reason == "schedule" and self.has_begun:
            # The clock has come to a full five minutes in the middle of the test.
            return self.result
        self.has_begun = True
        self.runs.put((reason, only))
        self.work()
        return self.result

    def next_run(self) -> tuple[str, Collection[str] | None]:
        return self.runs.get(timeout=60)


class Planned:
    """A schedule with what it calls."""

    def __init__(self, directory: Path) -> None:
        self.check = Check()
        self.log = HealthLog(directory, io.StringIO())
        self.begun = threading.Semaphore(0)
        self.failed = threading.Semaphore(0)
        self.completed: queue.Queue[HealthReport] = queue.Queue()
        self.schedule = self.plan()
        self._runs = directory / "cron.log"

    def plan(self, **options: float) -> Schedule:
        return Schedule(
            self.check,
            self.log,
            5,
            begun=self.begun.release,
            completed=self.completed.put,
            failed=self.failed.release,
            **options,
        )

    @property
    def lines(self) -> list[str]:
        return [without_time(line) for line in self._runs.read_text(encoding="utf-8").splitlines()]

    def until_completed(self) -> None:
        self.completed.get(timeout=60)


def until(event: threading.Event) -> Callable[[], None]:
    """Work that takes until the event."""

    def wait() -> None:
        event.wait(60)

    return wait


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Planned]:
    planned = Planned(tmp_path)
    yield planned
    planned.schedule.stop()
    # A run that goes on would open the log again. (The library's own `shutdown` breaks what its thread is just doing.)
    with planned.schedule._scheduler._jobstores_lock:
        executors = list(planned.schedule._scheduler._executors.values())
    for executor in executors:
        executor.shutdown(wait=True)
    planned.log.close()


def test_first_run_is_immediate(planned: Planned) -> None:
    """The first health check runs at once, and the next on the full five minutes."""
    assert planned.schedule.next_run_at() is None
    planned.schedule.start()
    assert planned.check.next_run() == ("schedule", None)
    planned.until_completed()
    assert planned.begun.acquire(timeout=60)
    due = planned.schedule.next_run_at()
    assert due is not None
    assert (due.minute % 5, due.second, due.microsecond) == (0, 0, 0)
    assert planned.lines[0] == "INFO: 헬스 체크 실행 (정기 점검)"
    assert re.fullmatch(r"SUCCESS: 헬스 체크 종료: OK \(\d+\.\d\d초\)", planned.lines[1])


def test_missed_runs_are_coalesced(planned: Planned) -> None:
    """Missed runs are made up for by one, and no two run at once."""
    planned.schedule.start()
    planned.until_completed()
    job = planned.schedule._scheduler.get_job("health-check")
    assert (job.coalesce, job.max_instances, job.misfire_grace_time) == (True, 1, 300)


def test_run_log_shows_the_outcome(planned: Planned) -> None:
    planned.check.result = report(status=Status.CRITICAL)
    planned.schedule.start()
    planned.until_completed()
    assert planned.lines[1].startswith("ERROR: 헬스 체크 종료: CRITICAL (")


def test_failed_run_ends_no_schedule(planned: Planned, caplog: pytest.LogCaptureFixture) -> None:
    """A health check that fails is logged, does not count as done, and ends no schedule."""

    def fail() -> None:
        planned.check.work = lambda: None
        raise ZeroDivisionError

    planned.check.work = fail
    planned.schedule.start()
    assert planned.check.next_run() == ("schedule", None)
    planned.schedule.run_soon("manual")
    assert planned.check.next_run() == ("manual", None)
    planned.until_completed()
    assert planned.completed.empty()
    assert "ERROR: 헬스 체크 실패: ZeroDivisionError" in planned.lines
    assert planned.schedule.is_running


def test_run_without_threads_fails(planned: Planned) -> None:
    """A run for which there are no threads has failed, and says so."""
    planned.schedule.start()
    planned.until_completed()
    with few_threads(0):
        planned.schedule.run_soon("manual")
        assert planned.failed.acquire(timeout=60)
    assert "ERROR: 헬스 체크 실패: RuntimeError" in planned.lines
    planned.schedule.run_soon("manual")
    planned.until_completed()


def test_overlapping_due_run_is_skipped(planned: Planned) -> None:
    """A run that is due while the last one has not ended is skipped, and that is said."""
    may_end, is_skipped = threading.Event(), threading.Event()
    planned.check.work = until(may_end)
    planned.schedule._scheduler.add_listener(lambda event: is_skipped.set(), EVENT_JOB_MAX_INSTANCES)
    planned.schedule.start()
    planned.check.next_run()
    planned.schedule._scheduler.modify_job("health-check", next_run_time=datetime.now(UTC))
    assert is_skipped.wait(60)
    may_end.set()
    planned.until_completed()
    assert "WARNING: 예정된 헬스 체크를 건너뜀: 이전 점검이 끝나지 않음" in planned.lines
    assert planned.check.runs.empty()


def test_overlapping_wanted_run_follows(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is wanted while the last one has not ended follows it."""
    monkeypatch.setattr(scheduler, "_AGAIN_S", 0.05)
    planned.schedule.start()
    planned.until_completed()
    planned.check.next_run()
    may_end, is_skipped = threading.Event(), threading.Event()
    planned.check.work = until(may_end)
    planned.schedule._scheduler.add_listener(lambda event: is_skipped.set(), EVENT_JOB_MAX_INSTANCES)
    planned.schedule.run_soon("systemd")
    assert planned.check.next_run() == ("systemd", None)
    planned.schedule.run_soon("systemd")
    assert is_skipped.wait(60)
    may_end.set()
    planned.until_completed()
    assert planned.check.next_run() == ("again", None)
    planned.until_completed()


def test_change_is_checked_then_all(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has changed is looked at at once, and then all that hangs on it."""
    monkeypatch.setattr(scheduler, "_LEAST_PAUSE_S", 0.0)
    planned.schedule.start()
    planned.until_completed()
    planned.check.next_run()
    planned.schedule.check_now(["Flask"], "systemd")
    assert planned.check.next_run() == ("systemd", frozenset({"Flask"}))
    assert planned.check.next_run() == ("systemd", None)
    planned.until_completed()
    # A check of some is no health check that has come to its end.
    assert planned.completed.empty()


def test_endless_changes_make_no_queue(planned: Planned) -> None:
    """A unit that changes without end makes no queue of looks at a slow target."""
    may_end = threading.Event()
    planned.check.work = until(may_end)
    planned.schedule.start()
    planned.check.next_run()
    for _ in range(2):
        planned.schedule.check_now(["Flask"], "systemd")
        assert planned.check.next_run() == ("systemd", frozenset({"Flask"}))
    # Both threads are at work; of all the changes from now on one look is left to do, and one for each other unit.
    for _ in range(100):
        planned.schedule.check_now(["Flask"], "systemd")
    planned.schedule.check_now(["Django"], "systemd")
    may_end.set()
    # A complete round may come between, where the first one has not ended when these have.
    later: list[tuple[str, Collection[str] | None]] = []
    while len(later) < 2:
        run = planned.check.next_run()
        later += [run] if run[1] is not None else []
    assert sorted(later, key=str) == [("systemd", frozenset({name})) for name in ("Django", "Flask")]
    planned.until_completed()
    planned.schedule.check_now(["Flask"], "systemd")
    while planned.check.next_run() != ("systemd", frozenset({"Flask"})):
        pass


def test_slow_check_delays_no_look(planned: Planned) -> None:
    """A look is not held up by a health check that waits for a slow target."""
    may_end = threading.Event()
    planned.check.work = until(may_end)
    planned.schedule.start()
    assert planned.check.next_run() == ("schedule", None)
    planned.check.work = lambda: None
    planned.schedule.check_now(["Flask"], "systemd")
    assert planned.check.next_run() == ("systemd", frozenset({"Flask"}))
    may_end.set()
    planned.until_completed()


def test_restart_loop_limits_complete_checks(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit that restarts without end does not make complete checks without end."""
    monkeypatch.setattr(scheduler, "_LEAST_PAUSE_S", 3600.0)
    planned.schedule.start()
    planned.until_completed()
    planned.check.next_run()
    for _ in range(5):
        planned.schedule.check_now(["Flask"], "systemd")
        assert planned.check.next_run() == ("systemd", frozenset({"Flask"}))
    soon = planned.schedule._scheduler.get_job("soon")
    while soon is None:
        soon = planned.schedule._scheduler.get_job("soon")
    assert planned.check.runs.empty()
    assert 0 < (soon.next_run_time - datetime.now(UTC)).total_seconds() <= 3600


def test_complete_check_follows_failed_look(
    planned: Planned, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scheduler, "_LEAST_PAUSE_S", 0.0)

    def fail() -> None:
        planned.check.work = lambda: None
        raise ZeroDivisionError

    planned.schedule.start()
    planned.until_completed()
    planned.check.next_run()
    planned.check.work = fail
    planned.schedule.check_now(["Flask"], "systemd")
    planned.check.next_run()
    assert planned.check.next_run() == ("systemd", None)
    planned.until_completed()
    assert "check of Flask failed" in caplog.text


def test_transition_is_rechecked_after_grace(planned: Planned) -> None:
    fine = planned.check.result
    planned.check.result = report({"Flask": 0.05})
    planned.check.work = lambda: None
    planned.schedule.start()
    assert planned.check.next_run() == ("schedule", None)
    planned.until_completed()
    planned.check.result = fine
    assert planned.check.next_run() == ("grace", frozenset({"Flask"}))


def test_overdue_schedule_is_rebuilt(planned: Planned) -> None:
    """Where no run has begun for too long, the schedule is made anew."""
    planned.schedule = planned.plan(overdue_s=0.05)
    planned.schedule.start()
    assert planned.check.next_run() == ("schedule", None)
    assert planned.check.next_run() == ("overdue", None)
    assert "WARNING: 예정된 헬스 체크를 건너뜀: 점검이 늦어짐" in planned.lines


def test_stopped_schedule_runs_nothing(planned: Planned) -> None:
    planned.schedule.start()
    planned.until_completed()
    planned.schedule.stop()
    planned.schedule.stop()
    assert not planned.schedule.is_running
    assert planned.schedule.next_run_at() is None
    with pytest.raises(JobLookupError):
        planned.schedule._scheduler.remove_job("soon")


def test_by_hand_is_one_at_a_time(planned: Planned) -> None:
    planned.schedule.start()
    planned.until_completed()
    assert planned.check.next_run() == ("schedule", None)
    is_under_way, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        is_under_way.set()
        assert go_on.wait(60)

    planned.check.work = wait
    first = threading.Thread(target=planned.schedule.run_by_hand)
    first.start()
    assert is_under_way.wait(60)
    with pytest.raises(BusyError):
        planned.schedule.run_by_hand(["Flask"])
    go_on.set()
    first.join(60)
    assert planned.check.next_run() == ("manual", None)


def test_one_by_hand_then_all(planned: Planned) -> None:
    """What hangs on it is looked at as well."""
    planned.schedule.start()
    planned.until_completed()
    assert planned.check.next_run() == ("schedule", None)
    planned.schedule.run_by_hand(["Flask"])
    assert [planned.check.next_run() for _ in range(2)] == [("manual", ["Flask"]), ("manual", None)]


def test_by_hand_without_the_schedule(planned: Planned) -> None:
    """Another process has it, and sees to what hangs on the check."""
    planned.schedule.run_by_hand(["Flask"])
    assert planned.check.next_run() == ("manual", ["Flask"])
    planned.schedule.start()
    planned.until_completed()
    assert planned.check.runs.empty()
