"""One health check, from top to bottom: observe, decide, collect evidence, record, log, and wake the delivery."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from monitor_blueprint.adapters.systemd import UnitState
from monitor_blueprint.alerts.outbox import Outbox
from monitor_blueprint.config import Check, Config, units_of
from monitor_blueprint.domain.decision import Decision, Rules, decide, is_news
from monitor_blueprint.domain.incidents import ROUND_S
from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import CheckResult, Event, ProbeError, Silence, State, Status
from monitor_blueprint.domain.readings import UNIT_ASPECT
from monitor_blueprint.domain.story import StoryEntry, StoryKind
from monitor_blueprint.engine import evidence, evidence_kinds
from monitor_blueprint.engine.evidence_kinds import being_stopped
from monitor_blueprint.engine.round import HealthReport, Round, plan
from monitor_blueprint.engine.round_log import RoundLog
from monitor_blueprint.engine.runner import Runner, UnitSnapshot
from monitor_blueprint.engine.self_check import SelfCheck
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.writes import Transaction
from monitor_blueprint.text import messages, story
from monitor_blueprint.text.health_log import HealthLog

Evidence = Sequence[evidence.Piece]
# The alert waits so long for the end of a stop that is under way, in seconds, and looks for it so often.
STOP_S = 1.0
STOP_LOOK_S = 0.1
_LOOK_S = 3.0
# What a reading is called that says which units somebody has restarted.
_RENEWED = "renewed"


class Known(NamedTuple):
    """What was known before anything was looked at."""

    state: State
    silences: tuple[Silence, ...]
    checkpoints: Mapping[str, Mapping[str, Any]]


class Seen(NamedTuple):
    """What a round has seen; `began_monotonic` is when it began (monotonic clock)."""

    round: Round
    results: Sequence[CheckResult]
    began_monotonic: float


class HealthCheck:
    """The health check of one configuration; `run` may be called by several threads and processes at once."""

    def __init__(
        self,
        config: Config,
        store: Store,
        log: HealthLog,
        outbox: Outbox,
        self_check: SelfCheck,
        *,
        began_monotonic: float | None = None,
    ) -> None:
        """Take the parts; `began_monotonic` is when the monitor began (monotonic clock), if it has just begun."""
        self._config = config
        self._store = store
        self._log = log
        self._outbox = outbox
        self._self_check = self_check
        self._began_monotonic = began_monotonic
        self._rules = Rules(config.policies, config.incident_rules, config.windows, config.settings.grace_s)
        self._runner = Runner()
        self._round_log = RoundLog(config, store, log, outbox)

    def run(self, now: datetime, reason: str, only: Collection[str] | None = None) -> HealthReport:
        """Check everything that is due, or `only` the checks named; `reason` says who asked ("schedule", "manual", ...)."""
        began_monotonic = time.monotonic()
        known = self._known(now)
        seen = self._observe(plan(self._config, known.state, now, reason, only), known, began_monotonic)
        decision = self._decide(known.state, known.silences, seen)
        after = self._after_the_stop(seen, known, decision.failed)
        if after is not seen:
            seen, decision = after, self._decide(known.state, known.silences, after)
        found = self._evidence(decision, known.state, now)
        report = self._store.run(lambda tx: self._record(tx, known, seen, decision, found))
        self._round_log.write(seen.round, report)
        self._outbox.wake()
        return report

    def _known(self, now: datetime) -> Known:
        self._store.try_to_heal(now)
        self._log.check()
        return self._store.run(lambda tx: Known(tx.reads.state(), tx.reads.silences(now), tx.reads.checkpoints()))

    def _observe(self, round_: Round, known: Known, began_monotonic: float) -> Seen:
        """Look at everything side by side, and at the monitor itself last: by then it knows whether it can keep anything."""
        # The probes are to see local time as the machine has it now.
        time.tzset()
        results = self._look(round_, round_.checks, known, began_monotonic, ROUND_S)
        own = [self._self_check.result(round_.now)] if round_.is_complete else []
        return Seen(round_, [*results, *own], began_monotonic)

    def _look(
        self, round_: Round, checks: Sequence[Check], known: Known, began_monotonic: float, deadline_s: float
    ) -> list[CheckResult]:
        # A check that has left the configuration has also left what it remembers: whoever adds it again means what is there now.
        checkpoints = {name: memory for name, memory in known.checkpoints.items() if name in known.state.checks}
        return self._runner.run(
            checks,
            now=round_.now,
            units=UnitSnapshot(self._config.units),
            checkpoints=checkpoints,
            environ=self._config.environ,
            deadline_s=deadline_s,
            starting=self._starting(began_monotonic),
            optional=round_.optional,
            asked_paths=self._config.asked_paths,
        )

    def _after_the_stop(self, seen: Seen, known: Known, failed: Collection[str]) -> Seen:
        """Look again at units that are just being stopped, and at others that go down with them, until they are down.

        How it ended is the news, and what one hand stops at one time is one message.
        """
        results = {result.check: result for result in seen.results}
        stopping = being_stopped(seen.round.checks, seen.results, failed)
        beside = self._going_down(known.state, seen, results) if any(_has_unit_down(results.get(name)) for name in failed) else []
        looked_at = list(beside)
        deadline = time.monotonic() + STOP_S
        while (stopping or beside) and time.monotonic() < deadline:
            time.sleep(STOP_LOOK_S)
            # How long ago something was counts from the look; the result is this round's.
            later = seen.round.now + timedelta(seconds=time.monotonic() - seen.began_monotonic)
            checks = [*stopping, *(check for check in beside if check not in stopping)]
            looked = self._look(replace(seen.round, now=later), checks, known, seen.began_monotonic, _LOOK_S)
            again = [replace(result, at=seen.round.now) for result in looked if result.status is not Status.UNKNOWN]
            results |= {result.check: result for result in again}
            stopping = being_stopped(checks, again, [check.name for check in checks])
            beside = self._going_down(known.state, seen, results)
            looked_at += beside
        if results == {result.check: result for result in seen.results}:
            return seen
        names = {*(check.name for check in seen.round.checks), *(check.name for check in looked_at if check.name in results)}
        checks_of_all = tuple(check for check in self._config.checks if check.name in names)
        return seen._replace(round=replace(seen.round, checks=checks_of_all), results=list(results.values()))

    def _going_down(self, state: State, seen: Seen, results: Mapping[str, CheckResult]) -> list[Check]:
        """Return the services beside those of the round that are down or being stopped by now, and not yet seen to be so."""
        units = UnitSnapshot(self._config.units)
        known = {result.check for result in seen.results} | {name for name, each in results.items() if _has_unit_down(each)}
        new = [check for check in self._config.checks if check.kind == "service" and check.name not in known and units_of(check)]
        with suppress(ProbeError):
            return [check for check in new if not _is_known_down(state, check) and _goes_down(units(units_of(check)[0]))]
        return []

    def _starting(self, now_monotonic: float) -> frozenset[str]:
        """Return the checks whose grace time has not passed since the monitor, and with it perhaps the machine, began."""
        if self._began_monotonic is None:
            return frozenset()
        age_s = now_monotonic - self._began_monotonic
        settings = self._config.settings
        return frozenset(check.name for check in self._config.checks if age_s < max(check.policy.grace_s or 0, settings.grace_s))

    def _decide(self, state: State, silences: Sequence[Silence], seen: Seen) -> Decision:
        return decide(state, seen.results, silences, seen.round.now, self._rules, is_complete=seen.round.is_complete)

    def _evidence(self, decision: Decision, before: State, now: datetime) -> Evidence:
        """Collect what helps to understand a failure, at the moment of it, if one is to be told."""
        if not decision.failed:
            return ()
        failed = [check for check in self._config.checks if check.name in decision.failed]
        subjects = evidence_kinds.subjects(failed, decision, now, before)
        begin = min(evidence_kinds.begin_of(check, decision, now, before) for check in failed) if failed else now
        deadline = time.monotonic() + evidence.MOST_S
        more = evidence_kinds.sections(failed, decision.results, self._store.reads, now, deadline)
        requests_begin = evidence_kinds.requests_begin(failed, decision, now, before)
        return evidence.collect(
            subjects,
            begin,
            now,
            deadline,
            requests_begin=requests_begin,
            is_of_memory=any(check.kind in evidence_kinds.OF_MEMORY for check in failed),
            known_units=self._config.units,
            more=more,
        )

    def _record(self, tx: Transaction, known: Known, seen: Seen, decision: Decision, found: Evidence) -> HealthReport:
        """Record results, state and what is to be told; decided anew only if another round was quicker meanwhile."""
        now = seen.round.now
        state, silences = tx.reads.state(), tx.reads.silences(now)
        if (state, silences) != (known.state, known.silences):
            decision = self._decide(state, silences, seen)
        duration_ms = (time.monotonic() - seen.began_monotonic) * 1000
        tx.record_round(now, duration_ms, decision.overall, decision.results, seen.round.recorded_reason)
        tx.save_state(decision.state, now, max((each.ended_at for each in decision.events if each.ended_at), default=None))
        tx.story.add(*_renewed(seen.results))
        latest = tx.reads.latest_results()
        for event, message in self._alerts(decision, latest, found, seen.round):
            tx.add_event(event, message, self._outbox.receivers)
            named = [latest[name] for name in dict.fromkeys((*event.checks, *event.failing)) if name in latest]
            measured = [line for result in named for line in story.measured(result)]
            tx.story.add_told(message.id, event.at, message.body, measured)
            if event.incident and is_news(event):
                tx.add_evidence(event.incident, [(piece.key, piece.text) for piece in found], now)
        # Where another round was quicker, the newer result counts.
        results = tuple(latest.get(result.check, result) for result in seen.results)
        return HealthReport(now, duration_ms, decision, results, latest)

    def _alerts(
        self, decision: Decision, latest: Mapping[str, CheckResult], found: Evidence, round_: Round
    ) -> Iterator[tuple[Event, Message]]:
        """Return what is to be told, with its message."""
        configured = {policy.name for policy in self._config.policies}
        newest = {name: result for name, result in latest.items() if name in configured}
        public = [(piece.key, piece.public) for piece in found if piece.public]
        for event in decision.events:
            event_id = f"nn-{event.incident}-{event.kind}-{round_.now:%Y%m%dT%H%M%S%f}"
            yield event, messages.alert(event, event_id, newest, public if is_news(event) else (), self._config.runbooks)
        loss = self._self_check.loss(round_.now) if round_.is_complete else None
        if loss is not None:
            event, result = loss
            # Its moment is the id by which the outbox takes it once.
            yield event, messages.alert(event, f"nn-loss-{event.at:%Y%m%dT%H%M%S%f}", {result.check: result})


def _renewed(results: Iterable[CheckResult]) -> list[StoryEntry]:
    """Return which services somebody has restarted: what follows may have come of it."""
    return [
        StoryEntry(reading.began_at or result.at, StoryKind.RENEWED, {"units": str(reading.facts["units"])})
        for result in results
        for reading in result.readings
        if reading.aspect == _RENEWED
    ]


def _has_unit_down(result: CheckResult | None) -> bool:
    return result is not None and any(
        reading.aspect == UNIT_ASPECT and reading.status is Status.CRITICAL for reading in result.readings
    )


def _is_known_down(state: State, check: Check) -> bool:
    return check.name in state.checks and state.checks[check.name].is_down


def _goes_down(unit: UnitState) -> bool:
    return unit.is_known and (unit.job == "stop" or not (unit.is_active or unit.is_in_transition))
