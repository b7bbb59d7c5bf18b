"""From what was measured to what it means: thresholds with hysteresis, and transitions that get a grace time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from monitor_blueprint.domain.models import CheckResult, CheckState, Reading, Status, Thresholds, worst


def judge(result: CheckResult, before: CheckState, now: datetime, grace_s: float) -> CheckResult:
    """Return the result with every reading's status decided.

    A measured value is held against its thresholds, with hysteresis towards the status that the same aspect had
    before. A reading that is settling shows the status that the check had before for `grace_s` seconds; after that
    it counts.
    """
    is_within_grace = before.settling_since is None or (now - before.settling_since).total_seconds() < grace_s
    readings = []
    for reading in result.readings:
        if reading.is_settling and is_within_grace:
            readings.append(replace(reading, status=before.status))
        else:
            readings.append(replace(_judged(reading, before.aspects), is_settling=False))
    return replace(result, readings=tuple(readings))


def grace_of(result: CheckResult, own_s: float | None, grace_s: float) -> float:
    """Return how long a check may be in transition: as its configuration says, else everybody's time or what the target needs."""
    if own_s is not None:
        return own_s
    return max([grace_s, *(reading.settles_s for reading in result.readings if reading.is_settling)])


def level(value: float, thresholds: Thresholds, before: Status) -> Status:
    """Return the status of a value: raised at a limit, and cleared only `thresholds.clear` below that limit.

    The user's guide raises disk and memory at 80 and 90 %, the CPU at 70 and 90 %. The distance for clearing keeps a
    value that dances on a limit from raising an alert each time.
    """
    critical = thresholds.critical - (thresholds.clear if before is Status.CRITICAL else 0)
    warning = thresholds.warning - (thresholds.clear if before in (Status.WARNING, Status.CRITICAL) else 0)
    if value >= critical:
        return Status.CRITICAL
    if value >= warning:
        return Status.WARNING
    return Status.OK


def _judged(reading: Reading, before: Mapping[str, Status]) -> Reading:
    if reading.value is None or reading.status is Status.UNKNOWN:
        return reading
    if not math.isfinite(reading.value):
        # Not a number is no measurement: nothing is known, and nobody to blame.
        status = Status.UNKNOWN
    elif reading.thresholds is not None:
        status = level(reading.value, reading.thresholds, before.get(reading.aspect, Status.OK))
    else:
        return reading
    return replace(reading, status=worst([status, reading.status]))
