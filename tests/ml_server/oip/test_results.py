"""Answers of every task as tensors, and rows as they are asked for."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_server.app import create_app
from ml_server.config import Settings
from ml_server.errors import Detail, InvalidRequestError
from ml_server.model import Answer
from ml_server.oip import results
from ml_server.oip.messages import DATATYPES, error_of
from tests.ml_server import small_models

ROWS = [{"a": 0.4, "b": -0.3}, {"a": 2.5, "b": 0.0}]
FAR = 2e5


def client_of(model_dir: Path, content: bytes | None = None, **changes: Any) -> FlaskClient:
    small_models.install(model_dir, content, **changes)
    return create_app(Settings(model_dir=model_dir, model=small_models.NAME)).test_client()


def infer(client: FlaskClient, columns: dict[str, list[Any]], **changes: Any) -> Any:
    inputs = [{"name": name, "shape": [len(data)], "datatype": "FP64", "data": data} for name, data in columns.items()]
    return client.post(f"/v2/models/{small_models.NAME}/infer", json={"inputs": inputs, **changes})


def columns_of(rows: list[dict[str, float]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.mark.parametrize("task", list(small_models.TASKS))
def test_every_task_has_its_tensors(tmp_path: Path, task: str) -> None:
    """The numbers to the bit, and all else that belongs to an answer beside them."""
    client = client_of(tmp_path, **small_models.TASKS[task])
    metadata = client.get(f"/v2/models/{small_models.NAME}").json
    content = infer(client, columns_of(ROWS)).json
    assert metadata is not None
    named = {output["name"]: output for output in content["outputs"]}
    assert [(each["name"], each["datatype"]) for each in metadata["outputs"]] == [
        (name, output["datatype"]) for name, output in named.items()
    ]
    expected = client.post("/predict", json={"items": [{"features": row} for row in ROWS]}).json["results"]  # type: ignore[index]
    for each in expected:
        del each["index"], each["id"], each["ok"]
    assert [json.loads(text) for text in named["answer"]["data"]] == expected
    numbers = [list(each["predictions"].values()) or each["embedding"] for each in expected]
    tensor = {"regression": "values", "embedding": "embedding"}.get(task, "probabilities")
    assert (named[tensor]["data"], named[tensor]["shape"]) == ([*numbers[0], *numbers[1]], [2, 2])
    assert json.loads(content["parameters"]["warnings"]) == [each["warnings"] for each in expected]
    if task == "regression":
        assert json.loads(content["parameters"]["values"]) == [each["values"] for each in expected]
    if task == "classification":
        assert named["prediction"]["data"] == [each["prediction"] for each in expected]
    if task == "multi_label":
        assert [json.loads(text) for text in named["prediction"]["data"]] == [each["prediction"] for each in expected]


def test_the_models_fault_is_no_clients(tmp_path: Path) -> None:
    """Within the training range it is a 500 that names the row; beyond, the client's."""
    client = client_of(tmp_path, small_models.logarithmic(), golden_samples=[golden_of_log()])
    good = infer(client, {"a": [1.0], "b": [1.0]})
    assert good.status_code == 200
    fault = infer(client, {"a": [1.0, -1.0], "b": [1.0, 1.0]})
    assert (fault.status_code, fault.json["error"][:33]) == (500, "row 1: the model has no answer fo")
    beyond = infer(client, {"a": [1.0, -2.5], "b": [1.0, 1.0]})
    assert beyond.status_code == 422
    assert "row 1 the model has no answer for these values: they are too far" in beyond.json["error"]


def golden_of_log() -> dict[str, Any]:
    """1 has no logarithm but 0, and adds nothing."""
    return {"features": {"a": 1.0, "b": 1.0}, "expected": small_models.probabilities(1.0, 1.0)}


@pytest.mark.parametrize(
    ("columns", "changes", "problem"),
    [
        ({"a": [], "b": []}, {}, "1 to 256, not 0"),
        ({"a": [1.0], "b": [None]}, {}, "row 0: b is required"),
        ({"a": [1.0], "b": [1.0], "홍길동": [1.0]}, {}, "field 3 is not an input of this model"),
        ({"a": [1.0], "b": [1.0]}, {"outputs": [{"name": "홍길동"}]}, r"outputs[0] is not an output of this model"),
        ({"a": [1.0], "b": [1.0]}, {"outputs": [{"name": "answer"}] * 2}, "outputs have the same name twice"),
        ({"a": [1.0], "b": [1.0]}, {"outputs": [{"name": "answer", "parameters": {"binary_data": 1}}]}, "true or false as"),
        ({"a": [1.0], "b": [1.0]}, {"parameters": {"binary_data_output": "yes"}}, "binary_data_output must be true or false"),
        ({"a": [1.0], "b": [1.0]}, {"parameters": {"explain": 1}}, "parameters.explain must be true or false, not a number"),
        ({"a": [1.0] * 12, "b": [FAR] * 12}, {}, "rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more: b is farther"),
    ],
)
def test_wrong_rows_are_told(tmp_path: Path, columns: dict[str, list[Any]], changes: dict[str, Any], problem: str) -> None:
    answer = infer(client_of(tmp_path), columns, **changes)
    assert answer.status_code == 422
    assert list(answer.json) == ["error"]
    assert problem in answer.json["error"]
    assert "홍길동" not in answer.json["error"]


def test_every_reason_is_told() -> None:
    """What the problems have in common as well."""
    far = InvalidRequestError("taken together, these values are nobody's", (Detail("a", "does not go with the others"),))
    wrong = InvalidRequestError("the features are not valid", (Detail("a", "is required"), Detail("b", "is required")))
    with pytest.raises(InvalidRequestError) as told:
        results.answers_of([wrong, far, Answer([0.5, 0.5], None, ()), far])
    assert error_of(told.value).error == (
        "the features are not valid; taken together, these values are nobody's (rows are counted from 0):"
        " row 0: a is required; row 0: b is required; rows 1, 3: a does not go with the others"
    )


def test_many_problems_are_counted(tmp_path: Path) -> None:
    """However much is wrong, the text stays short."""
    answer = infer(client_of(tmp_path), {"a": [float(number) * FAR for number in range(1, 200)], "b": ["x"] * 199})
    assert answer.status_code == 422
    columns = {f"input_{number}": [1.0] for number in range(60)}
    told = infer(client_of(tmp_path / "other"), columns).json["error"]
    assert told.count("is not an input of this model") == 50
    assert told.endswith("and 1 more")


def test_sequences_are_read_as_meant(sequon_dir: Path) -> None:
    """How they are meant stands in `parameters`, and what they were translated to beside the answer."""
    client = create_app(Settings(model_dir=sequon_dir, model="sequon")).test_client()
    metadata = client.get("/v2/models/sequon").json
    assert metadata is not None
    (tensor,) = metadata["inputs"]
    assert (tensor["datatype"], tensor["shape"]) == ("BYTES", [-1, 1])
    dna = {"name": tensor["name"], "shape": [2, 1], "datatype": "BYTES", "data": ["GAACGGCACC", "GATGATGATG"]}
    meant = {"seq_type": "dna", "frame": 1, "stop_at_stop": False}
    answer = client.post("/v2/models/sequon/infer", json={"inputs": [dna], "parameters": meant}).json
    items = {"items": [{"sequence": letters} for letters in dna["data"]], **meant}
    expected = client.post("/predict", json=items).json
    assert answer is not None
    assert expected is not None
    assert json.loads(answer["parameters"]["translation"]) == [each["translation"] for each in expected["results"]]
    assert answer["outputs"][1]["data"] == [each["prediction"] for each in expected["results"]]
    wrong = client.post("/v2/models/sequon/infer", json={"inputs": [dna], "parameters": {**meant, "frame": 7}})
    assert (wrong.status_code, "rows 0, 1: frame must be 0, 1 or 2" in wrong.text) == (422, True)


def test_feedback_finds_its_prediction(tmp_path: Path) -> None:
    """By the client's own id of the only row, or by the request's id and the row."""
    small_models.install(tmp_path / "models")
    settings = Settings(model_dir=tmp_path / "models", model=small_models.NAME, state_dir=tmp_path / "state")
    client = create_app(settings).test_client()
    assert infer(client, {"a": [0.4], "b": [-0.3]}, parameters={"prediction_id": 77}).status_code == 200
    both = infer(client, columns_of(ROWS), parameters={"prediction_id": 78}).json["parameters"]["request_id"]
    asked: list[Any] = [{"prediction_id": 77}, {"request_id": both, "index": 1}, {"prediction_id": 78}]
    told = [client.post("/feedback", json={**each, "correct": True}).status_code for each in asked]
    assert told == [200, 200, 404]


_VALUES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(-3, 3), st.text(max_size=2))
_TENSORS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b", "features", "c"]),
        "shape": st.lists(st.integers(-1, 2), max_size=3),
        "datatype": st.sampled_from([*DATATYPES, "FP8"]),
    },
    optional={
        "data": st.lists(st.one_of(_VALUES, st.lists(_VALUES, max_size=2)), max_size=4),
        "parameters": st.dictionaries(st.sampled_from(["binary_data_size", "x"]), st.one_of(st.integers(-1, 20), _VALUES)),
    },
)
_REQUESTS = st.fixed_dictionaries(
    {"inputs": st.lists(_TENSORS, max_size=3)},
    optional={
        "id": _VALUES,
        "outputs": st.lists(st.fixed_dictionaries({"name": st.sampled_from(["answer", "probabilities", "x"])}), max_size=2),
        "parameters": st.dictionaries(st.sampled_from(["explain", "binary_data_output", "frame", "seq_type"]), _VALUES),
    },
)


@settings(max_examples=300, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=_REQUESTS, rest=st.binary(max_size=20), length=st.one_of(st.none(), st.integers(0, 300)))
def test_nonsense_is_the_clients_fault(client: FlaskClient, request: dict[str, Any], rest: bytes, length: int | None) -> None:
    """Whatever is sent, in the protocol's form."""
    head = json.dumps(request).encode()
    headers = {"Inference-Header-Content-Length": str(len(head) if length is None else length)}
    path = f"/v2/models/{small_models.NAME}/infer"
    for body, told in ((head + rest, headers), (head, {}), (head, headers)):
        answer = client.post(path, data=body, headers=told)
        assert answer.status_code in (200, 400, 422), answer.text
        if answer.status_code != 200:
            assert list(json.loads(answer.data)) == ["error"]


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return client_of(tmp_path)
