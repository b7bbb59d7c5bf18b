"""Several checks over each other on one axis of time, to see what went together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, request

from monitor_blueprint.console import series
from monitor_blueprint.console.happenings import covers_s, happenings, spells
from monitor_blueprint.console.series import SeriesDocument
from monitor_blueprint.console.view import View
from monitor_blueprint.text import render
from monitor_blueprint.web import access
from monitor_blueprint.web.drawing.clock import Times
from monitor_blueprint.web.drawing.lanes import Span, definitions
from monitor_blueprint.web.drawing.picture import Curve, Picture, draw
from monitor_blueprint.web.pages import plotting
from monitor_blueprint.web.pages.page import html
from monitor_blueprint.web.pages.plotting import Range, Shown, words

MOST = 6
_FIRST = 3
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Frame:
    """What all of the pictures share: the time, the steps of the means, and the incidents."""

    wanted: Range
    times: Times
    step_s: int
    spans: Sequence[Span]


def compare() -> Response:
    """Show the checks that are asked for; the first that measure something where none is."""
    view, w = access.view(), words()
    results = view.reads.latest_results()
    known = {policy.name: results[policy.name] for policy in view.config.policies if policy.name in results}
    faults: list[str] = []
    wanted = plotting.asked_range(faults)
    asked = list(dict.fromkeys(request.args.getlist("check")))
    faults += [w.unknown_check.format(name=name[:40]) for name in asked if name not in known][:MOST]
    chosen = [name for name in asked if name in known]
    if len(chosen) > MOST:
        faults.append(w.too_many.format(most=MOST))
    if not asked:
        chosen = [name for name, result in known.items() if any(each.value is not None for each in result.readings)][:_FIRST]
    chosen = chosen[:MOST]
    times = wanted.times(view.now)
    meanwhile = happenings(view, chosen, times.since, times.until)
    spans = plotting.incident_spans(meanwhile, view.now)
    answer = series.series(view, chosen, "", (times.since, times.until), wanted.step)
    frame = Frame(wanted, times, answer.step_s, spans)
    shown = [_shown(view, number, name, plotting.measured(view, name, answer), frame) for number, name in enumerate(chosen)]
    lanes = plotting.lanes_of(view, meanwhile, spans)
    counts = ((w.incident_lane, meanwhile.incidents), (w.silence_lane, meanwhile.silences), (w.story_lane, meanwhile.story))
    told = ", ".join(f"{name} {len(found)}" for name, found in counts)
    together = Picture("pl", w.story_meanwhile, told, times, bands=spans, lanes=lanes)
    return html(
        "compare.html",
        422 if faults else 200,
        p=w,
        faults=faults,
        known=[(name, render.title(name, result.kind)) for name, result in known.items()],
        chosen=chosen,
        range=wanted.key,
        definitions=definitions(),
        shown=shown,
        together=draw(together),
        zone=plotting.zone(view.now),
        meanwhile=meanwhile,
        moment=plotting.moment,
        silence_text=lambda each: plotting.silence_text(view, each.starts_at, each.ends_at, each.why),
        most_named=_MOST_NAMED,
    )


def _shown(
    view: View,
    number: int,
    name: str,
    found: Sequence[SeriesDocument],
    frame: Frame,
) -> Shown:
    """Return a check over the common time: what it measures first, or how it stood where it measures nothing."""
    w, times, wanted = words(), frame.times, frame.wanted
    stood = spells(view, name, times.since, times.until)
    bands = [*plotting.unwatched(stood), *frame.spans]
    key, title = f"p{number}", w.picture.format(name=name, range=w.ranges[wanted.key])
    lanes = [plotting.state_lane(stood)]
    if not found:
        return Shown(name, draw(Picture(key, title, w.no_values, times, bands=bands, lanes=lanes, is_timed=False)))
    # What was measured last is still measured; of several it is the first.
    first = next((each for each in found if each.at), found[0])
    curves = [Curve("mean", [at + frame.step_s / 2 for at in first.at], first.mean, first.min, first.max)] if first.at else []
    picture = Picture(
        key=key,
        title=title,
        description=plotting.seen(first),
        times=times,
        unit=w.units.get(first.unit, first.unit),
        curves=curves,
        longest_s=max(1.6 * frame.step_s, covers_s(view, name)),
        limits=plotting.limits(first),
        bands=bands,
        lanes=lanes,
        height=84,
        is_timed=False,
    )
    return Shown(plotting.called(first, name, is_alone=len(found) == 1), draw(picture), remark=plotting.seen(first))
