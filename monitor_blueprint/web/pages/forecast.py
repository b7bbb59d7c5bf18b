"""When a disk will be full, as a picture: what was measured, the line through it, and how sure that is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor_blueprint.console.checks import CheckAnswer
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.trend import Trend, trend
from monitor_blueprint.text.places import size
from monitor_blueprint.web.drawing.clock import Times
from monitor_blueprint.web.drawing.picture import Curve, Moment, Picture, draw
from monitor_blueprint.web.pages.plotting import Shown, length, moment, words

# Further ahead what was measured would be a spot at the edge, and the line a guess.
_AHEAD = 4
_POINTS = 24
_UNITS = ((2**40, "T"), (2**30, "G"), (2**20, "M"), (2**10, "K"))
# A byte an hour is rounding, not a trend.
_LEAST_SLOPE = -1 / 3600


def forecast(view: View, found: CheckAnswer) -> Shown | None:
    """Return the forecast that a check of the disk's trend goes by; None where nothing is remembered of the disk."""
    w = words()
    kept = view.reads.checkpoints().get(found.check.name, {}).get("samples", [])
    points = [(float(at), float(available)) for at, available in kept]
    if not points:
        return None
    line = trend(points)
    first, last = points[0][0], points[-1][0]
    # A disk is measured once a minute at most: the line of a few minutes says nothing.
    options = found.configuration
    least_h, window_h = options.get("least_h"), options.get("window_h")
    if line is None or last - first < (least_h if isinstance(least_h, int | float) else 1) * 3600:
        return Shown(w.forecast, draw(_picture(view, points, None, last)), remark=w.forecast_short)
    window = length((window_h if isinstance(window_h, int | float) else 6) * 3600)
    full_s = line.zero() if line.slope < _LEAST_SLOPE else None
    horizon = last + _AHEAD * max(last - first, 3600.0)
    until = min(horizon, full_s + (full_s - first) / 10) if full_s is not None else last + (last - first)
    remark = [_told(points[-1][1], line, full_s, last), w.forecast_legend.format(window=window)]
    return Shown(w.forecast, draw(_picture(view, points, line, until)), remark=" ".join(remark))


def _told(available: float, line: Trend, full_s: float | None, now_s: float) -> str:
    w = words()
    if full_s is None or full_s - now_s > timedelta(days=3650).total_seconds():
        return w.forecast_none.format(available=size(available))
    told = w.forecast_seen.format(available=size(available), full=_moment(full_s))
    earliest, latest = line.zero_between(now_s, now_s + 20 * max(full_s - now_s, 60.0))
    likely = w.likely.format(first=_moment(earliest), last=_moment(latest)) if earliest and latest else ""
    return f"{told} {likely}".rstrip(" ") + ("." if likely else "")


def _picture(view: View, points: list[tuple[float, float]], line: Trend | None, until_s: float) -> Picture:
    w = words()
    factor, unit = next(((size, name) for size, name in _UNITS if max(value for _, value in points) >= size), (1, ""))
    now_s = view.now.timestamp()
    times = Times(_at(points[0][0]), _at(max(until_s, now_s) + 60))
    curves = [Curve("mean", [at for at, _ in points], [value / factor for _, value in points])]
    moments = [Moment(view.now, w.now, "now")]
    full_s = line.zero() if line is not None and line.slope < _LEAST_SLOPE else None
    if line is not None:
        begin, end = points[0][0], min(until_s, full_s) if full_s is not None else until_s
        at_s = [begin + (end - begin) * number / _POINTS for number in range(_POINTS + 1)]
        values = [max(0.0, line.value(at)) / factor for at in at_s]
        edges = [[max(0.0, line.value(at) + side * line.margin(at)) / factor for at in at_s] for side in (-1, 1)]
        curves.insert(0, Curve("trend", at_s, values, edges[0], edges[1]))
    if full_s is not None and full_s <= until_s:
        moments.append(Moment(_at(full_s), f"{w.full} {_moment(full_s)}", "full"))
    return Picture(
        key="pf",
        title=w.forecast_title.format(window=length(points[-1][0] - points[0][0])),
        description=_told(points[-1][1], line, full_s, points[-1][0]) if line is not None else w.forecast_short,
        times=times,
        unit=unit,
        curves=curves,
        longest_s=times.length.total_seconds(),
        moments=moments,
        height=150,
    )


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _moment(seconds: float) -> str:
    return moment(_at(seconds))
