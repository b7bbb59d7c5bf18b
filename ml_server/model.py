"""One loaded model: its self-test, its answers and their explanations."""

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ml_server.card import Card
from ml_server.errors import (
    BrokenModelError,
    InvalidRequestError,
    ModelFaultError,
    ModelUnavailableError,
    PredictionTimeoutError,
)
from ml_server.pace import Pace
from ml_server.parts import Part, open_submodels
from ml_server.repository import Entry
from ml_server.runtimes import Runtime, load_runtime
from ml_server.schemas import Row, check_features
from ml_server.tasks import Task, deviations, task_of, warnings_of_range
from ml_server.weighing import Standing, Weighing

_SELF_TEST_TIMEOUT_S = 30.0
_SHORT_DIGEST = 12  # as `docker ps` and `git log` shorten theirs
# A prediction that usually takes less is made between two looks at the network, in seconds: 32 clients of a worker then wait for
# each other as long as one disk access takes; a thread for each would cost more than the prediction of a small model.
FAST_S = 0.0005
_TOLD = 8
_ACTIVATE = {
    "classification": ": if these are logits, say softmax (or sigmoid, for one column) in output.activation",
    "multi_label": ": if these are logits, say sigmoid in output.activation",
}
_ROW_BY_ROW = ": export it for batches of any size, or say row_by_row in batch"
UNEXPLAINED = "feature_importance is left out: the model has no answer with each input at its ordinary value"
NO_TABLE = "feature_importance is left out: what this model reads is no table of single values"


class Answer(NamedTuple):
    """The numbers of an answer in the order of the card's names, and contributions by input name where asked for and known.

    `standing` is what the card knows of such an answer, where that was looked up.
    """

    numbers: list[float]
    importance: dict[str, float] | None
    warnings: tuple[str, ...]
    standing: Standing | None = None


Result = Answer | InvalidRequestError | ModelFaultError


class Model:
    """A model that is loaded; `digest` is the beginning of its entry's, for answers and log lines."""

    def __init__(self, card: Card, runtime: Runtime, digest: str = "", submodels: dict[str, Part] | None = None) -> None:
        """Find out where the card's inputs and names are in the model.

        Raises:
            BrokenModelError: they are not there; says all that does not fit.
        """
        self.card = card
        self.digest = digest
        self.runtime = runtime
        self.task: Task = task_of(card)
        self.pace = Pace()
        self.weighing = Weighing(card)
        self._whole = Part(card, runtime)
        self._submodels = submodels or {}
        self.is_table = self._whole.is_table
        self.row_size = self._whole.row_size

    @property
    def is_fast(self) -> bool:
        """Tell whether one prediction takes so little that other clients need not notice it."""
        return 0 < self.pace.seconds < FAST_S

    def part(self, row: Row) -> Part:
        """Return what answers a row: the model itself, or a submodel for what is missing."""
        if not row.missing or not self._submodels:
            return self._whole
        name = self.weighing.completeness.outcome(row.missing).submodel
        return self._whole if name is None else self._submodels[name]

    def numbers(self, rows: Sequence[Row], timeout_s: float) -> list[list[float]]:
        """Return the numbers for each row; `timeout_s` is for all together.

        Raises:
            PredictionTimeoutError, ModelFaultError, RunFailure: see `Part.numbers`.
        """
        deadline = time.monotonic() + timeout_s
        found: dict[int, list[float]] = {}
        for part, places in self.parted(rows):
            numbers = part.numbers((part.values(rows[place]) for place in places), deadline)
            found.update(zip(places, numbers, strict=True))
        return [found[place] for place in range(len(rows))]

    def parted(self, rows: Sequence[Row]) -> Iterator[tuple[Part, Sequence[int]]]:
        """Yield what answers some of the rows, and their places."""
        if not self._submodels:
            yield self._whole, range(len(rows))
            return
        places: dict[str | None, list[int]] = {}
        parts = {}
        for place, row in enumerate(rows):
            part = self.part(row)
            parts[part.name] = part
            places.setdefault(part.name, []).append(place)
        for name, part in parts.items():
            yield part, places[name]


def load_model(entry: Entry) -> Model:
    """Verify, load and self-test one model.

    Raises:
        BrokenModelError: its card, file, runtime or golden samples are not right; says which.
        ModelUnavailableError: it is behind another server, which does not answer now.
    """
    model = open_model(entry)
    card = model.card
    rows = [_golden_row(model, number) for number in range(1, len(card.golden_samples) + 1)]
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
    submodels = open_submodels(entry, card)
    return Model(card, load_runtime(card, entry.content), entry.digest[:_SHORT_DIGEST], submodels)


def _golden_row(model: Model, number: int) -> Row:
    card = model.card
    try:
        row = check_features(card.golden_samples[number - 1].features, card)
        standing = model.weighing.stand(row)
        if isinstance(standing, InvalidRequestError):
            raise standing
    except InvalidRequestError as error:
        wrong = "; ".join(f"{detail.field} {detail.problem}" for detail in error.details) or error.message
        raise BrokenModelError(f"self-test failed: golden sample {number}: {wrong}") from error
    return row


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


def _compare_batch(model: Model, rows: list[Row], alone: list[list[float]]) -> None:
    """See that a batch is answered as its rows are.

    Raises:
        BrokenModelError: it is not, or the model cannot take several rows at once.
    """
    try:
        together = model.numbers(rows, _SELF_TEST_TIMEOUT_S)
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
        ModelFaultError, RunFailure: see `Part.numbers`.
    """
    if len(rows) == 1 and not explain:
        (row,) = rows
        part = model.part(row)
        return [_answer(model, part, row, [part.one(row, timeout_s)], ())]
    deadline = time.monotonic() + timeout_s
    found: dict[int, Result] = {}
    for part, places in model.parted(rows):
        some = [rows[place] for place in places]
        is_occluded = explain and part.is_table
        numbers = part.occluded(some, deadline) if is_occluded else part.numbers(map(part.values, some), deadline)
        step = 1 + len(part.inputs) if is_occluded else 1
        note = (NO_TABLE,) if explain and not part.is_table else ()
        for place, row in zip(places, some, strict=True):
            found[place] = _answer(model, part, row, list(itertools.islice(numbers, step)), note)
    return [found[place] for place in range(len(rows))]


def no_answer(row: Row) -> Result:
    """Return whose fault it is that there is none: the client's where a value is outside the training range."""
    if row.is_outside:
        return InvalidRequestError("the model has no answer for these values: they are too far from its training range")
    return ModelFaultError("the model has no answer for these values, which are within its training range")


def _answer(model: Model, part: Part, row: Row, numbers: list[list[float]], note: tuple[str, ...]) -> Result:
    whole, *without = numbers
    if not model.task.is_answer(whole):
        return no_answer(row)
    warnings = (*row.warnings, *warnings_of_range(model.card, whole), *note)
    if not without:
        return Answer(whole, None, warnings)
    # The answer is there without its explanation, and the same with it.
    moved = model.task.importance(whole, without) if all(map(model.task.is_answer, without)) else UNEXPLAINED
    if isinstance(moved, str):
        return Answer(whole, None, (*warnings, moved))
    importance = {item.name: value for item, value in zip(part.inputs, moved, strict=True)}
    return Answer(whole, importance, warnings)
