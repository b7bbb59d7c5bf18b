"""A peer: the bundled model behind BentoML, as its guide would do it."""

# mypy: ignore-errors
# (its libraries are those of another environment)

import json
import os
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import bentoml
import numpy as np
import onnxruntime as ort

MODEL = Path(__file__).parent.parent / "ml_server" / "models" / "alzheimer_biomarkers" / "1.0.0"
CARD = json.loads((MODEL / "model.json").read_bytes())
MEDIANS = {wanted["name"]: wanted["median"] for wanted in CARD["inputs"]}


@bentoml.service(workers=2)
class Alzheimer:
    def __init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(str(MODEL / "model.onnx"), options)

    @bentoml.api
    async def predict(self, features: dict[str, float]) -> dict:
        row = [features.get(name, median) for name, median in MEDIANS.items()]
        (probabilities,) = self.session.run(["probabilities"], {"features": np.array([row], dtype=np.float32)})[0].tolist()
        return {"ok": True, "predictions": dict(zip(CARD["classes"], probabilities, strict=True))}
