"""ONNX models, run by onnxruntime."""

import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ml_server.card import Card
from ml_server.deadlines import DeadlineWatch
from ml_server.errors import BrokenModelError, PredictionTimeoutError
from ml_server.runtimes import Runtime
from ml_server.tensors import MAP, TEXT, Array, Tensors, TensorSpec

# Since 1.29 onnxruntime tells its makers about every model and machine unless this is set before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

# Not even its errors are logged, which come as exceptions too: they may name values of a row.
_LOG_NOTHING = 4
_PROCESSOR = "CPUExecutionProvider"
_TENSOR = re.compile(r"tensor\((\w+)\)")
_DTYPES = {"float": "float32", "double": "float64", "string": TEXT}
_OWN_OPERATOR = (
    "it has a custom operator, that is, an operator of its own or of another library: export it with standard operators only"
)
_NO_CODE = (
    "one of its operators has no code for the type that it reads: export it with float32 inputs (in skl2onnx: FloatTensorType)"
)
# What onnxruntime says of models that it cannot load, and what is to be done; its own words may quote the file.
_REMEDIES = (
    ("is under development", "it was exported for a newer operator set (opset) than onnxruntime knows here: export it with {}"),
    ("unsupported model ir version", "its IR version is newer than onnxruntime knows here: export it with an older one"),
    ("is not a registered function/op", _OWN_OPERATOR),
    ("no op registered for", _OWN_OPERATOR),
    ("could not find an implementation", _NO_CODE),
    ("(zipmap) is invalid", "ONNX knows no maps of float64: export it without them (in skl2onnx: options={{'zipmap': False}})"),
    ("external data", "its weights lie in another file: export it with all weights in one file (save_as_external_data=False)"),
    ("protobuf parsing failed", "the file is no ONNX model"),
)
_OPSET = "an older target_opset, such as 21"


class OnnxRuntime:
    """One inference session."""

    def __init__(self, session: ort.InferenceSession, notes: tuple[str, ...] = ()) -> None:
        self.notes = notes
        self._session = session
        self.inputs = tuple(map(_spec, session.get_inputs()))
        self.outputs = tuple(map(_spec, session.get_outputs()))
        self._deadlines = DeadlineWatch()

    def run(self, tensors: Tensors, output: str, timeout_s: float) -> Array:
        """Return one output as the session gives it.

        Raises:
            PredictionTimeoutError: the run was terminated after `timeout_s` seconds.
        """
        options = ort.RunOptions()
        has_timed_out = False

        def terminate() -> None:
            nonlocal has_timed_out
            has_timed_out = True
            options.terminate = True

        try:
            with self._deadlines.limit(timeout_s, terminate):
                (result,) = self._session.run([output], tensors, options)
        except Exception:
            # onnxruntime raises its general Fail for a terminated run.
            if has_timed_out:
                raise PredictionTimeoutError(f"the model took longer than {timeout_s:g} s") from None
            raise
        return result if isinstance(result, np.ndarray) else _table(result)


def _table(maps: list[Mapping[Any, float]]) -> Array:
    """Return the values of maps that all have the same keys; onnxruntime's are in order."""
    return np.array([list(each.values()) for each in maps])


def _spec(argument: ort.NodeArg) -> TensorSpec:
    found = _TENSOR.fullmatch(argument.type)
    if found is None:
        return TensorSpec(argument.name, MAP if argument.type.startswith("seq(map(") else argument.type, ())
    dtype = _DTYPES.get(found[1], found[1])
    return TensorSpec(argument.name, dtype, tuple(size if isinstance(size, int) else None for size in argument.shape))


def load(model: bytes, card: Card) -> Runtime:
    """Return a runtime for the bytes of an ONNX file.

    Threads of a run are the card's, one unless it says more: gunicorn's threads and processes share the cores. Of its
    providers those are taken that this machine has, and the processor itself where there are none.

    Raises:
        BrokenModelError: onnxruntime cannot load it; says why and what to do where that is known.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = card.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_NOTHING
    there = ort.get_available_providers()
    providers = [name for name in card.providers if name in there] or [_PROCESSOR]
    notes = [f"{name} is not on this machine: {providers[0]} runs the model" for name in card.providers if name not in there]
    try:
        session = ort.InferenceSession(model, options, providers=providers)
    except Exception as error:
        raise BrokenModelError(f"onnxruntime cannot load the model: {_reason(error)}") from error
    return OnnxRuntime(session, tuple(notes))


def _reason(error: Exception) -> str:
    text = str(error).lower()
    return next((told.format(_OPSET) for sign, told in _REMEDIES if sign in text), type(error).__name__)
