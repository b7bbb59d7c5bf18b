"""One health check from start to end: probe, judge, advance the incidents, commit, write the log, wake the delivery."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor_blueprint.alerts.delivery import ChannelHealth, Health, Outbox
from monitor_blueprint.config import SELF_CHECK, Check, Config, units_of
from monitor_blueprint.domain import maintenance
from monitor_blueprint.domain.incidents import advance
from monitor_blueprint.domain.models import CheckResult, CheckState, Event, EventKind, Reading, Silence, State, Status, worst
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.thresholds import judge
from monitor_blueprint.engine import evidence
from monitor_blueprint.engine.runner import Runner, UnitSnapshot
from monitor_blueprint.storage.reads import MANUAL, PARTIAL
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.writes import Transaction
from monitor_blueprint.text import ko, log_report, render
from monitor_blueprint.text.health_log import HealthLog

# A cycle ends within 30 s even where every target hangs; the rest is for judging and writing.
PROBES_DEADLINE_S = 27.0
EVIDENCE_DEADLINE_S = 2.0
# So many lines go into the message; all that was found is in the history.
EVIDENCE_LINES = 5
# The reason of a look that systemd's signal has called for.
SYSTEMD = "systemd"
# A damaged database is told of within this time; the outbox remembers for longer that it was.
_LOSS_IS_NEWS_FOR = timedelta(days=1)
_EXCEPTION = re.compile(r"\b(?:[a-z_]+\.)*([A-Z][A-Za-z]+(?:Error|Exception|Exit|Interrupt))\b")
_NEWS = (EventKind.OPENED, EventKind.JOINED, EventKind.WORSENED)

Evidence = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one health check came to.

    Attributes:
        started_at: moment of the check.
        duration_ms: how long it took, delivery not included.
        overall: the worst status of all checks, those that were not due included.
        results: the judged results of the checks that ran.
        states: what is counted of every check.
        events: what was put into the outbox.
        recheck_in_s: when to look again at what is in transition; None when nothing is.
        rechecks: names of the checks in transition.
    """

    started_at: datetime
    duration_ms: float
    overall: Status
    results: tuple[CheckResult, ...]
    state: State
    events: tuple[Event, ...]
    recheck_in_s: float | None = None
    rechecks: tuple[str, ...] = ()


class HealthCheck:
    """The health check of one configuration; `run` may be called by several threads and processes at once."""

    def __init__(
        self,
        config: Config,
        store: Store,
        log: HealthLog,
        outbox: Outbox,
        *,
        config_problem: str = "",
        began_at: float = float("-inf"),
    ) -> None:
        """Take the parts.

        Args:
            config: what to check.
            store: where it is recorded.
            log: where it is written.
            outbox: what delivers the alerts.
            config_problem: why a configuration that was changed meanwhile is not in use.
            began_at: when the monitor began (monotonic clock), if it has just begun.
        """
        self._config = config
        self._store = store
        self._log = log
        self._outbox = outbox
        self._config_problem = config_problem
        self._began_at = began_at
        self._last_lines: list[log_report.Line] = []
        self._runner = Runner()

    def run(self, now: datetime, reason: str, only: Collection[str] | None = None) -> Outcome:
        """Check everything that is due, or `only` the checks named; `reason` says who asked ("schedule", "manual", ...)."""
        start = time.monotonic()
        self._store.try_to_heal(now)
        state, checkpoints = self._store.run(lambda transaction: (transaction.reads.state(), transaction.reads.checkpoints()))
        seen = self._runner.run(
            self._due(state, now, reason, only),
            now=now,
            units=UnitSnapshot(self._config.units),
            checkpoints=checkpoints,
            environ=self._config.environ,
            deadline_s=PROBES_DEADLINE_S,
            is_starting=start - self._began_at < self._config.settings.grace_s,
        )
        if only is None:
            seen.append(self._own_result(now))
        is_complete = only is None
        found = self._evidence(state, seen, now, is_complete=is_complete)

        def commit(transaction: Transaction) -> Outcome:
            after, events, judged = self._advance(
                transaction.reads.state(), seen, transaction.reads.silences(now), now, is_complete=is_complete
            )
            overall = worst([check.status for check in after.checks.values()])
            duration_ms = (time.monotonic() - start) * 1000
            transaction.record_cycle(now, duration_ms, overall, judged, reason if is_complete else f"{PARTIAL} {reason}")
            transaction.save_state(after, now)
            self._put_into_outbox(transaction, events, judged, found, now)
            if is_complete:
                self._tell_of_loss(transaction, now)
            recheck_in_s, rechecks = self._in_transition(after, judged, now)
            shown = self._in_place_of_outdated(seen, judged)
            return Outcome(now, duration_ms, overall, shown, after, events, recheck_in_s, rechecks)

        outcome = self._store.run(commit)
        self._write_log(outcome, reason, is_complete=is_complete)
        self._outbox.notify()
        return outcome

    def _due(self, state: State, now: datetime, reason: str, only: Collection[str] | None) -> list[Check]:
        if only is not None:
            return [check for check in self._config.checks if check.name in only]
        # Half a period of tolerance: a run that came a moment early must not skip a check for a whole round.
        tolerance_s = self._config.settings.every_minutes * 30.0
        return [
            check
            for check in self._config.checks
            if abs(_seconds_since_seen(state, check.name, now)) >= check.policy.interval_s - tolerance_s
            or check.policy.interval_s <= 2 * tolerance_s
            # Who has put something right and checks by hand wants to see it.
            or (reason == MANUAL and _is_failing(state, check.name))
        ]

    def _own_result(self, now: datetime) -> CheckResult:
        """Return the monitor's look at itself: a fault of its own is an incident like any other."""
        readings = [
            _own_reading("database", self._store.problem),
            _own_reading("log", self._log.check()),
            _own_reading("config", self._config_problem),
            *(
                _own_reading(f"channel_{name}", _channel_problem(found))
                for name, found in self._outbox.channel_health(now).items()
            ),
        ]
        return CheckResult(SELF_CHECK, "monitor", tuple(readings), now)

    def _judge(self, state: State, seen: Sequence[CheckResult], now: datetime) -> tuple[CheckResult, ...]:
        # Another look may have been quicker (a unit has just changed): what is older than the state says nothing new.
        fresh = [result for result in seen if not _is_outdated(result, state)]
        grace_s = self._config.settings.grace_s
        return tuple(judge(result, state.checks.get(result.check, CheckState()), now, grace_s) for result in fresh)

    def _advance(
        self, state: State, seen: Sequence[CheckResult], silences: Sequence[Silence], now: datetime, *, is_complete: bool
    ) -> tuple[State, tuple[Event, ...], tuple[CheckResult, ...]]:
        judged = self._judge(state, seen, now)
        covering = [*silences, *maintenance.active(self._config.windows, now)]
        after, events = advance(state, judged, self._config.policies, covering, now, self._config.rules, is_complete=is_complete)
        return after, events, judged

    def _evidence(self, state: State, seen: Sequence[CheckResult], now: datetime, *, is_complete: bool) -> Evidence:
        """Collect what helps to understand a failure, at the moment of it, if this look is about to tell one."""
        if all(result.status is not Status.CRITICAL for result in self._judge(state, seen, now)):
            return ()
        _, events, _ = self._advance(state, seen, self._store.reads.silences(now), now, is_complete=is_complete)
        failed = {name for event in events if event.kind in _NEWS for name in event.checks}
        if not failed:
            return ()
        units = [unit for check in self._config.checks if check.name in failed for unit in units_of(check)]
        return evidence.collect(units, now, time.monotonic() + EVIDENCE_DEADLINE_S)

    def _put_into_outbox(
        self,
        transaction: Transaction,
        events: Sequence[Event],
        judged: Sequence[CheckResult],
        found: Evidence,
        now: datetime,
    ) -> None:
        if not events:
            return
        configured = {policy.name for policy in self._config.policies}
        latest = {name: result for name, result in self._store.reads.latest_results().items() if name in configured}
        newest = latest | {result.check: result for result in judged}
        for event in events:
            event_id = f"nn-{event.incident}-{event.kind}-{now:%Y%m%dT%H%M%S%f}"
            is_news = event.kind in _NEWS
            message = render.alert(event, event_id, newest, _few_lines(found) if is_news else ())
            transaction.add_event(event, event_id, dict.fromkeys(self._outbox.channel_names, message))
            if is_news:
                transaction.add_evidence(event.incident, found, now)

    def _tell_of_loss(self, transaction: Transaction, now: datetime) -> None:
        """Tell once that a damaged database was moved aside: what it knew of open incidents may be gone with it.

        It belongs to no incident and heeds no silence: those are what may be gone. The file says that it happened,
        whichever process moved it, and its moment is the id by which the outbox takes it once.
        """
        moved = self._store.last_moved_aside()
        if moved is None or abs(now - moved[1]) >= _LOSS_IS_NEWS_FOR:
            return
        file, at = moved
        own = (SELF_CHECK,)
        event = Event(EventKind.OPENED, at, 0, at, own, failing=own)
        reading = Reading("loss", Status.CRITICAL, facts={"file": clean(str(file))})
        event_id = f"nn-loss-{at:%Y%m%dT%H%M%S%f}"
        message = render.alert(event, event_id, {SELF_CHECK: CheckResult(SELF_CHECK, "monitor", (reading,), at)})
        transaction.add_event(event, event_id, dict.fromkeys(self._outbox.channel_names, message))

    def _in_place_of_outdated(self, seen: Sequence[CheckResult], judged: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
        """Return a result for every check that was looked at: the newer one where another look was quicker."""
        by_name = {result.check: result for result in judged}
        newest = self._store.reads.latest_results() if len(judged) < len(seen) else {}
        return tuple(by_name.get(result.check) or newest.get(result.check, result) for result in seen)

    def _in_transition(self, after: State, judged: Sequence[CheckResult], now: datetime) -> tuple[float | None, tuple[str, ...]]:
        grace_s = self._config.settings.grace_s
        waits = {}
        for result in judged:
            since = after.checks[result.check].settling_since
            if since is not None and 0 <= (now - since).total_seconds() < grace_s:
                waits[result.check] = grace_s - (now - since).total_seconds()
        return (min(waits.values()) + 0.1 if waits else None), tuple(waits)

    def _write_log(self, outcome: Outcome, reason: str, *, is_complete: bool) -> None:
        numbers = {check.name: number for number, check in enumerate(self._config.checks, 1)}
        numbers[SELF_CHECK] = len(numbers) + 1
        previous = self._store.reads.latest_results() if is_complete else {}
        lines = [*log_report.steps(outcome.results, outcome.state, numbers, previous)]
        if is_complete and self._config.absent:
            lines.append((logging.INFO, ko.ABSENT.format(names=", ".join(self._config.absent))))
        lines += [(logging.WARNING, ko.NOTE.format(note=note)) for note in self._store.notes()]
        lines += self._lines_of_channels(outcome, reason)
        if is_complete:
            lines = [*log_report.framed(lines, outcome.overall)]
        elif reason == SYSTEMD:
            names = ", ".join(result.check for result in outcome.results)
            lines.insert(0, (logging.INFO, ko.TRIGGERED.format(names=names)))
        # A unit on its way up changes several times in a second; what is the same is said once.
        if lines == self._last_lines and not is_complete:
            return
        self._last_lines = lines
        for level, text in lines:
            self._log.write(level, text)

    def _lines_of_channels(self, outcome: Outcome, reason: str) -> list[log_report.Line]:
        names = self._outbox.channel_names
        # A check by hand that cannot use the database delivers nothing: what it would tell ends with it.
        events = () if reason == MANUAL and self._store.problem else outcome.events
        lines = [(logging.INFO, render.event_line(event, names)) for event in events]
        if not names:
            lines.insert(0, (logging.ERROR, ko.NO_CHANNEL))
        elif all(found.health is not Health.OK for found in self._outbox.channel_health(outcome.started_at).values()):
            lines.insert(0, (logging.ERROR, ko.ALL_CHANNELS_FAILING.format(names=", ".join(names))))
        return lines


def _seconds_since_seen(state: State, name: str, moment: datetime) -> float:
    check = state.checks.get(name)
    if check is None or check.seen_at is None:
        return float("inf")
    return (moment - check.seen_at).total_seconds()


def _is_failing(state: State, name: str) -> bool:
    check = state.checks.get(name)
    return check is not None and check.status is not Status.OK


def _is_outdated(result: CheckResult, state: State) -> bool:
    # A state from far in the future comes of a clock that was set back, and must not make the monitor deaf until then.
    return -PROBES_DEADLINE_S <= _seconds_since_seen(state, result.check, result.at) < 0


def _own_reading(aspect: str, problem: str) -> Reading:
    if not problem:
        return Reading(aspect)
    return Reading(aspect, Status.CRITICAL, facts={"reason": problem})


def _channel_problem(found: ChannelHealth) -> str:
    if found.health is Health.OK:
        return ""
    return render.channel_problem(found.health, clean(found.reason))


def _few_lines(found: Evidence) -> list[tuple[str, str]]:
    """Return what may leave the server: systemd's and the kernel's own lines, and the names of exceptions.

    What programs print can hold anything about a patient, in any form; it stays in the history.
    """
    few = []
    for title, text in found:
        lines = text.splitlines()
        if title.partition(" ")[0] == "journal":
            own = [line for line in lines if " systemd[1]: " in line][-EVIDENCE_LINES:]
            names = dict.fromkeys(name for line in lines for name in _EXCEPTION.findall(line))
            few.append((title, "\n".join([*own, *([ko.EXCEPTIONS.format(names=", ".join(names))] if names else [])])))
        elif title == "oom":
            few.append((title, "\n".join(lines[-EVIDENCE_LINES:])))
    return [(title, text) for title, text in few if text]
