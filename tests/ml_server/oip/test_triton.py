"""The protocol as a client speaks it that others wrote, against a real gunicorn."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from tritonclient import http
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from ml_server.card import Card
from tests.ml_server.conftest import NAME, VERSION, StartServer
from tests.ml_server.oip import mixed
from tests.ml_server.server import DEADLINE_S, Server

pytestmark = pytest.mark.slow
KEY = "0123456789abcdef"
DTYPES: dict[str, Any] = {"FP64": np.float64, "INT64": np.int64, "BOOL": np.bool_, "BYTES": np.object_}


@contextmanager
def client_of(server: Server) -> Iterator[http.InferenceServerClient]:
    with http.InferenceServerClient(urlsplit(server.url).netloc, network_timeout=DEADLINE_S) as client:
        yield client


@pytest.fixture
def server(start_server: StartServer) -> Server:
    started = start_server()
    started.report_with("READY")
    return started


@pytest.fixture
def client(server: Server) -> Iterator[http.InferenceServerClient]:
    with client_of(server) as made:
        yield made


def tensor(name: str, values: Any, dtype: Any = np.float64, *, is_binary: bool = True) -> http.InferInput:
    array = np.asarray(values, dtype)
    made = http.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    made.set_data_from_numpy(array, binary_data=is_binary)
    return made


def separate(rows: Sequence[Mapping[str, Any]], dtype: Any = np.float64, *, is_binary: bool = True) -> list[http.InferInput]:
    """A tensor for each feature of the rows, which all have the same ones."""
    return [tensor(name, [[row[name]] for row in rows], dtype, is_binary=is_binary) for name in rows[0]]


def wanted(*names: str, is_binary: bool) -> list[http.InferRequestedOutput]:
    return [http.InferRequestedOutput(name, binary_data=is_binary) for name in names]


def predicted(server: Server, rows: list[Any]) -> list[dict[str, Any]]:
    """What `/predict` answers to the same."""
    results: list[dict[str, Any]] = server.predict({"items": [{"features": row} for row in rows]}).json()["results"]
    for result in results:
        assert result.pop("ok"), result
        del result["index"], result["id"]
    return results


def texts(result: http.InferResult, name: str) -> list[str]:
    """A tensor of text: bytes where it came as such."""
    return [text.decode() if isinstance(text, bytes) else str(text) for text in result.as_numpy(name).ravel()]


def refusal(client: http.InferenceServerClient, model: str, inputs: list[http.InferInput], **options: Any) -> tuple[str, str]:
    with pytest.raises(InferenceServerException) as told:
        client.infer(model, inputs, **options)
    return str(told.value.status()), str(told.value.message())


def test_server_tells_about_itself(client: http.InferenceServerClient, card: Card) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(NAME)
    assert client.is_model_ready(NAME, VERSION)
    assert not client.is_model_ready(NAME, "9.9.9")
    assert not client.is_model_ready("other")
    about = client.get_server_metadata()
    assert about == {"name": "neuronova", "version": "1.0.0", "extensions": ["binary_tensor_data", "parameters"]}
    model = client.get_model_metadata(NAME)
    assert model == client.get_model_metadata(NAME, VERSION)
    assert (model["name"], model["versions"], model["platform"]) == (NAME, [VERSION], "onnx_onnxv1")
    assert [each["name"] for each in model["inputs"]] == [item.name for item in card.inputs]
    assert {(each["datatype"], *each["shape"]) for each in model["inputs"]} == {("FP64", -1, 1)}
    assert {each["name"]: each["shape"] for each in model["outputs"]} == {
        "probabilities": [-1, 2],
        "prediction": [-1, 1],
        "answer": [-1, 1],
    }
    for path in ("other", f"{NAME}/versions/9.9.9"):
        with pytest.raises(InferenceServerException, match="no model of that name and version"):
            client.get_model_metadata(path)


@pytest.mark.parametrize("is_binary", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 9])
def test_numbers_are_answered_as_by_predict(
    server: Server, client: http.InferenceServerClient, card: Card, is_binary: bool, dtype: Any, count: int
) -> None:
    """To the bit: one by one and in a batch, as JSON and as bytes, by name and as a matrix, of all inputs or the required."""
    whole = [sample.features for sample in card.golden_samples if len(sample.features) == len(card.inputs)]
    # With the required inputs alone, the others of these people are too far from all in training.
    rows = [whole[number % 3] for number in range(count)]
    required = [{item.name: row[item.name] for item in card.inputs if item.is_required} for row in rows]
    matrix = [[row[item.name] for item in card.inputs] for row in rows]
    for inputs, asked in (
        (separate(rows, dtype, is_binary=is_binary), rows),
        (separate(required, dtype, is_binary=is_binary), required),
        ([tensor("features", matrix, dtype, is_binary=is_binary)], rows),
    ):
        expected = predicted(server, asked)
        names = ("probabilities", "prediction", "answer")
        for outputs in (None, wanted(*names, is_binary=True), wanted(*names, is_binary=False)):
            result = client.infer(NAME, inputs, outputs=outputs, request_id="ask-42")
            response = result.get_response()
            assert (response["model_name"], response["model_version"], response["id"]) == (NAME, VERSION, "ask-42")
            assert result.as_numpy("probabilities").tolist() == [list(each["predictions"].values()) for each in expected]
            assert texts(result, "prediction") == [each["prediction"] for each in expected]
            assert [json.loads(text) for text in texts(result, "answer")] == expected
            assert json.loads(response["parameters"]["warnings"]) == [each["warnings"] for each in expected]
            assert json.loads(result.get_output("probabilities")["parameters"]["names"]) == card.classes


def test_no_answer_is_unmarked(client: http.InferenceServerClient, required_features: dict[str, Any]) -> None:
    """Whatever outputs are asked for, what was filled or is odd is told beside them."""
    result = client.infer(NAME, separate([required_features]), outputs=wanted("probabilities", is_binary=True))
    assert [output["name"] for output in result.get_response()["outputs"]] == ["probabilities"]
    (warnings,) = json.loads(result.get_response()["parameters"]["warnings"])
    assert sum(" is missing" in warning for warning in warnings) == 10
    (completeness,) = json.loads(result.get_response()["parameters"]["completeness"])
    assert (completeness["given"], "VEGF" in completeness["missing"]) == (5, True)


def test_explanation_comes_when_asked_for(client: http.InferenceServerClient, features: dict[str, Any]) -> None:
    result = client.infer(NAME, separate([features] * 2), parameters={"explain": True})
    told = json.loads(result.get_response()["parameters"]["feature_importance"])
    assert [set(each) for each in told] == [set(features)] * 2


def test_every_kind_of_input_is_read(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(ML_MODEL_DIR=str(mixed.build(tmp_path / "models")), ML_MODEL=mixed.NAME)
    server.report_with("READY")
    rows = [
        mixed.row(),
        mixed.row(crp=0.1, falls=0, smoker=False, ward="내과", born="1940-12-31", letters="ee", scan=mixed.image(0)),
        mixed.row(crp=50.5, falls=11, letters="ACDEAC", scan=mixed.image(255)),
    ]
    with client_of(server) as client:
        metadata = {each["name"]: each for each in client.get_model_metadata(mixed.NAME)["inputs"]}
        assert {name: each["datatype"] for name, each in metadata.items()} == {
            "crp": "FP64",
            "falls": "FP64",  # NaN is its sign of a missing value
            "smoker": "BOOL",
            "born": "BYTES",
            "ward": "BYTES",
            "letters": "BYTES",
            "scan": "BYTES",
        }
        for asked in (rows, rows[:1], rows[1:2]):
            expected = predicted(server, [mixed.features(row) for row in asked])
            for is_binary in (True, False):
                inputs = []
                for name, each in metadata.items():
                    plain = asked if is_binary else [mixed.features(row) for row in asked]
                    column = np.array([[row[name]] for row in plain], DTYPES[each["datatype"]])
                    inputs.append(tensor(name, column, column.dtype, is_binary=is_binary))
                result = client.infer(mixed.NAME, inputs, outputs=wanted("probabilities", "answer", is_binary=is_binary))
                assert [json.loads(text) for text in texts(result, "answer")] == expected
        missing = [tensor("falls", [[2.0], [math.nan], [1.0]]), *_texts_of(rows)]
        warnings = json.loads(client.infer(mixed.NAME, missing).get_response()["parameters"]["warnings"])
        assert ["falls is missing" in "; ".join(each) for each in warnings] == [False, True, False]


def _texts_of(rows: list[dict[str, Any]]) -> list[http.InferInput]:
    return [tensor(name, [[row[name]] for row in rows], np.object_) for name in ("ward", "letters", "scan")]


def test_every_mistake_is_told(client: http.InferenceServerClient, features: dict[str, Any], card: Card) -> None:
    """With its row and field, in the protocol's form, and without a value."""
    good = separate([features] * 3)
    others = [each for each in good if each.name() != "tau"]
    far = [[5.5], [523.25], [5.6]]
    width = len(card.inputs)
    cases: list[tuple[list[http.InferInput], str]] = [
        ([*others, tensor("tau", far)], "row 1: tau is farther outside the range"),
        ([*others, tensor("tau", far, is_binary=False)], "row 1: tau is farther outside the range"),
        ([*others, tensor("tau", [[5.5], [math.nan], [math.nan]])], "rows 1, 2: tau is NaN: leave it out, or send null"),
        ([*others, tensor("tau", [[5.5], [math.inf], [5.5]])], "row 1: tau is too large for a number"),
        (others, "rows 0, 1, 2: tau is required"),
        ([*good, tensor("tua", far)], "tua is not an input of this model; did you mean tau?"),
        ([*others, tensor("tau", [[True]] * 3, np.bool_)], "tau must be FP16 or FP32 or FP64"),
        ([*others, tensor("tau", [["x"]] * 3, np.object_)], "tau must be FP16 or FP32 or FP64"),
        ([*others, tensor("tau", far[:2])], "must have the same number of rows, 1 to 256, not 2 or 3"),
        ([*others, tensor("tau", [[5.5, 5.5]] * 3)], r"tau must have the shape \[rows, 1\]"),
        ([*good, tensor("tau", far)], "inputs have the same name twice"),
        ([tensor("features", [[5.5] * 3])], rf"of shape \[rows, {width}\]"),
        ([*good, tensor("features", [[5.5] * width])], "features must not stand beside other inputs"),
        (separate([features] * 257), "1 to 256, not 257"),
    ]
    for inputs, problem in cases:
        status, message = refusal(client, NAME, inputs)
        assert status == "422", message
        assert re.search(problem, message), message
        assert "523" not in message
    assert refusal(client, "other", good)[0] == "404"
    assert refusal(client, NAME, good, model_version="9.9.9")[0] == "404"
    assert refusal(client, NAME, good, headers={"Content-Type": "text/csv"})[0] == "415"
    assert refusal(client, NAME, good, request_compression_algorithm="gzip")[0] == "415"
    assert refusal(client, NAME, [*others, tensor("tau", [[math.nan]] * 3, is_binary=False)])[0] == "400"
    status, message = refusal(client, NAME, good, outputs=wanted("logits", is_binary=True))
    assert (status, "not an output of this model: probabilities, prediction, answer" in message) == ("422", True)
    top = [http.InferRequestedOutput("probabilities", class_count=1)]
    assert "classification" in refusal(client, NAME, good, outputs=top)[1]
    assert len(client.infer(NAME, good).as_numpy("probabilities")) == 3


def test_key_is_demanded(start_server: StartServer, features: dict[str, Any]) -> None:
    server = start_server(ML_API_KEY=KEY)
    server.report_with("READY")
    with client_of(server) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert not client.is_model_ready(NAME)
        assert refusal(client, NAME, separate([features])) == ("401", "the header X-API-Key is missing or wrong")
        with pytest.raises(InferenceServerException, match="X-API-Key"):
            client.get_server_metadata()
        assert client.is_model_ready(NAME, headers={"X-API-Key": KEY})
        assert client.infer(NAME, separate([features]), headers={"X-API-Key": KEY}).as_numpy("probabilities").shape == (1, 2)


def test_inference_is_logged_and_counted(server: Server, features: dict[str, Any]) -> None:
    """As a prediction, under its request id; the monitor's own as a probe."""
    with client_of(server) as client:
        client.infer(NAME, separate([features] * 2), request_id="hong-gil-dong", headers={"X-Request-ID": "proxy-1"})
        client.infer(NAME, separate([features]), headers={"X-Request-ID": "proxy-2", "User-Agent": "neuronova-monitor"})
        refusal(client, NAME, separate([{**features, "tau": 523.25}]), headers={"X-Request-ID": "proxy-3"})
    answer = requests.get(f"{server.url}/metrics", timeout=DEADLINE_S)
    assert answer.status_code == 200, answer.text
    metrics = answer.text
    server.stop()
    said = server.stdout.read_text() + server.stderr.read_text()
    what = rf"model={NAME} version={VERSION} digest=[0-9a-f]{{12}}"
    assert re.search(rf"INFO: predict request_id=proxy-1 {what} status=200 rows=2 answered=2 ms=", said)
    assert re.search(rf"INFO: probe request_id=proxy-2 {what} status=200 rows=1 answered=1 ms=", said)
    assert re.search(rf"INFO: predict request_id=proxy-3 {what} status=422 rows=1 answered=0 ms=", said)
    assert "hong" not in said
    assert re.findall(r"predicted_rows_total\{.*\} (.*)", metrics) == ["2.0"]
    assert re.findall(r'probe_requests_total\{.*status="200".*\} (.*)', metrics) == ["1.0"]


def test_slow_and_many_are_told(start_server: StartServer, slow_model_dir: Path) -> None:
    """The deadline holds, and who would have to wait too long is told at once, to ask again later."""
    server = start_server(ML_MODEL_DIR=str(slow_model_dir), ML_TIMEOUT_S="1.5", ML_WORKERS="1", ML_THREADS="2")
    server.report_with("READY")

    def ask(_: int) -> requests.Response:
        content = {"inputs": [{"name": "rounds", "shape": [1], "datatype": "FP64", "data": [1e12]}]}
        return requests.post(f"{server.url}/v2/models/{NAME}/infer", json=content, timeout=DEADLINE_S)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(6)))
        live = requests.get(f"{server.url}/v2/health/live", timeout=DEADLINE_S)
    assert {answer.status_code for answer in answers} == {503, 504}
    assert {answer.headers.get("Retry-After") for answer in answers if answer.status_code == 503} == {"5"}
    assert {tuple(answer.json()) for answer in answers} == {("error",)}
    assert live.json() == {"live": True}
