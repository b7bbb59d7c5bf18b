"""A bar for each day: how long it was up, down and unknown, and for how long nobody has watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from monitor_blueprint.web.drawing.svg import element, group, titled

_WIDTH, _GAP, _HEIGHT = 8, 2, 24
# Below the bars: the place of the mark that a day was not all up.
_FOOT = 6
# What was not nothing is seen.
_LEAST = 3


@dataclass(frozen=True, slots=True)
class Day:
    """How a day was, in seconds, and what is said of it."""

    title: str
    up_s: float = 0.0
    down_s: float = 0.0
    unknown_s: float = 0.0
    unwatched_s: float = 0.0


def bars(days: Sequence[Day], title: str) -> Markup:
    """Return the days as bars, the oldest first, all together under one title.

    From the bottom up a bar is up, unknown, down, and empty where nobody has watched; below a day that had a time of being
    down is a mark. A day says its title where one points at it, if it has one.
    """
    paths: dict[str, list[str]] = {"up": [], "unknown": [], "down": [], "unwatched": []}
    places = []
    for number, day in enumerate(days):
        x = number * (_WIDTH + _GAP)
        bottom = _HEIGHT
        for kind, height in _heights(day).items():
            if height:
                bottom -= height
                paths[kind].append(f"M{x} {bottom}h{_WIDTH}v{height}h-{_WIDTH}z")
        if day.down_s > 0:
            paths["down"].append(f"M{x} {_HEIGHT + _FOOT}h{_WIDTH}l-{_WIDTH // 2}-4z")
        if day.title:
            place = {"x": x, "y": 0, "width": _WIDTH, "height": _HEIGHT + _FOOT}
            places.append(titled("rect", day.title, class_="day", **place))
    return element(
        "svg",
        element("title", title),
        group(element("path", d="".join(found), class_=kind) for kind, found in paths.items() if found),
        *places,
        class_="bars",
        role="img",
        aria_label=title,
        viewBox=f"0 0 {max(1, len(days) * (_WIDTH + _GAP) - _GAP)} {_HEIGHT + _FOOT}",
        preserveAspectRatio="none",
    )


def _heights(day: Day) -> dict[str, int]:
    """Return how high each part of a bar is; together as high as the bar."""
    parts = {"up": day.up_s, "unknown": day.unknown_s, "down": day.down_s, "unwatched": day.unwatched_s}
    length = sum(parts.values())
    if length <= 0:
        return {"unwatched": _HEIGHT}
    heights = {kind: max(_LEAST, round(_HEIGHT * lasted / length)) if lasted > 0 else 0 for kind, lasted in parts.items()}
    # A few seconds that nobody has watched are no part of the picture.
    if day.unwatched_s < length * 0.02:
        heights["unwatched"] = 0
    highest = max(heights, key=lambda kind: heights[kind])
    heights[highest] += _HEIGHT - sum(heights.values())
    return heights
