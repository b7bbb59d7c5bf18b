from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from monitor_blueprint.web.drawing.clock import Times, time_ticks

# Half past two in the afternoon, in Seoul.
NOW = datetime(2026, 11, 28, 5, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def new_york() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()
    assert os.environ.get("TZ") != "America/New_York"


def texts(length: timedelta, until: datetime = NOW) -> list[str]:
    return [tick.text for tick in time_ticks(Times(until - length, until))]


@pytest.mark.usefixtures("seoul")
def test_round_times_of_the_wall() -> None:
    assert texts(6 * HOUR) == ["09:00", "10:00", "11:00", "12:00", "13:00", "14:00"]
    assert texts(DAY) == ["15:00", "18:00", "21:00", "00:00", "03:00", "06:00", "09:00", "12:00"]
    assert texts(7 * DAY) == ["11-22", "11-23", "11-24", "11-25", "11-26", "11-27", "11-28"]
    assert texts(30 * DAY) == ["11-01", "11-06", "11-11", "11-16", "11-21", "11-26"]
    assert texts(365 * DAY)[::11] == ["2025-12", "2026-11"]
    assert len(texts(365 * DAY)) == 12


@pytest.mark.usefixtures("seoul")
def test_every_second_is_minor() -> None:
    ticks = time_ticks(Times(NOW - 7 * DAY, NOW))
    assert [tick.is_minor for tick in ticks] == [False, True] * 3 + [False]
    assert ticks[0].at == datetime(2026, 11, 21, 15, tzinfo=UTC)


@pytest.mark.usefixtures("new_york")
def test_a_changed_clock_moves_nothing() -> None:
    """The day on which the clock was turned back has 25 hours; midnight stays midnight, and noon noon."""
    after = datetime(2026, 11, 2, 5, tzinfo=UTC)
    assert texts(7 * DAY, after) == ["10-27", "10-28", "10-29", "10-30", "10-31", "11-01"]
    ticks = time_ticks(Times(after - 25 * HOUR, after))
    assert [tick.text for tick in ticks] == ["06:00", "12:00", "18:00"]
    assert ticks[0].at == datetime(2026, 11, 1, 11, tzinfo=UTC)


def test_places_on_the_axis() -> None:
    times = Times(NOW - 10 * HOUR, NOW)
    assert [times.share(NOW - hours * HOUR) for hours in (10, 5, 0, 12, -3)] == [0, 0.5, 1, 0, 1]
    assert times.x((NOW - 9 * HOUR).timestamp()) == 100
    assert times.has(NOW - 11 * HOUR, NOW - 9 * HOUR)
    assert not times.has(NOW - 12 * HOUR, NOW - 10 * HOUR)
