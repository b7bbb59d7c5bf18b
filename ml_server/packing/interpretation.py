"""How the model's output is read: found from its values, the target and the reference predictions, or said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ml_server.packing.class_order import check_order, orders_of
from ml_server.packing.columns import Column
from ml_server.packing.missing import options
from ml_server.packing.names import Targets, find_names, own_names
from ml_server.packing.outputs import ACTIVATIONS, Raw, Reading, choose, find_activation, find_task, labels_of
from ml_server.packing.probe import Probe, filled
from ml_server.packing.reference import Reference, differing, read_reference
from ml_server.packing.refusal import PackingError
from ml_server.packing.table import Table
from ml_server.verification.findings import Finding


@dataclass(frozen=True)
class Asked:
    """What was said of the model's output, because it cannot be found or is to be another than is found."""

    task: str | None = None
    output: str | None = None
    activation: str | None = None
    classes: Sequence[str] = ()


def interpret(
    probe: Probe, columns: Sequence[Column], asked: Asked, targets: Targets, predictions: Table | None
) -> tuple[Reading, Reference | None]:
    """Return how the output is read, and the reference predictions in the order of the answers.

    Raises:
        PackingError: it cannot be told; says what to say.
    """
    fills = [options(column)[-1].value for column in columns]
    outputs = probe.run([column.slot for column in columns], filled(columns, fills))
    raw = choose(outputs, asked.output)
    is_finite: npt.NDArray[np.bool_] = np.asarray(np.isfinite(raw.values).all(axis=1))
    if not is_finite.any():
        raise PackingError([Finding(raw.name, "not a finite number in any row", "numbers", "look at its last operators")])
    labels = labels_of(outputs)
    known = replace(raw, values=raw.values[is_finite])
    known_labels = None if labels is None else [label for label, is_known in zip(labels, is_finite, strict=True) if is_known]
    names_there = () if predictions is None else tuple(predictions.columns)
    task = asked.task or find_task(known, known_labels, targets, names_there)
    if not task:
        raise PackingError([_unknown_task(known)])
    names = find_names(task, known, known_labels, targets=targets, reference=names_there, said=asked.classes)
    reading = Reading(raw.name, task, find_activation(known, task, asked.activation), names)
    if asked.classes and task == "classification":
        reading = _renamed(reading, own_names(known, known_labels), targets, names_there)
    is_named = task != "classification" or bool(asked.classes or raw.keys or labels)
    if predictions is None:
        if reading.activation != "none" and asked.activation is None:
            raise PackingError([_logits(known, reading.activation)])
        if not is_named or reading.is_name_proven:
            check_order(reading, reading.answers(known), _rows(targets, is_finite))
        return reading, None
    is_complete = is_finite & ~np.logical_or.reduce([column.is_missing for column in columns])
    rows = is_complete if is_complete.any() else is_finite
    orders = [names] if is_named else orders_of(names)
    tried = [_agreeing(replace(reading, classes=order), raw, predictions, rows) for order in orders]
    wrong, agreeing, reference = min(tried, key=lambda each: each[0])
    if asked.activation not in {None, agreeing.activation}:
        found = (
            f"with {asked.activation} the answers are not those of the reference predictions; they are with {agreeing.activation}"
        )
        remedy = "leave it out: it is found by the reference"
        raise PackingError([Finding("--activation", found, agreeing.activation, remedy)])
    if (not is_named or reading.is_name_proven) and not wrong:
        check_order(agreeing, agreeing.answers(known), _rows(targets, is_finite))
    return agreeing, reference


def _renamed(reading: Reading, own: Mapping[int, str], targets: Targets, reference: Sequence[str]) -> Reading:
    """Return the reading with the classes that have another name in the model, and whether anything proves the new ones."""
    renamed = [(name, reading.classes[column]) for column, name in own.items() if name != reading.classes[column]]
    told = [{text for text in texts if text is not None} for texts in targets.values()]
    is_proven = any(set(reading.classes) <= names for names in (*told, set(reference)))
    return replace(reading, renamed=tuple(renamed), is_name_proven=is_proven)


def _rows(targets: Targets, is_kept: npt.NDArray[np.bool_]) -> list[str | None]:
    """Return the target's values of some rows."""
    texts: Sequence[str | None] = next(iter(targets.values()), ())
    return [text for text, is_one in zip(texts, is_kept, strict=False) if is_one]


def _agreeing(reading: Reading, raw: Raw, predictions: Table, rows: npt.NDArray[np.bool_]) -> tuple[int, Reading, Reference]:
    """Return in how many rows the reference predictions differ at best, with which activation, and those predictions."""
    is_class = reading.task == "classification"
    width = max(raw.columns, 2) if is_class else raw.columns
    is_binary = is_class and len(reading.classes) == 2
    reference = read_reference(predictions, len(raw.values), reading.classes, width, is_binary=is_binary)
    may_differ = reading.task not in {"regression", "embedding"}
    tried = [replace(reading, activation=activation) for activation in ACTIVATIONS if may_differ]
    wrong = [
        (int(differing(each.answers(raw)[rows], reference.values[rows]).sum()), number, each)
        for number, each in enumerate([reading, *tried])
    ]
    fewest, _, best = min(wrong, key=lambda each: each[:2])
    return fewest, best, reference


def _unknown_task(raw: Raw) -> Finding:
    span = f"{raw.values.min():.4g} to {raw.values.max():.4g}"
    found = f"output {raw.name} has {raw.columns} columns of numbers from {span}, and nothing tells what they are"
    remedy = "say --target COLUMN (several times for several), or --task classification, multi_label, regression or embedding"
    return Finding("--task", found, "a task", remedy)


def _logits(raw: Raw, likely: str) -> Finding:
    span = f"{raw.values.min():.4g} to {raw.values.max():.4g}"
    found = f"output {raw.name} has values from {span}: they are no probabilities, so probably logits"
    remedy = f"say --activation {likely} (after asking who trained it), or give --reference with the library's probabilities"
    return Finding("--activation", found, "probabilities", remedy)
