"""What runs a model: one file per runtime, named as a card's `runtime` names it, imported only when one does."""

import importlib
import pkgutil
from typing import Protocol

from ml_server.card import Card
from ml_server.errors import BrokenModelError
from ml_server.tensors import Array, Tensors, TensorSpec


class Runtime(Protocol):
    """A loaded model. Safe to use from several threads at once."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What the model reads."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What the model can answer."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the operator should know of how it runs."""

    def run(self, tensors: Tensors, output: str, timeout_s: float) -> Array:
        """Return one output; of a sequence of maps their values, of shape (rows, keys), in the order of the keys.

        Raises:
            PredictionTimeoutError: the run was given up after `timeout_s` seconds.
        """


def load_runtime(card: Card, model: bytes) -> Runtime:
    """Load the bytes of a model file with the runtime that the card names, by calling its module's `load`.

    Raises:
        BrokenModelError: there is no such runtime, or it cannot load this model.
    """
    kinds = _kinds()
    if card.runtime not in kinds:
        raise BrokenModelError(f"runtime {card.runtime!r} is not known; allowed: {', '.join(kinds)}")
    module = importlib.import_module(f"{__name__}.{card.runtime}")
    runtime: Runtime = module.load(model, card)
    return runtime


def prepare(card: Card) -> None:
    """Have the runtime of a card in memory, if there is one; no model is loaded."""
    if card.runtime in _kinds():
        importlib.import_module(f"{__name__}.{card.runtime}")


def _kinds() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__)]
