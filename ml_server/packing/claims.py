"""What can be said of a model's answers out of its data: for requests that lack something, for some of the people, and for whom.

What would need the training itself (how far a probability moves when it is repeated, submodels) is left out, and said.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ml_server.packing import neighbours, scores
from ml_server.packing.columns import Column
from ml_server.packing.judging import judge
from ml_server.packing.missing import Policy
from ml_server.packing.names import Targets, number_classes
from ml_server.packing.outputs import Reading
from ml_server.packing.probe import filled
from ml_server.packing.trial import Trial
from ml_server.packing.unseen import Answered

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_SEED = 20110418
_MOST_ROWS = 2000
_FEWEST_ROWS = 20
_MOST_VALUES = 6
_MOST_SUBGROUPS = 24
_FEWEST_DISTINCT = 10
_THRESHOLDS = (0.2, 0.5, 0.8)
_NO_SPREAD = "how far a probability moves when the training is repeated (spread) needs the training: left out"
_AGE = re.compile(r"age([^a-z].*)?|.*[^a-z]age", re.IGNORECASE)


@dataclass(frozen=True)
class Known:
    """Rows whose truth is known, best of all such that the model was not trained on.

    Attributes:
        run: answers for columns of what the model reads.
        over: which rows they are.
    """

    reading: Reading
    targets: Targets
    columns: Sequence[Column]
    policies: Sequence[Policy]
    is_served: Flags
    run: Callable[[Sequence[Any]], Floats]
    over: str


class Made(NamedTuple):
    """Keys of a card, and what was left out, in sentences."""

    keys: dict[str, Any]
    notes: tuple[str, ...]


def known_of(
    trial: Trial, policies: Sequence[Policy], targets: Targets, is_served: Flags, held_out: Answered | None
) -> Known | None:
    """Return the rows whose truth is known, the targets': those that were held out, or else those of the training."""
    if not targets:
        return None
    if held_out is not None:
        over = f"{len(held_out.is_served)} rows that were not trained on"
        return Known(trial.reading, targets, held_out.columns, policies, held_out.is_served, trial.run, over)
    over = f"the {len(is_served)} rows of the training data: not held out, so it flatters"
    return Known(trial.reading, targets, trial.columns, policies, is_served, trial.run, over)


def near_of(columns: Sequence[Column]) -> dict[str, Any] | None:
    """Return how the people of the training are spread over the measured inputs; None where that cannot be told."""
    measured = [column for column in columns if _is_measured(column)]
    if not measured:
        return None
    values = np.stack([column.reads.astype(np.float64) for column in measured], axis=1)
    over = f"{min(len(values), neighbours.MOST_ROWS)} people of the training, a tenth held out at a time"
    return neighbours.applicability([column.slot.name for column in measured], values, over)


def _is_measured(column: Column) -> bool:
    if column.kind not in {"number", "integer", "date"} or "allowed" in column.said or column.slot.dtype == "string":
        return False
    return len(np.unique(column.reads[~column.is_missing])) > _FEWEST_DISTINCT


def of_answers(known: Known | None) -> Made:
    """Return what the truth says of the answers."""
    if known is None or known.reading.task == "embedding":
        return Made({}, ("without --target nobody knows how good the answers are to requests that lack something",))
    is_binary = known.reading.task == "classification" and len(known.reading.classes) == 2
    keys: dict[str, Any] = {"positive": known.reading.classes[1]} if is_binary else {}
    patterns = list(_patterns(known))
    keys |= {"patterns": patterns} if patterns else {}
    subgroups = list(_subgroups(known))
    keys |= {"subgroups": subgroups} if subgroups else {}
    notes = [_NO_SPREAD] if is_binary else []
    if any(policy.name != "refuse" for policy in known.policies) and not any(pattern["missing"] for pattern in patterns):
        notes.append("too few rows to say how good the answers are to requests that lack something")
    return Made(keys, tuple(notes))


def _patterns(known: Known) -> Iterator[dict[str, Any]]:
    """Yield what is known of requests that lack nothing, and of those that lack ever more, drawn at random."""
    optional = [place for place, policy in enumerate(known.policies) if policy.name != "refuse"]
    names = [known.columns[place].slot.name for place in optional]
    is_missing = np.stack([known.columns[place].is_missing for place in optional], axis=1) if optional else None
    rng = np.random.default_rng(_SEED)
    for count in _counts(len(optional)):
        lacks = np.zeros(len(known.is_served), dtype=np.int64) if is_missing is None else is_missing.sum(axis=1)
        rows = np.flatnonzero(known.is_served & (lacks <= count))
        if len(rows) < _FEWEST_ROWS:
            continue
        rows = np.sort(rng.choice(rows, _MOST_ROWS, replace=False)) if len(rows) > _MOST_ROWS else rows
        reads = [read[rows] for read in filled(known.columns, [policy.value for policy in known.policies])]
        if is_missing is not None and count:
            for number, row in enumerate(rows):
                left = np.flatnonzero(~is_missing[row])
                for drawn in rng.permutation(left)[: count - int(lacks[row])]:
                    reads[optional[drawn]][number] = known.policies[optional[drawn]].value
        over = f"{len(rows)} of {known.over}"
        over += f"; {count} of the {len(optional)} inputs that may be missing were taken away at random" if count else ""
        judged = _judged(known, rows, known.run(reads), over)
        if judged["scores"]:
            yield {"missing": names if count else [], **({"at_most": count} if count else {}), **judged}


def _counts(most: int) -> list[int]:
    """Return 0, 1, 2, 4, ... and all."""
    doubled = [1 << power for power in range(most.bit_length()) if 1 << power < most]
    return [0, *doubled, most] if most else [0]


def _judged(known: Known, rows: Ints, answers: Floats, over: str) -> dict[str, Any]:
    """Return scores and thresholds of these rows' answers."""
    targets = {name: [texts[row] for row in rows] for name, texts in known.targets.items()}
    found = judge(known.reading, targets, answers, np.ones(len(rows), dtype=bool), over)
    judged: dict[str, Any] = {"scores": dict(found.scores)}
    if known.reading.task == "classification" and len(known.reading.classes) == 2:
        ((field, texts),) = targets.items()
        numbers = number_classes(texts, known.reading.classes, field)
        is_known = np.array([number is not None for number in numbers])
        truth = np.array([number or 0 for number in numbers])[is_known]
        judged["thresholds"] = scores.thresholds(answers[is_known, 1], truth, _THRESHOLDS, over)
    return judged


def _subgroups(known: Known) -> Iterator[dict[str, Any]]:
    reads = filled(known.columns, [policy.value for policy in known.policies])
    groups = [group for column in known.columns for group in _groups(column)][:_MOST_SUBGROUPS]
    for name, value, is_in in groups:
        rows = np.flatnonzero(is_in & known.is_served)
        if len(rows) < _FEWEST_ROWS:
            continue
        judged = _judged(known, rows, known.run([read[rows] for read in reads]), f"{len(rows)} of {known.over}")
        if judged["scores"]:
            yield {"name": name, "value": value, "rows": len(rows), **judged}


def _groups(column: Column) -> Iterator[tuple[str, str, Flags]]:
    """Yield the parts of the people by one column: its few values, or the younger and the older half."""
    name = column.slot.name
    if column.item is not None:
        return
    distinct = sorted({value for value in column.given if value is not None}, key=str)
    if len(distinct) <= _MOST_VALUES and column.kind in {"boolean", "category", "integer"}:
        for value in distinct if len(distinct) > 1 else ():
            told = {True: "true", False: "false"}.get(value, str(value)) if column.kind == "boolean" else str(value)
            yield name, told, np.array([each == value for each in column.given], dtype=bool)
    elif column.kind in {"number", "integer"} and _AGE.fullmatch(name):
        middle = float(np.nanmedian(column.reads.astype(np.float64)))
        yield name, f"below {middle:g}", np.asarray(column.reads < middle)
        yield name, f"{middle:g} or above", np.asarray(column.reads >= middle)


def far_of(near: Mapping[str, Any] | None, columns: Sequence[Column]) -> Callable[[Sequence[Any]], bool]:
    """Return what tells whether a request, a value for each column, would be refused for its distance."""
    if near is None:
        return lambda _given: False
    places = {column.slot.name: place for place, column in enumerate(columns)}
    read_of = {
        name: dict(zip(columns[places[name]].given, columns[places[name]].reads.tolist(), strict=True)) for name in near["inputs"]
    }

    def is_far(given: Sequence[Any]) -> bool:
        row = [given[places[name]] for name in near["inputs"]]
        read = [
            np.nan if value is None else float(read_of[name].get(value, value)) for name, value in zip(read_of, row, strict=True)
        ]
        return bool(neighbours.distance_of(near, np.array(read)) > near["refused"])

    return is_far
