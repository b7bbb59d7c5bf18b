import difflib
import gzip
import io
import json
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from ml_server import suggestions, tasks
from ml_server.app import create_app
from ml_server.card import Card
from ml_server.config import Settings
from tests.ml_server.conftest import NAME, VERSION, edit_card

Features = dict[str, Any]
KEY = "0123456789abcdef"


def refusal(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Check the envelope that every error has, and return it."""
    assert answer.status_code == status
    assert answer.content_type == "application/json"
    content: dict[str, Any] = json.loads(answer.data)
    assert list(content) == ["ok", "code", "error", "details", "request_id"]
    assert content["ok"] is False
    assert content["code"] == code
    assert content["request_id"] == answer.headers["X-Request-ID"]
    return content


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_health_is_exactly_the_contract(client: FlaskClient, prefix: str) -> None:
    answer = client.get(f"{prefix}/health")
    assert answer.status_code == 200
    assert answer.data == b'{"ok":true,"status":"alive","model_version":"1.0.0"}'


def test_health_says_why_it_failed(model_dir: Path) -> None:
    """The health of a failed model says why."""
    (model_dir / NAME / VERSION / "model.onnx").unlink()
    answer = create_app(Settings(model_dir=model_dir)).test_client().get("/health")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.json is not None
    assert list(answer.json) == ["ok", "status", "error"]
    assert (answer.json["ok"], answer.json["status"]) == (False, "failed")
    assert "model.onnx cannot be read" in answer.json["error"]


def test_health_while_the_model_is_loading(app: Flask) -> None:
    with app.extensions["ml_server"]._loading:
        answer = app.test_client().get("/health")
        refused = app.test_client().post("/predict", json={"features": {}})
    assert answer.status_code == 503
    assert answer.json == {"ok": False, "status": "loading", "error": "the model is loading"}
    refusal(refused, 503, "model_unavailable")
    assert app.test_client().get("/health").status_code == 200


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize("key", ["features", "clinical_features"])
def test_a_prediction_is_answered_in_full(client: FlaskClient, features: Features, prefix: str, key: str) -> None:
    content = client.post(f"{prefix}/predict", json={key: features}).json
    assert content is not None
    assert list(content) == [
        "ok",
        "request_id",
        "model_name",
        "model_version",
        "model_digest",
        "prediction",
        "confidence",
        "predictions",
        "warnings",
        "research_only",
        "completeness",
        "applicability",
        "decisions",
        "probability_interval",
        "inference_ms",
    ]
    assert (content["ok"], content["model_name"], content["model_version"]) == (True, NAME, VERSION)
    assert content["prediction"] == "Impaired"
    assert content["confidence"] == content["predictions"]["Impaired"]
    assert sum(content["predictions"].values()) == pytest.approx(1)
    assert content["warnings"] == []
    assert content["inference_ms"] > 0


def test_a_filled_input_is_a_warning(client: FlaskClient, features: Features) -> None:
    del features["VEGF"]
    content = client.post("/predict", json={"features": features}).json
    assert content is not None
    assert content["warnings"] == ["VEGF is missing: answered by the submodel partial, which was fitted for that"]


def test_misspelt_option_is_a_warning(client: FlaskClient, features: Features) -> None:
    """In a single answer and in that of a batch; an empty model name is none."""
    wrong = {"model": NAME, "model_name": ""}
    content = client.post("/predict", json={"features": features, **wrong}).json
    batch = client.post("/predict", json={"items": [{"features": features}], **wrong}).json
    assert content is not None
    assert batch is not None
    for answer in (content, batch):
        assert answer["warnings"] == ["model is not known and was ignored; did you mean model_name?"]
        assert (answer["model_name"], answer["model_version"]) == (NAME, VERSION)
    assert batch["results"][0]["warnings"] == []


def test_explanation_comes_when_asked_for(client: FlaskClient, features: Features) -> None:
    content = client.post("/predict", json={"features": features, "explain": True}).json
    assert content is not None
    assert set(content["feature_importance"]) == set(features)
    plain = client.post("/predict", json={"features": features, "explain": False}).json
    assert plain is not None
    assert "feature_importance" not in plain
    assert plain["predictions"] == content["predictions"]


def test_left_out_explanation_is_a_warning(client: FlaskClient, features: Features, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "LOG_ODDS_LIMIT", 0.5)  # so that any answer is too certain
    for answered in (
        client.post("/predict", json={"features": features, "explain": True}).json,
        client.post("/predict", json={"items": [{"features": features}], "explain": True}).json["results"][0],  # type: ignore[index]
    ):
        assert answered is not None
        assert answered["warnings"] == [tasks.TOO_CERTAIN]
        assert "feature_importance" not in answered


def test_raw_values_are_a_422(client: FlaskClient) -> None:
    """Raw laboratory values are a 422 that repeats none of them."""
    raw = {"tau": 523.25, "p_tau": 61.75, "Ab_42": 307.5, "age": 71, "male": 0}
    # An id of its own: 71 may stand in a made one, which is random.
    answer = client.post("/predict", json={"features": raw}, headers={"X-Request-ID": "proxy"})
    content = refusal(answer, 422, "invalid_request")
    assert {detail["field"] for detail in content["details"]} == {"tau", "p_tau", "Ab_42", "age"}
    assert all("as published (transformed)" in detail["problem"] for detail in content["details"])
    assert not any(str(value) in answer.text for value in (523.25, 61.75, 307.5, 71))


def test_a_bad_item_spoils_no_other(client: FlaskClient, features: Features) -> None:
    items = [
        {"id": "first", "features": features},
        {"id": "bad", "features": {**features, "tau": "high"}},
        "no item",
        {"id": 4, "clinical_features": features},
        {"id": "hopeless", "features": {**features, "tau": 3e38, "Cystatin_C": 3e38}},
    ]
    content = client.post("/predict", json={"items": items}).json
    single = client.post("/predict", json={"features": features}).json
    assert content is not None
    assert single is not None
    assert (content["ok"], content["batch"], content["model_version"]) == (True, True, VERSION)
    results = content["results"]
    assert [(result["id"], result["ok"]) for result in results] == [
        ("first", True),
        ("bad", False),
        (None, False),
        (4, True),
        ("hopeless", False),
    ]
    assert results[0]["predictions"] == results[3]["predictions"] == single["predictions"]
    assert results[1]["details"] == [{"field": "tau", "problem": "must be a number, not a string"}]
    assert results[1]["error"] == "the features are not valid"


def test_batch_of_bad_items_is_answered(client: FlaskClient) -> None:
    """A batch of bad items only is answered too."""
    content = client.post("/predict", json={"items": [{}]}).json
    assert content is not None
    assert [result["ok"] for result in content["results"]] == [False]


def test_batch_shares_suggestions(client: FlaskClient, features: Features, monkeypatch: pytest.MonkeyPatch) -> None:
    """All items of a batch share the suggestions."""
    compared: list[str] = []

    def nearest(name: str, known: Iterable[str], **_options: Any) -> list[str]:
        compared.append(name)
        return list(known)[:1]

    monkeypatch.setattr(difflib, "get_close_matches", nearest)
    wrong = {**features, **{f"x{number}": 1 for number in range(4)}, **{f"{'y' * 58}{number}": 1 for number in range(40)}}
    answer = client.post("/predict", json={"items": [{"features": wrong}] * 256})
    assert len(compared) == answer.text.count("did you mean") == suggestions.MAX_SUGGESTIONS


def test_every_batch_item_is_explained(client: FlaskClient, features: Features, required_features: Features) -> None:
    items = [{"features": features}, {"features": required_features}]
    batch = client.post("/predict", json={"items": items, "explain": True}).json
    assert batch is not None
    for item, result in zip(items, batch["results"], strict=True):
        single = client.post("/predict", json={**item, "explain": True}).json
        assert single is not None
        assert result["feature_importance"] == pytest.approx(single["feature_importance"], abs=1e-5)


def test_no_json_is_a_400(client: FlaskClient) -> None:
    """What is not JSON is a 400."""
    refusal(client.post("/predict", data=b"{", content_type="application/json"), 400, "not_json")


def test_other_content_type_is_a_415(client: FlaskClient) -> None:
    """A body that is not called JSON is a 415."""
    refusal(client.post("/predict", data=b"{}", content_type="text/plain"), 415, "unsupported_media_type")
    refusal(client.post("/predict", data=b"{}"), 415, "unsupported_media_type")


def test_a_compressed_body_is_a_415(client: FlaskClient, features: Features) -> None:
    body = gzip.compress(json.dumps({"features": features}).encode())
    answer = client.post("/predict", data=body, content_type="application/json", headers={"Content-Encoding": "gzip"})
    refusal(answer, 415, "unsupported_media_type")


def test_wrong_features_are_a_422(client: FlaskClient, features: Features) -> None:
    """Wrong features are a 422 that names them all."""
    content = refusal(client.post("/predict", json={"features": {**features, "tau": "x", "tao": 1}}), 422, "invalid_request")
    assert content["details"] == [
        {"field": "tao", "problem": "is not an input of this model; did you mean tau?"},
        {"field": "tau", "problem": "must be a number, not a string"},
    ]


def test_an_unknown_path_is_a_404(client: FlaskClient) -> None:
    refusal(client.get("/nothing"), 404, "not_found")
    refusal(client.get("/static/app.js"), 404, "not_found")


@pytest.mark.parametrize("path", ["/api//predict", "//predict", "/predict/"])
def test_extra_slash_is_a_404(client: FlaskClient, features: Features, path: str) -> None:
    """A path with slashes too many is a 404, and no redirect."""
    refusal(client.post("http://localhost" + path, json={"features": features}), 404, "not_found")


def test_an_unknown_model_is_a_404(client: FlaskClient, features: Features) -> None:
    refusal(client.post("/predict", json={"features": features, "model_version": "7.0.0"}), 404, "unknown_model")


def test_model_by_name_and_version(client: FlaskClient, features: Features) -> None:
    """A model can be asked for by name and version."""
    answer = client.post("/predict", json={"features": features, "model_name": NAME, "model_version": VERSION})
    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_another_method_is_a_405(client: FlaskClient, method: str) -> None:
    """Another method is a 405 that says which is allowed."""
    answer = client.open("/predict", method=method)
    refusal(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


def test_large_body_is_a_413() -> None:
    """A body that is too large is a 413."""
    client = create_app(Settings(max_body_bytes=1024)).test_client()
    content = refusal(client.post("/predict", json={"features": {}, "x": "x" * 2000}), 413, "request_entity_too_large")
    assert content["error"] == (
        "the body must be at most 1024 bytes: split the batch, send a smaller image, or have the operator raise ML_MAX_BODY_BYTES"
    )


def test_forms_are_answered(client: FlaskClient, features: Features) -> None:
    """A form with a file is one request; what is wrong with it is told as of JSON."""
    whole = {"features": json.dumps(features), "explain": "true", "patient_name": "x"}
    answer = client.post("/predict", data=whole, content_type="multipart/form-data").get_json()
    assert answer["predictions"] == client.post("/predict", json={"features": features}).get_json()["predictions"]
    assert set(answer["feature_importance"]) == set(features)
    wrong = refusal(client.post("/predict", data={"tau": (io.BytesIO(b"x"), "x.png")}), 422, "invalid_request")
    assert {"field": "tau", "problem": "must be a number, not a file"} in wrong["details"]
    refusal(client.post("/predict", data=b"x", content_type="multipart/form-data"), 400, "not_json")


def test_short_body_is_a_400(client: FlaskClient, features: Features) -> None:
    """A body shorter than its length is a 400."""
    body = json.dumps({"features": features}).encode()
    answer = client.post(
        "/predict",
        input_stream=io.BytesIO(body),
        content_type="application/json",
        environ_overrides={"CONTENT_LENGTH": str(len(body) + 1), "wsgi.input_terminated": True},
    )
    refusal(answer, 400, "not_json")


def test_long_batch_is_a_422(features: Features) -> None:
    """A batch that is too long is a 422."""
    client = create_app(Settings(max_batch=2)).test_client()
    refusal(client.post("/predict", json={"items": [{"features": features}] * 3}), 422, "invalid_request")


def test_failed_model_is_a_503(model_dir: Path, features: Features) -> None:
    """A failed model is a 503, with Retry-After."""
    (model_dir / NAME / VERSION / "model.onnx").write_bytes(b"x")
    answer = create_app(Settings(model_dir=model_dir)).test_client().post("/predict", json={"features": features})
    refusal(answer, 503, "model_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_overload_is_a_503(features: Features) -> None:
    """Overload is a 503, with Retry-After."""
    app = create_app(Settings(threads=2))
    slots, end = app.extensions["ml_endpoint"]._slots, threading.Event()
    slots.pace.add(2.0)
    running = slots.submit(end.wait, bool)
    try:
        answer = app.test_client().post("/predict", json={"features": features})
    finally:
        end.set()
    assert running.result()
    refusal(answer, 503, "overloaded")
    assert int(answer.headers["Retry-After"]) > 0


def test_slow_model_is_a_504(slow_model_dir: Path) -> None:
    """A model that takes too long is a 504."""
    client = create_app(Settings(model_dir=slow_model_dir, timeout_s=0.1)).test_client()
    refusal(client.post("/predict", json={"features": {"rounds": 1e12}}), 504, "prediction_timeout")


def test_unexpected_failure_is_a_500(features: Features, capfd: pytest.CaptureFixture[str]) -> None:
    """An unexpected failure is a 500, without a word of what was sent."""
    app = create_app(Settings())  # here, so that it logs to the captured output
    app.extensions["ml_endpoint"]._slots = None  # as wrong as it gets
    answer = app.test_client().post("/predict", json={"features": features, "patient_name": "홍길동"})
    refusal(answer, 500, "internal_error")
    assert "Traceback" not in answer.text
    logged = capfd.readouterr()
    assert "ERROR: AttributeError request_id=" in logged.out
    assert "endpoint.py:" in logged.out
    assert "홍길동" not in logged.out + logged.err


@pytest.fixture
def guarded() -> FlaskClient:
    return create_app(Settings(api_key=KEY)).test_client()


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "wrong"}, {"X-API-Key": "é" * 16}, {"X-API-Key": KEY + "0"}])
def test_a_wrong_key_is_a_401(guarded: FlaskClient, features: Features, headers: dict[str, str]) -> None:
    refusal(guarded.post("/predict", json={"features": features}, headers=headers), 401, "unauthorized")
    refusal(guarded.get("/models", headers=headers), 401, "unauthorized")


def test_the_right_key_opens(guarded: FlaskClient, features: Features) -> None:
    answer = guarded.post("/predict", json={"features": features}, headers={"X-API-Key": KEY})
    assert answer.status_code == 200


def test_health_and_metrics_stay_open(guarded: FlaskClient) -> None:
    assert guarded.get("/health").status_code == 200
    assert guarded.get("/metrics").status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        "proxy-1.2_3",
        "0f8fad5b-d9cb-469f-a165-708677289500",
        "5f2c1d0b9a8877665544332211009988",
        "12345678901234567890a23456789012",
        "01JDQ4Z7M5K8W9X2Y3T6R1P0NB",
        "req-12345",
    ],
)
def test_proxys_request_id_is_kept(client: FlaskClient, features: Features, given: str) -> None:
    answer = client.post("/predict", json={"features": features}, headers={"X-Request-ID": given})
    assert answer.json is not None
    assert answer.json["request_id"] == answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given",
    [
        *("", "two words", "x" * 65, "<b>", "predict%0a"),
        *("900101-1234567", "9001011234567", "900101.1234567", "010-1234-5678", "01012345678", "02-123-4567"),
        *("patient-1234567", "MRN123456", "0-1-0-1-2-3-4", "12345678901234567890", "id_900101-1"),
    ],
)
def test_another_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    made = client.get("/health", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert made != given
    assert len(made) == 32


def test_models_are_listed_with_cards(client: FlaskClient, card: Card) -> None:
    content = client.get("/models", headers={"X-Request-ID": "proxy"}).json
    assert content is not None
    assert (content["ok"], content["request_id"]) == (True, "proxy")
    (model,) = content["models"]
    assert (model["name"], model["version"], model["is_served"], model["error"]) == (NAME, VERSION, True, None)
    assert [wanted["name"] for wanted in model["inputs"]] == [wanted.name for wanted in card.inputs]
    assert model["not_for"] == card.not_for
    assert "golden_samples" not in model


def test_broken_model_is_listed_with_reason(model_dir: Path) -> None:
    (model_dir / NAME / VERSION / "model.json").write_text("{")
    content = create_app(Settings(model_dir=model_dir)).test_client().get("/models").json
    assert content is not None
    assert content["models"][0]["is_served"] is False
    assert "model.json" in content["models"][0]["error"]


@pytest.mark.parametrize("path", ["/example_data", "/api/example_data"])
def test_examples_get_the_expected_answers(client: FlaskClient, path: str) -> None:
    """Each can be posted as it is."""
    offered = client.get(path).get_json()
    assert (offered["ok"], offered["model_name"], offered["model_version"]) == (True, NAME, VERSION)
    assert len(offered["samples"]) == 8
    for sample in offered["samples"]:
        answer = client.post("/predict", json=sample["request"]).get_json()
        assert answer["predictions"] == pytest.approx(sample["expected"], abs=offered["tolerance"])


def test_example_people_can_be_posted(client: FlaskClient) -> None:
    query = {"num_people": "3", "samples_per_person": "2", "disease_ratio": "0.34"}
    people = client.get("/api/example_data", query_string=query).get_json()["items"]
    assert [(person["person_id"], person["num_samples"]) for person in people] == [(f"example-{n}", 2) for n in (1, 2, 3)]
    for person, wanted in zip(people, ["Impaired", "Control", "Control"], strict=True):
        assert [sample["sample_index"] for sample in person["samples"]] == [0, 1]
        for sample in person["samples"]:
            assert client.post("/predict", json=sample).get_json()["prediction"] == wanted


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"num_people": "0"}, ["num_people"]),
        ({"num_people": "101", "samples_per_person": "1.5"}, ["num_people", "samples_per_person"]),
        ({"disease_ratio": "nan"}, ["disease_ratio"]),
        ({"disease_ratio": "all", "num_people": "-1"}, ["num_people", "disease_ratio"]),
    ],
)
def test_example_people_are_few(client: FlaskClient, query: dict[str, str], fields: list[str]) -> None:
    answer = client.get("/example_data", query_string=query)
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.get_json()["details"]] == fields


def test_schema_is_that_of_good_requests(
    client: FlaskClient, features: dict[str, Any], required_features: dict[str, Any]
) -> None:
    described = client.get("/api/schema").get_json()
    assert (described["model_name"], described["model_version"], described["answers"]) == (NAME, VERSION, ["Control", "Impaired"])
    is_good = Draft202012Validator(described["request"]).is_valid
    requests = [described["example_request"], {"features": features, "explain": True}, {"features": required_features, "user": 1}]
    requests += [{"items": [{"id": 7, **requests[0]}, requests[2]]}, {"features": {**features, "VEGF": None}}]
    for content in requests:
        assert is_good(content)
        assert client.post("/predict", json=content).status_code == 200
    for content in (
        {},
        {"features": {}},
        {"features": {**features, "tau": "6"}},
        {"features": {**features, "tau": 500}},
        {"features": {**features, "male": 2}},
        {"features": {**features, "male": None}},
        {"features": {**features, "Tau": 6}},
        {"features": features, "explain": "yes"},
        {"items": []},
    ):
        assert not is_good(content)
        assert client.post("/predict", json=content).status_code == 422


def test_schema_needs_the_key_and_a_model(tmp_path: Path) -> None:
    assert create_app(Settings(api_key=KEY)).test_client().get("/schema").status_code == 401
    assert create_app(Settings(model_dir=tmp_path)).test_client().get("/schema").status_code == 503


def test_examples_are_those_of_the_default_model(model_dir: Path) -> None:
    shutil.copytree(model_dir / NAME / VERSION, model_dir / NAME / "1.10.0")
    edit_card(model_dir / NAME / "1.10.0", version="1.10.0", golden_tolerance=0.01)
    offered = create_app(Settings(model_dir=model_dir)).test_client().get("/example_data").get_json()
    assert (offered["model_version"], offered["tolerance"]) == ("1.10.0", 0.01)


def test_examples_need_the_key_and_a_model(tmp_path: Path) -> None:
    client = create_app(Settings(api_key=KEY)).test_client()
    assert client.get("/example_data").status_code == 401
    assert client.get("/example_data", headers={"X-API-Key": KEY}).status_code == 200
    assert create_app(Settings(model_dir=tmp_path)).test_client().get("/example_data").status_code == 503
