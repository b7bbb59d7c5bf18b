"""From one judged result to what is counted: confirmation, runs of equal results, staleness."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitor_blueprint.domain.models import Belief, CheckPolicy, CheckResult, CheckState, Status
from monitor_blueprint.domain.readings import UNIT_ASPECT


def count_result(before: CheckState, result: CheckResult, policy: CheckPolicy, now: datetime) -> CheckState:
    """Return the check's state after a judged result.

    CRITICAL counts after `policy.confirm` results in a row, at once where systemd itself says that the unit is down.
    A result that is settling says nothing new: it neither counts nor interrupts a run.
    """
    measured = result.status
    settling_since = min(before.settling_since or now, now) if result.is_settling else None
    doubtful_since = _doubtful_since(before, result, now)
    if result.is_settling and measured is before.status:
        return replace(
            before,
            seen_at=now,
            settling_since=settling_since,
            doubtful_since=doubtful_since,
            is_self_report=result.is_self_report,
        )
    streak = before.streak + 1 if measured is before.streak_of else 1
    status = measured
    if measured is Status.CRITICAL and not before.is_down and streak < policy.confirm and not _is_unit_down(result):
        status = before.status
    began = doubtful_since or now
    known = {reading.aspect: reading.status for reading in result.readings if reading.status is not Status.UNKNOWN}
    return replace(
        before,
        status=status,
        since=_since(before, status, began, now),
        seen_at=now,
        streak=streak,
        streak_of=measured,
        settling_since=settling_since,
        doubtful_since=doubtful_since,
        failing_since=_failing_since(before, status, began),
        is_down=status is Status.CRITICAL or (status is Status.UNKNOWN and before.is_down),
        # Not to see it changes nothing about what was last seen.
        is_symptom=before.is_symptom if measured is Status.UNKNOWN else result.is_symptom,
        is_self_report=before.is_self_report if measured is Status.UNKNOWN else result.is_self_report,
        about=before.about if measured is Status.UNKNOWN else result.about,
        aspects={**before.aspects, **known},
    )


def count_absence(before: CheckState, now: datetime, stale_after_s: float, blind_after: int) -> CheckState:
    """Return the check's state after a round that has no result of it: UNKNOWN once it is stale.

    A stale check is told at once: that nothing has been heard for so long is confirmation enough.
    """
    # The clock may have been set back.
    seen_at = min(before.seen_at or now, now)
    if (now - seen_at).total_seconds() <= stale_after_s:
        return replace(before, seen_at=seen_at)
    return replace(
        before,
        status=Status.UNKNOWN,
        since=before.since if before.status is Status.UNKNOWN else now,
        seen_at=seen_at,
        streak=max(before.streak if before.streak_of is Status.UNKNOWN else 0, blind_after),
        streak_of=Status.UNKNOWN,
        settling_since=None,
        doubtful_since=None,
        failing_since=_failing_since(before, Status.UNKNOWN, now),
    )


def _doubtful_since(before: CheckState, result: CheckResult, now: datetime) -> datetime | None:
    """Return since when the check has not been well: as the target says, else since the first look that found it so."""
    if not result.is_settling and result.status is not Status.CRITICAL:
        return None
    bad = [reading for reading in result.readings if reading.is_settling or reading.status is Status.CRITICAL]
    began = min(now, before.doubtful_since or now, *(reading.began_at for reading in bad if reading.began_at is not None))
    was_well = before.since is not None and before.status in (Status.OK, Status.WARNING) and before.doubtful_since is None
    if not was_well or before.seen_at is None or any(reading.is_counted for reading in bad):
        return began
    # What was seen well has not been otherwise: another unit, or another file, may have taken its place.
    return max(began, min(before.seen_at, now))


def _since(before: CheckState, status: Status, began: datetime, now: datetime) -> datetime:
    if before.since is not None and status is before.status:
        return before.since
    if status is not Status.CRITICAL:
        return now
    return before.failing_since if before.is_down and before.failing_since is not None else began


def _failing_since(before: CheckState, status: Status, began: datetime) -> datetime | None:
    if status is Status.CRITICAL and not before.is_down and before.notified in (Belief.FINE, Belief.BLIND):
        # The time in which nothing could be seen is not blamed on the target.
        return began
    if status in (Status.CRITICAL, Status.UNKNOWN):
        return before.failing_since or began
    return before.failing_since


def _is_unit_down(result: CheckResult) -> bool:
    # That is a fact, not a measurement that may have been unlucky.
    return any(reading.aspect == UNIT_ASPECT and reading.status is Status.CRITICAL for reading in result.readings)
