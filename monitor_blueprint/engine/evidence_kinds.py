"""The evidence that fits the kind of a check: what fills a disk, what a service that does not answer is doing."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from monitor_blueprint.config import Check, units_of
from monitor_blueprint.domain.decision import Decision
from monitor_blueprint.domain.models import CheckResult, State, Status
from monitor_blueprint.engine import evidence_disk, evidence_processes
from monitor_blueprint.engine.evidence_found import Subject
from monitor_blueprint.storage.reads import Reads
from monitor_blueprint.text import render, story

# Titles and their objects, and what to do for them.
Section = tuple[str, Callable[[], str]]
_ANSWERS = 5
# How a list of units and their counts is put together: "nginx ×2, gunicorn_django ×1".
_NAMES = re.compile(r"(?: ×\d+)?(?:, |$)")
OF_MEMORY = ("memory", "swap")
_DISKS = ("disk", "disk_trend")
# These say that the file system is not there: at its place lies another, or nothing.
_GONE = ("unmounted", "replaced", "device", "access")
# What happened so long before a unit went down, in seconds, may have brought it about; what is asked from time to time may have
# failed since it was last asked, and what was not seen before, some time ago.
_BEFORE_S = 10.0
_NEVER_SEEN_S = 120.0
_LONGEST_S = 3600.0
_STOPPING = "deactivating/"
_NOTHING_KNOWN = State()
_ANSWERING = ("service", "http", "health_body", "golden")


def begin_of(check: Check, decision: Decision, now: datetime, before: State = _NOTHING_KNOWN) -> datetime:
    """Return when what has brought about a check's failure may have begun; `before` is what was known until now.

    A check that counts over a time of its own says something of that time; nothing is of before the last recovery of the
    check, or of what it depends on.
    """
    window_s = float(getattr(check.options, "window_s", 0))
    return _after_recovery(check, decision, now, before, max(_unseen_s(check, decision, before), window_s))


def requests_begin(checks: Sequence[Check], decision: Decision, now: datetime, before: State) -> datetime:
    """Return when requests may have begun to fail of which these checks' failures are."""
    return min(
        (_after_recovery(check, decision, now, before, _unseen_s(check, decision, before)) for check in checks),
        default=now,
    )


def _after_recovery(check: Check, decision: Decision, now: datetime, before: State, span_s: float) -> datetime:
    since = min((event.since.get(check.name, now) for event in decision.events if check.name in event.checks), default=now)
    known = [before.checks.get(name) for name in (check.name, *check.policy.depends_on)]
    recovered = [each.since for each in known if each is not None and each.status is Status.OK and each.since is not None]
    begin = since - timedelta(seconds=min(span_s, _LONGEST_S))
    return max([begin, *(at for at in recovered if at <= since)])


def _unseen_s(check: Check, decision: Decision, before: State) -> float:
    """Return for how long before it was seen something may have been wrong, in seconds.

    When a unit went down systemd says, and what is counted over a time has its moments itself.
    """
    known = before.checks.get(check.name)
    if known is None or known.status is Status.UNKNOWN:
        return _NEVER_SEEN_S
    result = next((each for each in decision.results if each.check == check.name), None)
    is_down = result is not None and any("state" in each.facts and each.status is not Status.OK for each in result.readings)
    is_counted = hasattr(check.options, "window_s")
    return _BEFORE_S if is_down or is_counted else min(max(_BEFORE_S, check.policy.interval_s), _NEVER_SEEN_S)


def subjects(checks: Sequence[Check], decision: Decision, now: datetime, before: State = _NOTHING_KNOWN) -> list[Subject]:
    """Return the units that take part in the failures of these checks: causes first, and of a check of many the worst first."""
    consequences = {name for event in decision.events for name in event.consequences}
    results = {result.check: result for result in decision.results}
    begins: dict[str, datetime] = {}
    for check in sorted(checks, key=lambda check: check.name in consequences):
        for unit in failing_units(check, results.get(check.name)):
            begins[unit] = min(begin_of(check, decision, now, before), begins.get(unit, now))
    return [Subject(unit, begin) for unit, begin in begins.items()]


def failing_units(check: Check, result: CheckResult | None) -> Sequence[str]:
    """Return the check's units under the names that the journal knows, those that its result names where it is of several."""
    units = units_of(check)
    readings = [] if result is None else [reading for reading in result.readings if reading.status is not Status.OK]
    # The journal knows no aliases, and says nothing of a unit that stands for others.
    if real := [str(reading.facts["unit"]) for reading in readings if "real" in reading.facts]:
        return real
    if len(units) < 2:
        return units
    facts = [fact for reading in readings for key in ("unit", "units") if isinstance(fact := reading.facts.get(key), str)]
    named = [name for fact in facts for name in _NAMES.split(fact)]
    return [unit for unit in dict.fromkeys(named) if unit in units] or units


def being_stopped(checks: Sequence[Check], results: Sequence[CheckResult], failed: Collection[str]) -> list[Check]:
    """Return the failed checks whose unit is on its way down: a moment later there is more to say of it."""
    stopping = {
        result.check
        for result in results
        if any(str(reading.facts.get("state", "")).startswith(_STOPPING) for reading in result.readings)
    }
    return [check for check in checks if check.name in stopping and check.name in failed]


def sections(
    checks: Sequence[Check], results: Sequence[CheckResult], reads: Reads, now: datetime, deadline: float
) -> Iterator[Section]:
    """Return what is to be looked at for the checks that fail, and have these results; all of it stays in the history."""
    gone = {result.check for result in results for reading in result.readings if reading.aspect in _GONE}
    for check in checks:
        path = getattr(check.options, "path", "")
        if check.kind in _DISKS and path and check.name not in gone:
            yield f"disk {path}", partial(evidence_disk.usage, path, deadline)
        if check.kind in _ANSWERING:
            for unit in units_of(check):
                yield f"threads {unit}", partial(evidence_processes.threads, unit)
            yield f"answers {check.name}", partial(_answers, check.name, reads, now)


def _answers(check: str, reads: Reads, now: datetime) -> str:
    """Return what the check saw before: once an hour, and whenever something changed."""
    lines = []
    for result in reads.past_results(check, now, _ANSWERS):
        lines += [f"{render.local(result.at)} {line}" for line in story.measured(result)]
    return "\n".join(lines)
