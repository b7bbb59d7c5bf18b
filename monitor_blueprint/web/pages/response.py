"""How fast a check's site answers, or how long the check takes: p50 and p95 of the single results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from markupsafe import Markup

from monitor_blueprint.console import series
from monitor_blueprint.console.checks import CheckAnswer
from monitor_blueprint.console.happenings import covers_s
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.models import Reading
from monitor_blueprint.storage.results import DURATION_MS, LATENCY_MS, PastResult, rank
from monitor_blueprint.web.drawing.picture import Curve, Picture, draw
from monitor_blueprint.web.pages import plotting
from monitor_blueprint.web.pages.plotting import RANGES, Range, Shown, curve_of, figure, heads, rows_of, words


@dataclass(frozen=True, slots=True)
class Response:
    """Over the time that is asked for, as a picture; and of the last day and week how p50, p95 and how many results it is of."""

    shown: Shown
    spreads: Sequence[tuple[str, str, str, int]]


def response(view: View, found: CheckAnswer, wanted: Range, last: Sequence[PastResult]) -> Response:
    """Return what is to be seen as the check's response time: that of the site where it asks one, or how long it took itself."""
    name = found.check.name
    aspect, called = _aspect(found, last)
    is_kept = wanted.length <= timedelta(days=view.config.settings.keep_days)
    if wanted.spread_step is not None and is_kept:
        shown = _spread(view, name, (aspect, called), wanted, wanted.spread_step)
    else:
        shown = _summed(view, name, (aspect, called), wanted)
    return Response(shown, _spreads(view, name, aspect))


def _aspect(found: CheckAnswer, last: Sequence[PastResult]) -> tuple[str, str]:
    if any(LATENCY_MS in each.values for each in last):
        return LATENCY_MS, words().response
    own = next((each.aspect for each in found.check.readings if each.unit == "ms"), "")
    return (own, words().response) if own else (DURATION_MS, words().duration)


def _summed(view: View, name: str, response: tuple[str, str], wanted: Range) -> Shown:
    """Return what the hours say, of more time than p50 and p95 are told of."""
    (aspect, called), w, times = response, words(), wanted.times(view.now)
    of = view.reads.hours.series(name, [aspect], (times.since, times.until), wanted.step).get(aspect)
    remark = w.hours_only.format(days=view.config.settings.keep_days)
    if of is None:
        return Shown(called, Markup(), remark=remark)
    kept = series.document(name, Reading(aspect, unit="ms"), of)
    step_s = wanted.step.total_seconds()
    title = w.picture.format(name=called, range=w.ranges[wanted.key])
    picture = Picture("pr", title, plotting.seen(kept), times, "ms", (curve_of(kept, step_s),), 1.6 * step_s, height=110)
    return Shown(called, draw(picture), heads(), rows_of(kept, wanted), remark)


def _spread(view: View, name: str, response: tuple[str, str], wanted: Range, step: timedelta) -> Shown:
    (aspect, called), w, times = response, words(), wanted.times(view.now)
    spreads = view.reads.results.spread(name, aspect, times.since, times.until, step)
    if not spreads:
        return Shown(called, Markup(), remark=w.seen_nothing)
    step_s = step.total_seconds()
    at_s = [each.at_s + step_s / 2 for each in spreads]
    curves = (Curve("most", at_s, [each.most for each in spreads]), Curve("half", at_s, [each.half for each in spreads]))
    picture = Picture(
        key="pr",
        title=w.spread_title.format(name=called, range=w.ranges[wanted.key]),
        description=f"p95: {figure(max(each.most for each in spreads), 'ms')}",
        times=times,
        unit="ms",
        curves=curves,
        longest_s=max(1.6 * step_s, covers_s(view, name)),
        height=110,
    )
    local = plotting.local_times([each.at_s for each in spreads], wanted.form)
    table = [(at, f"{each.half:.6g}", f"{each.most:.6g}", str(each.count)) for at, each in zip(local, spreads, strict=True)]
    return Shown(called, draw(picture), (w.at, w.half, w.most, w.count), table)


def _spreads(view: View, name: str, aspect: str) -> list[tuple[str, str, str, int]]:
    found = []
    for key in ("24h", "7d"):
        times = RANGES[key].times(view.now)
        values = view.reads.results.values(name, aspect, times.since, times.until)
        if values:
            found.append((words().ranges[key], figure(rank(values, 50), "ms"), figure(rank(values, 95), "ms"), len(values)))
    return found
