"""From what a model puts out to the numbers that are answered: rows of one number for each name."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from ml_server.card import Card
from ml_server.errors import BrokenModelError
from ml_server.tensors import MAP, Array, TensorSpec

_FLOATS = ("float16", "float32", "float64", MAP)
_USUAL = "probabilities"
_TRIFLE = 1e-5
Read = Callable[[Array], list[list[float]]]


def find_output(card: Card, specs: Sequence[TensorSpec]) -> TensorSpec:
    """Return the output that holds what the card promises: the one that it names, or else the one that is of the right shape.

    Raises:
        BrokenModelError: there is none, or there are several, with their names.
    """
    names = ", ".join(spec.name for spec in specs)
    if card.output.name is not None:
        named = [spec for spec in specs if spec.name == card.output.name]
        if not named:
            raise BrokenModelError(f"the model has no output {card.output.name!r}: output.name must be one of {names}")
        if not _fits(card, named[0]):
            raise BrokenModelError(f"the model's output {named[0].name} is not {_wanted(card)}: {_told(named[0])}")
        return named[0]
    fitting = [spec for spec in specs if _fits(card, spec)]
    usual = [spec for spec in fitting if spec.name == _USUAL]
    if not fitting:
        told = "; ".join(_told(spec) for spec in specs)
        is_labels = any(_is_by_label(msgspec.structs.replace(card, task="multi_label"), spec) for spec in specs)
        hint = "; that would fit the task multi_label" if is_labels else ""
        raise BrokenModelError(f"the model has no output that is {_wanted(card)}; it has {told}{hint}")
    if len(fitting) > 1 and not usual:
        raise BrokenModelError(
            f"the model has several outputs that are {_wanted(card)}: say in output.name which of {names} it is"
        )
    return (usual or fitting)[0]


def _told(spec: TensorSpec) -> str:
    shape = ", ".join("n" if size is None else str(size) for size in spec.shape)
    return f"{spec.name} ({spec.dtype}{', shape ' + shape if spec.shape else ''})"


def _wanted(card: Card) -> str:
    if card.task == "embedding":
        return "a vector of floats for each row"
    return f"floats of shape (n, {len(card.answers)})"


def _fits(card: Card, spec: TensorSpec) -> bool:
    if spec.dtype not in _FLOATS:
        return False
    if spec.dtype == MAP:
        return card.task == "classification"
    if card.task == "embedding":
        return len(spec.shape) == 2
    count = len(card.answers)
    if _is_by_label(card, spec):
        return True
    width = spec.shape[1] if len(spec.shape) == 2 else 1
    return len(spec.shape) in (1, 2) and (width in (count, None) or (width == 1 and _is_one_column_enough(card)))


def _is_one_column_enough(card: Card) -> bool:
    """Tell whether the probability of the second class says that of the first."""
    return card.task == "classification" and len(card.classes) == 2


def _is_by_label(card: Card, spec: TensorSpec) -> bool:
    """Tell whether it is (labels, n, 2), as scikit-learn's forests have it: not the label, the label."""
    return (
        card.task == "multi_label" and len(spec.shape) == 3 and spec.shape[0] in (len(card.classes), None) and spec.shape[2] == 2
    )


def reader(card: Card, spec: TensorSpec) -> Read:
    """Return what makes rows of numbers, in the order of the card's names, of this output."""
    activate = _ACTIVATIONS[card.output.activation]
    if (
        activate is None
        and spec.dtype in ("float32", "float64", MAP)
        and len(spec.shape) == 2
        and spec.shape[1] == len(card.answers)
    ):
        return lambda output: output.tolist()
    is_by_label, is_binary = _is_by_label(card, spec), _is_one_column_enough(card)

    def read(output: Array) -> list[list[float]]:
        values = output.astype(np.float64)
        if is_by_label:
            values = values[:, :, 1].T
        elif values.ndim == 1:
            values = values[:, np.newaxis]
        if activate is not None:
            values = activate(values)
        if is_binary and values.shape[1] == 1:
            values = np.hstack([1 - values, values])
        rows: list[list[float]] = values.tolist()
        return rows

    return read


def settled(probabilities: list[float]) -> list[float]:
    """Return them, with 0 or 1 for what the sums of float32 put a trifle beyond: a forest's 20 trees add up to 1.0000001."""
    if min(probabilities) >= 0 and max(probabilities) <= 1:
        return probabilities
    return [_nearest(p) for p in probabilities]


def _nearest(p: float) -> float:
    nearest = min(max(p, 0.0), 1.0)
    return nearest if abs(p - nearest) <= _TRIFLE else p


def softmax(logits: Array) -> Array:
    """Return probabilities of shape (rows, classes) that add up to 1: exp(x) / sum of exp(x), safe from overflow."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Array = powers / powers.sum(axis=1, keepdims=True)
    return result


def sigmoid(logits: Array) -> Array:
    """Return 1 / (1 + exp(-x)), safe from overflow (by the hyperbolic tangent)."""
    result: Array = 0.5 * (1 + np.tanh(0.5 * logits))
    return result


_ACTIVATIONS = {"none": None, "softmax": softmax, "sigmoid": sigmoid}
