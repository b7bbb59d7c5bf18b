"""Lanes below a picture: what lasted, and what happened, on the same axis of time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from markupsafe import Markup

from monitor_blueprint.web.drawing.clock import Times
from monitor_blueprint.web.drawing.svg import element, group, percent, titled

LANE_HEIGHT = 20
_LABEL_X = -8
# What is nearer to each other than this share of the width is drawn as one: nobody could tell it apart.
_NEAR = 0.002
# More are told by the parts of the time that they have most of.
_MOST_SPANS = 60
_SLOTS = 80
_BAD = ("critical", "incident")
_MOST_NAMED = 4
HATCH = "hatch"


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasted: `kind` is its class, `title` what is said where one points at it."""

    since: datetime
    until: datetime
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment."""

    at: datetime
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A row with a name in front of it, or above where `is_headed`."""

    name: str
    spans: Sequence[Span] = ()
    marks: Sequence[Mark] = ()
    is_headed: bool = False

    @property
    def height(self) -> int:
        """Return how high it is."""
        return LANE_HEIGHT * 2 if self.is_headed else LANE_HEIGHT


def definitions() -> Markup:
    """Return the hatching of the times that nobody has watched, which a page has once."""
    stroke = element("path", d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5", class_="hatch")
    pattern = element("pattern", stroke, id=HATCH, width=6, height=6, patternUnits="userSpaceOnUse")
    return element("svg", element("defs", pattern), class_="definitions", width=0, height=0, aria_hidden="true")


def in_sight(spans: Iterable[Span], times: Times) -> list[Span]:
    """Return the spans that are in sight, with those of a kind as one that cannot be told apart; of very many, what counts most.

    That is: in each hundredth of the time what is bad, however short it was, or else what lasted longest.
    """
    joined: list[Span] = []
    for span in sorted((each for each in spans if times.has(each.since, each.until)), key=lambda each: each.since):
        last = joined[-1] if joined else None
        is_near = last is not None and last.kind == span.kind and times.share(span.since) - times.share(last.until) < _NEAR
        if last is not None and is_near:
            title = last.title if span.title in last.title else _and(last.title, span.title)
            joined[-1] = replace(last, until=max(last.until, span.until), title=title)
        else:
            joined.append(span)
    return joined if len(joined) <= _MOST_SPANS else _in_slots(joined, times)


def _in_slots(spans: Sequence[Span], times: Times) -> list[Span]:
    lengths: list[dict[str, float]] = [{} for _ in range(_SLOTS)]
    titles: list[dict[str, str]] = [{} for _ in range(_SLOTS)]
    for span in spans:
        begin, end = times.share(span.since) * _SLOTS, times.share(span.until) * _SLOTS
        for slot in range(int(begin), min(_SLOTS, math.ceil(end))):
            lasted = min(end, slot + 1) - max(begin, slot)
            lengths[slot][span.kind] = lengths[slot].get(span.kind, 0.0) + lasted
            titles[slot].setdefault(span.kind, span.title)
    found: list[Span] = []
    for slot, kinds in enumerate(lengths):
        kind = max(kinds, key=lambda each: (each in _BAD, kinds[each]), default="")
        if not kind or (kind not in _BAD and sum(kinds.values()) < 0.5):
            continue
        since, until = (times.since + times.length * (number / _SLOTS) for number in (slot, slot + 1))
        # So many titles would be longer than all the rest of the page.
        title = titles[slot][kind] if kind in _BAD else ""
        if found and found[-1].kind == kind and found[-1].until == since:
            found[-1] = replace(found[-1], until=until)
        else:
            found.append(Span(since, until, kind, title))
    return found


def _and(first: str, second: str) -> str:
    lines = first.split("\n")
    if lines[-1] == "…":
        return first
    second = second.split("\n", 1)[0]
    return f"{first}\n…" if len(lines) >= _MOST_NAMED else f"{first}\n{second}"


def near_marks_joined(marks: Iterable[Mark], times: Times) -> list[Mark]:
    """Return the marks that are in sight, with those as one that cannot be told apart."""
    joined: list[Mark] = []
    for mark in sorted((each for each in marks if times.since <= each.at <= times.until), key=lambda each: each.at):
        if joined and times.share(mark.at) - times.share(joined[-1].at) < _NEAR:
            joined[-1] = replace(joined[-1], title=_and(joined[-1].title, mark.title))
        else:
            joined.append(mark)
    return joined


def draw_lane(lane: Lane, times: Times, top: int) -> Markup:
    """Return a lane: each kind of span has a height of its own, so that it is not told by its colour alone."""
    base = top + (LANE_HEIGHT if lane.is_headed else 0)
    place: dict[str, str | float] = (
        {"x": 0, "y": base - 4} if lane.is_headed else {"x": _LABEL_X, "y": base + 14, "text_anchor": "end"}
    )
    parts = [element("text", lane.name, class_="lane", **place)]
    parts.append(element("line", x1=0, x2="100%", y1=base + LANE_HEIGHT - 3, y2=base + LANE_HEIGHT - 3, class_="grid"))
    parts += [_span(span, times, base) for span in in_sight(lane.spans, times)]
    parts += [_mark(mark, times, base) for mark in near_marks_joined(lane.marks, times)]
    return group(parts)


_HEIGHTS = {"ok": 5, "warning": 9, "unknown": 9, "silence": 9}


def _span(span: Span, times: Times, top: int) -> Markup:
    left, right = times.share(span.since), times.share(span.until)
    height = _HEIGHTS.get(span.kind, 14)
    return titled(
        "rect",
        span.title,
        class_=f"span {span.kind}",
        fill=f"url(#{HATCH})" if span.kind in ("unwatched", "silence") else None,
        x=percent(left),
        y=top + LANE_HEIGHT - 3 - height,
        # One that was short is seen, too.
        width=percent(max(right - left, 0.002)),
        height=height,
    )


def _mark(mark: Mark, times: Times, top: int) -> Markup:
    arrow = element("path", element("title", mark.title), d="M-5 3h10l-5 11z", class_="mark")
    return element("svg", arrow, x=percent(times.share(mark.at)), y=top, overflow="visible", width=1, height=LANE_HEIGHT)
