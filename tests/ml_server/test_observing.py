"""Who looks on is told of every answer, before the client has it, and costs it nothing."""

import json
import logging
from typing import Any

import pytest

from ml_server.app import create_app
from ml_server.config import Settings
from ml_server.model import Answer
from ml_server.observing import Observed


class Notes:
    """Takes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Observed]] = []

    def observe(self, request_id: str, observed: Observed, elapsed_s: float) -> None:
        """Take it down."""
        assert elapsed_s > 0
        self.told.append((request_id, observed))


class Broken:
    """Fails, with a value in its words."""

    def observe(self, request_id: str, observed: Observed, elapsed_s: float) -> None:
        """Fail."""
        raise ValueError(observed.rows[0].values)


@pytest.fixture
def app() -> Any:
    return create_app(Settings())


def _features(app: Any) -> dict[str, float]:
    with app.test_client() as client:
        features: dict[str, float] = client.get("/example_data").json["samples"][0]["request"]["features"]
    return features


def _ask(app: Any, body: dict[str, Any], **headers: str) -> Any:
    with app.test_client() as client:
        return client.post("/predict", data=json.dumps(body), content_type="application/json", headers=headers)


def test_single_is_told(app: Any) -> None:
    notes = Notes()
    app.extensions["ml_endpoint"].observers.append(notes)
    answer = _ask(app, {"features": _features(app)}, **{"X-Request-ID": "abc"}).json
    ((request_id, observed),) = notes.told
    (result,) = observed.results
    assert isinstance(result, Answer)
    assert (request_id, observed.places, observed.model.digest) == ("abc", (0,), answer["model_digest"])
    assert sorted(result.numbers) == sorted(answer["predictions"].values())


def test_batch_tells_places(app: Any) -> None:
    notes = Notes()
    app.extensions["ml_endpoint"].observers.append(notes)
    features = _features(app)
    _ask(app, {"items": [{"features": {}}, {"features": features}, {"features": 1}, {"features": features}]})
    ((_, observed),) = notes.told
    assert list(observed.places) == [1, 3]
    assert len(observed.rows) == len(observed.results) == 2


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"features": {}}, {}),
        ({"items": [{"features": {}}]}, {}),
        ({"features": None}, {"User-Agent": "neuronova-monitor"}),
    ],
    ids=["refused", "all_refused", "probe"],
)
def test_nothing_is_told_of(app: Any, body: dict[str, Any], headers: dict[str, str]) -> None:
    notes = Notes()
    app.extensions["ml_endpoint"].observers.append(notes)
    if "features" in body and body["features"] is None:
        body["features"] = _features(app)
    _ask(app, body, **headers)
    assert not notes.told


def test_failure_costs_nothing(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    notes = Notes()
    app.extensions["ml_endpoint"].observers += [Broken(), notes]
    logging.getLogger("ml_server").propagate = True
    features = _features(app)
    assert _ask(app, {"features": features}).status_code == 200
    assert len(notes.told) == 1
    assert "Broken failed: ValueError" in caplog.text
    assert str(features["tau"]) not in caplog.text
