"""A peer: the bundled model behind a bare FastAPI, as its tutorial would do it.

It checks types only: no required inputs, ranges, warnings, self-test, time limit, request id, metrics or log line.
"""

# mypy: ignore-errors
# (its libraries are those of another environment)

import json
import os
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
from fastapi import FastAPI
from pydantic import BaseModel

MODEL = Path(__file__).parent.parent / "ml_server" / "models" / "alzheimer_biomarkers" / "1.0.0"
CARD = json.loads((MODEL / "model.json").read_bytes())
MEDIANS = {wanted["name"]: wanted["median"] for wanted in CARD["inputs"]}

options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = ort.InferenceSession(str(MODEL / "model.onnx"), options)
app = FastAPI()


class Request(BaseModel):
    features: dict[str, float]


@app.post("/predict")
async def predict(request: Request) -> dict[str, object]:
    row = [request.features.get(name, median) for name, median in MEDIANS.items()]
    (probabilities,) = session.run(["probabilities"], {"features": np.array([row], dtype=np.float32)})[0].tolist()
    predictions = dict(zip(CARD["classes"], probabilities, strict=True))
    prediction = max(predictions, key=predictions.__getitem__)
    return {"ok": True, "prediction": prediction, "confidence": predictions[prediction], "predictions": predictions}
