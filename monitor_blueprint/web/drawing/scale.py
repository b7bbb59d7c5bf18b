"""From a value to a height, and at which values a line is drawn across."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor_blueprint.web.drawing.svg import FIELD

# What is so far above everything that was measured would press it flat.
_FAR = 3.0
_LARGE_PERCENT = 50.0
_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """What lies at the bottom and what at the top."""

    least: float
    greatest: float

    def share(self, value: float) -> float:
        """Return how far up a value lies, from 0 to 1; one beyond the ends, at the end."""
        return min(1.0, max(0.0, (value - self.least) / (self.greatest - self.least)))

    def y(self, value: float) -> int:
        """Return how far down a value lies in the field."""
        return round(FIELD * (1 - self.share(value)))

    def has(self, value: float) -> bool:
        """Tell whether a value lies between the ends."""
        return self.least <= value <= self.greatest


def value_scale(values: Sequence[float], limits: Iterable[float] = (), unit: str = "") -> Scale:
    """Return a scale on which everything lies that was measured, with round ends.

    Percentages begin at 0, and end at 100 where they go that way, unless there is more. Everything else begins at 0 where that
    does not press it flat. A limit is on the scale unless it is far above.
    """
    least, greatest = min(values, default=0.0), max(values, default=1.0)
    limits = tuple(limits)
    if unit == "%" and least >= 0 and max((greatest, *limits)) >= _LARGE_PERCENT:
        return Scale(0.0, _up(max(100.0, greatest)))
    greatest = max([greatest, *(limit for limit in limits if greatest < limit <= _FAR * greatest)])
    if least >= 0 and (unit == "%" or least <= greatest / 2):
        return Scale(0.0, _up(greatest) if greatest > 0 else 1.0)
    if greatest == least:
        # What is always the same lies in the middle.
        room = max(1.0, abs(least) / 10)
        least, greatest = least - room, greatest + room
    step = step_of(Scale(least, greatest), 4)
    return Scale(math.floor(least / step) * step, math.ceil(greatest / step) * step)


def _up(value: float) -> float:
    step = step_of(Scale(0.0, value), 4)
    return math.ceil(value / step - 1e-9) * step


def step_of(scale: Scale, most: int) -> float:
    """Return the round step (1, 2 or 5 times a power of ten) in which a scale has at most so many parts."""
    raw = (scale.greatest - scale.least) / most
    power = 10.0 ** math.floor(math.log10(raw))
    return next(part * power for part in _STEPS if part * power >= raw * (1 - 1e-9))


def value_ticks(scale: Scale, most: int = 4) -> tuple[float, ...]:
    """Return the round values on a scale, the least first."""
    step = step_of(scale, most)
    first, last = math.ceil(scale.least / step - 1e-9), math.floor(scale.greatest / step + 1e-9)
    return tuple(round(number * step, 9) for number in range(first, last + 1))
