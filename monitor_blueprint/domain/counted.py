"""What is counted of a unit (its restarts), held against the outages that the check which looks at the unit has seen.

A unit that begins anew again and again is down between two of its beginnings. Where that was seen, it is one outage: the count
follows from it, and is over with it. What happens after its end is news again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitor_blueprint.domain.models import CheckPolicy, CheckResult, CheckState, Reading, Status
from monitor_blueprint.domain.readings import UNIT_ASPECT


def watchers_of(unit: str, policies: Sequence[CheckPolicy], checks: Mapping[str, CheckState]) -> frozenset[str]:
    """Return the checks that look at the unit itself."""
    thing = f"unit {unit.removesuffix('.service')}"
    return frozenset(
        policy.name
        for policy in policies
        if thing in policy.shares and policy.name in checks and UNIT_ASPECT in checks[policy.name].aspects
    )


def without_told_outages(
    results: Sequence[CheckResult], checks: Mapping[str, CheckState], policies: Sequence[CheckPolicy], now: datetime
) -> tuple[CheckResult, ...]:
    """Return the judged results; what was counted up to the end of an outage of its unit is well, and what goes on began then."""
    by_name = {result.check: result for result in results}
    return tuple(
        replace(result, readings=tuple(_after_outage(each, by_name, checks, policies, now) for each in result.readings))
        for result in results
    )


def _after_outage(
    reading: Reading,
    results: Mapping[str, CheckResult],
    checks: Mapping[str, CheckState],
    policies: Sequence[CheckPolicy],
    now: datetime,
) -> Reading:
    if reading.status is not Status.CRITICAL or reading.last_at is None or not reading.is_symptom:
        return reading
    watchers = watchers_of(str(reading.facts.get("unit", "")), policies, checks)
    ends = [end for name in watchers for end in _ends(checks[name], results.get(name), now)]
    if not ends:
        return reading
    ended_at = max(ends)
    if reading.last_at <= ended_at:
        return replace(reading, status=Status.OK, began_at=None)
    return replace(reading, began_at=max(reading.began_at or ended_at, ended_at))


def _ends(check: CheckState, result: CheckResult | None, now: datetime) -> Iterator[datetime]:
    """Return when the last outage ended that the check has seen; nothing while there is one, or may be."""
    if result is not None and (result.is_settling or result.status in (Status.CRITICAL, Status.UNKNOWN)):
        return
    if check.is_down:
        if result is not None:
            yield now
    elif check.settling_since is None and check.flips:
        yield check.flips[-1]
