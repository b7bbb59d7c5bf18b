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


MONITOR = {"User-Agent": "neuronova-monitor", "X-Request-ID": "r"}


@pytest.mark.parametrize("client_address", ["127.0.0.1", "::1", ""])
def test_probes_are_no_predictions(features: dict[str, Any], capfd: pytest.CaptureFixture[str], client_address: str) -> None:
    """`grep predict` does not find what the monitor asks; the answers, and the refusals of other methods, are logged."""
    client = create_app(Settings()).test_client()
    environ = {"REMOTE_ADDR": client_address}
    client.post("/predict", json={"features": features}, headers=MONITOR, environ_base=environ)
    client.post("/api/predict", json={}, headers=MONITOR, environ_base=environ)
    client.get("/predict", headers=MONITOR, environ_base=environ)
    lines = capfd.readouterr().out.splitlines()
    seen = [line.partition("] INFO: ")[2].split() for line in lines]
    assert [(words[0], words[5]) for words in seen] == [
        ("probe", "status=200"),
        ("probe", "status=422"),
        ("probe", "status=405"),
    ]
    assert not [line for line in lines if "predict" in line]


@pytest.mark.parametrize(
    "changes",
    [
        {"REMOTE_ADDR": "192.168.0.7"},
        {"HTTP_X_FORWARDED_FOR": "192.168.0.7"},
        {"HTTP_FORWARDED": "for=192.168.0.7"},
        {"HTTP_VIA": "1.1 proxy"},
        {"HTTP_USER_AGENT": "neuronova-monitor/2"},
        {"HTTP_USER_AGENT": "python-requests/2.33"},
    ],
)
def test_nobody_else_is_a_probe(features: dict[str, Any], capfd: pytest.CaptureFixture[str], changes: dict[str, str]) -> None:
    """A prediction cannot be hidden from far, nor by accident."""
    client = create_app(Settings()).test_client()
    base = {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": "neuronova-monitor"}
    client.post("/predict", json={"features": features}, environ_base=base, environ_overrides=changes)
    assert len(predict_lines(capfd.readouterr().out)) == 1


def test_probes_are_counted_apart(client: FlaskClient, features: dict[str, Any]) -> None:
    def counted(name: str) -> float:
        lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(name) and "_created" not in line]
        return sum(float(line.split()[-1]) for line in lines)

    names = ("neuronova_ml_probe_requests_total", "neuronova_ml_predict_requests_total", "neuronova_ml_predict_seconds_count")
    before = [counted(name) for name in names]
    client.post("/predict", json={"features": features}, headers=MONITOR)
    assert [counted(name) for name in names] == [before[0] + 1, *before[1:]]


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
