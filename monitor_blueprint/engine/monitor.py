"""Puts the monitor together: store, log, delivery, health check, schedule, watcher and lock, of one configuration."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor_blueprint import config, notifiers
from monitor_blueprint.adapters.systemd import full_name
from monitor_blueprint.adapters.unit_watcher import Watcher
from monitor_blueprint.alerts.heartbeat import Heartbeat
from monitor_blueprint.alerts.outbox import SCHEDULE_SENDER, Outbox
from monitor_blueprint.config import Config, ConfigError, in_use, units_of
from monitor_blueprint.config.digest import digest_of
from monitor_blueprint.domain.models import Status
from monitor_blueprint.domain.story import StoryEntry, StoryKind, began
from monitor_blueprint.domain.text import Public, configured, fill, member
from monitor_blueprint.engine.health_check import HealthCheck
from monitor_blueprint.engine.leader import ScheduleLock, is_sibling, parent_of
from monitor_blueprint.engine.round import SYSTEMD, HealthReport
from monitor_blueprint.engine.scheduler import Schedule
from monitor_blueprint.engine.self_check import SelfCheck
from monitor_blueprint.engine.trials import Trials
from monitor_blueprint.faults import reason_of
from monitor_blueprint.log import Log
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.writes import Transaction
from monitor_blueprint.text import ko, render
from monitor_blueprint.text.health_log import HealthLog

_log = Log(__name__)


@dataclass(frozen=True, slots=True)
class _Parts:
    store: Store
    log: HealthLog
    outbox: Outbox
    self_check: SelfCheck
    schedule: Schedule
    admin_token: str


class Monitor:
    """The monitor of one configuration. Every process may show the pages; the one with the lock runs the schedule.

    It can be used as soon as it is made, with `start` or without. But it opens nothing before its first use: neither
    threads nor connections to a database survive a fork, and a server may change its user with it.
    """

    def __init__(self, environ: Mapping[str, str], *, goes_on: bool = False) -> None:
        """Read the configuration; one that `goes_on` takes what it last ran by where the file has become bad since.

        Raises:
            ConfigError: the configuration cannot be used.
        """
        self._environ = environ
        self.config = in_use.load_in_use(environ).config if goes_on else config.load(environ)
        self._parts: _Parts | None = None
        self._heartbeat: Heartbeat | None = None
        self._watcher: Watcher | None = None
        self._trials: Trials | None = None
        self._checks_by_unit: dict[str, list[str]] = {}
        self._tell_systemd: Callable[[str], object] = _tell_nobody
        self._opening = threading.Lock()
        self._turn = threading.Lock()
        self._is_started = False
        self._is_stopped = False
        self._has_schedule = False

    @property
    def store(self) -> Store:
        """Return what is remembered."""
        return self._open().store

    @property
    def log(self) -> HealthLog:
        """Return the readable log."""
        return self._open().log

    @property
    def outbox(self) -> Outbox:
        """Return the delivery of the alerts."""
        return self._open().outbox

    @property
    def schedule(self) -> Schedule:
        """Return the schedule, which runs in one process at most."""
        return self._open().schedule

    @property
    def self_check(self) -> SelfCheck:
        """Return what knows how the monitor itself is."""
        return self._open().self_check

    @property
    def admin_token(self) -> str:
        """Return the administrators' token; "" where there is none, and nobody gets in."""
        return self._open().admin_token

    @property
    def stats_token(self) -> str:
        """Return the token that opens the statistics and nothing else; "" where there is none."""
        return self._environ.get("MONITOR_STATS_TOKEN", "").strip()

    def start(self, tell_systemd: Callable[[str], object] | None = None) -> None:
        """Begin the schedule as soon as no other process runs it. To be called in every process, after the fork.

        Args:
            tell_systemd: sends what `sd_notify(3)` describes. Only for a program of which systemd is to know whether
                the monitor works: mounted in another application, it must not speak for that one.

        Raises:
            RuntimeError: the monitor has been stopped.
        """
        with self._turn:
            if self._is_stopped:
                raise RuntimeError("a monitor that was stopped cannot be started again: make a new one")
            if self._is_started:
                return
            self._is_started = True
        self._tell_systemd = tell_systemd or _tell_nobody
        parts = self._open()
        problem = ScheduleLock(self.config.state_dir).start(self._take_over, self._say_waiting)
        if problem:
            parts.self_check.lock_problem = problem
            parts.log.write(logging.ERROR, fill(ko.NO_LOCK, reason=problem))

    def stop(self) -> None:
        """Begin no further health check; what is to be sent is in the database. Does nothing before `start`."""
        with self._turn:
            if self._is_stopped or not self._is_started:
                return
            self._is_stopped = True
        if self._watcher is not None:
            self._watcher.stop()
        if self._trials is not None:
            self._trials.stop()
        self.schedule.stop()
        self.outbox.stop()
        if self._heartbeat is not None:
            self._heartbeat.stop()
        if self._has_schedule:
            self.store.run(lambda tx: tx.story.add(StoryEntry(datetime.now(UTC), StoryKind.STOPPED)), is_lasting=False)

    def _open(self) -> _Parts:
        """Put together what this process works with, once: the first page that is asked for needs it, or `start`."""
        with self._opening:
            if self._parts is None:
                self._parts = self._make_parts()
            return self._parts

    def _make_parts(self) -> _Parts:
        config_problem = self._read_again()
        token = admin_token(self.config, self._environ)
        store = Store(self.config.database)
        log = HealthLog(self.config.log_dir)
        outbox = make_outbox(self.config, store)
        self_check = SelfCheck(self.config, store, log, outbox, config_problem=config_problem, has_admin_token=bool(token))
        check = HealthCheck(self.config, store, log, outbox, self_check, began_monotonic=time.monotonic())
        every_minutes = self.config.settings.every_minutes
        schedule = Schedule(check, log, every_minutes, begun=self._begun, completed=self._completed, failed=self._failed)
        return _Parts(store, log, outbox, self_check, schedule, token)

    def _read_again(self) -> str:
        """Take in a configuration that was changed since the program began; keep the old one where the new one is bad."""
        try:
            self.config = config.load(self._environ)
        except ConfigError as error:
            source = configured(self.config.source)
            _log.error(fill("{path} cannot be used (the configuration from before stays in use)", path=source))
            return str(error)
        return ""

    def _take_over(self) -> None:
        with self._turn:
            if self._is_stopped:
                return
            self.log.write_run(logging.INFO, fill(ko.TOOK_OVER, pid=os.getpid()))
            self._has_schedule = True
            self.store.run(self._note_beginning)
            # Where it cannot be kept, the commands need a file that is right.
            with suppress(OSError):
                in_use.keep(self.config, datetime.now(UTC))
            url = self._environ.get("HEARTBEAT_URL", "").strip()
            self._heartbeat = Heartbeat(url) if url else None
            self.outbox.start()
            self.schedule.start()
            channels = notifiers.channels(self.config.environ, self.config.channel_options)
            self._trials = Trials(self.store, channels, digest_of(self.config), self.outbox.wake)
            self._trials.start()
            self._checks_by_unit = {
                full_name(unit): [
                    check.name for check in self.config.checks if unit in units_of(check) and check.kind == "service"
                ]
                for unit in self.config.units
            }
            if self.config.units:
                self._watcher = Watcher(self.config.units, self._units_changed, self._say_watching, self._say_lost)
                self._watcher.start()
        # Two health checks missed, and a minute: the unit's own figure is for the guide's five minutes.
        watchdog_us = (2 * self.config.settings.every_minutes + 1) * 60_000_000
        self._tell_systemd(f"READY=1\nMAINPID={os.getppid()}\nWATCHDOG_USEC={watchdog_us}\nWATCHDOG=1")

    def _note_beginning(self, transaction: Transaction) -> None:
        story = transaction.reads.story
        names = tuple(check.name for check in self.config.checks)
        before, ended = story.last(StoryKind.STARTED), story.last(StoryKind.STOPPED)
        # Mounted in another application, whoever has started that says nothing.
        master = "" if self._tell_systemd is _tell_nobody else parent_of(os.getpid())
        transaction.story.add(*began(before, ended, digest_of(self.config), names, datetime.now(UTC), master=master))

    def _units_changed(self, units: frozenset[str]) -> None:
        names = [name for unit in sorted(units) for name in self._checks_by_unit.get(unit, ())]
        if names:
            self.schedule.check_now(names, SYSTEMD)

    def _begun(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.start()

    def _completed(self, report: HealthReport) -> None:
        """Feed systemd's watchdog: only checks that have really come to their end keep this program alive."""
        status = render.systemd_status(report.overall, report.started_at, report.decision.state)
        self._tell_systemd(f"STATUS={status}")
        self._tell_systemd("WATCHDOG=1")
        if self._heartbeat is not None:
            # Where nothing can be told over any channel, this is the only way left to say so.
            mute = self.outbox.unreachable(report.started_at)
            signal = self._heartbeat.fail if mute or report.overall is Status.CRITICAL else self._heartbeat.success
            overall = member(report.overall)
            told = fill("{overall}: no alert channel works ({names})", overall=overall, names=render.named(mute, ", "))
            signal(told if mute else overall)
        self.store.run(lambda transaction: transaction.prune(report.started_at, self.config.settings.keep_days))

    def _failed(self) -> None:
        self._tell_systemd(f"STATUS={ko.SYSTEMD_FAILED}")
        if self._heartbeat is not None:
            self._heartbeat.fail(fill("failed"))

    def _say_waiting(self, pid: int) -> None:
        level = logging.INFO if is_sibling(pid) else logging.WARNING
        self.log.write(level, fill(ko.WAITING_FOR_LOCK, pid=pid))
        # It does what it is for: it stands by. systemd is told so, and not to wait for health checks (0: no watchdog).
        self._tell_systemd(f"READY=1\nMAINPID={os.getppid()}\nWATCHDOG_USEC=0\nSTATUS={ko.SYSTEMD_WAITING.format(pid=pid)}")

    def _say_watching(self) -> None:
        self.log.write(logging.INFO, fill(ko.WATCHING, units=render.named(self.config.units, ", ")))

    def _say_lost(self, reason: Public) -> None:
        if self.config.is_embedded:
            self.log.write(logging.INFO, fill(ko.NO_SYSTEMD, reason=reason))
        else:
            self.log.write(logging.WARNING, fill(ko.WATCH_LOST, reason=reason))


def _tell_nobody(_state: str) -> None:
    pass


def make_outbox(settings: Config, store: Store, sender: str = SCHEDULE_SENDER) -> Outbox:
    """Return the delivery over the configured channels; see `Outbox` for `sender`."""
    options = settings.channel_options
    return Outbox(store, notifiers.channels(settings.environ, options), sender=sender)


def admin_token(settings: Config, environ: Mapping[str, str]) -> str:
    """Return the administrators' token: MONITOR_ADMIN_TOKEN, or one that is made and kept beside the database.

    Empty where neither can be had; then nobody gets in.
    """
    given = environ.get("MONITOR_ADMIN_TOKEN", "").strip()
    if given:
        return given
    path = settings.state_dir / "admin_token"
    new = path.with_name(f"admin_token.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(32) + "\n")
            # Complete or not at all; and of two that begin at the same time, both read the same one.
            with suppress(FileExistsError):
                path.hardlink_to(new)
            new.unlink()
        token = path.read_text().strip()
    except OSError as error:
        _log.error(fill("no administrators' token: {reason}", reason=reason_of(error)))
        return ""
    if not token:
        _log.error(fill("{path} is empty: delete it, and a token is made at the next start", path=configured(path)))
    return token
