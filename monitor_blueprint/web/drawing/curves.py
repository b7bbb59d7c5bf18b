"""Curves and bands as paths of a field; they break off where nothing was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor_blueprint.web.drawing.clock import Times
from monitor_blueprint.web.drawing.scale import Scale


def runs(at_s: Sequence[float], longest_s: float) -> Iterator[slice]:
    """Yield the pieces between whose points there is never more time than this."""
    begin = 0
    for place in range(1, len(at_s) + 1):
        if place == len(at_s) or at_s[place] - at_s[place - 1] > longest_s:
            yield slice(begin, place)
            begin = place


def line(at_s: Sequence[float], values: Sequence[float], pieces: Sequence[slice], times: Times, scale: Scale) -> str:
    """Return the path of a curve; a point that stands alone is a dot, with round ends of the stroke."""
    drawn = []
    for piece in pieces:
        points = [f"{times.x(at)} {scale.y(value)}" for at, value in zip(at_s[piece], values[piece], strict=True)]
        drawn.append(f"M{'L'.join(points)}" if len(points) > 1 else f"M{points[0]}h0")
    return "".join(drawn)


def band(
    at_s: Sequence[float],
    edges: tuple[Sequence[float], Sequence[float]],
    pieces: Sequence[slice],
    times: Times,
    scale: Scale,
) -> str:
    """Return the path of what lies between two curves, the lower and the upper: there along this, and back along that."""
    drawn = []
    for piece in pieces:
        upper = [f"{times.x(at)} {scale.y(value)}" for at, value in zip(at_s[piece], edges[1][piece], strict=True)]
        lower = [f"{times.x(at)} {scale.y(value)}" for at, value in zip(at_s[piece], edges[0][piece], strict=True)]
        drawn.append(f"M{'L'.join([*upper, *reversed(lower)])}Z")
    return "".join(drawn)
