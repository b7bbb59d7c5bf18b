"""How the answers are spread where all is as it was in training: what the answers to later people are held against."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from ml_server.inputs.histogram import histogram_of
from ml_server.packing.columns import Column
from ml_server.packing.outputs import Reading
from ml_server.packing.unseen import Answered

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Of fewer nothing can be said of others.
_FEWEST_ROWS = 30
_MOST_ROWS = 2000
_SEED = 20110418
_HALF = 0.5
_LEFT_OUT = "left out: who would be refused, and who lacks what nobody of the training lacked"
_WITHOUT = "without held-out data nobody knows how the answers to other people are spread: drift watches the inputs only"
_TOO_FEW = f"under {_FEWEST_ROWS} rows of the held-out data are like those of the training: drift watches the inputs only"


def usual_answers(
    reading: Reading, trained: Sequence[Column], held_out: Answered | None, is_far: Callable[[Sequence[Any]], bool]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the card's key, or nothing where that cannot be told, and the reason why not.

    A model is surer of people that it was trained on, so only others count. Left out is who would be refused, who is too far
    from the training (`is_far` of the values of a row), and who lacks what nobody of the training lacked.
    """
    if reading.task == "embedding":
        return {}, ()
    if held_out is None:
        return {}, (_WITHOUT,)
    rows = np.flatnonzero(held_out.is_served & ~_is_otherwise(trained, held_out.columns))
    if len(rows) > _MOST_ROWS:
        rows = np.sort(np.random.default_rng(_SEED).choice(rows, _MOST_ROWS, replace=False))
    rows = np.array([row for row in rows if not is_far([column.given[row] for column in held_out.columns])], dtype=np.int64)
    if len(rows) < _FEWEST_ROWS:
        return {}, (_TOO_FEW,)
    over = f"{len(rows)} of {len(held_out.is_served)} rows that were not trained on; {_LEFT_OUT}"
    return {"usual_answers": {"over": over, "rows": len(rows), **_spread(reading, held_out.answers[rows])}}, ()


def _is_otherwise(trained: Sequence[Column], columns: Sequence[Column]) -> Flags:
    """Return for each row whether it lacks what nobody of the training lacked."""
    never = [own.is_missing for column, own in zip(trained, columns, strict=True) if not column.is_missing.any()]
    return np.any(never, axis=0) if never else np.zeros(len(columns[0].given), dtype=bool)


def _spread(reading: Reading, answers: Floats) -> dict[str, Any]:
    names = reading.classes
    if reading.task == "regression":
        return {"histograms": {name: _histogram(answers[:, place]) for place, name in enumerate(names)}}
    if reading.task == "multi_label":
        return {"counts": {name: int((answers[:, place] >= _HALF).sum()) for place, name in enumerate(names)}}
    likeliest = np.bincount(answers.argmax(axis=1), minlength=len(names))
    counts = {"counts": {name: int(count) for name, count in zip(names, likeliest, strict=True)}}
    return {**counts, "histograms": {names[1]: _histogram(answers[:, 1])}} if len(names) == 2 else counts


def _histogram(values: Floats) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(histogram_of(values))
    return found
