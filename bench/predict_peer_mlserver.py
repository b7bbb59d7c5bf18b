"""A peer: the bundled model behind MLServer (Seldon), as its guide to custom runtimes would do it."""

# mypy: ignore-errors
# (its libraries are those of another environment)

import os
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
from mlserver import MLModel
from mlserver.codecs import decode_args

MODEL = Path(__file__).parent.parent / "ml_server" / "models" / "alzheimer_biomarkers" / "1.0.0" / "model.onnx"


class Alzheimer(MLModel):
    async def load(self) -> bool:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(str(MODEL), options)
        return True

    @decode_args
    async def predict(self, features: np.ndarray) -> np.ndarray:
        probabilities: np.ndarray = self.session.run(["probabilities"], {"features": features})[0]
        return probabilities
