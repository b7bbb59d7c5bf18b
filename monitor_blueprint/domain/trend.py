"""A straight line through what was measured, and how sure it is: when it reaches zero, and between which moments that may be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression

# The normal distribution's 97.5th percentile, and how much more it is of few points (Student's t, to within 1 % from ten on).
_WIDTH, _FEW = 1.96, 2.5
_HALVINGS = 50


@dataclass(frozen=True, slots=True)
class Trend:
    """A line over seconds: its height at `middle` is the mean of what was measured.

    Attributes:
        middle, height, slope: the line.
        spread: the sum of the squared distances of the moments from the middle.
        deviation: how far what was measured lies from the line, as a standard deviation.
        count: of how many points it is.
    """

    middle: float
    height: float
    slope: float
    spread: float
    deviation: float
    count: int

    def value(self, at: float) -> float:
        """Return the height of the line at a moment."""
        return self.height + self.slope * (at - self.middle)

    def margin(self, at: float) -> float:
        """Return how far from the line 95 of 100 values of that moment will lie, if it goes on like this."""
        distance = (at - self.middle) ** 2 / self.spread
        return (_WIDTH + _FEW / self.count) * self.deviation * math.sqrt(1 + 1 / self.count + distance)

    def zero(self) -> float | None:
        """Return when the line reaches zero; None where it does not fall."""
        return self.middle - self.height / self.slope if self.slope < 0 else None

    def zero_between(self, since: float, until: float) -> tuple[float | None, float | None]:
        """Return when the lower and the upper edge of the margin reach zero in a time; None for one that does not."""
        return self._crossing(since, until, -1), self._crossing(since, until, 1)

    def _crossing(self, since: float, until: float, side: int) -> float | None:
        def edge(at: float) -> float:
            return self.value(at) + side * self.margin(at)

        if edge(since) <= 0:
            return since
        if edge(until) > 0:
            return None
        for _ in range(_HALVINGS):
            halfway = (since + until) / 2
            since, until = (halfway, until) if edge(halfway) > 0 else (since, halfway)
        return until


def trend(points: Sequence[tuple[float, float]]) -> Trend | None:
    """Return the line through points (seconds, value); None where there are too few moments for one."""
    if len({at for at, _ in points}) < 3:
        return None
    middle = sum(at for at, _ in points) / len(points)
    line = linear_regression([at - middle for at, _ in points], [value for _, value in points])
    rest = sum((value - line.intercept - line.slope * (at - middle)) ** 2 for at, value in points)
    spread = sum((at - middle) ** 2 for at, _ in points)
    return Trend(middle, line.intercept, line.slope, spread, math.sqrt(rest / (len(points) - 2)), len(points))
