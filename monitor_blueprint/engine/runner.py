"""Runs the probes side by side, each with a deadline that holds even where the probe cannot be interrupted."""

from __future__ import annotations

import logging
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
from monitor_blueprint.domain.models import ABSENT, EMPTY, CheckResult, ProbeError, Reading, Status
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.probes import Observation, ProbeContext

_logger = logging.getLogger(__name__)
# More threads than this at once cost more memory than they save time.
MAX_THREADS = 100


class UnitSnapshot:
    """The units' states in one round: asked once, by the first probe that wants to know."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._lock = threading.Lock()
        self._states: dict[str, UnitState] | None = None
        self._failure = ""

    def __call__(self, name: str) -> UnitState:
        """Return the unit's state; raises ProbeError where systemd cannot be asked."""
        with self._lock:
            if self._states is None and not self._failure:
                try:
                    self._states = read_units(self._names)
                except SystemdUnavailableError as error:
                    self._failure = clean(str(error))
        if self._states is None:
            raise ProbeError(self._failure)
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
                _logger.warning("only %d threads for %d probes", number, len(jobs))
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

    def _give_up(self, check: Check) -> str:
        """Wait for the check no longer, and return why there is no result."""
        began = self._out.get(check.name)
        if began is None:
            return "not reached before the deadline of the round"
        self._stuck.add(check.name)
        return f"no answer from the probe for {time.monotonic() - began:.0f} s"


def unknown(check: Check, now: datetime, reason: str, checkpoint: Mapping[str, Any]) -> CheckResult:
    """Return the result of a check that could not be looked at; what its probe remembers is kept."""
    reading = Reading("probe", Status.UNKNOWN, facts={"reason": clean(reason)})
    return CheckResult(check.name, check.kind, (reading,), now, checkpoint=checkpoint)


class _WrongObservationError(Exception):
    """What a probe returned is nothing that the rules could judge and the database could keep."""


def _probe(job: _Job) -> CheckResult:
    start = time.monotonic()
    check, context = job.check, job.context
    try:
        seen = _checked(_look(job))
    except ProbeError as error:
        result = unknown(check, context.now, shortage.named(error) or str(error), context.checkpoint)
    except (Exception, SystemExit) as error:  # the edge of a job: a fault in one probe must not stop the others
        want = shortage.named(error)
        if want:
            return unknown(check, context.now, want, context.checkpoint)
        _logger.exception("probe %s failed", check.name)
        # Other exceptions' texts can hold anything.
        reason = str(error) if isinstance(error, _WrongObservationError) else type(error).__name__
        result = unknown(check, context.now, f"fault in the probe: {reason}", context.checkpoint)
    else:
        result = CheckResult(check.name, check.kind, seen.readings, context.now, checkpoint=seen.checkpoint)
    return replace(result, duration_ms=(time.monotonic() - start) * 1000)


def _look(job: _Job) -> object:
    module = probes.load(job.check.kind)
    is_possible = getattr(module, "is_possible", None)
    if job.is_optional and is_possible is not None and not is_possible(job.check.options):
        return Observation((Reading(ABSENT),))
    return module.probe(job.check.options, job.context)


def _checked(seen: object) -> Observation:
    """Return what a probe saw, if all that comes after it can use it."""
    if not isinstance(seen, Observation):
        raise _WrongObservationError(f"it returned {type(seen).__name__}, not an Observation")
    if not isinstance(seen.readings, tuple) or not seen.readings:
        raise _WrongObservationError("its readings must be a tuple of at least one Reading")
    for reading in seen.readings:
        if not isinstance(reading, Reading):
            raise _WrongObservationError(f"one of its readings is a {type(reading).__name__}")
        if not isinstance(reading.status, Status):
            raise _WrongObservationError(f'the status of "{reading.aspect}" is a {type(reading.status).__name__}, not a Status')
        if isinstance(reading.value, float) and not math.isfinite(reading.value):
            raise _WrongObservationError(f'the value of "{reading.aspect}" is no finite number')
    for what, found, kept_as in (
        ("readings", seen.readings, tuple[Reading, ...]),
        ("checkpoint", seen.checkpoint, dict[str, Any]),
    ):
        try:
            # As the database will do it, before one bad value takes the whole transaction with it.
            msgspec.json.decode(msgspec.json.encode(found, enc_hook=dict), type=kept_as)
        except Exception as error:
            why = str(error) if isinstance(error, msgspec.ValidationError) else type(error).__name__
            raise _WrongObservationError(f"its {what} cannot be kept: {why}") from error
    return seen
