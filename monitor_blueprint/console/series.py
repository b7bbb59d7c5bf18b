"""What was measured over a time, and how long everything was up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from monitor_blueprint.console.view import Answer, Document, View
from monitor_blueprint.domain.models import Reading
from monitor_blueprint.storage.hours import DAY, HOUR, Buckets, Watched

# Of all series of an answer together; and of the days of all checks.
MOST_POINTS = 2000
MOST_DAYS = 1500
MINUTE = timedelta(minutes=1)


class TooMuchError(Exception):
    """More was asked for than can be answered at once: the text says how much is possible."""


class SeriesDocument(Document, frozen=True, kw_only=True):
    """What a check measured of one aspect, column by column.

    `at` are the moments at which the buckets begin, in seconds since 1970; of what was measured in a bucket (`count` times)
    `min`, `mean` and `max` say the least, the mean and the greatest. A bucket in which nothing was measured is not there.
    """

    check: str
    aspect: str
    unit: str
    warning: float | None
    critical: float | None
    at: tuple[int, ...]
    count: tuple[int, ...]
    min: tuple[float, ...]
    mean: tuple[float, ...]
    max: tuple[float, ...]


class SeriesAnswer(Answer, frozen=True, kw_only=True):
    """What was measured from `since` to `until`, in buckets of `step_s` seconds, which is what was asked for or more."""

    since: datetime
    until: datetime
    step_s: int
    series: list[SeriesDocument]


class DayDocument(Document, frozen=True, kw_only=True):
    """How long a check was up (OK or WARNING), down and unknown, in seconds, and for how long nobody watched.

    `availability` is the share of up in up and down: null where neither was seen.
    """

    day: str
    up_s: float
    down_s: float
    unknown_s: float
    unwatched_s: float
    availability: float | None


class AvailabilityDocument(Document, frozen=True, kw_only=True):
    """The days of a check, the oldest first, and all of them together."""

    check: str
    total: DayDocument
    days: list[DayDocument]


class AvailabilityAnswer(Answer, frozen=True, kw_only=True):
    """How long everything was up, by the days of this server's time zone; the last day is today, as far as it has come."""

    timezone: str
    checks: list[AvailabilityDocument]


def series(view: View, checks: Sequence[str], aspect: str, times: tuple[datetime, datetime], wanted: timedelta) -> SeriesAnswer:
    """Return what these checks measured of an aspect, or of all where it is "".

    The buckets are as long as wanted, or as long as they must be for all points to fit into one answer.
    """
    results = view.reads.latest_results()
    known = [(name, _measured(results[name].readings, aspect)) for name in checks if name in results]
    step = _step(view, times, wanted, sum(len(readings) for _, readings in known))
    found: list[SeriesDocument] = []
    for name, readings in known:
        buckets = view.reads.hours.series(name, [reading.aspect for reading in readings], times, step)
        found += [document(name, reading, buckets.get(reading.aspect, Buckets())) for reading in readings]
    return SeriesAnswer(since=times[0], until=times[1], step_s=round(step.total_seconds()), series=found)


def document(check: str, reading: Reading, of: Buckets) -> SeriesDocument:
    """Return what a check measured of what a reading is of."""
    limits = reading.thresholds
    return SeriesDocument(
        check=check,
        aspect=reading.aspect,
        unit=reading.unit,
        warning=limits.warning if limits is not None else None,
        critical=limits.critical if limits is not None else None,
        at=of.at_s,
        count=of.count,
        min=of.least,
        mean=of.mean,
        max=of.greatest,
    )


def _measured(readings: Sequence[Reading], aspect: str) -> list[Reading]:
    return [each for each in readings if each.value is not None and aspect in ("", each.aspect)]


def _step(view: View, times: tuple[datetime, datetime], wanted: timedelta, count: int) -> timedelta:
    """Return how long the buckets are: whole minutes, hours or days."""
    least = max(wanted, (times[1] - times[0]) * max(1, count) / MOST_POINTS)
    # Of what is older than the results that are kept, there are the hours.
    if times[0] < view.now - timedelta(days=view.config.settings.keep_days):
        least = max(least, HOUR)
    unit = DAY if least > DAY - MINUTE else HOUR if least > HOUR - MINUTE else MINUTE
    return math.ceil(least / unit) * unit


def availability(view: View, checks: Sequence[str], days: int) -> AvailabilityAnswer:
    """Return how long each check was up on each of the last days.

    Raises:
        TooMuchError: so many checks and days cannot be answered at once.
    """
    if len(checks) * days > MOST_DAYS:
        raise TooMuchError(f"at most {MOST_DAYS // max(1, len(checks))} days of so many checks at once")
    today = view.now.astimezone().date()
    dates = [today - timedelta(days=days - 1 - number) for number in range(days)]
    # A day is as long as the clock on the wall says, and begins with the hour that it begins in.
    bounds = [_midnight(day) for day in (*dates, today + timedelta(days=1))]
    watched = view.reads.hours.watched(checks, bounds, view.now)
    lengths = [(min(end, view.now) - begin).total_seconds() for begin, end in pairwise(bounds)]
    found = []
    for name, parts in watched.items():
        by_day = [_day(day.isoformat(), part, length) for day, part, length in zip(dates, parts, lengths, strict=True)]
        sums = (sum(getattr(each, key) for each in parts) for key in ("up_s", "down_s", "unknown_s"))
        total = _day(dates[0].isoformat(), Watched(*sums), sum(lengths))
        found.append(AvailabilityDocument(check=name, total=total, days=by_day))
    return AvailabilityAnswer(timezone=view.now.astimezone().tzname() or "UTC", checks=found)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day).astimezone()


def _day(day: str, watched: Watched, length_s: float) -> DayDocument:
    share = watched.availability
    return DayDocument(
        day=day,
        up_s=round(watched.up_s, 1),
        down_s=round(watched.down_s, 1),
        unknown_s=round(watched.unknown_s, 1),
        unwatched_s=round(max(0.0, length_s - watched.up_s - watched.down_s - watched.unknown_s), 1),
        # Rounded down, so that 1 is only said of a whole.
        availability=None if share is None else math.floor(share * 100_000) / 100_000,
    )
