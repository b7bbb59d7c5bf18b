"""What was decided and what the person should know of it, in sentences."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ml_server.packing.columns import Column
from ml_server.packing.golden import Golden
from ml_server.packing.missing import Policy
from ml_server.packing.reference import SCALED_TREES, TOLERANCE
from ml_server.packing.trial import Trial
from ml_server.verification.findings import listed

# What those get that know nothing of the inputs.
_NO_BETTER = {"r2": 0.0, "roc_auc": 0.5}
_DONE = {
    "nan": "the model itself knows what to do",
    "median": "filled with the median",
    "mode": "filled with the commonest",
    "refuse": "refused",
}


class Agreed(NamedTuple):
    """What the answers were compared with: the predictions for the training data, and other rows, by name.

    `by_position` are the columns of the predictions whose names are not those of the classes.
    """

    has_reference: bool
    by_position: Sequence[str]
    others: Sequence[str]


def notes_of(
    trial: Trial,
    policies: Sequence[Policy],
    chosen: Golden,
    *,
    unread: Sequence[str],
    agreed: Agreed,
    scores: Mapping[str, Any],
) -> tuple[str, ...]:
    """Return a sentence for each decision that was not asked for."""
    reading = trial.reading
    names = f" of {listed(reading.classes, 8)}" if reading.classes else ""
    activation = "" if reading.activation == "none" else f", through {reading.activation}"
    is_agreed = f"the answers are those of the reference predictions to {TOLERANCE:g}"
    unjudged = "nobody has compared the answers with the original library's: give --reference PREDICTIONS.csv"
    notes = [
        f"{reading.task}{names}, read from the output {reading.output}{activation}",
        is_agreed if agreed.has_reference else unjudged,
        *_of_unseen(trial, agreed),
        *_by_position(agreed.by_position, reading.classes),
        *_of_inputs(trial.columns, policies),
    ]
    if reading.renamed:
        pairs = listed([f"{own} is {name}" for own, name in reading.renamed], 10)
        unproven = "; neither target nor reference has these names, so nothing proves their order: look at it twice"
        notes.append(f"classes have other names than in the model: {pairs}{'' if reading.is_name_proven else unproven}")
    if unread:
        notes.append(f"columns of the data that the model does not read: {listed(unread, 10)}")
    if trial.is_row_by_row:
        notes.append("the model takes one row at a time (its batch is fixed at 1), so it is run row by row")
    if chosen.unseen_classes:
        unseen = [reading.classes[number] for number in chosen.unseen_classes]
        notes.append(f"no golden sample is answered with {listed(unseen)}: the model seems never to predict it")
    if not scores and reading.task != "embedding":
        notes.append("without --target there are no scores")
    for name, score in scores.items():
        worst = next((least for figure, least in _NO_BETTER.items() if name.endswith(figure)), -math.inf)
        if score["mean"] <= worst:
            notes.append(f"{name} is {score['mean']:g}: no better than guessing; are target and answer the same thing?")
    return tuple(notes)


def _by_position(columns: Sequence[str], classes: Sequence[str]) -> Iterator[str]:
    if columns:
        pairs = [f"{column} for {name}" for column, name in zip(columns, classes, strict=True)]
        yield f"columns of the reference predictions were taken by their place, as they have other names: {listed(pairs, 10)}"


def _of_unseen(trial: Trial, agreed: Agreed) -> Iterator[str]:
    if agreed.others:
        yield f"so they are for {listed(agreed.others)}"
    elif trial.has_scaled_trees and any(column.slot.dtype == "float32" for column in trial.columns):
        yield (
            f"{SCALED_TREES}. The rows of the training never lie on a threshold and cannot show it: compare other people, with "
            "--held-out-reference"
        )


def _of_inputs(columns: Sequence[Column], policies: Sequence[Policy]) -> Iterator[str]:
    renamed = [f"{column.slot.header} is {column.slot.name}" for column in columns if column.slot.header != column.slot.name]
    if renamed:
        yield f"names as requests have them: {listed(renamed, 10)}"
    for name, done in _DONE.items():
        pairs = zip(columns, policies, strict=True)
        own = [column.slot.name for column, policy in pairs if policy.name == name and column.is_missing.any()]
        if own:
            yield f"missing values of {listed(own, 10)}: {done}"
    guessed = [f"{column.slot.name} ({listed(column.values)} = 0, 1, ...)" for column in columns if column.is_guessed]
    if guessed:
        yield f"texts read as numbers in alphabetical order, as the reference predictions show: {listed(guessed)}"
