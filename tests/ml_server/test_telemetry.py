import re
import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from ml_server.app import create_app
from ml_server.config import Settings

LINE = re.compile(
    r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] INFO: predict request_id=(?P<request_id>\S+) model=(?P<model>\S+) "
    r"version=(?P<version>\S+) digest=(?P<digest>[0-9a-f]{12}|-) "
    r"status=(?P<status>\d+) rows=(?P<rows>\d+) answered=(?P<answered>\d+) ms=\d+\.\d\d$"
)


def predict_lines(text: str) -> list[tuple[str, ...]]:
    matches = [LINE.match(line) for line in text.splitlines()]
    assert all(matches), text
    return [match.groups() for match in matches if match]


def test_every_prediction_is_one_line(features: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    client = create_app(Settings()).test_client()  # here, so that it logs to the captured output
    headers = {"X-Request-ID": "r"}
    client.post("/predict", json={"features": features}, headers=headers)
    client.post("/api/predict", json={"items": [{"features": features}, {}]}, headers=headers)
    client.post("/predict", json={"features": {}}, headers=headers)
    client.post("/predict", data="", headers=headers)
    client.get("/health")
    (known,) = client.get("/models").json["models"]  # type: ignore[index]
    model = ("alzheimer_biomarkers", "1.0.0", known["digest"][:12])
    assert predict_lines(capfd.readouterr().out) == [
        ("r", *model, "200", "1", "1"),
        ("r", *model, "200", "2", "1"),
        ("r", *model, "422", "1", "0"),
        ("r", "-", "-", "-", "415", "0", "0"),
    ]


def test_line_has_the_time_in_milliseconds(features: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    client = create_app(Settings()).test_client()
    started = time.perf_counter()
    client.post("/predict", json={"features": features})
    elapsed_s = time.perf_counter() - started
    ms = float(capfd.readouterr().out.rpartition("ms=")[2])
    assert 0 < ms <= elapsed_s * 1000


def test_metrics_count_predictions(client: FlaskClient, features: dict[str, Any]) -> None:
    series = 'neuronova_ml_predicted_rows_total{model="alzheimer_biomarkers",version="1.0.0"}'

    def counted() -> float:
        values = [line.split()[-1] for line in client.get("/metrics").text.splitlines() if line.startswith(series)]
        return float(values[0]) if values else 0.0

    before = counted()
    client.post("/predict", json={"items": [{"features": features}] * 3})
    assert counted() == before + 3


def test_metrics_say_model_is_served(client: FlaskClient) -> None:
    """Metrics say whether the model is served."""
    answer = client.get("/metrics")
    assert answer.content_type.startswith("text/plain")
    assert 'neuronova_ml_model_ready{model="alzheimer_biomarkers"} 1.0' in answer.text
