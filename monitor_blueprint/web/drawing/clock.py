"""From a moment to a place on the axis of time, and where that is marked: at round times of the clock on the wall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from monitor_blueprint.web.drawing.svg import FIELD

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
# Hours, then days; the months are apart, as they are not equally long.
_HOURS = (1, 2, 3, 6, 12)
_DAYS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Times:
    """From one moment to another, from the left to the right."""

    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        """Return how much time it is."""
        return self.until - self.since

    def share(self, at: datetime) -> float:
        """Return how far to the right a moment lies, from 0 to 1; one beyond the ends, at the end."""
        return min(1.0, max(0.0, (at - self.since) / self.length))

    def x(self, at_s: float) -> int:
        """Return how far to the right a moment (in seconds since 1970) lies in the field."""
        return round(FIELD * (at_s - self.since.timestamp()) / self.length.total_seconds())

    def has(self, since: datetime, until: datetime) -> bool:
        """Tell whether something of that time lies between the ends."""
        return since < self.until and until > self.since


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis of time; a minor one is left out where there is little room."""

    at: datetime
    text: str
    is_minor: bool = False


def time_ticks(times: Times, most: int = 8) -> tuple[Tick, ...]:
    """Return at most about so many round local times: hours, days or months, as the length asks for."""
    for hours in _HOURS:
        if times.length <= hours * _HOUR * most:
            return _numbered(_hours(times, hours), "%H:%M")
    for days in _DAYS:
        if times.length <= days * _DAY * most:
            return _numbered(_days(times, days), "%m-%d")
    return _numbered(_months(times), "%Y-%m")


def _numbered(found: Iterator[datetime], form: str) -> tuple[Tick, ...]:
    return tuple(Tick(at, at.strftime(form), bool(number % 2)) for number, at in enumerate(found))


def _hours(times: Times, step: int) -> Iterator[datetime]:
    at = times.since.astimezone().replace(minute=0, second=0, microsecond=0).astimezone()
    # By the clock on the wall, which a change of it may turn back.
    while (at := (at + _HOUR).astimezone()) < times.until:
        if at.hour % step == 0:
            yield at


def _days(times: Times, step: int) -> Iterator[datetime]:
    day = times.since.astimezone().date()
    while (at := midnight(day)) < times.until:
        # From the first of a month on; the last days of it are too near to the next.
        if at > times.since and (day.day - 1) % step == 0 and (step == 1 or day.day <= 31 - step // 2):
            yield at
        day += _DAY


def _months(times: Times) -> Iterator[datetime]:
    day = times.since.astimezone().date().replace(day=1)
    while (at := midnight(day)) < times.until:
        if at > times.since:
            yield at
        day = (day + 31 * _DAY).replace(day=1)


def midnight(day: date) -> datetime:
    """Return when a day begins here."""
    return datetime(day.year, day.month, day.day).astimezone()
