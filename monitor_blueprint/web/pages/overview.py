"""The overview: what an operator opens at three in the morning. What has failed comes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Response

from monitor_blueprint.console import channels, checks, incidents
from monitor_blueprint.console.checks import CheckDocument, ReadingDocument, StatusAnswer
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.story import with_restarts
from monitor_blueprint.text import render, rows, story
from monitor_blueprint.web import access
from monitor_blueprint.web.mounted import monitor
from monitor_blueprint.web.pages import failing as told
from monitor_blueprint.web.pages.page import duration, html, lasting, words

if TYPE_CHECKING:
    from monitor_blueprint.web.pages.availability import Availability

_DAY = timedelta(days=1)
_MOST_TOLD = 10
_MONTH = timedelta(days=30)
_MOST_NAMED = 3
# In the order in which they are to be looked at.
_RANKS = {"CRITICAL": 0, "UNKNOWN": 1, "WARNING": 2, "OK": 3}
# A share of a time is not called by the time's name where less of it was watched.
_MOST_OF = 0.95


def page() -> Response:
    """Show how everything is."""
    # What draws takes memory, all the time once it is there.
    from monitor_blueprint.web.pages.availability import availability  # noqa: PLC0415

    view = access.view()
    status = checks.status(view)
    bad = sorted((check for check in status.checks if _is_bad(check)), key=_rank)
    well = [check for check in status.checks if not _is_bad(check)]
    failing = [check for check in bad if check.silenced_until is None]
    month = availability(view, [check.name for check in well])
    return html(
        "overview.html",
        state=status.overall.lower(),
        seen=status,
        summary=_summary(status, len(bad)),
        heading=_heading(status, bad),
        what=_what(status, bad),
        stale=_stale(status),
        owner=_owner(status),
        failing=failing,
        silenced=[check for check in bad if check.silenced_until is not None],
        well=well,
        worst=told.worst,
        since_of=lambda check: told.since(check, view),
        lasting=lambda check: lasting(check.since, view.now),
        advice=told.advice,
        ranges=_ranges(view, well),
        availabilities=_availabilities(month),
        days={name: each.picture for name, each in month.items()},
        every_minutes=view.config.settings.every_minutes,
        channels=channels.channels(view, monitor().outbox).channels,
        story=_story(view),
        incidents=incidents.incidents(view, 5).incidents,
    )


def _is_bad(check: CheckDocument) -> bool:
    return check.is_told or (check.status != "OK" and not check.is_left_out)


def _rank(check: CheckDocument) -> tuple[bool, bool, int]:
    """Return where a check stands among those to be looked at: causes before what those bring about."""
    return bool(check.causes), not check.is_told, _RANKS[check.status]


def _summary(status: StatusAnswer, count: int) -> str:
    w = words()
    if status.stale:
        return w.summary_stale
    return w.summary_bad.format(count=count) if count else w.summary_ok.format(count=len(status.checks))


def _heading(status: StatusAnswer, bad: Sequence[CheckDocument]) -> str:
    """Return what a tab of the browser says: the state, and the first of what has failed."""
    names = [check.name for check in bad[:2]]
    return " ".join([status.overall, *names, *([f"+{len(bad) - len(names)}"] if len(bad) > len(names) else [])])


def _what(status: StatusAnswer, bad: Sequence[CheckDocument]) -> str:
    """Return in one line what is worst, the cause first, and since when."""
    w, seen = words(), min((check.status for check in status.checks), key=_RANKS.__getitem__, default="OK")
    worst = [check for check in bad if check.status == seen]
    own = [check for check in worst if not check.causes] or worst
    others = [check for check in worst if check not in own]
    named = ", ".join(
        w.not_well.format(name=check.name, since=render.local(check.stands_since or check.since)) for check in own[:_MOST_NAMED]
    )
    if len(own) > _MOST_NAMED:
        named = w.and_more.format(names=named, count=len(own) - _MOST_NAMED)
    affected = [w.affected.format(names=render.names([check.name for check in others]))] if others else []
    what = " · ".join(part for part in [named, *affected] if part)
    return w.last_seen.format(overall=seen, what=what) if what and status.stale else what


def _stale(status: StatusAnswer) -> str:
    w = words()
    return {"stopped": w.stopped, "first": w.first, "stalled": w.stalled}[status.stale] if status.stale else ""


def _owner(status: StatusAnswer) -> str:
    w, incident = words(), status.incident
    if incident is None or not incident.is_acknowledged:
        return w.nobody
    return w.owned_since.format(by=incident.acknowledged_by or w.withheld, at=render.local(incident.acknowledged_at))


def _ranges(view: View, well: Sequence[CheckDocument]) -> dict[str, str]:
    """Return the least and the greatest of the day, of what each check measures first."""
    measured = {check.name: each for check in well if (each := _first_measured(check)) is not None}
    extremes = view.reads.hours.extremes({name: each.aspect for name, each in measured.items()}, view.now - _DAY)
    return {name: rows.value_range(measured[name].unit, found) for name, found in extremes.items()}


def _first_measured(check: CheckDocument) -> ReadingDocument | None:
    return next((reading for reading in check.readings if reading.value is not None), None)


def _availabilities(found: Mapping[str, Availability]) -> dict[str, str]:
    """Return the share of the month that each check was up, and of how much of it that is said."""
    told = {}
    for name, each in found.items():
        total = each.total
        share, known_s = rows.share(total.availability), total.up_s + total.down_s
        is_whole = total.availability is None or known_s >= _MOST_OF * _MONTH.total_seconds()
        told[name] = share if is_whole else words().watched.format(share=share, known=duration(known_s))
    return told


def _story(view: View) -> list[tuple[object, str]]:
    """Return what happened within the day, newest first; what people did, and who they are, is for operators."""
    if not view.visitor.is_trusted:
        return []
    told = with_restarts(view.reads.story.between(view.now - _DAY, view.now, 3 * _MOST_TOLD))
    return [(each.at, story.sentence(each)) for each in told[: -_MOST_TOLD - 1 : -1]]
