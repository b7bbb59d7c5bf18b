"""One loaded model: its self-test, its answers and their explanations."""

import itertools
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ml_server import outputs
from ml_server.card import Card
from ml_server.errors import (
    BrokenModelError,
    InvalidRequestError,
    MlServerError,
    ModelFaultError,
    ModelUnavailableError,
    PredictionTimeoutError,
)
from ml_server.inputs import Value
from ml_server.pace import Pace
from ml_server.repository import Entry
from ml_server.runtimes import Runtime, load_runtime
from ml_server.schemas import Row, check_features
from ml_server.tasks import Task, deviations, task_of, warnings_of_range
from ml_server.tensors import Array, Layout, all_scalar

_SELF_TEST_TIMEOUT_S = 30.0
_SHORT_DIGEST = 12  # as `docker ps` and `git log` shorten theirs
# A prediction that usually takes less is made between two looks at the network, in seconds: 32 clients of a worker then wait for
# each other as long as one disk access takes; a thread for each would cost more than the prediction of a small model.
FAST_S = 0.0005
# Values that a model is given in one run: an explained batch of a wide model would else be gigabytes (its rows are made as they
# are run). 8 MB of them in Python and as many in the tensor.
_MAX_VALUES = 1_000_000
_TOLD = 8
_ACTIVATE = {
    "classification": ": if these are logits, say softmax (or sigmoid, for one column) in output.activation",
    "multi_label": ": if these are logits, say sigmoid in output.activation",
}
_ROW_BY_ROW = ": export it for batches of any size, or say row_by_row in batch"
NO_TABLE = "feature_importance is left out: what this model reads is no table of single values"


class RunFailure(Exception):  # noqa: N818 - it is no word for clients
    """The runtime gave up on some rows. What it said may have values of them: it is for whoever verifies a model, only."""


class Answer(NamedTuple):
    """The numbers of an answer in the order of the card's names, and contributions by input name where asked for and known."""

    numbers: list[float]
    importance: dict[str, float] | None
    warnings: tuple[str, ...]


Result = Answer | InvalidRequestError | ModelFaultError


class Model:
    """A model that is loaded; `digest` is the beginning of its entry's, for answers and log lines."""

    def __init__(self, card: Card, runtime: Runtime, digest: str = "") -> None:
        """Find out where the card's inputs and names are in the model.

        Raises:
            BrokenModelError: they are not there; says all that does not fit.
        """
        self.card = card
        self.digest = digest
        self.runtime = runtime
        self.task: Task = task_of(card)
        self.pace = Pace()
        self._layout = Layout(card.inputs, runtime.inputs)
        output = outputs.find_output(card, runtime.outputs)
        self._output = output.name
        self._read = outputs.reader(card, output)
        self._are_probabilities = card.task in ("classification", "multi_label")
        self.is_table = all_scalar(card.inputs)
        self.references: tuple[Value, ...] = tuple(item.reference for item in card.inputs)
        is_single = card.batch == "row_by_row" or self._layout.takes_one_row
        # Values that the model reads of one row: an image has many.
        self.row_size = sum(int(np.size(reference)) for reference in self.references)
        self._rows_per_run = 1 if is_single else max(1, _MAX_VALUES // self.row_size)

    @property
    def is_fast(self) -> bool:
        """Tell whether one prediction takes so little that other clients need not notice it."""
        return 0 < self.pace.seconds < FAST_S

    def numbers(self, rows: Iterable[Sequence[Value]], timeout_s: float) -> Iterator[list[float]]:
        """Yield the model's numbers for each row of values in the card's order, in as many runs as it takes.

        Raises:
            PredictionTimeoutError: they took longer than `timeout_s` seconds together.
            ModelFaultError: it puts out another number of rows or columns than it was asked for.
            RunFailure: the runtime gave up, whatever for.
        """
        deadline = time.monotonic() + timeout_s
        waiting, left_s = iter(rows), timeout_s
        while chunk := list(itertools.islice(waiting, self._rows_per_run)):
            if left_s <= 0:
                raise PredictionTimeoutError(f"the model took longer than {timeout_s:g} s")
            found = self._read(self._run(chunk, left_s))
            if len(found) != len(chunk) or (self.card.answers and len(found[0]) != len(self.card.answers)):
                raise ModelFaultError("the model has not put out one row of its card's names for each row that it was given")
            yield from map(outputs.settled, found) if self._are_probabilities else found
            left_s = deadline - time.monotonic()

    def _run(self, rows: Sequence[Sequence[Value]], timeout_s: float) -> Array:
        tensors = self._layout.tensors(rows)
        try:
            return self.runtime.run(tensors, self._output, timeout_s)
        except MlServerError:
            raise
        except Exception as error:
            raise RunFailure(f"{type(error).__name__}: {error}") from error


def load_model(entry: Entry) -> Model:
    """Verify, load and self-test one model.

    Raises:
        BrokenModelError: its card, file, runtime or golden samples are not right; says which.
        ModelUnavailableError: it is behind another server, which does not answer now.
    """
    model = open_model(entry)
    card = model.card
    rows = [_golden_row(card, number).values for number in range(1, len(card.golden_samples) + 1)]
    alone = []
    for number, row in enumerate(rows, start=1):
        begun = time.perf_counter()
        (found,) = model.numbers([row], _SELF_TEST_TIMEOUT_S)
        model.pace.add(time.perf_counter() - begun)
        _judge(model, number, found)
        alone.append(found)
    _compare_batch(model, rows, alone)
    return model


def open_model(entry: Entry) -> Model:
    """Load one model without testing it.

    Raises:
        BrokenModelError: its card, file or runtime are not right; says which.
    """
    card = entry.card
    if card is None or entry.error:
        raise BrokenModelError(entry.error or "")
    return Model(card, load_runtime(card, entry.content), entry.digest[:_SHORT_DIGEST])


def _golden_row(card: Card, number: int) -> Row:
    try:
        return check_features(card.golden_samples[number - 1].features, card)
    except InvalidRequestError as error:
        wrong = "; ".join(f"{detail.field} {detail.problem}" for detail in error.details)
        raise BrokenModelError(f"self-test failed: golden sample {number}: {wrong}") from error


def _judge(model: Model, number: int, got: list[float]) -> None:
    """Hold the model's numbers against what a golden sample expects.

    Raises:
        BrokenModelError: they are no answer at all, or another one; says where they differ most.
    """
    card, which = model.card, f"self-test failed: golden sample {number}"
    if not model.task.is_answer(got):
        told = ", ".join(f"{value:.6g}" for value in got[:_TOLD])
        hint = "" if any(map(math.isnan, got)) else _ACTIVATE.get(card.task, "")
        raise BrokenModelError(f"{which}: the model puts out {told}, which is no answer{hint}")
    expected = model.task.expected(card.golden_samples[number - 1])
    if len(expected) != len(got):
        raise BrokenModelError(f"{which}: expected {len(expected)} numbers, got {len(got)}")
    off = deviations(got, expected)
    column = off.index(max(off))
    if off[column] <= card.golden_tolerance:
        return
    what = card.answers[column] if card.answers else f"number {column + 1}"
    told = f"{what}: expected {expected[column]:.6g}, got {got[column]:.6g}"
    raise BrokenModelError(f"{which} did not get the expected answer ({told})")


def _compare_batch(model: Model, rows: list[tuple[Value, ...]], alone: list[list[float]]) -> None:
    """See that a batch is answered as its rows are.

    Raises:
        BrokenModelError: it is not, or the model cannot take several rows at once.
    """
    try:
        together = list(model.numbers(rows, _SELF_TEST_TIMEOUT_S))
    except (PredictionTimeoutError, ModelUnavailableError):
        raise
    except Exception as error:
        raise BrokenModelError(f"self-test failed: the model cannot take {len(rows)} rows at once{_ROW_BY_ROW}") from error
    worst = max(max(deviations(other, one)) for one, other in zip(alone, together, strict=True))
    if not worst <= model.card.golden_tolerance:
        raise BrokenModelError(
            f"self-test failed: the model answers a batch otherwise than its rows (by {worst:.3g}){_ROW_BY_ROW}"
        )


def run_model(model: Model, rows: Sequence[Row], *, explain: bool, timeout_s: float) -> list[Result]:
    """Return an answer for each row and, where asked for, its explanation: how much each input moved it (`tasks`).

    A row for which the model has no answer is an error of its own: the client's where a value is outside the training
    range, else the model's.

    Raises:
        PredictionTimeoutError: the runs took longer than `timeout_s` seconds together.
        ModelFaultError, RunFailure: see `Model.numbers`.
    """
    is_occluded = explain and model.is_table
    numbers = model.numbers(_occluded(rows, model.references) if is_occluded else (row.values for row in rows), timeout_s)
    step = 1 + len(model.references) if is_occluded else 1
    note = (NO_TABLE,) if explain and not model.is_table else ()
    return [_answer(model, row, list(itertools.islice(numbers, step)), note) for row in rows]


def _occluded(rows: Sequence[Row], references: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """Yield each row, followed by as many copies as it has inputs, each with one of them at its reference."""
    for row in rows:
        yield row.values
        for column, reference in enumerate(references):
            yield (*row.values[:column], reference, *row.values[column + 1 :])


def no_answer(row: Row) -> Result:
    """Return whose fault it is that there is none: the client's where a value is outside the training range."""
    if row.is_outside:
        return InvalidRequestError("the model has no answer for these values: they are too far from its training range")
    return ModelFaultError("the model has no answer for these values, which are within its training range")


def _answer(model: Model, row: Row, numbers: list[list[float]], note: tuple[str, ...]) -> Result:
    if not all(map(model.task.is_answer, numbers)):
        return no_answer(row)
    whole, *without = numbers
    warnings = (*row.warnings, *warnings_of_range(model.card, whole), *note)
    if not without:
        return Answer(whole, None, warnings)
    moved = model.task.importance(whole, without)
    if isinstance(moved, str):
        return Answer(whole, None, (*warnings, moved))
    importance = {item.name: value for item, value in zip(model.card.inputs, moved, strict=True)}
    return Answer(whole, importance, warnings)
