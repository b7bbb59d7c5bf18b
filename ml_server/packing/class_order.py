"""The order of classes that no one has said and the model does not name: alphabetical, unless the data speak against it."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml_server.packing.names import number_classes
from ml_server.packing.outputs import Reading
from ml_server.packing.refusal import PackingError
from ml_server.verification.findings import Finding

Floats = npt.NDArray[np.float64]

# Of more classes not every order can be tried.
_MAX_CLASSES = 5
# How many more of the rows another order must get right to be believed.
_CLEARLY = 0.1


def orders_of(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return every order of the names, as they are first; only that one where there are too many."""
    return list(itertools.permutations(names)) if len(names) <= _MAX_CLASSES else [tuple(names)]


def check_order(reading: Reading, answers: Floats, truth: Sequence[str | None]) -> None:
    """Hold the likeliest classes against the target.

    Raises:
        PackingError: another order of the classes clearly gets more rows right, as where a network was trained on numbers
            that were given to the classes in another order.
    """
    numbers = number_classes(truth, reading.classes, "--target")
    is_known = np.array([number is not None for number in numbers])
    true = np.array([number for number in numbers if number is not None], dtype=np.int64)
    if not len(true):
        return
    predicted = answers[is_known].argmax(axis=1)
    orders = orders_of(reading.classes)
    place = {name: number for number, name in enumerate(reading.classes)}
    right = [float((np.array([place[name] for name in order])[predicted] == true).mean()) for order in orders]
    best = int(np.argmax(right))
    # Of few rows chance gets some more right in one order than in the other: two standard errors of the difference.
    if right[best] > right[0] + _CLEARLY + 2 / math.sqrt(len(true)):
        found = f"in the order {', '.join(reading.classes)} the answers are right for {right[0]:.0%} of the rows"
        wanted = f"the model's own order: as {', '.join(orders[best])} they are right for {right[best]:.0%}"
        remedy = f"say --classes {','.join(orders[best])}, after asking who trained it"
        raise PackingError([Finding("--classes", found, wanted, remedy)])
