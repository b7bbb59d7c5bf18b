"""From one judged result to what is counted: confirmation, runs of equal results, staleness."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitor_blueprint.core.models import CheckPolicy, CheckResult, CheckState, Status

# A unit that systemd calls inactive or failed is a fact, not a measurement that may have been unlucky.
UNIT_ASPECT = "unit"


def count_result(before: CheckState, result: CheckResult, policy: CheckPolicy, now: datetime) -> CheckState:
    """Return the check's state after a judged result.

    CRITICAL counts after `policy.confirm` results in a row, at once where systemd itself says that the unit is down.
    """
    measured = result.status
    streak = before.streak + 1 if measured is before.streak_of else 1
    status = measured
    if measured is Status.CRITICAL and not before.is_down and streak < policy.confirm and not _is_unit_down(result):
        status = before.status
    return replace(
        before,
        status=status,
        since=before.since if before.since is not None and status is before.status else now,
        seen_at=now,
        streak=streak,
        streak_of=measured,
        settling_since=(before.settling_since or now) if result.is_settling else None,
        failing_since=_failing_since(before, status, now),
        is_down=status is Status.CRITICAL or (status is Status.UNKNOWN and before.is_down),
        is_symptom=result.is_symptom,
        aspects={reading.aspect: reading.status for reading in result.readings},
    )


def count_absence(before: CheckState, now: datetime, stale_after_s: float, blind_after: int) -> CheckState:
    """Return the check's state after a cycle that has no result of it: UNKNOWN once it is stale.

    A stale check is told at once: that nothing has been heard for so long is confirmation enough.
    """
    if before.seen_at is None or (now - before.seen_at).total_seconds() <= stale_after_s:
        return before
    return replace(
        before,
        status=Status.UNKNOWN,
        since=before.since if before.status is Status.UNKNOWN else now,
        streak=max(before.streak if before.streak_of is Status.UNKNOWN else 0, blind_after),
        streak_of=Status.UNKNOWN,
        settling_since=None,
        failing_since=_failing_since(before, Status.UNKNOWN, now),
    )


def _failing_since(before: CheckState, status: Status, now: datetime) -> datetime | None:
    if status in (Status.CRITICAL, Status.UNKNOWN):
        return before.failing_since or now
    return before.failing_since


def _is_unit_down(result: CheckResult) -> bool:
    return any(reading.aspect == UNIT_ASPECT and reading.status is Status.CRITICAL for reading in result.readings)
