"""The predictions of the original library: read, compared, and what a difference most likely comes from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_server.packing.outputs import plain_label
from ml_server.packing.refusal import PackingError
from ml_server.packing.table import Table
from ml_server.verification.findings import Finding, listed

Floats = npt.NDArray[np.float64]

TOLERANCE = 1e-5
_FIELD = "reference"
# With fewer decimals than this a figure cannot agree to the tolerance.
_FEWEST_DECIMALS = 5
SCALED_TREES = (
    "numbers are scaled before trees compare them: rounded to float32, a value passes a threshold that it does not pass in "
    "the library. Trees need no scaling: drop the scaler and train anew"
)
# Differences of so few rows are thresholds of trees that a value passes when it is rounded.
_FEW = 0.05


@dataclass(frozen=True)
class Reference:
    """Predictions (rows, answers) in the model's order.

    Attributes:
        decimals: the most that any of them is written with.
        is_by_position: the columns have not the names of the answers, and were taken in their order.
    """

    values: Floats
    decimals: int
    is_by_position: bool = False


def read_reference(table: Table, rows: int, names: Sequence[str], columns: int, *, is_binary: bool) -> Reference:
    """Return the predictions in the order of `names` (classes, labels or targets), or as they are where there are none.

    A single column for two classes is the probability of the second.

    Raises:
        PackingError: other rows, other columns, or no numbers in them.
    """
    findings = []
    if table.rows != rows:
        found = f"{table.rows} rows where the data have {rows}"
        findings.append(Finding(_FIELD, found, "a row for each row of the data, in its order", "predict the same file anew"))
    by_name = {plain_label(_last_word(name)): texts for name, texts in table.columns.items()}
    by_full_name = {plain_label(name): texts for name, texts in table.columns.items()}
    chosen, is_by_position = list(table.columns.values()), len(names) > 1
    for known in (by_full_name, by_name):
        if names and len(known) == len(table.columns) and set(known) == set(names):
            chosen, is_by_position = [known[name] for name in names], False
            break
    is_one_of_two = is_binary and len(chosen) == 1
    if len(chosen) != columns and not is_one_of_two:
        found = f"{len(chosen)} columns ({listed(list(table.columns))})"
        wanted = f"one for each of {listed(names, 10)}" if names else f"{columns} columns"
        findings.append(
            Finding(_FIELD, found, wanted, "write what predict_proba (or predict, for numbers) returns, without other columns")
        )
    numbers = [[_number(text) for text in texts] for texts in chosen]
    bad = [table.lines[row] for texts in numbers for row, value in enumerate(texts) if value is None]
    if bad:
        remedy = "write probabilities (predict_proba), not labels (predict)"
        findings.append(Finding(_FIELD, f"{len(bad)} cells that are no number, first in line {bad[0]}", "numbers", remedy))
    if findings:
        raise PackingError(findings)
    values = np.array(numbers, dtype=np.float64).T
    if is_one_of_two:
        values = np.concatenate([1 - values, values], axis=1)
    decimals = max(_decimals(text) for texts in chosen for text in texts if text is not None)
    return Reference(values, decimals, is_by_position and not is_one_of_two)


def _last_word(name: str) -> str:
    """Return the class in names such as `proba_1` or `probability(yes)`."""
    return name.replace("(", "_").replace(")", "").rsplit("_", 1)[-1].strip()


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _decimals(text: str) -> int:
    """Return how exactly a number is written: those with an exponent are written in full."""
    return 17 if "e" in text.lower() else len(text.strip().partition(".")[2])


def differing(answers: Floats, reference: Floats) -> npt.NDArray[np.bool_]:
    """Return for each row whether it differs: by more than the tolerance, relative to values above 1."""
    limit = TOLERANCE * np.maximum(1, np.abs(reference))
    return np.asarray(~(np.abs(answers - reference) <= limit).all(axis=1))


@dataclass(frozen=True)
class Suspects:
    """What may be behind a difference.

    Attributes:
        is_missing: for each row whether a value is missing in it.
        exchanged: tries whether columns of the data are exchanged, and returns the remedy; "" where they are not.
        has_guesses: texts were numbered in their order, which nobody has said.
        is_float64: the model reads no float32.
        is_unseen: these are rows that the model was not trained on, and on those of the training it agrees.
        has_scaled_trees: numbers are scaled before trees compare them.
    """

    is_missing: npt.NDArray[np.bool_]
    exchanged: Callable[[], str]
    has_guesses: bool
    is_float64: bool
    is_unseen: bool = False
    has_scaled_trees: bool = False


def complain(answers: Floats, reference: Reference, lines: Sequence[int], suspects: Suspects) -> Finding:
    """Return what differs: how many rows, how much, which, and the likeliest remedy."""
    wrong = differing(answers, reference.values)
    rows = np.flatnonzero(wrong).tolist()
    distance = np.abs(answers - reference.values).max(axis=1)
    largest = float(np.nanmax(distance)) if np.isfinite(distance).any() else float("nan")
    cells = listed([f"{lines[row]} ({_shown(answers[row])}, there {_shown(reference.values[row])})" for row in rows], 3)
    found = f"{len(rows)} of {len(answers)} rows differ by up to {largest:.3g}: line {cells}"
    remedies = (*_remedies(answers, reference, wrong, suspects), suspects.exchanged(), *_vague_remedies(wrong, suspects))
    return Finding(_FIELD, found, f"the library's predictions to {TOLERANCE:g}", next(filter(None, remedies)))


def _shown(row: Floats) -> str:
    return " ".join(f"{value:.6g}" for value in row[:4])


def _remedies(answers: Floats, reference: Reference, wrong: npt.NDArray[np.bool_], suspects: Suspects) -> Iterator[str]:
    """Yield the remedies of which one look at the numbers tells whether they are the right ones."""
    wanted = reference.values
    coarse = 0.51 * 10.0**-reference.decimals
    if reference.decimals < _FEWEST_DECIMALS and (np.abs(answers - wanted) <= coarse).all():
        yield f"they are written with {reference.decimals} decimals only: write them in full"
    if any(not differing(answers, wanted[:, order]).any() for order in _orders(wanted.shape[1])):
        yield "its columns are in another order than the model's: name them by class, or exchange them"
    if not differing(np.sort(answers, axis=0), np.sort(wanted, axis=0)).any():
        yield "the same predictions stand in other rows: write them in the order of the data (was it shuffled, or split?)"
    is_of_missing = bool(suspects.is_missing[wrong].all())
    if suspects.has_scaled_trees and not suspects.is_float64 and (suspects.is_unseen or wrong.mean() <= _FEW or is_of_missing):
        yield SCALED_TREES
    if is_of_missing:
        yield (
            "only rows with missing values differ: say in the form what the model does with them: "
            'missing = "nan", "median" (or "mode") or "refuse" of each input; a category may have missing_text'
        )


def _vague_remedies(wrong: npt.NDArray[np.bool_], suspects: Suspects) -> Iterator[str]:
    if suspects.has_guesses:
        yield "texts were numbered in alphabetical order: say the codes that were trained with in the form"
    if not suspects.is_float64 and wrong.mean() <= _FEW:
        yield (
            "few rows differ, as when a value passes a threshold because it is rounded to float32: export with float64 "
            "inputs (skl2onnx: DoubleTensorType), or train on data rounded to float32"
        )
    if suspects.has_scaled_trees and not suspects.is_float64:
        yield SCALED_TREES
    yield (
        "are model and predictions of the same fit, and are the columns in the order of the training (--columns)? "
        "Is each step before the estimator part of the export? Else the exporter has this estimator wrong: upgrade it"
    )


def _orders(count: int) -> list[list[int]]:
    """Return other orders of columns that are worth a try: every exchange of two, and all backwards."""
    columns = list(range(count))
    orders = [columns[::-1]] if count > 1 else []
    for first in range(min(count, 20)):
        for second in range(first + 1, min(count, 20)):
            exchanged = columns.copy()
            exchanged[first], exchanged[second] = second, first
            orders.append(exchanged)
    return orders
