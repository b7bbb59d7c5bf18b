"""A peer: the bundled model behind a bare Flask, as its tutorial would do it; types are not even checked."""

# mypy: ignore-errors
# (its libraries are those of another environment)

import numpy as np
from flask import Flask, request
from predict_peer_fastapi import CARD, MEDIANS, session

app = Flask(__name__)


@app.post("/predict")
def predict():
    features = request.get_json()["features"]
    row = [features.get(name, median) for name, median in MEDIANS.items()]
    (probabilities,) = session.run(["probabilities"], {"features": np.array([row], dtype=np.float32)})[0].tolist()
    predictions = dict(zip(CARD["classes"], probabilities, strict=True))
    prediction = max(predictions, key=predictions.__getitem__)
    return {"ok": True, "prediction": prediction, "confidence": predictions[prediction], "predictions": predictions}
