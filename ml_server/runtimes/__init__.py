"""What runs a model: one file per runtime, named as a card's `runtime` names it, imported only when one does."""

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Protocol

from ml_server.errors import BrokenModelError


class Runtime(Protocol):
    """A loaded model. Safe to use from several threads at once."""

    def run(self, rows: Sequence[Sequence[float]], timeout_s: float) -> list[list[float]]:
        """Return probabilities of shape (rows, classes) for rows of shape (rows, inputs).

        Raises:
            PredictionTimeoutError: the run was given up after `timeout_s` seconds.
        """


def load_runtime(kind: str, model: bytes, *, input_count: int, class_count: int) -> Runtime:
    """Load the bytes of a model file with the runtime of that kind, by calling its module's `load`.

    Raises:
        BrokenModelError: there is no such runtime, or it cannot load this model.
    """
    kinds = [module.name for module in pkgutil.iter_modules(__path__)]
    if kind not in kinds:
        raise BrokenModelError(f"runtime {kind!r} is not known; allowed: {', '.join(kinds)}")
    module = importlib.import_module(f"{__name__}.{kind}")
    runtime: Runtime = module.load(model, input_count=input_count, class_count=class_count)
    return runtime
