"""A model, asked as serving asks it: numbers out, or why there are none."""

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ml_server.card import Card
from ml_server.errors import InvalidRequestError
from ml_server.model import Answer, Model, Result, open_model, run_model
from ml_server.parts import RunFailure
from ml_server.repository import Entry
from ml_server.schemas import Row, check_features
from ml_server.tasks import deviations

RUN_TIMEOUT_S = 30.0
# As near as two answers to one question must be: what rounding in another order makes of float32 (6e-8) in a sum of many terms.
SAME_RELATIVE, SAME_ABSOLUTE = 1e-4, 1e-6
_TOGETHER = 64
_MOST_VALUES = 1_000_000

Numbers = tuple[float, ...]


class ModelFailure(Exception):  # noqa: N818 - what it is called in the texts
    """The runtime could not run the model; the message is the runtime's."""


def row_of(features: Any, card: Card) -> Row:
    """Return what the model reads.

    Raises:
        InvalidRequestError: the features are not those of the card.
    """
    return check_features(features, card)


def numbers_of(result: Result) -> Numbers | None:
    """Return what was answered; None where that is no answer, such as NaN."""
    return tuple(result.numbers) if isinstance(result, Answer) else None


def expected_of(model: Model, number: int) -> Numbers:
    """Return what a golden sample, counted from 0, expects."""
    return tuple(model.task.expected(model.card.golden_samples[number]))


def ask(model: Model, rows: Sequence[Row]) -> list[Numbers | None]:
    """Return the answers to all rows in one run.

    Raises:
        ModelFailure: the model cannot do that.
    """
    return [numbers_of(answer) for answer in run(model, rows)]


def run(model: Model, rows: Sequence[Row], *, explain: bool = False) -> list[Result]:
    """Return the answers to all rows in one run, explained where asked for.

    Raises:
        ModelFailure: the model cannot do that.
    """
    try:
        return run_model(model, rows, explain=explain, timeout_s=RUN_TIMEOUT_S)
    except Exception as error:  # a runtime raises whatever it likes
        told = str(error) if isinstance(error, RunFailure) else f"{type(error).__name__}: {error}"
        raise ModelFailure(" ".join(told.split())[:300]) from error


def replies(entry: Entry, requests: Sequence[Any]) -> Iterator[tuple[list[float] | None, str]]:
    """Yield a model's numbers for each request's features, or None and why there are none.

    Raises:
        BrokenModelError: it cannot be loaded.
    """
    model = open_model(entry)
    for features in requests:
        try:
            (answer,) = ask(model, [row_of(features, model.card)])
        except InvalidRequestError as error:
            yield None, "; ".join(f"{each.field} {each.problem}" for each in error.details)
        except ModelFailure as failure:
            yield None, str(failure)
        else:
            yield (None, "no answer") if answer is None else (list(answer), "")


def is_same(one: Numbers | None, other: Numbers | None) -> bool:
    """Tell whether two answers to one question are the same but for rounding."""
    if one is None or other is None:
        return one is other
    return len(one) == len(other) and all(
        math.isclose(a, b, rel_tol=SAME_RELATIVE, abs_tol=SAME_ABSOLUTE) for a, b in zip(one, other, strict=True)
    )


def is_near(one: Numbers | None, other: Numbers | None, tolerance: float) -> bool:
    """Tell whether two answers are no farther apart than the tolerance, everywhere; one that is none is far from all."""
    if one is None or other is None or len(one) != len(other):
        return False
    return all(off <= tolerance for off in deviations(one, other))


class Questions:
    """Asks as many questions as there is time for; a model that takes one row at a time is asked one at a time."""

    def __init__(self, model: Model, *, takes_many: bool, within_s: float) -> None:
        self._model = model
        self._together = _TOGETHER if takes_many else 1
        self._end = time.monotonic() + within_s

    @property
    def is_over(self) -> bool:
        """Tell whether the time is over: what was not asked by now is not known."""
        return time.monotonic() >= self._end

    def ask(self, rows: Sequence[Row]) -> list[Numbers | None]:
        """Return the answers, to fewer rows where the time was over.

        Raises:
            ModelFailure: the model cannot do that.
        """
        answers: list[Numbers | None] = []
        # Rows of images are large, and what a model makes of them is larger.
        width = sum(np.size(value) for value in rows[0].values) if rows else 1
        step = max(1, min(self._together, _MOST_VALUES // max(1, width)))
        for start in range(0, len(rows), step):
            if self.is_over:
                break
            answers += ask(self._model, rows[start : start + step])
        return answers
