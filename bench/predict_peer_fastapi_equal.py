"""A peer: the bundled model behind a FastAPI with the duties of ours, as a careful user would write it, without middleware.

Ranges and allowed values, API key, request id, warnings, one log line, metrics over all workers.
"""

# mypy: ignore-errors
# (its libraries are those of another environment)

import hmac
import logging
import os
import re
import sys
import time
import uuid
from typing import Annotated

import numpy as np
from fastapi import FastAPI, Header, HTTPException, Response
from predict_peer_fastapi import CARD, session
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from pydantic import BaseModel, ConfigDict, Field, create_model

KEY = os.environ["ML_API_KEY"].encode()
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
NAMES = (CARD["name"], CARD["version"])

log = logging.getLogger("predict")
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(logging.Formatter("[%(asctime)s] %(levelname)s: %(message)s", "%Y-%m-%d %H:%M:%S"))
log.handlers, log.propagate = [handler], False
log.setLevel(logging.INFO)
REQUESTS = Counter("peer_requests", "Requests", ["model", "version", "status"], registry=None)
ROWS = Counter("peer_rows", "Rows", ["model", "version"], registry=None)
SECONDS = Histogram("peer_seconds", "Time", ["model"], buckets=BUCKETS, registry=None)


def field(wanted):
    width = wanted["maximum"] - wanted["minimum"]
    kind = float
    if not wanted.get("allowed"):
        kind = Annotated[float, Field(ge=wanted["minimum"] - width, le=wanted["maximum"] + width)]
    return (kind, ...) if wanted["required"] else (kind | None, None)


strict = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
Features = create_model("Features", __config__=strict, **{wanted["name"]: field(wanted) for wanted in CARD["inputs"]})


class Body(BaseModel):
    features: Features
    explain: bool = False
    model_name: str | None = None
    model_version: str | None = None


app = FastAPI()


def record(request_id, status, rows, started):
    elapsed_s = time.perf_counter() - started
    text = "predict request_id=%s model=%s version=%s status=%d rows=1 answered=%d ms=%.2f"
    log.info(text, request_id, *NAMES, status, rows, elapsed_s * 1000)
    REQUESTS.labels(*NAMES, str(status)).inc()
    if rows:
        ROWS.labels(*NAMES).inc(rows)
        SECONDS.labels(NAMES[0]).observe(elapsed_s)


@app.post("/predict")
async def predict(
    body: Body,
    response: Response,
    x_api_key: Annotated[str, Header()] = "",
    x_request_id: Annotated[str, Header()] = "",
):
    started = time.perf_counter()
    request_id = x_request_id if REQUEST_ID.fullmatch(x_request_id) else uuid.uuid4().hex
    if not hmac.compare_digest(x_api_key.encode(errors="replace"), KEY):
        record(request_id, 401, 0, started)
        raise HTTPException(401, "the header X-API-Key is missing or wrong")
    row, warnings = [], []
    for wanted in CARD["inputs"]:
        value = getattr(body.features, wanted["name"])
        if value is None:
            warnings.append(f"{wanted['name']} is missing and was filled with the training median")
            value = wanted["median"]
        elif wanted.get("allowed") and value not in wanted["allowed"]:
            raise HTTPException(422, f"{wanted['name']} must be one of {wanted['allowed']}")
        elif not wanted["minimum"] <= value <= wanted["maximum"]:
            warnings.append(f"{wanted['name']} is outside the range seen in training")
        row.append(value)
    (probabilities,) = session.run(["probabilities"], {"features": np.array([row], dtype=np.float32)})[0].tolist()
    predictions = dict(zip(CARD["classes"], probabilities, strict=True))
    prediction = max(predictions, key=predictions.__getitem__)
    response.headers["X-Request-ID"] = request_id
    response.headers["Cache-Control"] = "no-store"
    record(request_id, 200, 1, started)
    return {
        "ok": True,
        "request_id": request_id,
        "model_name": NAMES[0],
        "model_version": NAMES[1],
        "prediction": prediction,
        "confidence": predictions[prediction],
        "predictions": predictions,
        "warnings": warnings,
        "inference_ms": round((time.perf_counter() - started) * 1000, 3),
    }


@app.get("/metrics")
async def metrics():
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return Response(generate_latest(registry), media_type="text/plain")
