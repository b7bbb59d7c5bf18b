"""The incidents, page by page: searched, and the last 30 days as a time line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from flask import Response, request
from markupsafe import Markup

from monitor_blueprint.console import incidents as console
from monitor_blueprint.console.happenings import happenings
from monitor_blueprint.console.incidents import IncidentDocument
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.durations import lasted_s
from monitor_blueprint.storage.reads import IncidentFilter
from monitor_blueprint.web import access
from monitor_blueprint.web.drawing.clock import Times, midnight
from monitor_blueprint.web.drawing.lanes import Lane, Span, definitions
from monitor_blueprint.web.drawing.picture import Picture, draw
from monitor_blueprint.web.pages import plotting
from monitor_blueprint.web.pages.page import html
from monitor_blueprint.web.pages.plotting import words

_LIMIT = 25
_MONTH = timedelta(days=30)
_DAY = timedelta(days=1)
_MOST_LANES = 8
_LONGEST_TEXT = 100
_FIELDS = ("check", "state", "since", "until", "text")


def incidents() -> Response:
    """Show the incidents that are asked for, the newest first."""
    view, w = access.view(), words()
    asked = {key: request.args.get(key, "").strip() for key in _FIELDS}
    faults: list[str] = []
    where = _where(asked, request.args.get("before", ""), faults)
    answer = console.incidents(view, _LIMIT, where)
    is_searched = any(asked.values())
    given = {key: value for key, value in asked.items() if value}
    return html(
        "incidents.html",
        422 if faults else 200,
        p=w,
        faults=faults,
        asked=asked,
        given=given,
        is_searched=is_searched,
        is_first=not request.args.get("before"),
        checks=[policy.name for policy in view.config.policies],
        found=answer.incidents,
        next_before=answer.next_before,
        lasted=lambda each: plotting.length(lasted_s(each.opened_at, each.closed_at or view.now)),
        definitions=definitions(),
        timeline=_timeline(view),
        moment=plotting.moment,
        zone=plotting.zone(view.now),
    )


def _where(asked: Mapping[str, str], before: str, faults: list[str]) -> IncidentFilter:
    """Return which incidents are asked for; what cannot be understood is left out, and told among the faults."""
    w = words()
    since, until = _day("since", asked["since"], faults), _day("until", asked["until"], faults)
    if since is not None and until is not None and until < since:
        faults.append(w.day_order)
        until = None
    states = {"": None, "open": True, "closed": False}
    if asked["state"] not in states:
        faults.append(w.no_state)
    wanted = IncidentFilter(
        check=asked["check"],
        is_open=states.get(asked["state"]),
        since=midnight(since) if since else None,
        until=midnight(until + _DAY) if until else None,
        text=asked["text"][:_LONGEST_TEXT],
    )
    if not before:
        return wanted
    if not (before.isascii() and before.isdecimal() and len(before) < 19):
        faults.append(w.no_number)
        return wanted
    return replace(wanted, before=int(before))


def _day(field: str, given: str, faults: list[str]) -> date | None:
    if not given:
        return None
    try:
        day = date.fromisoformat(given)
    except ValueError:
        day = date.min
    # Years that a clock of this machine can have, and the next day of.
    if 1971 <= day.year <= 9000:
        return day
    faults.append(words().no_day.format(field=field))
    return None


def _timeline(view: View) -> Markup:
    """Return the last 30 days: a lane for each check that an incident had to do with, the most frequent first."""
    w = words()
    times = Times(view.now - _MONTH, view.now)
    found = happenings(view, [], times.since, times.until)
    if not found.incidents:
        return Markup()
    counted = Counter(name for each in found.incidents for name in each.checks)
    most = [name for name, _ in counted.most_common(_MOST_LANES)]
    spans = dict(zip((each.number for each in found.incidents), plotting.incident_spans(found, view.now), strict=True))
    lanes = [Lane(f"{name} ({counted[name]})", _spans(name, found.incidents, spans), is_headed=True) for name in most]
    told = [w.timeline_seen.format(count=len(found.incidents), checks=len(counted))]
    if len(counted) > len(most):
        told.append(w.timeline_rest.format(count=len(most)))
    return draw(Picture("pt", w.timeline_title, " ".join(told), times, lanes=lanes))


def _spans(name: str, found: Sequence[IncidentDocument], spans: Mapping[int, Span]) -> list[Span]:
    return [spans[each.number] for each in found if name in each.checks]
