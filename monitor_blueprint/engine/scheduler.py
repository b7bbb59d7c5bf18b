"""When the health check runs: APScheduler, in the one process that holds the lock."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_RUNNING
from apscheduler.triggers.cron import CronTrigger

from monitor_blueprint.domain.text import class_name, fill, member
from monitor_blueprint.engine.health_check import HealthCheck
from monitor_blueprint.engine.round import HealthReport
from monitor_blueprint.log import Log
from monitor_blueprint.storage.reads import MANUAL
from monitor_blueprint.text import ko, render
from monitor_blueprint.text.health_log import LEVELS, HealthLog

_log = Log(__name__)
_SCHEDULED = "health-check"
_SOON = "soon"
_AGAIN_S = 1.0
# What is in transition is checked again so much later than its grace time is over.
_RECHECK_MARGIN_S = 0.1
# A unit that restarts without end must not make the log endless.
_LEAST_PAUSE_S = 10.0


class BusyError(Exception):
    """Somebody's health check by hand is under way."""


class Schedule:
    """Runs the health check every so many minutes, and at once when asked to."""

    def __init__(
        self,
        check: HealthCheck,
        log: HealthLog,
        every_minutes: int,
        *,
        begun: Callable[[], None],
        completed: Callable[[HealthReport], None],
        failed: Callable[[], None],
        overdue_s: float | None = None,
    ) -> None:
        """Take the parts.

        Args:
            check: what to run.
            log: where the runs are written.
            every_minutes: the period.
            begun, completed: called before and after every complete health check, and for no other.
            failed: called instead of `completed` after one that could not be done.
            overdue_s: when no run has ended for so long, the schedule is made anew; one and a half periods if None.
        """
        self._check = check
        self._log = log
        self._every_minutes = every_minutes
        self._begun = begun
        self._completed = completed
        self._failed = failed
        self._ended_at = float("-inf")
        self._awaited: set[frozenset[str]] = set()
        self._by_hand = threading.Lock()
        self._overdue_s = overdue_s if overdue_s is not None else every_minutes * 90.0
        self._overdue: threading.Timer | None = None
        # Complete checks one after the other; a unit that has just changed is checked beside one that waits for a slow
        # target.
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1), "partial": ThreadPoolExecutor(2)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": every_minutes * 60},
        )
        self._scheduler.add_listener(self._missed, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        """Begin, with a first health check at once."""
        self._scheduler.add_job(self._run, self._trigger(), ["schedule"], id=_SCHEDULED, next_run_time=datetime.now(UTC))
        self._scheduler.start()
        self._expect_a_run()

    def stop(self) -> None:
        """Begin no further run."""
        if self._overdue is not None:
            self._overdue.cancel()
        # Not `shutdown`, which waits for the library's thread and breaks what that is doing; all threads end with the process.
        if self.is_running:
            self._scheduler.pause()

    @property
    def is_running(self) -> bool:
        """Tell whether the schedule is alive."""
        return bool(self._scheduler.state == STATE_RUNNING)

    def next_run_at(self) -> datetime | None:
        """Return when the next health check is due; None when there is no schedule."""
        job = self._scheduler.get_job(_SCHEDULED) if self.is_running else None
        moment: datetime | None = job.next_run_time if job else None
        return moment

    def run_soon(self, reason: str) -> None:
        """Run a complete health check now; one that is waiting already is enough."""
        self._run_in(0.0, reason)

    def check_now(self, checks: Collection[str], reason: str) -> None:
        """Run some checks at once, then a complete health check for what hangs on them.

        A round that has not begun yet sees this change as well: units that change faster than slow targets can be
        checked must not make a queue that outlives them by hours.
        """
        wanted = frozenset(checks)
        if wanted not in self._awaited:
            self._awaited.add(wanted)
            self._scheduler.add_job(self._run_awaited, args=[wanted, reason], misfire_grace_time=None, executor="partial")

    def run_by_hand(self, only: Collection[str] | None = None) -> HealthReport:
        """Run a health check, or some checks, for a person who waits for it; one at a time.

        Raises:
            BusyError: another one is under way.
        """
        if not self._by_hand.acquire(blocking=False):
            raise BusyError
        try:
            report = self._check.run(datetime.now(UTC), MANUAL, only=only)
        finally:
            self._by_hand.release()
        if self.is_running:
            self._recheck(report.decision.transitions)
            if only is not None:
                # What hangs on them is looked at as well.
                self._run_in(0.0, MANUAL)
        return report

    def _run(self, reason: str) -> None:
        start = time.monotonic()
        self._log.write_run(logging.INFO, fill(ko.RUN_STARTED, reason=render.run_reason(reason)))
        try:
            self._expect_a_run()
            self._begun()
            report = self._check.run(datetime.now(UTC), reason)
        except Exception as error:  # noqa: BLE001 - the edge of a job: one failed run must not end the schedule
            _log.error(fill("health check failed"), error)
            text = fill(ko.RUN_FAILED, reason=class_name(error))
            self._log.write_run(logging.ERROR, text)
            self._log.write(logging.ERROR, text)
            self._failed()
            return
        duration_s = time.monotonic() - start
        text = fill(ko.RUN_ENDED, overall=member(report.overall), duration=duration_s)
        self._log.write_run(LEVELS[report.overall], text)
        self._ended_at = time.monotonic()
        self._recheck(report.decision.transitions)
        self._completed(report)

    def _run_awaited(self, checks: frozenset[str], reason: str) -> None:
        self._awaited.discard(checks)
        self._run_partial(checks, reason)

    def _run_partial(self, checks: frozenset[str], reason: str) -> None:
        try:
            report = self._check.run(datetime.now(UTC), reason, only=checks)
        except Exception as error:  # noqa: BLE001 - the edge of a job; the complete round below checks them again
            _log.error(fill("check of {names} failed", names=render.named(sorted(checks), ", ")), error)
        else:
            self._recheck(report.decision.transitions)
        self._run_in(self._ended_at + _LEAST_PAUSE_S - time.monotonic(), reason)

    def _run_in(self, delay_s: float, reason: str) -> None:
        due = datetime.now(UTC) + timedelta(seconds=max(0.0, delay_s))
        options = {"run_date": due, "id": _SOON, "replace_existing": True, "misfire_grace_time": None}
        self._scheduler.add_job(self._run, "date", [reason], **options)

    def _recheck(self, transitions: Mapping[str, float]) -> None:
        """Check again when the grace time of what is in transition is over."""
        if not transitions:
            return
        names = tuple(transitions)
        self._scheduler.add_job(
            self._run_partial,
            "date",
            [frozenset(names), "grace"],
            run_date=datetime.now(UTC) + timedelta(seconds=min(transitions.values()) + _RECHECK_MARGIN_S),
            id=f"recheck {' '.join(names)}",
            replace_existing=True,
            misfire_grace_time=None,
            executor="partial",
        )

    def _expect_a_run(self) -> None:
        """Wind up the alarm that rings where the schedule waits for a moment that a clock set back has put far away."""
        if self._overdue is not None:
            self._overdue.cancel()
        self._overdue = threading.Timer(self._overdue_s, self._begin_anew)
        self._overdue.daemon = True
        self._overdue.start()

    def _begin_anew(self) -> None:
        self._log.write_run(logging.WARNING, fill(ko.RUN_MISSED, reason=render.run_reason("overdue")))
        self._expect_a_run()
        if self.is_running:
            self._scheduler.reschedule_job(_SCHEDULED, trigger=self._trigger())
            self.run_soon("overdue")

    def _trigger(self) -> CronTrigger:
        return CronTrigger(minute=f"*/{self._every_minutes}", timezone=UTC)

    def _missed(self, event: JobEvent) -> None:
        if event.job_id == _SCHEDULED:
            reason = "missed" if event.code == EVENT_JOB_MISSED else "previous run has not ended"
            self._log.write_run(logging.WARNING, fill(ko.RUN_MISSED, reason=render.run_reason(reason)))
        elif event.job_id == _SOON:
            # Something has changed since the run began that has not ended yet.
            self._run_in(_AGAIN_S, "again")
