"""The model as it is before it has a card: its signature, and its outputs for columns of the data."""

import os
import re
import resource
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_server.card import Card, Training
from ml_server.deadlines import DeadlineWatch
from ml_server.errors import BrokenModelError
from ml_server.packing.columns import Column, Reads, Slot
from ml_server.packing.operators import has_scaled_trees
from ml_server.packing.refusal import PackingError
from ml_server.runtimes.onnx import load
from ml_server.tensors import TEXT, TensorSpec
from ml_server.verification.findings import Finding

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

_LOG_NOTHING = 4
_ROWS_PER_RUN = 4096
_FIRST_TIMEOUT_S = 10.0
_TIMEOUT_S = 300.0
# What one row may need while it is run; a few bytes of a model can ask for all there is.
_MAX_GROWTH_KB = 1_000_000
# What the words of onnxruntime leave to be guessed.
_REMEDIES = {
    "ZipMap": 'export it with options={"zipmap": False}',
    "find an implementation": "export it with float32 inputs (skl2onnx: FloatTensorType), which every operator knows",
}
# How files of other kinds begin.
_OTHER_FILES = {
    b"\x80": "it looks like a pickle: load it where it was trained, and use ml_server.packing.pack, or export it as ONNX",
    b"x\x9c": "it looks like a compressed pickle: load it where it was trained, and use ml_server.packing.pack",
    b"PK\x03\x04": "it looks like a file of PyTorch or Keras: load it there, use torch.onnx.export or model.export",
    b"\x89HDF": 'it looks like a file of Keras: load it there, and export it with model.export(..., format="onnx")',
    b"{": "it looks like JSON, such as XGBoost writes: load it there, and use ml_server.packing.pack",
    b"tree\n": "it looks like a file of LightGBM: load it there, and use ml_server.packing.pack with an LGBMClassifier",
}
# A model is loaded with its card; of one that has none yet, the words for what is wrong with it are wanted all the same.
_ANY_CARD = Card(
    name="probe",
    version="0.0.0",
    title="",
    intended_use="",
    not_for=[],
    runtime="onnx",
    file="model.onnx",
    sha256="",
    inputs=[],
    training=Training("", "", 0, ""),
    scores={},
    golden_tolerance=1.0,
    golden_samples=[],
)


class Probe:
    """The model's session, and how it is run: all rows together, or one by one where its batch is fixed at 1."""

    def __init__(self, content: bytes) -> None:
        """Load the model.

        Raises:
            PackingError: onnxruntime cannot; or its batch is fixed at more than one row.
        """
        try:
            runtime = load(content, _ANY_CARD)
            options = ort.SessionOptions()
            options.intra_op_num_threads = 1
            options.log_severity_level = _LOG_NOTHING
            self._session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except BrokenModelError as error:
            found = f"{error.message} ({_words(error.__cause__)})" if error.__cause__ else error.message
            kind = next(
                (told for sign, told in _OTHER_FILES.items() if content.startswith(sign)),
                "give the .onnx file that an exporter wrote; where the words name a remedy, export it so",
            )
            remedy = next((told for sign, told in _REMEDIES.items() if sign in found), kind)
            raise PackingError([Finding("model", found, "an ONNX model that onnxruntime loads", remedy)]) from error
        self.inputs = tuple(runtime.inputs)
        self.outputs = tuple(runtime.outputs)
        self.has_scaled_trees = has_scaled_trees(content)
        self._outputs = [output.name for output in self.outputs]
        self._deadlines = DeadlineWatch()
        self._has_run = False
        batches = {tensor.shape[0] for tensor in self.inputs if tensor.shape and tensor.shape[0] is not None}
        self.is_row_by_row = batches == {1}
        fixed = sorted(batches - {1})
        if fixed:
            found = f"its batch is fixed at {fixed[0]} rows"
            remedy = "export it with a dynamic batch axis (in PyTorch: dynamic_axes or dynamic_shapes), or with a batch of 1"
            raise PackingError([Finding("model", found, "any number of rows, or one", remedy)])

    def run(self, slots: Sequence[Slot], reads: Sequence[Reads]) -> dict[str, Any]:
        """Return each output, by name, for columns of what the model reads, each of shape (rows,).

        Raises:
            PackingError: the model cannot be run on them, or takes too long or too much memory.
        """
        if not self._has_run:
            self._run_first(self._feeds(slots, [read[:1] for read in reads]))
        count = len(reads[0])
        size = 1 if self.is_row_by_row else _ROWS_PER_RUN
        starts = range(0, count, size)
        parts = [self._run(self._feeds(slots, [read[start : start + size] for read in reads]), _TIMEOUT_S) for start in starts]
        return {name: _join(pieces) for name, pieces in zip(self._outputs, zip(*parts, strict=True), strict=True)}

    def _run_first(self, feeds: Mapping[str, npt.NDArray[Any]]) -> None:
        """Run one row, to see what that takes."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self._run(feeds, _FIRST_TIMEOUT_S)
        growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        if growth > _MAX_GROWTH_KB:
            found = f"one row needs {growth / 1e6:.1f} GB of memory"
            raise PackingError([Finding("model", found, "less than 1 GB", "export a smaller model")])
        self._has_run = True

    def _run(self, feeds: Mapping[str, npt.NDArray[Any]], timeout_s: float) -> list[Any]:
        options = ort.RunOptions()
        options.log_severity_level = _LOG_NOTHING
        is_late = False

        def terminate() -> None:
            nonlocal is_late
            is_late = True
            options.terminate = True

        try:
            with self._deadlines.limit(timeout_s, terminate):
                outputs: list[Any] = self._session.run(self._outputs, feeds, options)
        except Exception as error:
            found = f"onnxruntime cannot run it: {_words(error)}"
            if is_late:
                found = f"it has not answered in a time of {timeout_s:g} s"
            raise PackingError([Finding("model", found, "outputs for the rows of the data", "look at its operators")]) from error
        return outputs

    def _feeds(self, slots: Sequence[Slot], reads: Sequence[Reads]) -> dict[str, npt.NDArray[Any]]:
        feeds = {}
        for tensor in self.inputs:
            columns = [read for slot, read in zip(slots, reads, strict=True) if slot.tensor == tensor.name]
            dtype = object if tensor.dtype == TEXT else np.dtype(tensor.dtype)
            stacked = [_stacked(column) for column in columns]
            is_whole = stacked[0].ndim > 1 or len(tensor.shape) == 1
            block = stacked[0] if is_whole else np.stack(stacked, axis=1)
            feeds[tensor.name] = block.astype(dtype)
        return feeds


def is_table(tensor: TensorSpec) -> bool:
    """Tell whether a tensor has a row of columns for each row: a sequence or an image has more axes."""
    return len(tensor.shape) <= 2


def width(tensor: TensorSpec) -> int | None:
    """Return how many columns of the data a tensor takes; None where it takes any number."""
    return tensor.shape[1] if len(tensor.shape) == 2 else 1


def filled(columns: Sequence[Column], values: Sequence[Any]) -> list[Reads]:
    """Return what the model reads for each column, with its value in the place of every missing one."""
    reads = []
    for column, value in zip(columns, values, strict=True):
        read = column.reads.copy()
        if column.is_missing.any():
            read[column.is_missing] = value
        reads.append(read)
    return reads


def _stacked(column: Reads) -> npt.NDArray[Any]:
    """Return values, or arrays of one shape, as one array whose first axis are the rows."""
    return np.stack(list(column)) if column.dtype == object and isinstance(column[0], np.ndarray) else column


def _join(pieces: Sequence[Any]) -> Any:
    """Return one output of all runs: rows are the first axis, or the second of a stack of labels."""
    first = pieces[0]
    if isinstance(first, list):
        if first and isinstance(first[0], dict):
            return [row for piece in pieces for row in piece]
        return np.stack([np.concatenate(labels) for labels in zip(*pieces, strict=True)])
    is_stack = first.ndim == 3
    return np.concatenate(pieces, axis=1 if is_stack else 0)


def _words(error: BaseException) -> str:
    """Return onnxruntime's words without its codes and the places in its source."""
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", str(error).strip())
    text = re.sub(r"^/onnxruntime_src\S* .*?\) (?=[A-Z])", "", text)
    return text.partition("\n")[0][:300]
