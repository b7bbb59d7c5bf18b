from __future__ import annotations

import math
from datetime import timedelta

import pytest

from monitor_blueprint.domain.models import CheckResult, CheckState, Reading, Status, Thresholds, worst
from monitor_blueprint.domain.thresholds import grace_of, judge, level
from tests.monitor_blueprint.domain.story import START

OK, WARNING, CRITICAL, UNKNOWN = Status.OK, Status.WARNING, Status.CRITICAL, Status.UNKNOWN
DISK = Thresholds(80, 90)


def judged(reading: Reading, before: CheckState | None = None, after_s: float = 0.0) -> Reading:
    result = CheckResult("Disk", "disk", (reading,), START)
    return judge(result, before or CheckState(), START + timedelta(seconds=after_s), grace_s=10.0).readings[0]


@pytest.mark.parametrize(
    ("value", "before", "after"),
    [
        (79.9, OK, OK),
        (80, OK, WARNING),
        (89.9, OK, WARNING),
        (90, OK, CRITICAL),
        (100, OK, CRITICAL),
        (79.9, WARNING, WARNING),
        (75, WARNING, WARNING),
        (74.9, WARNING, OK),
        (89.9, WARNING, WARNING),
        (90, WARNING, CRITICAL),
        (85, CRITICAL, CRITICAL),
        (84.9, CRITICAL, WARNING),
        (75, CRITICAL, WARNING),
        (74.9, CRITICAL, OK),
        (79.9, UNKNOWN, OK),
        (math.inf, OK, CRITICAL),
    ],
)
def test_level_has_hysteresis(value: float, before: Status, after: Status) -> None:
    """A level is raised at its limit, and cleared five below."""
    assert level(value, DISK, before) is after


def test_cpu_raised_at_70_and_90() -> None:
    values = (69, 70, 90, 86, 84, 66, 64)
    seen, before = [], OK
    for value in values:
        before = level(value, Thresholds(70, 90), before)
        seen.append(before)
    assert seen == [OK, WARNING, CRITICAL, CRITICAL, WARNING, WARNING, OK]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("thresholds", [DISK, None])
def test_non_finite_value_is_unknown(value: float, thresholds: Thresholds | None) -> None:
    assert judged(Reading("usage", value=value, thresholds=thresholds)).status is UNKNOWN


def test_non_finite_value_keeps_probes_verdict() -> None:
    """A value that is no number does not hide a verdict of the probe."""
    assert judged(Reading("trend", CRITICAL, value=math.nan)).status is CRITICAL


@pytest.mark.parametrize(
    ("reading", "status"),
    [
        (Reading("usage", value=95, thresholds=DISK), CRITICAL),
        (Reading("usage", value=10, thresholds=DISK), OK),
        (Reading("usage", WARNING, value=10, thresholds=DISK), WARNING),
        (Reading("usage", WARNING, value=95, thresholds=DISK), CRITICAL),
        (Reading("usage", UNKNOWN, value=10, thresholds=DISK), UNKNOWN),
        (Reading("http", CRITICAL, value=95), CRITICAL),
        (Reading("http", OK, value=95), OK),
    ],
)
def test_value_never_betters_probes_verdict(reading: Reading, status: Status) -> None:
    """A value is judged only by thresholds, and never better than by the probe."""
    assert judged(reading).status is status


def test_hysteresis_is_per_reading() -> None:
    """Hysteresis looks at what the same reading was before."""
    before = CheckState(status=CRITICAL, aspects={"usage": CRITICAL})
    assert judged(Reading("usage", value=86, thresholds=DISK), before).status is CRITICAL
    assert judged(Reading("inodes", value=86, thresholds=DISK), before).status is WARNING


@pytest.mark.parametrize("before", [OK, WARNING, CRITICAL, UNKNOWN])
def test_settling_shows_previous_status(before: Status) -> None:
    reading = judged(Reading("unit", CRITICAL, is_settling=True), CheckState(status=before))
    assert (reading.status, reading.is_settling) == (before, True)


@pytest.mark.parametrize(
    ("after_s", "status", "is_settling"), [(0, OK, True), (9.9, OK, True), (10, CRITICAL, False), (-3600, OK, True)]
)
def test_settling_counts_after_grace_time(after_s: float, status: Status, is_settling: bool) -> None:
    before = CheckState(settling_since=START)
    reading = judged(Reading("unit", CRITICAL, is_settling=True), before, after_s)
    assert (reading.status, reading.is_settling) == (status, is_settling)


@pytest.mark.parametrize(
    ("own_s", "settles_s", "expected"),
    [(None, 0.0, 10.0), (None, 120.0, 120.0), (None, 5.0, 10.0), (60.0, 120.0, 60.0), (0.0, 120.0, 0.0)],
)
def test_grace_is_the_checks_own_or_the_targets(own_s: float | None, settles_s: float, expected: float) -> None:
    """The operator's word, else the longer of everybody's grace time and of what the target is known to need."""
    reading = Reading("unit", CRITICAL, is_settling=True, settles_s=settles_s)
    done = Reading("http", settles_s=1000.0)
    assert grace_of(CheckResult("Flask", "service", (reading, done), START), own_s, 10.0) == expected


def test_firm_reading_counts_beside_settling() -> None:
    readings = (Reading("http", CRITICAL, is_settling=True), Reading("usage", value=95, thresholds=DISK))
    result = judge(CheckResult("Flask", "service", readings, START), CheckState(), START, grace_s=10.0)
    assert [reading.status for reading in result.readings] == [OK, CRITICAL]
    assert result.status is CRITICAL


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], OK),
        ([OK, WARNING], WARNING),
        ([WARNING, UNKNOWN], UNKNOWN),
        ([UNKNOWN, CRITICAL, OK], CRITICAL),
    ],
)
def test_worst_status_order(statuses: list[Status], expected: Status) -> None:
    """The worst status is critical, then unknown, then warning."""
    assert worst(statuses) is expected


def test_all_critical_symptoms_make_a_symptom() -> None:
    """A result is a symptom when all that is critical is one."""
    symptom, fact = Reading("http", CRITICAL, is_symptom=True), Reading("unit", CRITICAL)
    assert CheckResult("Django", "service", (Reading("unit"), symptom), START).is_symptom
    assert not CheckResult("Django", "service", (fact, symptom), START).is_symptom
    assert not CheckResult("Django", "service", (Reading("unit"),), START).is_symptom
