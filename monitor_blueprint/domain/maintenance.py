"""Weekly maintenance windows: wall-clock times in a time zone, and the silences that they amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from monitor_blueprint.domain.models import Silence


class Weekday(IntEnum):
    """Days as `date.weekday()` counts them."""

    MON = 0
    TUE = 1
    WED = 2
    THU = 3
    FRI = 4
    SAT = 5
    SUN = 6


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to `end` by the clock on the wall, on the days named; `end` before `start` is on the next day."""

    days: tuple[Weekday, ...]
    start: time
    end: time
    zone: ZoneInfo
    checks: tuple[str, ...] = ("*",)
    why: str = ""

    def silences(self, now: datetime) -> tuple[Silence, ...]:
        """Return the silences of this window that cover `now` (one for each check), in UTC.

        A wall-clock time that a daylight-saving change skips or repeats is taken as PEP 495 says with fold=0: a window
        that starts in the skipped hour starts as much later, one in the repeated hour starts with its first pass. A
        window that the change would leave nothing of keeps its length.
        """
        return tuple(each for each in self.between(now, now) if each.starts_at <= now < each.ends_at)

    def between(self, since: datetime, until: datetime) -> tuple[Silence, ...]:
        """Return the silences of this window that cover something of a time, the oldest first, in UTC."""
        first, last = since.astimezone(self.zone).date() - timedelta(days=1), until.astimezone(self.zone).date()
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        found: list[Silence] = []
        for day in days:
            if Weekday(day.weekday()) in self.days:
                starts_at, ends_at = self._on(day)
                if starts_at <= until and ends_at > since:
                    found.extend(Silence(check, starts_at, ends_at, self.why) for check in self.checks)
        return tuple(found)

    def _on(self, day: date) -> tuple[datetime, datetime]:
        last_day = day if self.end > self.start else day + timedelta(days=1)
        starts_at = datetime.combine(day, self.start, self.zone).astimezone(UTC)
        ends_at = datetime.combine(last_day, self.end, self.zone).astimezone(UTC)
        if ends_at <= starts_at:
            ends_at = starts_at + (datetime.combine(last_day, self.end) - datetime.combine(day, self.start))
        return starts_at, ends_at


def active(windows: Sequence[Window], now: datetime) -> tuple[Silence, ...]:
    """Return the silences of all windows that cover `now`."""
    return tuple(silence for window in windows for silence in window.silences(now))
