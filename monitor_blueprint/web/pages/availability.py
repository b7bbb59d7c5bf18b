"""How long everything was up, day by day: as bars, and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from monitor_blueprint.console import series
from monitor_blueprint.console.series import DayDocument
from monitor_blueprint.console.view import View
from monitor_blueprint.text import rows
from monitor_blueprint.web.drawing.bars import Day, bars
from monitor_blueprint.web.pages.plotting import length, words

DAYS = 30


@dataclass(frozen=True, slots=True)
class Availability:
    """The last days of a check: drawn, in one sentence, all together, and one by one."""

    picture: Markup
    text: str
    total: DayDocument
    days: Sequence[DayDocument]


def availability(view: View, checks: Sequence[str], *, is_each_titled: bool = False) -> dict[str, Availability]:
    """Return the last 30 days of each of these checks.

    Each day says its figures where one points at it, or only those that were not all up, as many checks have many days.
    """
    # As many at once as can be answered.
    at_once = series.MOST_DAYS // DAYS
    parts = [checks[first : first + at_once] for first in range(0, len(checks), at_once)]
    found = [each for part in parts for each in series.availability(view, part, DAYS).checks]
    return {
        each.check: Availability(
            bars([_day(day, is_titled=is_each_titled) for day in each.days], _told(each.total, each.check)),
            seen(each.total),
            each.total,
            each.days,
        )
        for each in found
    }


def seen(day: DayDocument) -> str:
    """Return how a time was: the share of up, how long it was down, and for how long it was watched at all."""
    w = words()
    if day.availability is None:
        return w.availability_unseen
    watched = day.up_s + day.down_s + day.unknown_s
    return w.availability_seen.format(share=rows.share(day.availability), down=length(day.down_s), watched=length(watched))


def _told(total: DayDocument, check: str) -> str:
    return f"{check} {words().availability}: {seen(total)}"


def _day(day: DayDocument, *, is_titled: bool) -> Day:
    is_told = is_titled or day.down_s > 0 or day.unknown_s > 0
    return Day(_title(day) if is_told else "", day.up_s, day.down_s, day.unknown_s, day.unwatched_s)


def _title(day: DayDocument) -> str:
    w = words()
    parts = ((w.up, day.up_s), (w.down, day.down_s), (w.unknown, day.unknown_s), (w.unwatched, day.unwatched_s))
    told = ", ".join(w.day_part.format(word=word, length=length(lasted)) for word, lasted in parts if lasted >= 1)
    return w.day_title.format(day=day.day, parts=told or w.unwatched)
