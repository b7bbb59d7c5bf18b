"""One model file, loaded: rows of values in, rows of numbers out, in as many runs as it takes."""

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from ml_server import outputs
from ml_server.card import Card, Output
from ml_server.errors import BrokenModelError, MlServerError, ModelFaultError, PredictionTimeoutError
from ml_server.evidence import Submodel
from ml_server.inputs import Input, Scalar, Value
from ml_server.repository import Entry
from ml_server.runtimes import Runtime, load_runtime
from ml_server.schemas import Row
from ml_server.tensors import Array, Layout, all_scalar

# Values that a model is given in one run: an explained batch of a wide model would else be gigabytes (its rows are made as they
# are run). 8 MB of them in Python and as many in the tensor.
_MAX_VALUES = 1_000_000
# Rows that are run together: a list of tuples, or one array of them.
Block: TypeAlias = Sequence[Sequence[Value]] | npt.NDArray[np.float32]


class RunFailure(Exception):  # noqa: N818 - it is no word for clients
    """The runtime gave up on some rows. What it said may have values of them: it is for whoever verifies a model, only."""


class Part:
    """The model's own file, or a submodel's, which reads some of the card's inputs and takes missing ones as NaN."""

    def __init__(self, card: Card, runtime: Runtime, submodel: Submodel | None = None) -> None:
        """Find out where the card's inputs and names are in the model.

        Raises:
            BrokenModelError: they are not there; says all that does not fit.
        """
        self.name = submodel.name if submodel is not None else None
        self.runtime = runtime
        numbers = {item.name: number for number, item in enumerate(card.inputs)}
        # The numbers of the card's inputs that this file reads.
        self.columns = tuple(numbers[name] for name in submodel.inputs) if submodel is not None else None
        self.inputs: tuple[Input, ...] = tuple(
            card.inputs if self.columns is None else [card.inputs[number] for number in self.columns]
        )
        if submodel is not None:
            card = msgspec.structs.replace(card, output=Output(submodel.output, card.output.activation))
        self._layout = Layout(self.inputs, runtime.inputs)
        output = outputs.find_output(card, runtime.outputs)
        self._output = output.name
        self._read = outputs.reader(card, output)
        self._names = len(card.answers)
        self._are_probabilities = card.task in ("classification", "multi_label")
        self.is_table = all_scalar(self.inputs)
        self.references: tuple[Value, ...] = tuple(item.reference for item in self.inputs)
        self._absent = tuple(item.absent if isinstance(item, Scalar) else item.reference for item in self.inputs)
        is_single = card.batch == "row_by_row" or self._layout.takes_one_row
        # Values that the model reads of one row: an image has many.
        self.row_size = sum(int(np.size(reference)) for reference in self.references)
        self._rows_per_run = 1 if is_single else max(1, _MAX_VALUES // self.row_size)

    def values(self, row: Row) -> Sequence[Value]:
        """Return what this file reads of a row."""
        if self.columns is None:
            return row.values
        given = zip(self.columns, self._absent, strict=True)
        return [absent if number in row.missing else row.values[number] for number, absent in given]

    def numbers(self, rows: Iterable[Sequence[Value]], deadline: float) -> Iterator[list[float]]:
        """Yield the model's numbers for each row of values, by the monotonic clock until the deadline.

        Raises:
            PredictionTimeoutError: that is over.
            ModelFaultError: it puts out another number of rows or columns than it was asked for.
            RunFailure: the runtime gave up, whatever for.
        """
        waiting = iter(rows)
        return self._run_all(iter(lambda: list(itertools.islice(waiting, self._rows_per_run)), []), deadline)

    def occluded(self, rows: Sequence[Row], deadline: float) -> Iterator[list[float]]:
        """Yield the numbers of each row, followed by those with one input at its reference, for each input.

        What a submodel lacks it lacks there, too.

        Raises:
            PredictionTimeoutError, ModelFaultError, RunFailure: see `numbers`.
        """
        if self._layout.is_one_matrix and self._rows_per_run > 1:
            return self._run_all(self._matrices(rows), deadline)
        return self.numbers(self._occluded(rows), deadline)

    def _references(self, row: Row) -> Sequence[Value]:
        if self.columns is None:
            return self.references
        own = zip(self.columns, self.references, self._absent, strict=True)
        return [absent if number in row.missing else reference for number, reference, absent in own]

    def _occluded(self, rows: Sequence[Row]) -> Iterator[Sequence[Value]]:
        for row in rows:
            values = self.values(row)
            yield values
            for column, reference in enumerate(self._references(row)):
                yield (*values[:column], reference, *values[column + 1 :])

    def _matrices(self, rows: Sequence[Row]) -> Iterator[Block]:
        """Yield the same rows as arrays, each no larger than one run may be."""
        width = len(self.inputs)
        for start in range(0, len(rows), max(1, self._rows_per_run // (width + 1))):
            some = rows[start : start + max(1, self._rows_per_run // (width + 1))]
            values = np.asarray([self.values(row) for row in some], dtype=np.float32)
            references = np.asarray([self._references(row) for row in some], dtype=np.float32)
            for first in range(0, width + 1, self._rows_per_run):
                # Row 0 is the person; row n has input n - 1 at its reference.
                last = min(width + 1, first + self._rows_per_run)
                block = np.repeat(values[:, np.newaxis], last - first, axis=1)
                changed = np.arange(max(first, 1), last)
                block[:, changed - first, changed - 1] = references[:, changed - 1]
                yield block.reshape(-1, width)

    def one(self, row: Row, timeout_s: float) -> list[float]:
        """Return the numbers for one row.

        Raises:
            PredictionTimeoutError, ModelFaultError, RunFailure: see `numbers`.
        """
        return self._numbers([self.values(row)], timeout_s)[0]

    def _run_all(self, blocks: Iterable[Block], deadline: float) -> Iterator[list[float]]:
        for block in blocks:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise PredictionTimeoutError("the model took longer than a prediction may take")
            yield from self._numbers(block, left_s)

    def _numbers(self, block: Block, timeout_s: float) -> list[list[float]]:
        found = self._read(self._run(block, timeout_s))
        if len(found) != len(block) or (self._names and len(found[0]) != self._names):
            raise ModelFaultError("the model has not put out one row of its card's names for each row that it was given")
        return list(map(outputs.settled, found)) if self._are_probabilities else found

    def _run(self, block: Block, timeout_s: float) -> Array:
        tensors = self._layout.tensors(block)
        try:
            return self.runtime.run(tensors, self._output, timeout_s)
        except MlServerError:
            raise
        except Exception as error:
            raise RunFailure(f"{type(error).__name__}: {error}") from error


def open_submodels(entry: Entry, card: Card) -> dict[str, Part]:
    """Load the submodels of a card.

    Raises:
        BrokenModelError: one cannot be loaded; says which.
    """
    found: dict[str, Part] = {}
    for submodel in card.submodels:
        own = msgspec.structs.replace(card, runtime=submodel.runtime, file=submodel.file)
        try:
            found[submodel.name] = Part(card, load_runtime(own, entry.parts[submodel.name]), submodel)
        except BrokenModelError as broken:
            raise BrokenModelError(f"the submodel {submodel.name}: {broken.message}") from broken
    return found
