from __future__ import annotations

import math
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_blueprint.domain.models import ProbeError, Status
from monitor_blueprint.domain.text import Public
from monitor_blueprint.probes import Observation, disk_trend
from monitor_blueprint.probes.disk_trend import Options, Sample, hours_until_full
from tests.monitor_blueprint.probes.looking import NOW, looking

HOUR = 3600.0
GIB = 1024.0**3


def falling(hours: float, available: float, per_hour: float) -> list[Sample]:
    now = NOW.timestamp()
    count = int(hours * 12) + 1
    return [Sample(now - HOUR * n / 12, available + per_hour * n / 12) for n in reversed(range(count))]


def remembered(path: str, samples: list[Sample]) -> dict[str, Any]:
    return {"total": psutil.disk_usage(path).total, "samples": [list(sample) for sample in samples]}


def look(share_lost_per_hour: float, **options: Any) -> Observation:
    """Look at a file system that lost this share of what is available in each of the last six hours."""
    available = float(psutil.disk_usage("/").free)
    samples = falling(6, available, available * share_lost_per_hour)[:-1]
    return disk_trend.probe(Options(**options), looking(checkpoint=remembered("/", samples)))


def test_straight_fall_reaches_zero() -> None:
    """A straight fall reaches zero when arithmetic says."""
    assert hours_until_full(falling(6, 10 * GIB, GIB), NOW.timestamp()) == pytest.approx(10)


@given(st.floats(0.1, 1000), st.floats(0.01, 100))
def test_any_straight_fall_reaches_zero(available: float, per_hour: float) -> None:
    """Any straight fall reaches zero when arithmetic says."""
    hours = hours_until_full(falling(6, available * GIB, per_hour * GIB), NOW.timestamp())
    assert hours == pytest.approx(available / per_hour, rel=1e-3)


def test_steady_disk_is_never_full() -> None:
    """A disk that does not fill is never full."""
    assert hours_until_full(falling(6, 10 * GIB, 0), NOW.timestamp()) is None
    assert hours_until_full(falling(6, 10 * GIB, -GIB), NOW.timestamp()) is None


def test_one_sample_is_no_trend() -> None:
    assert hours_until_full([Sample(NOW.timestamp(), GIB)], NOW.timestamp()) is None


def test_first_look_is_fine() -> None:
    """The first look has no trend, and is fine."""
    (reading,) = disk_trend.probe(Options(), looking()).readings
    assert reading.status is Status.OK
    assert reading.value is None


def test_full_within_day_is_warning() -> None:
    """Little free, and full within a day, is a warning."""
    (reading,) = look(1 / 12, warning_free_percent=100, critical_free_percent=0).readings
    assert reading.status is Status.WARNING
    assert reading.value == pytest.approx(12, rel=0.05)


def test_full_within_hours_is_critical() -> None:
    """Very little free, and full within four hours, is critical."""
    (reading,) = look(1 / 3, warning_free_percent=100, critical_free_percent=100).readings
    assert reading.status is Status.CRITICAL


def test_much_free_is_always_fine() -> None:
    """Much free is fine, however fast it falls."""
    (reading,) = look(1 / 3, warning_free_percent=0, critical_free_percent=0).readings
    assert reading.status is Status.OK


def test_short_trend_is_not_judged() -> None:
    """Less than an hour of samples is not judged."""
    samples = falling(0.9, GIB, GIB)
    context = looking(checkpoint=remembered("/", samples))
    (reading,) = disk_trend.probe(Options(warning_free_percent=100, critical_free_percent=100), context).readings
    assert reading.status is Status.OK
    assert reading.value is None


def test_old_and_future_samples_are_forgotten() -> None:
    """Samples older than six hours, and from the future, are forgotten."""
    now = NOW.timestamp()
    samples = [Sample(now - 7 * HOUR, GIB), Sample(now - HOUR, GIB), Sample(now + HOUR, GIB)]
    checkpoint = disk_trend.probe(Options(), looking(checkpoint=remembered("/", samples))).checkpoint
    assert [at for at, _ in checkpoint["samples"]] == [now - HOUR, now]


def test_enlarged_file_system_begins_anew() -> None:
    """An enlarged file system begins a new line of samples."""
    checkpoint = remembered("/", falling(6, GIB, GIB)) | {"total": 1}
    assert len(disk_trend.probe(Options(), looking(checkpoint=checkpoint)).checkpoint["samples"]) == 1


def test_quick_looks_add_one_sample() -> None:
    """Looks within a minute add one sample."""
    first = disk_trend.probe(Options(), looking(NOW.timestamp()))
    second = disk_trend.probe(Options(), looking(NOW.timestamp() + 30, checkpoint=first.checkpoint))
    assert len(second.checkpoint["samples"]) == 1


def test_missing_mount_point_is_probe_error() -> None:
    with pytest.raises(ProbeError, match="No such file"):
        disk_trend.probe(Options(path="/no/such/place"), looking())


@given(st.lists(st.tuples(st.floats(-6 * HOUR, 0), st.floats(0, 2.0**60)), max_size=20))
def test_any_samples_have_an_answer(samples: list[tuple[float, float]]) -> None:
    now = NOW.timestamp()
    hours = hours_until_full([Sample(now + at, available) for at, available in sorted(samples)], now)
    assert hours is None or 0 <= hours < math.inf


def test_simultaneous_samples_are_no_trend() -> None:
    now = NOW.timestamp()
    assert hours_until_full([Sample(now, 2 * GIB), Sample(now, GIB)], now) is None


def test_full_disk_is_full_now() -> None:
    now = NOW.timestamp()
    assert hours_until_full([Sample(now - HOUR, GIB), Sample(now, 0)], now) == 0


@pytest.mark.parametrize(("hours", "is_known"), [(1.0, True), (0.99, False)])
def test_trend_needs_an_hour_of_samples(hours: float, is_known: bool) -> None:
    begin = Sample(NOW.timestamp() - hours * HOUR, 2.0**60)
    (reading,) = disk_trend.probe(Options(), looking(checkpoint=remembered("/", [begin]))).readings
    assert (reading.value is not None) is is_known


@pytest.mark.parametrize(
    ("free_percent", "hours", "status"),
    [
        (40.0, 23.9, Status.OK),
        (39.9, 24.0, Status.OK),
        (39.9, 23.9, Status.WARNING),
        (20.0, 3.9, Status.WARNING),
        (19.9, 4.0, Status.WARNING),
        (19.9, 3.9, Status.CRITICAL),
        (0.0, 0.0, Status.CRITICAL),
    ],
)
def test_trend_on_the_limit_is_fine(free_percent: float, hours: float, status: Status) -> None:
    assert disk_trend._judge(Options(), free_percent, hours) is status


@pytest.mark.parametrize("told", [Status.WARNING, Status.CRITICAL])
@pytest.mark.parametrize(("free_percent", "is_kept"), [(0.0, True), (1.2, True), (14.9, True), (15.0, False), (60.0, False)])
def test_full_disk_does_not_recover(told: Status, free_percent: float, is_kept: bool) -> None:
    """A trend that is flat because there is no room left is no recovery; one that is flat with room is."""
    reading = disk_trend._reading(Status.OK, told, free_percent, None, {"path": Public("/")})
    assert (reading.aspect, reading.status) == (("full", told) if is_kept else ("trend", Status.OK))


def test_worse_trend_is_told_of_a_full_disk() -> None:
    reading = disk_trend._reading(Status.CRITICAL, Status.WARNING, 1.0, 0.5, {})
    assert (reading.aspect, reading.status, reading.facts["hours"]) == ("trend", Status.CRITICAL, 0.5)


def test_other_path_has_another_trend() -> None:
    checkpoint = remembered("/", falling(6, GIB, GIB)) | {"path": "/elsewhere", "told": 2}
    seen = disk_trend.probe(Options(), looking(checkpoint=checkpoint))
    assert (len(seen.checkpoint["samples"]), seen.readings[0].status) == (1, Status.OK)
