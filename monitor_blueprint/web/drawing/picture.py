"""A picture of what was measured: curves over an axis of time, with limits, incidents, and times that nobody has watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from monitor_blueprint.web.drawing import curves
from monitor_blueprint.web.drawing.clock import Times, time_ticks
from monitor_blueprint.web.drawing.lanes import HATCH, Lane, Span, draw_lane, in_sight
from monitor_blueprint.web.drawing.scale import Scale, value_scale, value_ticks
from monitor_blueprint.web.drawing.svg import element, field, group, percent, short, titled

TOP = 8
_AXIS_HEIGHT = 20
# Between the curves and the lanes: the lowest value stands there.
_GAP = 8
_LABEL_X = -8


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through means, with a band from the least to the greatest where these are given; `kind` is its class."""

    kind: str
    at_s: Sequence[float]
    mean: Sequence[float]
    least: Sequence[float] = ()
    greatest: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """A line across at a value, with what it is."""

    value: float
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A line down at a moment, with what it is."""

    at: datetime
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn.

    Attributes:
        key: tells it apart from the other pictures of the page.
        title, description: what it is, and what is to be seen on it, for whoever does not see it.
        times: from when to when.
        unit: what stands behind the values.
        curves: those further back first.
        longest_s: over how much time without a value a curve is still drawn on.
        limits, moments: lines across and down.
        bands: incidents, and times that nobody has watched.
        lanes: below the curves.
        height: of the curves.
        is_timed: the times stand below it; of several pictures with one axis only the last says them.
    """

    key: str
    title: str
    description: str
    times: Times
    unit: str = ""
    curves: Sequence[Curve] = ()
    longest_s: float = 900.0
    limits: Sequence[Limit] = ()
    moments: Sequence[Moment] = ()
    bands: Sequence[Span] = ()
    lanes: Sequence[Lane] = ()
    height: int = 160
    is_timed: bool = True

    @property
    def scale(self) -> Scale:
        """Return the scale that has every value on it."""
        values = [value for each in self.curves for value in (*each.mean, *each.least, *each.greatest)]
        return value_scale(values, [limit.value for limit in self.limits], self.unit)


def draw(picture: Picture) -> Markup:
    """Return a picture."""
    top = TOP if picture.curves else 0
    bottom = top + picture.height if picture.curves else 0
    lanes, end = [], bottom + (_GAP if picture.curves else 0)
    for lane in picture.lanes:
        lanes.append(draw_lane(lane, picture.times, end))
        end += lane.height
    head = [
        element("title", picture.title, id=f"{picture.key}-title"),
        element("desc", picture.description, id=f"{picture.key}-desc"),
    ]
    return element(
        "svg",
        *head,
        _bands(picture.bands, picture.times, top, max(bottom, end) - top),
        _downs(picture, top, end),
        _measured(picture, top) if picture.curves else "",
        *lanes,
        _axis(picture.times, end) if picture.is_timed else "",
        class_="picture",
        role="img",
        aria_labelledby=f"{picture.key}-title {picture.key}-desc",
        height=end + (_AXIS_HEIGHT if picture.is_timed else 2),
    )


def _bands(bands: Sequence[Span], times: Times, top: int, height: int) -> Markup:
    return group(
        titled(
            "rect",
            band.title,
            class_=f"band {band.kind}",
            fill=f"url(#{HATCH})" if band.kind == "unwatched" else None,
            x=percent(times.share(band.since)),
            y=top,
            width=percent(max(0.002, times.share(band.until) - times.share(band.since))),
            height=height,
        )
        for band in in_sight(bands, times)
    )


def _measured(picture: Picture, top: int) -> Markup:
    scale, times = picture.scale, picture.times
    parts = []
    for value in value_ticks(scale):
        y = short(top + picture.height * (1 - scale.share(value)))
        parts += [
            element("line", x1=0, x2="100%", y1=y, y2=y, class_="grid"),
            element("text", f"{value:,.10g}{picture.unit}", x=_LABEL_X, y=y, dy=4, class_="value", text_anchor="end"),
        ]
    drawn = [path for each in picture.curves for path in _paths(each, picture.longest_s, times, scale)]
    parts.append(field(*drawn, top=top, height=picture.height))
    for limit in picture.limits:
        if scale.has(limit.value):
            y = short(top + picture.height * (1 - scale.share(limit.value)))
            parts += [
                element("line", x1=0, x2="100%", y1=y, y2=y, class_=f"limit {limit.kind}"),
                element(
                    "text", limit.text, x="100%", y=y, dx=-4, dy=_beside(limit), class_=f"limit {limit.kind}", text_anchor="end"
                ),
            ]
    return group(parts)


def _beside(limit: Limit) -> int:
    """Return where the words of a limit stand: two that are near to each other would cover each other above their lines."""
    return 11 if limit.kind == "warning" else -3


def _paths(curve: Curve, longest_s: float, times: Times, scale: Scale) -> list[Markup]:
    pieces = list(curves.runs(curve.at_s, longest_s))
    found = []
    if curve.least:
        area = curves.band(curve.at_s, (curve.least, curve.greatest), pieces, times, scale)
        found.append(element("path", d=area, class_=f"area {curve.kind}"))
    if curve.mean:
        path = curves.line(curve.at_s, curve.mean, pieces, times, scale)
        found.append(element("path", d=path, class_=f"curve {curve.kind}", vector_effect="non-scaling-stroke"))
    return found


def _downs(picture: Picture, top: int, bottom: int) -> Markup:
    parts = []
    for moment in picture.moments:
        share = picture.times.share(moment.at)
        # Its words stand where there is room for them.
        anchor, shift = ("end", -4) if share > 0.5 else ("start", 4)
        parts += [
            element("line", x1=percent(share), x2=percent(share), y1=top, y2=bottom, class_=f"moment {moment.kind}"),
            element("text", moment.text, x=percent(share), y=top + 10, dx=shift, class_="moment", text_anchor=anchor),
        ]
    return group(parts)


def _axis(times: Times, top: int) -> Markup:
    parts = [element("line", x1=0, x2="100%", y1=top, y2=top, class_="axis")]
    for tick in time_ticks(times):
        x, kind = percent(times.share(tick.at)), "minor" if tick.is_minor else None
        parts += [
            element("line", x1=x, x2=x, y1=top, y2=top + 4, class_="axis"),
            element("text", tick.text, x=x, y=top + 16, class_=f"time {kind}" if kind else "time", text_anchor="middle"),
        ]
    return group(parts)
