"""The addresses of the Open Inference Protocol, and what is answered at wrong ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from ml_server.app import create_app
from ml_server.config import Settings
from tests.ml_server.conftest import NAME, VERSION

KEY = "0123456789abcdef"
INFER = f"/v2/models/{NAME}/infer"


def asked(features: dict[str, Any]) -> dict[str, Any]:
    return {"inputs": [{"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in features.items()]}


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_all_is_under_api_too(client: FlaskClient, features: dict[str, Any], prefix: str) -> None:
    for path in (
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        f"/v2/models/{NAME}",
        f"/v2/models/{NAME}/versions/{VERSION}/ready",
    ):
        answer = client.get(prefix + path)
        assert (answer.status_code, answer.content_type) == (200, "application/json")
    for path in (INFER, f"/v2/models/{NAME}/versions/{VERSION}/infer"):
        answer = client.post(prefix + path, json=asked(features), headers={"X-Request-ID": "proxy"})
        assert answer.json is not None
        assert answer.json["parameters"]["request_id"] == answer.headers["X-Request-ID"] == "proxy"


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("GET", "/v2/", 404, None),
        ("GET", "/v2/nothing", 404, None),
        ("GET", "/api/v2/models", 404, None),
        ("POST", "/v2/repository/index", 404, None),
        ("GET", "/v2/models/홍길동/ready", 404, None),
        ("GET", INFER, 405, "POST"),
        ("HEAD", INFER, 405, "POST"),
        ("OPTIONS", INFER, 405, "POST"),
        ("POST", "/v2", 405, "GET, HEAD"),
        ("DELETE", f"/v2/models/{NAME}", 405, "GET, HEAD"),
        ("OPTIONS", "/v2/health/live", 405, "GET, HEAD"),
    ],
)
def test_wrong_addresses_speak_the_protocol(
    client: FlaskClient, method: str, path: str, status: int, allowed: str | None
) -> None:
    answer = client.open(path, method=method, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.content_type, answer.headers.get("Allow")) == (status, "application/json", allowed)
    if method != "HEAD":
        assert list(json.loads(answer.data)) == ["error"]
        assert "홍길동" not in answer.text


def test_head_is_get_without_a_body(client: FlaskClient) -> None:
    for path in ("/v2", "/v2/health/live", f"/v2/models/{NAME}"):
        head, whole = client.head(path), client.get(path)
        assert (head.status_code, head.data, head.content_length) == (200, b"", len(whole.data))


def test_unserved_model_is_told(model_dir: Path, features: dict[str, Any]) -> None:
    (model_dir / NAME / VERSION / "model.onnx").unlink()
    client = create_app(Settings(model_dir=model_dir)).test_client()
    assert client.get("/v2/health/live").json == {"live": True}
    for answer in (
        client.get("/v2/health/ready"),
        client.get(f"/v2/models/{NAME}/ready"),
        client.get(f"/v2/models/{NAME}"),
        client.post(INFER, json=asked(features)),
    ):
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
    ready = client.get(f"/v2/models/{NAME}/ready").json
    assert ready is not None
    assert (ready["name"], ready["ready"]) == (NAME, False)
    assert "model.onnx cannot be read" in ready["error"]


def test_key_opens_what_names_models(features: dict[str, Any]) -> None:
    client = create_app(Settings(api_key=KEY)).test_client()
    open_to_all = ["/v2/health/live", "/v2/health/ready"]
    for path in ("/v2", f"/v2/models/{NAME}", f"/v2/models/{NAME}/ready", *open_to_all):
        answer = client.get(path)
        assert (answer.status_code == 200) is (path in open_to_all)
        assert client.get(path, headers={"X-API-Key": KEY}).status_code == 200
    refused = client.post(INFER, json=asked(features))
    assert (refused.status_code, refused.json) == (401, {"error": "the header X-API-Key is missing or wrong"})


def test_crash_speaks_the_protocol(features: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    app = create_app(Settings())
    client = app.test_client()
    assert client.get("/v2/health/ready").status_code == 200
    app.extensions["ml_endpoint"]._slots = None  # as wrong as it gets
    answer = client.post(INFER, json=asked(features))
    assert (answer.status_code, answer.json) == (500, {"error": "the server failed; its log has the request id"})
    assert "status=500" in capfd.readouterr().out


def test_large_body_is_refused(features: dict[str, Any]) -> None:
    client = create_app(Settings(max_body_bytes=1024)).test_client()
    answer = client.post(INFER, data=b"x" * 2000, content_type="application/octet-stream")
    assert answer.status_code == 413
    assert answer.json is not None
    assert "ML_MAX_BODY_BYTES" in answer.json["error"]
    for _ in range(2):
        assert client.post(INFER, data=json.dumps(asked({"tau": 5.5})), content_type="").status_code == 422


def test_who_looks_on_is_told(features: dict[str, Any]) -> None:
    """Of whole answers only: where one row is refused, none is answered."""
    app = create_app(Settings())
    told: list[Any] = []

    class Notes:
        def observe(self, request_id: str, observed: Any, elapsed_s: float) -> None:
            told.append((request_id, list(observed.places)))

    app.extensions["ml_endpoint"].observers.append(Notes())
    rows = {"inputs": [{**each, "shape": [2], "data": each["data"] * 2} for each in asked(features)["inputs"]]}
    assert app.test_client().post(INFER, json=rows, headers={"X-Request-ID": "both"}).status_code == 200
    next(each for each in rows["inputs"] if each["name"] == "tau")["data"][1] = 523.25
    assert app.test_client().post(INFER, json=rows).status_code == 422
    assert told == [("both", [0, 1])]
