"""Two answers to the same request, held against each other; and how sure one can be of a share."""

import bisect
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ml_server.card import Card
from ml_server.tasks import task_of

# The sizes of differences that are told apart: of probabilities; of values, as a share of the span seen in training; of
# vectors, as 1 minus the cosine of the angle between them.
EDGES = (0.0, 1e-6, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0, math.inf)
# Durations are told apart by steps of the square root of 2, from a microsecond on.
_STEPS = 2


class Difference(NamedTuple):
    """How far two answers are apart: the place among `EDGES`, and what each said, in pairs (one for each label of several).

    `is_same` tells whether both decide alike; None where an answer is no decision.
    """

    size: int
    is_same: bool | None
    pairs: tuple[tuple[str, str], ...] = ()


class NotComparableError(ValueError):
    """Two answers are of different kinds."""


def compare(card: Card, numbers: Sequence[float], other_card: Card, other_numbers: Sequence[float]) -> Difference:
    """Compare the answer of the served version, with its card, to that of the other.

    Raises:
        NotComparableError: they are of different tasks, or vectors of different lengths.
    """
    if card.task != other_card.task:
        raise NotComparableError
    if card.task == "embedding":
        return Difference(_place(_angle(numbers, other_numbers)), None)
    one, other = _by_name(card, numbers), _by_name(other_card, other_numbers)
    if card.task == "regression":
        spans = {target.name: target.maximum - target.minimum for target in card.targets}
        sizes = [abs(one[name] - other[name]) / (spans[name] or 1.0) for name in one if name in other]
        if not sizes:
            raise NotComparableError
        return Difference(_place(max(sizes)), None)
    size = _place(max(abs(one.get(name, 0.0) - other.get(name, 0.0)) for name in {*one, *other}))
    said, other_said = (
        task_of(each).render(found)["prediction"] for each, found in ((card, numbers), (other_card, other_numbers))
    )
    if card.task == "multi_label":
        labels = [*one, *(name for name in other if name not in one)]
        pairs = tuple((_label(name, name in said), _label(name, name in other_said)) for name in labels)
        return Difference(size, set(said) == set(other_said), pairs)
    return Difference(size, said == other_said, ((said, other_said),))


def _by_name(card: Card, numbers: Sequence[float]) -> Mapping[str, float]:
    return dict(zip(card.answers, numbers, strict=True))


def _label(name: str, is_said: bool) -> str:
    return f"{name}: {'yes' if is_said else 'no'}"


def _angle(one: Sequence[float], other: Sequence[float]) -> float:
    if len(one) != len(other):
        raise NotComparableError
    lengths = math.hypot(*one) * math.hypot(*other)
    return max(0.0, 1 - sum(a * b for a, b in zip(one, other, strict=True)) / lengths) if lengths else float(one != other)


def _place(size: float) -> int:
    return bisect.bisect_left(EDGES, size)


def step_of(microseconds: float) -> int:
    """Return the step of a duration."""
    return max(0, math.ceil(_STEPS * math.log2(max(microseconds, 1.0))))


def quantile_ms(steps: Mapping[int, int], share: float) -> float | None:
    """Return the duration that this share of them does not exceed, to the next step, in milliseconds; None of none."""
    wanted, so_far = share * sum(steps.values()), 0
    for step in sorted(steps):
        so_far += steps[step]
        if so_far >= wanted:
            return float(f"{2 ** (step / _STEPS) / 1000:.3g}")
    return None
