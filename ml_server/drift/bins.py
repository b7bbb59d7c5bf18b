"""Into which bins a model's inputs and answers are counted, and how many people of each bin there were in training."""

import itertools
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from ml_server.card import Card
from ml_server.evidence import UsualAnswers
from ml_server.inputs import Boolean, Category, Date, Number
from ml_server.inputs.base import Histogram, Scalar
from ml_server.model import Answer, Result
from ml_server.schemas import Row

Ints = npt.NDArray[np.int64]
_ANSWER_BINS = 10
_HALF = 0.5


class Column(msgspec.Struct, frozen=True):
    """What is counted of one input, or of the answers: bins, and after them the missing ones.

    `reference` is how many people of each bin there were in training, `of` by which of the card's keys that is known: `range`
    knows only that nobody was outside of it. `missing_share` is that in training; None where the card does not say. Of answers
    those are missing that there are none of, and those to requests that lack what nobody in training lacked.
    """

    name: str
    labels: list[str]
    of: Literal["histogram", "counts", "range", "nothing"]
    is_ordered: bool = False
    reference: list[int] | None = None
    missing_share: float | None = None


class Reference(msgspec.Struct, frozen=True):
    """All columns of a model; `rows` are the people in training."""

    inputs: list[Column]
    answers: list[Column]
    rows: int

    @property
    def width(self) -> int:
        """Return how many counts there are in all."""
        return sum(len(column.labels) + 1 for column in (*self.inputs, *self.answers))


class _Binned(NamedTuple):
    """How the values at a place of a row find their bin: between which edges, or by their name."""

    place: int
    column: Column
    inner: npt.NDArray[np.float64] | None = None
    names: dict[str, int] | None = None


class Bins:
    """Counts the rows of one model."""

    def __init__(self, card: Card) -> None:
        self._card = card
        rows = card.training.rows
        self._inputs = [_binned(place, item, rows) for place, item in enumerate(card.inputs) if isinstance(item, Scalar)]
        self._answers = _answer_columns(card)
        # Who lacks what nobody in training lacked is answered otherwise than anybody there.
        never = [place for place, item in enumerate(card.inputs) if not getattr(item, "missing_share", None)]
        self._never_missing = never if card.usual_answers is not None else []
        self.reference = Reference([each.column for each in self._inputs], [column for column, _ in self._answers], rows)
        sizes = [len(column.labels) + 1 for column in (*self.reference.inputs, *self.reference.answers)]
        self._starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64) if sizes else np.zeros(0, dtype=np.int64)

    def counts(self, rows: Sequence[Row], results: Sequence[Result], size: int) -> list[tuple[int, list[int]]]:
        """Return the counts of so many rows at a time, and how many there were."""
        is_missing = np.zeros((len(rows), len(self._card.inputs)), dtype=np.bool_)
        for number, row in enumerate(rows):
            is_missing[number, list(row.missing)] = True
        columns = self._columns(rows)
        found = [
            np.where(is_missing[:, each.place], len(each.column.labels), _places(columns[each.place], each))
            for each in self._inputs
        ]
        is_left_out = is_missing[:, self._never_missing].any(axis=1)
        found += [np.where(is_left_out, len(column.labels), read(results)) for column, read in self._answers]
        places = np.stack(found, axis=1) + self._starts if found else np.zeros((len(rows), 0), dtype=np.int64)
        counted = []
        for begin in range(0, len(rows), size):
            block = places[begin : begin + size]
            totals = np.bincount(block.ravel(), minlength=self.reference.width)
            counted.append((len(block), [int(total) for total in totals]))
        return counted

    def _columns(self, rows: Sequence[Row]) -> Any:
        """Return the values of all rows by their place: as one array where they are numbers."""
        if any(each.names is not None for each in self._inputs) or len(self._inputs) < len(self._card.inputs):
            return list(zip(*(row.values for row in rows), strict=True))
        return np.array([row.values for row in rows], dtype=np.float64).T


def _places(values: Any, binned: _Binned) -> Ints:
    """Return the bin of each value; of one that is missing, any."""
    if binned.names is not None:
        return np.array([binned.names.get(value, 0) for value in values], dtype=np.int64)
    if binned.inner is not None:
        return np.searchsorted(binned.inner, np.array(values, dtype=np.float64), side="right").astype(np.int64)
    return np.zeros(len(values), dtype=np.int64)


def _binned(place: int, item: Scalar, rows: int) -> _Binned:
    share = item.missing_share
    if isinstance(item, Boolean):
        return _of_boolean(place, item, share)
    if isinstance(item, Category):
        return _of_category(place, item, share)
    histogram: Histogram | None = getattr(item, "histogram", None)
    if histogram is not None and len(histogram.counts) == len(histogram.edges) - 1:
        edges = histogram.edges
        column = Column(item.name, _labels(edges), "histogram", is_ordered=True, reference=histogram.counts, missing_share=share)
        # Beyond the last edges it is as in the last bins: nobody in training was there.
        return _Binned(place, column, inner=np.array(edges[1:-1]))
    if isinstance(item, Number | Date):
        low, high = (_read(item, value) for value in (item.minimum, item.maximum))
        within = [0, round(rows * (1 - (share or 0))), 0]
        labels = ["below", "within", "above"]
        column = Column(item.name, labels, "range", is_ordered=True, reference=within, missing_share=share)
        return _Binned(place, column, inner=np.array([low, math.nextafter(high, math.inf)]))
    return _Binned(place, Column(item.name, ["any"], "nothing", missing_share=share))


def _labels(edges: Sequence[float]) -> list[str]:
    return [f"{low:.6g} to {high:.6g}" for low, high in itertools.pairwise(edges)]


def _read(item: Number | Date, value: Any) -> float:
    return float((value - item.origin).days) if isinstance(item, Date) else float(value)


def _of_boolean(place: int, item: Boolean, share: float | None) -> _Binned:
    counts = None if item.counts is None else [item.counts.get(name, 0) for name in ("false", "true")]
    column = Column(item.name, ["false", "true"], "counts" if counts else "nothing", reference=counts, missing_share=share)
    return _Binned(place, column, inner=np.array([_HALF]))


def _of_category(place: int, item: Category, share: float | None) -> _Binned:
    order = list(range(len(item.values)))
    if item.codes is not None:
        order.sort(key=item.codes.__getitem__)
    labels = [item.values[number] for number in order]
    counts = None if item.counts is None else [item.counts.get(name, 0) for name in labels]
    column = Column(item.name, labels, "counts" if counts else "nothing", reference=counts, missing_share=share)
    if item.codes is None:
        return _Binned(place, column, names={name: number for number, name in enumerate(labels)})
    codes = np.sort(np.array(item.codes, dtype=np.float64))
    return _Binned(place, column, inner=(codes[1:] + codes[:-1]) / 2)


class _Likeliest:
    """The likeliest class of each answer; what is no answer counts as missing."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __call__(self, results: Sequence[Result]) -> Ints:
        return np.array(
            [each.numbers.index(max(each.numbers)) if isinstance(each, Answer) else self._count for each in results],
            dtype=np.int64,
        )


class _Between:
    """Between which inner edges one of an answer's numbers is; what is no answer counts as missing."""

    def __init__(self, place: int, inner: Sequence[float]) -> None:
        self._place = place
        self._inner = np.array(inner)

    def __call__(self, results: Sequence[Result]) -> Ints:
        numbers = [each.numbers[self._place] if isinstance(each, Answer) else math.nan for each in results]
        places = np.searchsorted(self._inner, np.array(numbers), side="right")
        return np.where(np.isnan(numbers), len(self._inner) + 1, places).astype(np.int64)


_Reader = _Likeliest | _Between
_NOTHING_USUAL = UsualAnswers(over="", rows=0)


def _answer_columns(card: Card) -> list[tuple[Column, _Reader]]:
    """Return how answers are counted, and what the card has to hold them against."""
    usual = card.usual_answers or _NOTHING_USUAL
    found: list[tuple[Column, _Reader]] = []
    if card.task == "classification":
        counts = [usual.counts[name] for name in card.classes] if usual.counts else None
        found.append((_counted("prediction", card.classes, counts), _Likeliest(len(card.classes))))
        spread = [(place, name) for place, name in enumerate(card.classes) if name in usual.histograms]
        found += [_spread(f"probability of {name}", place, usual.histograms[name]) for place, name in spread]
    elif card.task == "multi_label":
        for place, name in enumerate(card.classes):
            count = usual.counts.get(name)
            counts = None if count is None else [usual.rows - count, count]
            found.append((_counted(name, ["false", "true"], counts), _Between(place, [_HALF])))
    for place, target in enumerate(card.targets):
        if target.name in usual.histograms:
            found.append(_spread(target.name, place, usual.histograms[target.name]))
        else:
            edges = [float(edge) for edge in np.linspace(target.minimum, target.maximum, _ANSWER_BINS + 1)]
            column = Column(target.name, _labels(edges), "nothing", is_ordered=True)
            found.append((column, _Between(place, edges[1:-1])))
    return found


def _counted(name: str, labels: Sequence[str], counts: list[int] | None) -> Column:
    return Column(name, list(labels), "counts" if counts else "nothing", reference=counts)


def _spread(name: str, place: int, histogram: Histogram) -> tuple[Column, _Reader]:
    edges = histogram.edges
    column = Column(name, _labels(edges), "histogram", is_ordered=True, reference=histogram.counts)
    return column, _Between(place, edges[1:-1])
