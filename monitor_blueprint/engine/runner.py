"""Runs the probes side by side, each with a deadline that holds even where the probe cannot be interrupted."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from monitor_blueprint import probes
from monitor_blueprint.adapters import shortage
from monitor_blueprint.adapters.deadline import Call
from monitor_blueprint.adapters.shortage import NO_THREADS
from monitor_blueprint.adapters.systemd import SystemdUnavailableError, UnitState, full_name, read_units
from monitor_blueprint.config import Check
from monitor_blueprint.domain.models import ABSENT, EMPTY, CheckResult, ProbeError, Reading, Scalar, Status
from monitor_blueprint.domain.text import ExplainedError, Private, Public, class_name, configured, fill, label, private
from monitor_blueprint.faults import detail_of
from monitor_blueprint.log import Log
from monitor_blueprint.probes import Observation, ProbeContext
from monitor_blueprint.storage.encoding import decode_readings, encode_readings, to_json

_log = Log(__name__)
# More threads than this at once cost more memory than they save time.
MAX_THREADS = 100


class UnitSnapshot:
    """The units' states in one round: asked once, by the first probe that wants to know."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._lock = threading.Lock()
        self._states: dict[str, UnitState] | None = None
        self._failure: SystemdUnavailableError | None = None

    def __call__(self, name: str) -> UnitState:
        """Return the unit's state; raises ProbeError where systemd cannot be asked."""
        with self._lock:
            if self._states is None and self._failure is None:
                try:
                    self._states = read_units(self._names)
                except SystemdUnavailableError as error:
                    self._failure = error
        if self._failure is not None:
            raise ProbeError(self._failure.told, self._failure.detail)
        assert self._states is not None  # noqa: S101 - one or the other
        return self._states.get(full_name(name), UnitState(full_name(name)))


@dataclass(frozen=True, slots=True)
class _Job:
    check: Check
    context: ProbeContext
    is_optional: bool


class Runner:
    """Runs rounds of probes; remembers across rounds which probe has not come back yet.

    A probe that hangs in the kernel (statvfs on a dead mount) keeps its one thread and is not started again before it
    returns; its check is UNKNOWN meanwhile. A check that another round is just looking at is looked at again once that
    look is done.
    """

    def __init__(self) -> None:
        self._returned = threading.Condition()
        self._out: dict[str, float] = {}
        # Those of them that nobody waits for any more.
        self._stuck: set[str] = set()

    def run(
        self,
        checks: Sequence[Check],
        *,
        now: datetime,
        units: Callable[[str], UnitState],
        checkpoints: Mapping[str, Mapping[str, Any]],
        environ: Mapping[str, str],
        deadline_s: float,
        starting: Collection[str] = (),
        optional: Collection[str] = (),
        asked_paths: frozenset[str] = frozenset(),
    ) -> list[CheckResult]:
        """Probe all checks; return one result for each, in their order, after `deadline_s` seconds at the latest.

        Of the `optional` ones, by name, the probe is asked first whether there is anything to look at. To those `starting`
        the monitor has come so early that they may not be there yet.
        """
        # The probes stop trying a little before nobody waits for them any more.
        deadline = time.monotonic() + deadline_s
        with self._returned:
            stuck = frozenset(self._stuck)
        jobs = [
            _Job(
                check,
                ProbeContext(
                    now,
                    deadline - 1.0,
                    units,
                    checkpoints.get(check.name, EMPTY),
                    environ,
                    is_starting=check.name in starting,
                    grace_s=check.policy.grace_s or 0.0,
                    asked_paths=asked_paths,
                ),
                is_optional=check.name in optional,
            )
            for check in checks
            if check.name not in stuck
        ]
        results: dict[str, CheckResult] = {}
        workers = self._workers(jobs, results)
        for worker in workers:
            if worker.wait(deadline):
                worker.result()
        with self._returned:
            for check in checks:
                # What comes back later is dropped: the round is over.
                if check.name not in results:
                    reason = self._give_up(check) if workers or check.name in stuck else NO_THREADS
                    results[check.name] = unknown(check, now, reason, checkpoints.get(check.name, EMPTY))
            return [results[check.name] for check in checks]

    def _workers(self, jobs: Sequence[_Job], results: dict[str, CheckResult]) -> list[Call[None]]:
        """Return the calls that do the jobs, side by side."""
        waiting: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        for job in jobs:
            waiting.put(job)
        workers: list[Call[None]] = []
        for number in range(min(len(jobs), MAX_THREADS)):
            try:
                workers.append(Call(lambda: self._work(waiting, results), f"probe-{number}"))
            except RuntimeError:
                # The system gives no more threads; a few do the work as well, and without any nothing is known.
                _log.warning(fill("only {count} threads for {jobs} probes", count=number, jobs=len(jobs)))
                break
        return workers

    def _work(self, waiting: queue.SimpleQueue[_Job], results: dict[str, CheckResult]) -> None:
        while True:
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            if not self._begin(job):
                return
            result = _probe(job)
            with self._returned:
                results[result.check] = result
                del self._out[result.check]
                self._stuck.discard(result.check)
                self._returned.notify_all()

    def _begin(self, job: _Job) -> bool:
        """Wait until nobody else is looking at the check; False when there is no time left for it."""
        name, deadline = job.check.name, job.context.deadline
        with self._returned:
            is_free = self._returned.wait_for(lambda: name not in self._out, timeout=deadline - time.monotonic())
            if not is_free or time.monotonic() >= deadline:
                return False
            self._out[name] = time.monotonic()
        return True

    def _give_up(self, check: Check) -> Public:
        """Wait for the check no longer, and return why there is no result."""
        began = self._out.get(check.name)
        if began is None:
            return fill("not reached before the deadline of the round")
        self._stuck.add(check.name)
        return fill("no answer from the probe for {seconds:.0f} s", seconds=time.monotonic() - began)


def unknown(
    check: Check, now: datetime, reason: Public, checkpoint: Mapping[str, Any], detail: Private | None = None
) -> CheckResult:
    """Return the result of a check that could not be looked at; what its probe remembers is kept."""
    facts: dict[str, Scalar] = {"reason": configured(reason)}
    if detail is not None:
        facts["reason_text"] = detail
    reading = Reading("probe", Status.UNKNOWN, facts=facts)
    return CheckResult(check.name, check.kind, (reading,), now, checkpoint=checkpoint)


class _WrongObservationError(ExplainedError):
    """What a probe returned is nothing that the rules could judge and the database could keep."""


def _probe(job: _Job) -> CheckResult:
    start = time.monotonic()
    check, context = job.check, job.context
    try:
        seen = _checked(_look(job))
    except ProbeError as error:
        want = shortage.named(error)
        if want:
            return unknown(check, context.now, want, context.checkpoint)
        result = unknown(check, context.now, _told(error), context.checkpoint, _detail(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the edge of a job: a fault in one probe must not stop the others
        want = shortage.named(error)
        if want:
            return unknown(check, context.now, want, context.checkpoint)
        _log.error(fill("probe {name} failed", name=configured(check.name)), error)
        # Other exceptions' texts can hold anything.
        reason = error.told if isinstance(error, _WrongObservationError) else class_name(error)
        told = fill("fault in the probe: {reason}", reason=reason)
        result = unknown(check, context.now, told, context.checkpoint, detail_of(error))
    else:
        result = CheckResult(check.name, check.kind, seen.readings, context.now, checkpoint=seen.checkpoint)
    return replace(result, duration_ms=(time.monotonic() - start) * 1000)


def _told(error: ProbeError) -> Public:
    # Whoever wrote the probe may not have asked mypy.
    return error.told if isinstance(error.told, Public) else class_name(error)


def _detail(error: ProbeError) -> Private | None:
    if not isinstance(error.told, Public):
        return private(error.told)
    return error.detail if isinstance(error.detail, Private) else None


def _look(job: _Job) -> object:
    module = probes.load(job.check.kind)
    is_possible = getattr(module, "is_possible", None)
    if job.is_optional and is_possible is not None and not is_possible(job.check.options):
        return Observation((Reading(ABSENT),))
    return module.probe(job.check.options, job.context)


def _checked(seen: object) -> Observation:
    """Return what a probe saw, if all that comes after it can use it."""
    if not isinstance(seen, Observation):
        raise _WrongObservationError(fill("it returned {type}, not an Observation", type=class_name(seen)))
    if not isinstance(seen.readings, tuple) or not seen.readings:
        raise _WrongObservationError(fill("its readings must be a tuple of at least one Reading"))
    for reading in seen.readings:
        if not isinstance(reading, Reading):
            raise _WrongObservationError(fill("one of its readings is a {type}", type=class_name(reading)))
        aspect = label(str(reading.aspect))
        if not isinstance(reading.status, Status):
            told = fill('the status of "{aspect}" is a {type}, not a Status', aspect=aspect, type=class_name(reading.status))
            raise _WrongObservationError(told)
        if isinstance(reading.value, float) and not math.isfinite(reading.value):
            raise _WrongObservationError(fill('the value of "{aspect}" is no finite number', aspect=aspect))
    readings = tuple(_with_private_texts(reading) for reading in seen.readings)
    _try_to_keep("readings", lambda: decode_readings(encode_readings(readings)))
    _try_to_keep("checkpoint", lambda: msgspec.json.decode(to_json(seen.checkpoint), type=dict[str, Any]))
    return Observation(readings, seen.checkpoint)


def _with_private_texts(reading: Reading) -> Reading:
    """Return the reading with every text in it that does not say that it may be known as one that may not."""
    strange = {key: private(text) for key, text in reading.facts.items() if type(text) is str}
    return replace(reading, facts={**reading.facts, **strange}) if strange else reading


def _try_to_keep(what: str, keep: Callable[[], object]) -> None:
    """Do as the database will do, before one bad value takes the whole transaction with it."""
    try:
        keep()
    except Exception as error:
        # msgspec names types and places, and no value.
        why = configured(error) if isinstance(error, msgspec.ValidationError) else class_name(error)
        raise _WrongObservationError(fill("its {what} cannot be kept: {why}", what=label(what), why=why)) from error
