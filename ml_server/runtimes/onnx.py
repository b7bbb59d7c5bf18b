"""ONNX models, run by onnxruntime.

A model has one input, float32 of shape (n, inputs), and an output named `probabilities`, float32 of shape
(n, classes); other outputs are not computed.
"""

import os
from collections.abc import Sequence

import numpy as np

from ml_server.deadlines import DeadlineWatch
from ml_server.errors import BrokenModelError, PredictionTimeoutError
from ml_server.runtimes import Runtime

# Since 1.29 onnxruntime tells its makers about every model and machine unless this is set before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

_OUTPUT = "probabilities"
_LOG_ERRORS_ONLY = 3


class OnnxRuntime:
    """One inference session, with one thread per run: gunicorn's threads and processes share the cores."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        self._deadlines = DeadlineWatch()

    def run(self, rows: Sequence[Sequence[float]], timeout_s: float) -> list[list[float]]:
        """Return probabilities (rows, classes) as the session gives them, float32 widened to float.

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
                batch = np.asarray(rows, dtype=np.float32)
                (probabilities,) = self._session.run([_OUTPUT], {self._input: batch}, options)
        except Exception:
            # onnxruntime raises its general Fail for a terminated run.
            if has_timed_out:
                raise PredictionTimeoutError(f"the model took longer than {timeout_s:g} s") from None
            raise
        result: list[list[float]] = probabilities.tolist()
        return result


def load(model: bytes, *, input_count: int, class_count: int) -> Runtime:
    """Return a runtime for the bytes of an ONNX file.

    Raises:
        BrokenModelError: onnxruntime cannot load it, or its shapes are not those that the card promises.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_ERRORS_ONLY
    try:
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BrokenModelError(f"onnxruntime cannot load the model ({type(error).__name__})") from error
    inputs, outputs = session.get_inputs(), {output.name: output for output in session.get_outputs()}
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or inputs[0].shape[1:] != [input_count]:
        raise BrokenModelError(f"the model's input is not one float tensor of shape (n, {input_count})")
    if _OUTPUT not in outputs or outputs[_OUTPUT].shape[1:] != [class_count]:
        raise BrokenModelError(f"the model has no output {_OUTPUT!r} of shape (n, {class_count})")
    return OnnxRuntime(session)
