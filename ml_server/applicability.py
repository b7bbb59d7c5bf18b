"""How far a request is from the training data, all measured inputs together, and what may be wrong with one that is far.

A model extrapolates with full confidence. Values that are each within reach can together be nobody's: two inputs that are
exchanged, or one in another unit.
"""

import bisect
import itertools
import math
from collections.abc import Callable, Sequence
from operator import itemgetter, mul
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ml_server.card import Card
from ml_server.conversions import CONVERSIONS
from ml_server.evidence import Applicability

Floats = npt.NDArray[np.float64]
Missing = tuple[int, ...]
Verdict = Literal["typical", "unusual", "far"]
# Patterns of missing inputs that are remembered.
_REMEMBERED = 256
# The inputs that are looked at for exchanges and units: those that are farthest off.
_SUSPECTED = 16
_MOST_CONVERTED = 4
_TRIED_TOGETHER = 6
# Of more inputs the whole matrix of a pattern would take long to make, and much memory.
_NARROW = 64
_FEW = 20
# Standard deviations from the middle of the training from which a value is odd by itself.
_ODD = 1.5
_MOST_NAMED = 3
# A change explains a distance if it brings a person that much nearer, in standard deviations of distances.
_EXPLAINS = 2.0


class Place(NamedTuple):
    """Where somebody is: `farther_than` is the share of the people of the training who are nearer."""

    distance: float
    farther_than: float
    verdict: Verdict


class Suspicion(NamedTuple):
    """A change that would bring somebody near: of these inputs, and in words."""

    names: tuple[str, ...]
    words: str

    @property
    def text(self) -> str:
        """Return a sentence; no value is in it."""
        return f"{' and '.join(self.names)} may be {self.words}"


class _Measure(NamedTuple):
    """The distance over the inputs that are given; `numbers` are theirs in the card, `columns` theirs among the measured.

    The squared distance of values x is |x @ matrix - shift|^2, less |x @ factors - factor_shift|^2 where there are so many
    inputs that `matrix` is its diagonal only. `steps` are the columns of the matrix, which is triangular, from the diagonal on,
    each with its shift, where there are few: then Python is quicker than numpy, which takes its time to begin.
    """

    numbers: list[int]
    columns: list[int]
    take: Callable[[Any], Any]
    matrix: Floats
    shift: Floats
    factors: Floats | None
    factor_shift: Floats
    cube_center: float
    cube_scale: float
    steps: tuple[tuple[tuple[float, ...], float], ...]

    def distances(self, values: Floats) -> Floats:
        """Return one for each row of values, which are those that `take` takes."""
        if self.factors is None:
            own = values @ self.matrix - self.shift
            squared = (own * own).sum(axis=1)
        else:
            own, common = values * self.matrix - self.shift, values @ self.factors - self.factor_shift
            squared = (own * own).sum(axis=1) - (common * common).sum(axis=1)
        found: Floats = (np.cbrt(np.maximum(squared, 0.0) / len(self.numbers)) - self.cube_center) / self.cube_scale
        return found

    def distance(self, values: Sequence[Any]) -> float:
        """Return that of one person, of whom all inputs of the card are given."""
        given = self.take(values)
        if not self.steps:
            return float(self.distances(np.array(given, dtype=np.float64)[np.newaxis])[0])
        squared = 0.0
        for place, (weights, shift) in enumerate(self.steps):
            moved = sum(map(mul, weights, given[place:])) - shift
            squared += moved * moved
        cube: float = (squared / len(self.numbers)) ** (1 / 3)
        return (cube - self.cube_center) / self.cube_scale


class Neighbourhood:
    """The training data of one model, as its card describes them."""

    def __init__(self, known: Applicability, card: Card) -> None:
        numbers = {item.name: number for number, item in enumerate(card.inputs)}
        self._names = known.inputs
        self._numbers = [numbers[name] for name in known.inputs]
        self._center, self._scale = np.array(known.center), np.array(known.scale)
        self._loadings, self._own = np.array(known.loadings).reshape(len(known.inputs), -1), np.array(known.own)
        self._quantiles = known.quantiles
        self._unusual, self._refused = known.unusual, known.refused
        self._measures: dict[Missing, _Measure | None] = {}

    def place(self, values: Sequence[Any], missing: Missing) -> Place | None:
        """Return where somebody is whose inputs of these numbers are missing; None where none is measured."""
        measure = self._measure(missing)
        if measure is None:
            return None
        return self._place(measure.distance(values))

    def _place(self, distance: float) -> Place:
        quantiles = self._quantiles
        above = bisect.bisect_right(quantiles, distance)
        if above == 0:
            share = 0.0
        elif above == len(quantiles):
            share = 1.0
        else:
            low, high = quantiles[above - 1], quantiles[above]
            share = (above - 1 + (distance - low) / (high - low)) / (len(quantiles) - 1)
        # NaN compares with nothing: what is not known to be near is far.
        verdict: Verdict = "typical" if distance <= self._unusual else "unusual" if distance <= self._refused else "far"
        return Place(distance, share, verdict)

    def _measure(self, missing: Missing) -> _Measure | None:
        if missing not in self._measures:
            if len(self._measures) >= _REMEMBERED:
                self._measures.clear()
            self._measures[missing] = self._made(frozenset(missing))
        return self._measures.get(missing)

    def _made(self, missing: frozenset[int]) -> _Measure | None:
        columns = [column for column, number in enumerate(self._numbers) if number not in missing]
        if not columns:
            return None
        numbers = [self._numbers[column] for column in columns]
        own, loadings, scale = self._own[columns], self._loadings[columns], self._scale[columns]
        factors: Floats | None = None
        if len(columns) <= _NARROW:
            precision = np.linalg.inv(np.diag(own) + loadings @ loadings.T)
            matrix = np.linalg.cholesky(precision) / scale[:, np.newaxis]
            shift, factor_shift = self._center[columns] @ matrix, np.zeros(0)
        else:
            # Woodbury: the inverse of (own + loadings @ loadings.T) is 1/own less a product of as many factors as there are.
            weighted = loadings / own[:, np.newaxis]
            middle = np.eye(loadings.shape[1]) + loadings.T @ weighted
            factors = np.linalg.solve(np.linalg.cholesky(middle), weighted.T).T / scale[:, np.newaxis]
            matrix = 1 / (scale * np.sqrt(own))
            shift, factor_shift = self._center[columns] * matrix, self._center[columns] @ factors
        cube = 2 / (9 * len(columns))
        take = (lambda values: [values[numbers[0]]]) if len(numbers) == 1 else itemgetter(*numbers)
        triangle = range(len(columns) if len(columns) <= _FEW else 0)
        steps = tuple((tuple(matrix[place:, place].tolist()), float(shift[place])) for place in triangle)
        return _Measure(
            numbers,
            columns,
            take,
            matrix,
            shift,
            factors,
            factor_shift,
            1 - cube,
            math.sqrt(cube),
            steps,
        )

    def suspicions(self, values: Sequence[Any], missing: Missing) -> tuple[Suspicion, ...]:
        """Return which single changes would make somebody typical: two inputs exchanged, or some in another unit."""
        measure = self._measure(missing)
        if measure is None:
            return ()
        given = np.array(measure.take(values), dtype=np.float64)
        (before,) = measure.distances(given[np.newaxis]).tolist()
        limit = min(self._unusual, before - _EXPLAINS)
        columns = self._farthest(given, measure)
        found = [*self._exchanges(given, columns, measure), *self._units(given, columns, measure)]
        near = sorted((each for each in found if each[0] <= limit), key=lambda each: each[0])
        if not near:
            several = self._several(given, columns, measure)
            near = sorted((each for each in several if each[0] <= limit), key=lambda each: each[0])
        return tuple(suspicion for _, suspicion in near[:_MOST_NAMED])

    def farthest(self, values: Sequence[Any], missing: Missing) -> tuple[str, ...]:
        """Return the inputs that fit the others least."""
        measure = self._measure(missing)
        if measure is None:
            return ()
        columns = self._farthest(np.array(measure.take(values), dtype=np.float64), measure)
        return tuple(self._names[measure.columns[column]] for column in columns[:_MOST_NAMED])

    def _farthest(self, given: Floats, measure: _Measure) -> list[int]:
        """Return the places of the given inputs whose change would help most: that are farthest from what the others expect."""
        # Half the slope of the squared distance along each standardised input.
        if measure.factors is None:
            slope = measure.matrix @ (given @ measure.matrix - measure.shift)
        else:
            own, common = given * measure.matrix - measure.shift, given @ measure.factors - measure.factor_shift
            slope = own * measure.matrix - measure.factors @ common
        slope = slope * self._scale[measure.columns]
        places: list[int] = np.argsort(-np.abs(slope), kind="stable")[:_SUSPECTED].tolist()
        return places

    def _exchanges(self, given: Floats, columns: Sequence[int], measure: _Measure) -> list[tuple[float, Suspicion]]:
        pairs = list(itertools.combinations(sorted(columns), 2))
        if not pairs:
            return []
        rows = np.repeat(given[np.newaxis], len(pairs), axis=0)
        for row, (a, b) in enumerate(pairs):
            rows[row, a], rows[row, b] = given[b], given[a]
        found = zip(measure.distances(rows).tolist(), pairs, strict=True)
        return [(distance, self._suspicion(pair, "exchanged", measure)) for distance, pair in found]

    def _units(self, given: Floats, columns: Sequence[int], measure: _Measure) -> list[tuple[float, Suspicion]]:
        tried = [(column, each) for column in columns for each in CONVERSIONS]
        rows = np.repeat(given[np.newaxis], len(tried), axis=0)
        for row, (column, conversion) in enumerate(tried):
            rows[row, column] = conversion.convert(float(given[column]))
        found = zip(measure.distances(rows).tolist(), tried, strict=True)
        return [(distance, self._suspicion((column,), each.words, measure)) for distance, (column, each) in found]

    def _several(self, given: Floats, columns: Sequence[int], measure: _Measure) -> list[tuple[float, Suspicion]]:
        """Convert several inputs in the same way: of those that are odd by themselves, the ones that are less odd then."""
        center, scale = self._center[measure.columns], self._scale[measure.columns]
        odd = np.abs((given - center) / scale)
        tried: list[tuple[tuple[int, ...], str]] = []
        rows: list[Floats] = []
        for conversion in CONVERSIONS:
            converted = {column: conversion.convert(float(given[column])) for column in columns}
            gain = {column: odd[column] - abs((value - center[column]) / scale[column]) for column, value in converted.items()}
            better = sorted(
                (column for column in columns if gain[column] > 0 and odd[column] > _ODD), key=lambda each: -gain[each]
            )
            for count in range(2, _MOST_CONVERTED + 1):
                for some in itertools.combinations(better[:_TRIED_TOGETHER], count):
                    row = given.copy()
                    row[list(some)] = [converted[column] for column in some]
                    tried.append((some, conversion.words))
                    rows.append(row)
        if not rows:
            return []
        found = zip(measure.distances(np.array(rows)).tolist(), tried, strict=True)
        return [(distance, self._suspicion(some, words, measure)) for distance, (some, words) in found]

    def _suspicion(self, columns: Sequence[int], words: str, measure: _Measure) -> Suspicion:
        return Suspicion(tuple(self._names[measure.columns[column]] for column in columns), words)


def neighbourhood_of(card: Card) -> Neighbourhood | None:
    """Return what a card knows of its training data, if it knows that."""
    return Neighbourhood(card.applicability, card) if card.applicability is not None else None
