"""Golden samples: requests whose answers are known, chosen so that whatever goes wrong with the model shows in them.

They are nobody's data: each value comes from another row, or is the middle or the end of a column, so that no person's
record leaves the training data in a card.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_server.packing.columns import Column, Reads, mode
from ml_server.packing.missing import Policy, has_no_answer
from ml_server.packing.refusal import PackingError
from ml_server.packing.wholes import nobodys

Floats = npt.NDArray[np.float64]
Run = Callable[[Sequence[Reads]], Floats]

TOLERANCE = 1e-4
_SEED = 20110418
_MAX_SAMPLES = 16
_MIXED_PER_CLASS = 12
_MAX_CANDIDATES = 60
_MAX_EXCHANGES = 400
# An effect is seen where it is clearly beyond what is tolerated.
_SEEN = 10 * TOLERANCE
_DIGITS = 6


@dataclass(frozen=True)
class Sample:
    """What a request says for each column, None where it says nothing, and the model's answer."""

    given: tuple[Any, ...]
    answer: tuple[float, ...]


@dataclass(frozen=True)
class Golden:
    """The samples, and the numbers of the classes that none is answered with."""

    samples: tuple[Sample, ...]
    unseen_classes: tuple[int, ...]


def choose(
    columns: Sequence[Column],
    policies: Sequence[Policy],
    answers: Floats,
    run: Run,
    *,
    has_classes: bool,
    is_far: Callable[[Sequence[Any]], bool] = lambda _given: False,
) -> Golden:
    """Return samples that cover the classes, the ends of the ranges, missing values, and the place of every column.

    `answers` are those for the rows of the data; `run` gives those for columns of what the model reads; `is_far` tells which
    requests would be refused.
    """
    pool = _Pool(columns, policies, run, is_far)
    groups = _groups(answers, has_classes=has_classes)
    for rows in groups:
        pool.add(_middle(columns, rows))
    first = len(pool.given)
    pool.add([_end(column, min) for column in columns])
    pool.add([_end(column, max) for column in columns])
    for base in pool.given[:first]:
        pool.add([None if policy.name != "refuse" else value for value, policy in zip(base, policies, strict=True)])
        pool.add(
            [None if _may_miss(column, policy) else value for value, column, policy in zip(base, columns, policies, strict=True)]
        )
    must = len(pool.given)
    rng = np.random.default_rng(_SEED)
    for rows in groups:
        for _ in range(min(_MIXED_PER_CLASS, max(1, _MAX_CANDIDATES // len(groups)))):
            pool.add(_mixed(columns, policies, rows, rng))
    return pool.chosen(must, len(answers[0]) if has_classes else 0)


def _may_miss(column: Column, policy: Policy) -> bool:
    return policy.name != "refuse" and bool(column.is_missing.any())


def _groups(answers: Floats, *, has_classes: bool) -> list[npt.NDArray[np.int64]]:
    """Return the rows of each class that is answered; of numbers those of the lower, middle and upper third."""
    usable = np.flatnonzero(~has_no_answer(answers))
    if has_classes:
        predicted = answers[usable].argmax(axis=1)
        return [usable[predicted == number] for number in np.unique(predicted)]
    ordered = usable[np.argsort(answers[usable, 0], kind="stable")]
    return [part for part in np.array_split(ordered, 3) if len(part)]


def _middle(columns: Sequence[Column], rows: npt.NDArray[np.int64]) -> list[Any]:
    values = []
    for column in columns:
        given = [column.given[row] for row in rows if column.given[row] is not None] or [_any(column)]
        if column.item is not None:
            values.append(nobodys(column, rows.tolist(), np.random.default_rng(_SEED)))
        elif column.kind in {"category", "boolean"}:
            values.append(mode(given))
        else:
            values.append(_plain(column, sorted(given)[(len(given) - 1) // 2]))
    return values


def _any(column: Column) -> Any:
    return next(value for value in column.given if value is not None)


def _end(column: Column, end: Callable[[Any], Any]) -> Any:
    """Return the least or greatest value; the shortest or longest of sequences."""
    given = [value for value in column.given if value is not None]
    if column.item is None:
        return end(given)
    length = end(len(value) for value in given)
    return nobodys(column, [row for row, value in enumerate(column.given) if len(value) == length], np.random.default_rng(_SEED))


def _mixed(
    columns: Sequence[Column], policies: Sequence[Policy], rows: npt.NDArray[np.int64], rng: np.random.Generator
) -> list[Any]:
    """Return a row of which each value comes from a row drawn anew."""
    values = []
    for column, policy in zip(columns, policies, strict=True):
        value = column.given[int(rng.choice(rows))] if column.item is None else nobodys(column, rows.tolist(), rng)
        if value is None and policy.name == "refuse":
            value = _any(column)
        values.append(_plain(column, value))
    return values


def _plain(column: Column, value: Any) -> Any:
    """Return a measured number with few digits, so that a card can be read, and within the range."""
    if column.kind != "number" or value is None or "allowed" in column.said:
        return value
    return float(np.clip(float(f"{value:.{_DIGITS}g}"), np.nanmin(column.reads), np.nanmax(column.reads)))


class _Pool:
    """Candidates, of which the fewest are chosen that show the most."""

    def __init__(
        self, columns: Sequence[Column], policies: Sequence[Policy], run: Run, is_far: Callable[[Sequence[Any]], bool]
    ) -> None:
        self._columns, self._policies, self._run, self._is_far = columns, policies, run, is_far
        self.given: list[tuple[Any, ...]] = []

    def add(self, values: Sequence[Any]) -> None:
        if tuple(values) not in self.given and not self._is_far(values):
            self.given.append(tuple(values))

    def chosen(self, must: int, classes: int) -> Golden:
        """Choose the first `must`, one for each class, and then whatever shows an exchange not yet shown."""
        reads = [self._reads(number) for number in range(len(self._columns))]
        answers = self._run(reads)
        usable = [row for row in range(len(self.given)) if not has_no_answer(answers[row : row + 1])[0]]
        picked = [row for row in usable if row < must][: _MAX_SAMPLES // 2]
        predicted = answers.argmax(axis=1)
        for number in range(classes):
            rows = [row for row in usable if predicted[row] == number]
            if rows and not any(row in picked for row in rows):
                picked.append(max(rows, key=lambda row: float(answers[row, predicted[row]])))
        shown = self._shown(reads, answers, usable)
        seen: set[Any] = set().union(*(shown[row] for row in picked))
        while len(picked) < _MAX_SAMPLES and (rest := [row for row in usable if shown[row] - seen]):
            best = max(rest, key=lambda row: len(shown[row] - seen))
            picked.append(best)
            seen |= shown[best]
        samples = tuple(Sample(self.given[row], tuple(answers[row].tolist())) for row in picked)
        unseen = tuple(number for number in range(classes) if all(predicted[row] != number for row in picked))
        return Golden(samples, unseen)

    def _reads(self, number: int) -> Reads:
        """Return what the model reads of one column for all candidates."""
        column, policy = self._columns[number], self._policies[number]
        if column.item is not None:
            whole = np.empty(len(self.given), dtype=object)
            for place, row in enumerate(self.given):
                whole[place] = column.item.check(row[number]).value
            return whole
        read_of = {value: read for value, read in zip(column.given, column.reads.tolist(), strict=True) if value is not None}
        values = [policy.value if row[number] is None else read_of.get(row[number], row[number]) for row in self.given]
        return np.array(values, dtype=column.reads.dtype)

    def _shown(self, reads: Sequence[Reads], answers: Floats, usable: Sequence[int]) -> dict[int, set[Any]]:
        """Return for each candidate which changes show in its answer: of one column's value, or an exchange of two."""
        shown: dict[int, set[Any]] = {row: set() for row in range(len(self.given))}
        for change, changed in self._changes(reads):
            try:
                moved = np.abs(self._run(changed) - answers).max(axis=1)
            except PackingError:  # the model refuses the changed values: that shows as well
                moved = np.full(len(answers), np.inf)
            for row in usable:
                if not moved[row] <= _SEEN * max(1.0, float(np.abs(answers[row]).max())):
                    shown[row].add(change)
        return shown

    def _changes(self, reads: Sequence[Reads]) -> Iterator[tuple[Any, list[Reads]]]:
        count = len(reads)
        for number in range(count):
            for shift in (1, 3):
                changed = list(reads)
                changed[number] = np.roll(reads[number], shift)
                yield number, changed
        pairs = list(itertools.combinations(range(count), 2))
        if len(pairs) > _MAX_EXCHANGES:
            rng = np.random.default_rng(_SEED)
            near = [(number, number + 1) for number in range(count - 1)]
            pairs = [*near, *(pairs[index] for index in rng.choice(len(pairs), _MAX_EXCHANGES, replace=False))]
        for first, second in pairs:
            is_table = self._columns[first].item is self._columns[second].item is None
            if is_table and reads[first].dtype == reads[second].dtype:
                changed = list(reads)
                changed[first], changed[second] = reads[second], reads[first]
                yield (first, second), changed
