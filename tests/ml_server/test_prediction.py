import json
import time
from typing import Any

import pytest

from ml_server.config import Settings
from ml_server.errors import InvalidRequestError, ModelUnavailableError, NotJsonError
from ml_server.inference import InferenceService
from ml_server.prediction import Progress, predict
from tests.ml_server.conftest import NAME, VERSION


@pytest.fixture(scope="module")
def service() -> InferenceService:
    loaded = InferenceService(Settings())
    loaded.load()
    return loaded


def ask(service: InferenceService, content: Any, progress: Progress | None = None) -> dict[str, Any]:
    body = predict(json.dumps(content).encode(), "id-1", service, 3, progress or Progress())
    answer: dict[str, Any] = json.loads(body)
    return answer


def test_bytes_become_bytes(service: InferenceService, features: dict[str, Any]) -> None:
    progress = Progress()
    started = time.perf_counter()
    answer = ask(service, {"features": features}, progress)
    assert 0 < answer["inference_ms"] <= (time.perf_counter() - started) * 1000
    assert (answer["ok"], answer["request_id"], answer["prediction"]) == (True, "id-1", "Impaired")
    assert progress == Progress(NAME, VERSION, service.model().digest, rows=1, answered=1)


def test_wrong_frame_is_told_first(service: InferenceService) -> None:
    """An item with two faults is refused for its frame."""
    answer = ask(service, {"items": [{"id": "a b", "features": {"tau": "x"}}]})
    assert answer["results"][0]["error"] == "the item is not valid"
    assert [detail["field"] for detail in answer["results"][0]["details"]] == ["id"]


def test_answers_keep_items_order(service: InferenceService, features: dict[str, Any]) -> None:
    progress = Progress()
    items = [{"id": 1, "features": {**features, "tau": 4.6}}, {"id": 2}, {"id": 3, "features": {**features, "tau": 7.1}}]
    results = ask(service, {"items": items}, progress)["results"]
    assert [result["id"] for result in results] == [1, 2, 3]
    for result, item in zip(results[::2], items[::2], strict=True):
        assert result["predictions"] == pytest.approx(ask(service, item)["predictions"], abs=1e-6)
    assert progress == Progress(NAME, VERSION, service.model().digest, rows=3, answered=2)


def test_refusal_tells_progress(service: InferenceService) -> None:
    """A refusal tells how far it got."""
    progress = Progress()
    with pytest.raises(InvalidRequestError):
        ask(service, {"features": {}}, progress)
    assert progress == Progress(NAME, VERSION, service.model().digest, rows=1, answered=0)


def test_what_is_not_json_gets_nowhere(service: InferenceService) -> None:
    progress = Progress()
    with pytest.raises(NotJsonError):
        predict(b"{", "id-1", service, 3, progress)
    assert progress == Progress()


def test_rows_are_counted_without_model(features: dict[str, Any]) -> None:
    """Rows are counted before a model is found."""
    progress = Progress()
    with pytest.raises(ModelUnavailableError):
        ask(InferenceService(Settings()), {"items": [{"features": features}] * 2}, progress)
    assert progress == Progress(rows=2)
