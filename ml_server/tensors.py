"""From the rows of a request to the tensors that a model reads."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ml_server.errors import BrokenModelError
from ml_server.inputs import Input, Picture, Value
from ml_server.inputs.base import NAN

Array = npt.NDArray[Any]
Tensors = dict[str, Array]
MAP = "map"  # a sequence of maps from class to probability, as skl2onnx makes them
TEXT = "string"
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_NUMBERS = ("float16", "float32", "float64", *_INTEGERS, "bool")


class TensorSpec(NamedTuple):
    """One input or output of a model: `dtype` is numpy's name, `string` or `map`; `shape` has None for what is left open."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    @property
    def takes_one_row(self) -> bool:
        """Tell whether the model was exported for batches of one."""
        return bool(self.shape) and self.shape[0] == 1


class Layout:
    """Which input of the card goes where in which tensor."""

    def __init__(self, inputs: Sequence[Input], specs: Sequence[TensorSpec]) -> None:
        """Find a tensor for every input.

        Raises:
            BrokenModelError: an input has none, a tensor has none or too many or too few, or a type does not fit; says all.
        """
        self._specs = tuple(specs)
        self._columns: dict[str, list[int]] = {spec.name: [] for spec in specs}
        lost = [item.name for number, item in enumerate(inputs) if not self._place(number, item)]
        problems = [problem for spec in specs for problem in _problems(spec, [inputs[n] for n in self._columns[spec.name]])]
        if lost:
            names = ", ".join(spec.name for spec in specs)
            problems.insert(0, f"the model has no input for {', '.join(lost)}: say in `tensor` which of {names} it is")
        if problems:
            raise BrokenModelError("; ".join(problems))
        only = specs[0]
        self.is_one_matrix = len(specs) == 1 and len(only.shape) == 2 and only.dtype == "float32" and all_scalar(inputs)
        self.takes_one_row = any(spec.takes_one_row for spec in specs)

    def _place(self, number: int, item: Input) -> bool:
        wanted = item.tensor or (self._specs[0].name if len(self._specs) == 1 else item.name)
        if wanted not in self._columns:
            return False
        self._columns[wanted].append(number)
        return True

    def tensors(self, rows: Sequence[Sequence[Value]] | Array) -> Tensors:
        """Return the model's inputs for rows of values in the card's order; an array of them where they are one matrix."""
        if self.is_one_matrix or isinstance(rows, np.ndarray):
            return {self._specs[0].name: np.asarray(rows, dtype=np.float32)}
        return {spec.name: self._tensor(spec, rows) for spec in self._specs}

    def _tensor(self, spec: TensorSpec, rows: Sequence[Sequence[Value]]) -> Array:
        columns = self._columns[spec.name]
        dtype = object if spec.dtype == TEXT else np.dtype(spec.dtype)
        first = rows[0][columns[0]]
        if isinstance(first, np.ndarray):
            return np.stack([row[columns[0]] for row in rows]).astype(dtype, copy=False)
        table = np.array([[row[column] for column in columns] for row in rows], dtype=dtype)
        return table if len(spec.shape) == 2 else table.reshape(len(rows), *spec.shape[1:])


def all_scalar(inputs: Sequence[Input]) -> bool:
    """Tell whether every input is one column of a table."""
    return all(not isinstance(item.reference, np.ndarray) for item in inputs)


def _problems(spec: TensorSpec, inputs: Sequence[Input]) -> list[str]:
    """Return why these inputs do not make this tensor."""
    if not inputs:
        return [f"the card has nothing for the model's input {spec.name}"]
    texts = [item.name for item in inputs if isinstance(item.reference, str)]
    if spec.dtype == TEXT:
        others = [item.name for item in inputs if item.name not in texts]
        return [
            f"{name} is given as a number, and the model's input {spec.name} reads text: its type must be category"
            for name in others
        ]
    if spec.dtype not in _NUMBERS:
        return [f"the model's input {spec.name} is of a type that is not known here ({spec.dtype})"]
    found = [f"{name} has no codes, and the model's input {spec.name} reads numbers" for name in texts]
    if spec.dtype in _INTEGERS:
        scaled = [item.name for item in inputs if isinstance(item, Picture) and not item.is_plain]
        found += [f"{name} is scaled, and the model's input {spec.name} reads whole numbers" for name in scaled]
        learnt = [item.name for item in inputs if not item.is_required and item.fill().value is NAN]
        found += [f"{name} may be NaN, and the model's input {spec.name} reads whole numbers" for name in learnt]
    if all_scalar(inputs):
        width = math.prod(size for size in spec.shape[1:] if size is not None)
        is_open = None in spec.shape[1:]
        if not is_open and width != len(inputs):
            found.append(f"the model's input {spec.name} has {width} columns, and the card has {len(inputs)} inputs for it")
    elif len(inputs) > 1:
        found.append(f"the model's input {spec.name} cannot be made of {', '.join(item.name for item in inputs)} together")
    else:
        found += _shape_problems(spec, inputs[0])
    return found


def _shape_problems(spec: TensorSpec, item: Input) -> list[str]:
    shape = np.shape(item.reference)
    fits = len(spec.shape) == len(shape) + 1 and all(
        size is None or size == wanted for size, wanted in zip(spec.shape[1:], shape, strict=True)
    )
    if fits:
        return []
    wanted = " x ".join("any" if size is None else str(size) for size in spec.shape[1:])
    return [f"{item.name} is {' x '.join(map(str, shape))}, and the model's input {spec.name} reads {wanted}"]
