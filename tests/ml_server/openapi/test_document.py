"""The document against the application: every route, every answer, and what the served model reads."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from ml_server.app import create_app
from ml_server.config import Settings
from ml_server.endpoint import HEALTH_PATHS, PREDICT_PATHS
from ml_server.oip.address import LIVE_PATHS, READY_PATHS
from ml_server.openapi.operations import OPERATIONS
from tests.ml_server import small_models
from tests.ml_server.conftest import NAME, VERSION
from tests.ml_server.oip import mixed
from tests.ml_server.server import DEADLINE_S

KEY, ADMIN_KEY = "0123456789abcdef", "fedcba9876543210"
NO_TASK = "0" * 32
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def document_of(client: FlaskClient) -> dict[str, Any]:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = msgspec.json.decode(answer.data)
    return found


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """One that keeps what it answered, so that every route has something to say."""
    return create_app(Settings(state_dir=tmp_path / "state"))


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    return document_of(client)


def documented(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Every method and path, under every server that the path has."""
    found = set()
    for path, entry in document["paths"].items():
        servers = entry.get("servers", document["servers"])
        found |= {
            (method.upper(), server["url"].rstrip("/") + path) for server in servers for method in entry if method != "servers"
        }
    return found


def routes_of(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }


def example_path(path: str) -> str:
    return path.format(name=NAME, wanted=VERSION, model=NAME, task_id=NO_TASK)


def problems(document: dict[str, Any], path: str, method: str, answer: Any) -> list[str]:
    """What of an answer is not as the document has it: its status, its type, its content, or a key that is not there."""
    response = document["paths"][path][method]["responses"].get(str(answer.status_code))
    if response is None:
        return [f"{answer.status_code} is not documented"]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    if answer.mimetype not in response["content"]:
        return [f"{answer.mimetype} is not documented"]
    if answer.mimetype != "application/json":
        return []
    schema = {**response["content"][answer.mimetype]["schema"], "components": document["components"]}
    content = msgspec.json.decode(answer.data)
    found = [error.message for error in Draft202012Validator(schema).iter_errors(content)]
    return found or [f"the key {key} is not documented" for key in undocumented(document, schema, content)]


def undocumented(document: dict[str, Any], schema: dict[str, Any], content: Any) -> list[str]:
    """The keys of an answer, and of the answers to a batch's items, that no schema of them has."""
    schemas = [schema, *schema.get("oneOf", [])]
    names = [each["$ref"].rpartition("/")[2] for each in schemas if "$ref" in each]
    of_item = ["ItemAnswer", "ItemError"] if "BatchAnswer" in names else ["FeedbackItem", "FeedbackItemError"]
    found = _not_in(document, names, content)
    return found + [key for each in content.get("results", []) for key in _not_in(document, of_item, each)]


def _not_in(document: dict[str, Any], names: list[str], content: Any) -> list[str]:
    known = {key for name in names for key in document["components"]["schemas"][name]["properties"]}
    return [key for key in content if known and key not in known]


@pytest.mark.parametrize("settings", [Settings(), Settings(api_key=KEY, admin_key=ADMIN_KEY), Settings(model="other")])
def test_document_is_valid(settings: Settings) -> None:
    """Whatever is set, and also where no model is served."""
    answer = create_app(settings).test_client().get("/openapi.json", headers={"X-API-Key": KEY})
    document = msgspec.json.decode(answer.data)
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_route_is_documented(app: Flask, document: dict[str, Any]) -> None:
    """And nothing that is none: `OPERATIONS` is where one is added."""
    assert documented(document) == routes_of(app)
    paths = {path for _, path in documented(document)}
    assert paths >= (PREDICT_PATHS | HEALTH_PATHS | LIVE_PATHS | READY_PATHS)


def test_document_is_the_same_each_time(client: FlaskClient) -> None:
    other = create_app(Settings()).test_client()
    assert client.get("/openapi.json").data == other.get("/api/openapi.json").data


def test_other_methods_are_refused(client: FlaskClient, document: dict[str, Any]) -> None:
    """With what is allowed, as the document has it; HEAD is GET without a body."""
    for path, entry in document["paths"].items():
        methods = {method.upper() for method in entry if method != "servers"}
        allowed = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
        for method in METHODS:
            if method not in methods:
                answer = client.open(example_path(path), method=method)
                assert (answer.status_code, answer.headers["Allow"]) == (405, allowed), (method, path)
        head = client.head(example_path(path))
        status = 404 if "{task_id}" in path else 200
        assert (head.status_code, head.data) == (status if "GET" in methods else 405, b""), path


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*;q=0", ""])
def test_answers_are_json_for_whoever_asks(client: FlaskClient, accept: str) -> None:
    for path in ("/health", "/models", "/schema", "/nothing", "/v2", "/openapi.json"):
        assert client.get(path, headers={"Accept": accept}).content_type == "application/json"


def test_health_has_its_three_keys(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["Health"]
    assert (schema["required"], schema["additionalProperties"]) == (["ok", "status", "model_version"], False)


def test_keys_are_demanded_as_documented(features: dict[str, Any]) -> None:
    client = create_app(Settings(api_key=KEY, admin_key=ADMIN_KEY)).test_client()
    document = msgspec.json.decode(client.get("/openapi.json", headers={"X-API-Key": KEY}).data)
    for path, entry in document["paths"].items():
        for method, operation in entry.items():
            if method == "servers":
                continue
            answer = client.open(example_path(path), method=method.upper(), json={} if method == "post" else None)
            assert (answer.status_code == 401) is ("security" in operation), path
            assert problems(document, path, method, answer) == []


def test_answers_are_as_documented(client: FlaskClient, document: dict[str, Any], features: dict[str, Any]) -> None:
    for operation in OPERATIONS:
        if operation.method == "get":
            answer = client.get(example_path(operation.path))
            assert answer.status_code == (404 if "{task_id}" in operation.path else 200)
            assert problems(document, operation.path, "get", answer) == [], operation.path
    page = client.get(f"/models/{NAME}", headers={"Accept": "text/html"})
    assert (page.mimetype, problems(document, "/models/{name}", "get", page)) == ("text/html", [])
    for query in ("num_people=2&samples_per_person=1&disease_ratio=0.5", "num_people=many&disease_ratio=2"):
        assert problems(document, "/example_data", "get", client.get(f"/example_data?{query}")) == []
    for path in ("/models/{name}", "/v2/models/{name}", "/v2/models/{name}/ready"):
        assert problems(document, path, "get", client.get(path.format(name="other"))) == []
    assert problems(document, "/reload_model", "post", client.post("/reload_model")) == []
    contents: list[Any] = [
        {"features": features},
        {"features": features, "explain": True},
        {"features": {}},
        {"items": [{"features": features, "id": 1}, {"id": "b"}, 3], "model": "x"},
        {"items": []},
        {"features": features, "model_name": "other"},
        [],
    ]
    for content in contents:
        assert problems(document, "/predict", "post", client.post("/predict", json=content)) == [], content
    assert problems(document, "/predict", "post", client.post("/predict", data="x")) == []


def test_long_jobs_are_as_documented(client: FlaskClient, document: dict[str, Any], features: dict[str, Any]) -> None:
    path = "/predict/{model}/async"
    contents: list[Any] = [{"features": {}}, {"items": []}, [], {"items": [{"features": features}, 3]}]
    answers = [client.post(example_path(path), json=content) for content in contents]
    assert [answer.status_code for answer in answers] == [422, 422, 400, 202]
    assert [found for answer in answers for found in problems(document, path, "post", answer)] == []
    task = msgspec.json.decode(answers[-1].data)["status_url"]
    end = time.monotonic() + DEADLINE_S
    while msgspec.json.decode((answer := client.get(task)).data)["state"] != "done":
        assert problems(document, "/task/{task_id}", "get", answer) == []
        assert time.monotonic() < end
        time.sleep(0.01)
    assert problems(document, "/task/{task_id}", "get", answer) == []
    for _ in range(2):
        assert problems(document, "/task/{task_id}", "delete", client.delete(task)) == []


def test_reports_are_as_documented(client: FlaskClient, document: dict[str, Any], features: dict[str, Any]) -> None:
    client.post("/predict", json={"features": features}, headers={"X-Request-ID": "asked"})
    contents: list[Any] = [
        {"request_id": "asked", "correct": True},
        {"request_id": "asked", "actual_class": "Control"},
        {"request_id": "asked", "actual_class": "x"},
        {"request_id": "other", "correct": True},
        {"items": [{"request_id": "asked", "correct": True}, {"request_id": "asked"}, 3]},
        {},
    ]
    answers = [client.post("/feedback", json=content) for content in contents]
    assert [answer.status_code for answer in answers] == [200, 200, 422, 404, 200, 422]
    assert [found for answer in answers for found in problems(document, "/feedback", "post", answer)] == []
    for path in ("/feedback/summary", "/drift"):
        whole, brief = client.get(path), client.get(f"{path}?brief")
        assert problems(document, path, "get", whole) == problems(document, path, "get", brief) == []
        assert [model["model_name"] for model in msgspec.json.decode(whole.data)["models"]] == [NAME]


@pytest.mark.parametrize("task", list(small_models.TASKS))
def test_answers_of_every_task_are_as_documented(tmp_path: Path, task: str) -> None:
    small_models.install(tmp_path, **small_models.TASKS[task])
    client = create_app(Settings(model_dir=tmp_path, model=small_models.NAME)).test_client()
    document = document_of(client)
    features = {"a": 0.4, "b": -0.3}
    for content in ({"features": features, "explain": True}, {"items": [{"features": features}]}):
        answer = client.post("/predict", json=content)
        assert answer.status_code == 200
        assert problems(document, "/predict", "post", answer) == []
    for path in ("/models", "/schema", "/example_data", "/v2/models/{name}"):
        assert problems(document, path, "get", client.get(path.format(name=small_models.NAME))) == []


def test_answers_without_a_model_are_as_documented(model_dir: Path) -> None:
    (model_dir / NAME / VERSION / "model.onnx").unlink()
    client = create_app(Settings(model_dir=model_dir)).test_client()
    document = document_of(client)
    for operation in OPERATIONS:
        answer = client.open(example_path(operation.path), method=operation.method.upper(), json={"features": {}, "inputs": []})
        assert problems(document, operation.path, operation.method, answer) == [], operation.path


@pytest.mark.parametrize("make", [mixed.build, None])
def test_examples_are_answered(tmp_path: Path, make: Any) -> None:
    """What the document shows as a request is one of the served model, to the schema and to the server."""
    settings = Settings(model_dir=make(tmp_path), model=mixed.NAME) if make else Settings()
    client = create_app(settings).test_client()
    document = document_of(client)
    for path in ("/predict", "/v2/models/{name}/infer"):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        schema = {**content["schema"], "components": document["components"]}
        assert Draft202012Validator(schema).is_valid(content["example"])
        assert client.post(path.format(name=settings.model), json=content["example"]).status_code == 200


def test_inputs_are_the_served_models(tmp_path: Path) -> None:
    client = create_app(Settings(model_dir=mixed.build(tmp_path), model=mixed.NAME)).test_client()
    request, item = (document_of(client)["components"]["schemas"][name] for name in ("PredictRequest", "PredictItem"))
    assert request["title"] == "A model of everything"
    person, batch = request["oneOf"]
    assert set(person["properties"]["features"]["properties"]) == {"crp", "falls", "smoker", "born", "ward"}
    assert {"sequence", "image_data"} <= set(person["properties"])
    assert batch["properties"]["items"]["items"] == {"$ref": "#/components/schemas/PredictItem"}
    assert set(item["properties"]["features"]["properties"]) == set(person["properties"]["features"]["properties"])
