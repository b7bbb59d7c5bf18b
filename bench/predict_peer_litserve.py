"""A peer: the bundled model behind LitServe, as its guide would do it.

python bench/predict_peer_litserve.py PORT WORKERS
"""

# mypy: ignore-errors
# (its libraries are those of another environment)

import os
import sys
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import json

import litserve
import numpy as np
import onnxruntime as ort

MODEL = Path(__file__).parent.parent / "ml_server" / "models" / "alzheimer_biomarkers" / "1.0.0"
CARD = json.loads((MODEL / "model.json").read_bytes())
MEDIANS = {wanted["name"]: wanted["median"] for wanted in CARD["inputs"]}


class Alzheimer(litserve.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002 - the name is LitServe's
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(str(MODEL / "model.onnx"), options)

    def decode_request(self, request: dict) -> np.ndarray:
        features = request["features"]
        return np.array([[features.get(name, median) for name, median in MEDIANS.items()]], dtype=np.float32)

    def predict(self, batch: np.ndarray) -> list[float]:
        return self.session.run(["probabilities"], {"features": batch})[0][0].tolist()

    def encode_response(self, probabilities: list[float]) -> dict:
        return {"ok": True, "predictions": dict(zip(CARD["classes"], probabilities, strict=True))}


if __name__ == "__main__":
    port, workers = map(int, sys.argv[1:])
    server = litserve.LitServer(Alzheimer(api_path="/predict"), accelerator="cpu", workers_per_device=workers)
    server.run(host="127.0.0.1", port=port, num_api_servers=workers, generate_client_file=False, log_level="warning")
