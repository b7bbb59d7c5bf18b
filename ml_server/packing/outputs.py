"""What the model's outputs mean: which one is read, for which task, in the order of which classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_server.packing.refusal import PackingError
from ml_server.verification.findings import Finding, listed

Floats = npt.NDArray[np.float64]

TASKS = ("classification", "multi_label", "regression", "embedding")
ACTIVATIONS = ("none", "softmax", "sigmoid")
_USUAL_NAMES = ("probabilities", "output_probability")
_SUM_TOLERANCE = 1e-3
_STACK_AXES = 3
_TRIFLE = 1e-5


@dataclass(frozen=True)
class Raw:
    """One output as the model gives it.

    Attributes:
        values: (rows, columns); of a stack of labels (labels, rows, 2) the second of each pair.
        keys: the classes that a map of classes names, in its order.
        is_stack: the labels' pairs of probabilities came as (labels, rows, 2).
    """

    name: str
    values: Floats
    keys: tuple[str, ...] = ()
    is_stack: bool = False

    @property
    def columns(self) -> int:
        """Return how many numbers it has for a row."""
        return int(self.values.shape[1])

    @property
    def is_within_one(self) -> bool:
        """Tell whether all values could be probabilities."""
        return bool(((self.values >= -_TRIFLE) & (self.values <= 1 + _TRIFLE)).all())

    @property
    def is_distribution(self) -> bool:
        """Tell whether each row is one of probabilities over several classes."""
        sums = self.values.sum(axis=1)
        return self.columns > 1 and self.is_within_one and bool((abs(sums - 1) < _SUM_TOLERANCE).all())


@dataclass(frozen=True)
class Reading:
    """How the model's output is read: as the card says it.

    Attributes:
        renamed: for each class that was given another name than the model has for it, that one and the new one.
        is_name_proven: the target or the reference predictions have the new names, and so prove their order.
    """

    output: str
    task: str
    activation: str
    classes: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...] = ()
    is_name_proven: bool = False

    def answers(self, raw: Raw) -> Floats:
        """Return probabilities (rows, classes or labels), or the values of targets or of an embedding."""
        values = raw.values
        if self.activation == "sigmoid":
            values = sigmoid(values)
        elif self.activation == "softmax":
            values = softmax(values)
        if self.task == "classification" and values.shape[1] == 1:
            values = np.concatenate([1 - values, values], axis=1)
        return _settled(values) if self.task in {"classification", "multi_label"} else values


def _settled(probabilities: Floats) -> Floats:
    """Return 0 or 1 for what the sums of float32 have put a trifle beyond, as serving does."""
    nearest = np.clip(probabilities, 0, 1)
    return np.where(np.abs(probabilities - nearest) <= _TRIFLE, nearest, probabilities)


def sigmoid(values: Floats) -> Floats:
    """Return the logistic function of each value."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-values)))


def softmax(values: Floats) -> Floats:
    """Return each row's distribution of logits."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def read_raw(name: str, value: Any) -> Raw | None:
    """Return an output of numbers; None for one of labels."""
    if isinstance(value, list):
        keys = tuple(value[0])
        rows = np.array([[row[key] for key in keys] for row in value], dtype=np.float64)
        return Raw(name, rows, tuple(map(str, keys)))
    if value.dtype.kind != "f":
        return None
    values = np.asarray(value, dtype=np.float64)
    if values.ndim == _STACK_AXES and values.shape[2] == 2:
        return Raw(name, np.ascontiguousarray(values[:, :, 1].T), is_stack=True)
    if values.ndim == _STACK_AXES:
        found = f"an output with {values.shape[0]} answers of {values.shape[2]} classes each"
        remedy = "export and pack a model for each of them"
        raise PackingError([Finding(name, found, "one answer, or labels that are true or false", remedy)])
    return Raw(name, values.reshape(len(values), -1))


def labels_of(outputs: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the label that the model itself names for each row, if it has such an output."""
    for value in outputs.values():
        if not isinstance(value, list) and value.dtype.kind in "iuOUb" and value.size == len(value):
            return tuple(plain_label(label) for label in value.reshape(-1).tolist())
    return None


def plain_label(label: object) -> str:
    """Return the text of a class: that of 1, 1.0 and "1.0" is "1"."""
    text = str(label)
    whole = text.removesuffix(".0")
    return whole if whole.lstrip("-").isdecimal() else text


def choose(outputs: Mapping[str, Any], wanted: str | None) -> Raw:
    """Return the output that the answer is read from: the one that was said, or the only one of numbers.

    Raises:
        PackingError: there is none, or there are several.
    """
    raws = {name: raw for name, value in outputs.items() if (raw := read_raw(name, value)) is not None}
    if wanted is not None:
        if wanted not in raws:
            remedy = "say the name of one of them"
            raise PackingError([Finding("--output", f"no output {wanted!r} of numbers", f"one of {listed(list(raws))}", remedy)])
        return raws[wanted]
    if not raws:
        remedy = "export it with its probabilities (those of predict_proba, or of the last layer)"
        found = f"only labels ({listed(list(outputs))})"
        raise PackingError([Finding("outputs", found, "an output of numbers", remedy)])
    usual = [name for name in _USUAL_NAMES if name in raws] or [name for name, raw in raws.items() if raw.is_distribution]
    named = usual[:1] if len(raws) > 1 else list(raws)
    if not named:
        remedy = f"say which with --output {next(iter(raws))}"
        raise PackingError([Finding("outputs", f"{len(raws)} of numbers: {listed(list(raws))}", "one", remedy)])
    return raws[named[0]]


def find_task(raw: Raw, labels: Sequence[str] | None, targets: Mapping[str, Sequence[str | None]], names: Sequence[str]) -> str:
    """Return the task that output, labels, targets and the names of classes speak for; "" where it cannot be told."""
    values = [{text for text in texts if text is not None} for texts in targets.values()]
    if raw.is_stack or len(values) > 1:
        is_yes_or_no = all({plain_label(text) for text in own} <= {"0", "1"} for own in values)
        return "multi_label" if raw.is_stack or is_yes_or_no else "regression"
    if raw.keys or raw.is_distribution or labels is not None:
        return "classification"
    if values:
        if _are_classes(values[0], max(raw.columns, 2)):
            return "classification"
        return "regression" if raw.columns == 1 else ""
    is_named = len(names) == raw.columns and raw.columns > 1
    return "multi_label" if is_named and raw.is_within_one else ""


def _are_classes(values: set[str], count: int) -> bool:
    """Tell whether a target's values are classes: texts, or as few whole numbers as the model has columns."""
    try:
        numbers = {float(value) for value in values}
    except ValueError:
        return True
    return len(numbers) <= count and all(number.is_integer() for number in numbers)


def find_activation(raw: Raw, task: str, said: str | None) -> str:
    """Return what makes answers of the output: what was said, or what its values speak for."""
    if said is not None:
        return said
    are_probabilities = raw.is_within_one if raw.columns == 1 or raw.keys or task == "multi_label" else raw.is_distribution
    if task in {"regression", "embedding"} or are_probabilities:
        return "none"
    return "sigmoid" if raw.columns == 1 or task == "multi_label" else "softmax"


def classes_by_label(raw: Raw, labels: Sequence[str]) -> dict[int, str]:
    """Return the class of each column that is the largest in some row, by the label that the model names there."""
    highest = raw.values.argmax(axis=1) if raw.columns > 1 else (raw.values[:, 0] >= 0.5).astype(int)
    found: dict[int, dict[str, int]] = {}
    for column, label in zip(highest.tolist(), labels, strict=True):
        counts = found.setdefault(column, {})
        counts[label] = counts.get(label, 0) + 1
    return {column: max(counts, key=lambda label: counts[label]) for column, counts in found.items()}


def order(values: set[str]) -> list[str]:
    """Return classes in the order in which libraries number them: by number where all are, else by letter."""
    try:
        return sorted(values, key=float)
    except ValueError:
        return sorted(values)
