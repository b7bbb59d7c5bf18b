"""A check: how it stands, what it measured over a time, how long it was up, how fast it answers, and how it is configured."""

from __future__ import annotations

import math
from collections.abc import Sequence

from flask import Response

from monitor_blueprint.console import checks, series
from monitor_blueprint.console.checks import CheckAnswer
from monitor_blueprint.console.happenings import Happenings, covers_s, happenings, spells
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.durations import lasted_s
from monitor_blueprint.storage.results import DURATION_MS, LATENCY_MS, PastResult
from monitor_blueprint.text import rows
from monitor_blueprint.web import access
from monitor_blueprint.web.drawing.clock import Times
from monitor_blueprint.web.drawing.lanes import Lane, definitions
from monitor_blueprint.web.drawing.picture import Picture, draw
from monitor_blueprint.web.pages import plotting
from monitor_blueprint.web.pages.availability import availability
from monitor_blueprint.web.pages.forecast import forecast
from monitor_blueprint.web.pages.page import html
from monitor_blueprint.web.pages.plotting import Range, Shown, curve_of, figure, heads, rows_of, words
from monitor_blueprint.web.pages.response import response

_LAST = 20
_MOST_FINE = 2
_MOST_NAMED = 20
_BESIDE = (DURATION_MS, LATENCY_MS)


def check(name: str) -> Response:
    """Show one check."""
    view, w = access.view(), words()
    found = checks.check(view, name)
    if found is None:
        return html("no_check.html", 404, p=w, name=name)
    faults: list[str] = []
    wanted = plotting.asked_range(faults)
    times = wanted.times(view.now)
    meanwhile = happenings(view, [name], times.since, times.until)
    last = view.reads.results.last(name, _LAST)
    return html(
        "check.html",
        422 if faults else 200,
        p=w,
        faults=faults,
        check=found.check,
        depends_on=found.depends_on,
        configuration=[(key, plotting.option(value)) for key, value in found.configuration.items()],
        range=wanted.key,
        definitions=definitions(),
        shown=_pictures(view, found, wanted, times, meanwhile),
        zone=plotting.zone(view.now),
        meanwhile=meanwhile,
        most_named=_MOST_NAMED,
        silence_text=lambda each: plotting.silence_text(view, each.starts_at, each.ends_at, each.why),
        moment=plotting.moment,
        length=plotting.length,
        lasted=lambda since: plotting.length(lasted_s(since, view.now)),
        figure=figure,
        share=rows.share,
        days=availability(view, [name], is_each_titled=True)[name],
        response=response(view, found, wanted, last),
        last=[_past(each) for each in last],
        forecast=forecast(view, found) if found.check.kind == "disk_trend" else None,
        now=view.now,
    )


def _pictures(view: View, found: CheckAnswer, wanted: Range, times: Times, meanwhile: Happenings) -> list[Shown]:
    """Return what the check measured; how it stood, and what happened, stands below the first of it."""
    name, title = found.check.name, found.check.title
    count = sum(each.value is not None for each in found.check.readings)
    # What measures many things has as many figures in all as what measures a few.
    answer = series.series(view, [name], "", (times.since, times.until), wanted.step * max(1, math.ceil(count / _MOST_FINE)))
    stood = spells(view, name, times.since, times.until)
    spans = plotting.incident_spans(meanwhile, view.now)
    lanes: Sequence[Lane] = [plotting.state_lane(stood), *plotting.lanes_of(view, meanwhile, spans)]
    bands = [*plotting.unwatched(stood), *spans]
    measured = plotting.measured(view, name, answer)
    if not measured:
        picture = Picture("p0", _title(title, wanted), words().no_values, times, bands=bands, lanes=lanes)
        return [Shown(title, draw(picture), remark=words().no_values)]
    shown = []
    for number, each in enumerate(measured):
        called = plotting.called(each, title, is_alone=len(measured) == 1)
        picture = Picture(
            key=f"p{number}",
            title=_title(called, wanted),
            description=plotting.seen(each),
            times=times,
            unit=words().units.get(each.unit, each.unit),
            curves=(curve_of(each, answer.step_s),) if each.at else (),
            longest_s=max(1.6 * answer.step_s, covers_s(view, name)),
            limits=plotting.limits(each),
            bands=bands,
            lanes=lanes if number == 0 else (),
        )
        shown.append(Shown(called, draw(picture), heads(), rows_of(each, wanted), plotting.seen(each)))
    return shown


def _title(name: str, wanted: Range) -> str:
    return words().picture.format(name=name, range=words().ranges[wanted.key])


def _past(result: PastResult) -> tuple[str, str, str, str]:
    """Return a result as a row: its moment, its status, what it measured, and how long it took."""
    values = ", ".join(
        f"{words().aspects.get(aspect, aspect)} {value:.6g}" for aspect, value in result.values.items() if aspect not in _BESIDE
    )
    took = result.values.get(DURATION_MS)
    return plotting.moment(result.at), result.status.name, values, "" if took is None else f"{took:,.1f}"
