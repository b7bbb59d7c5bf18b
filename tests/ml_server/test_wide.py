"""A model of a thousand inputs: the memory of a request, its deadline, and its explanations."""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ml_server.card import read_card
from ml_server.completeness import Completeness
from ml_server.errors import InvalidRequestError
from ml_server.schemas import check_features
from tests.ml_server.server import DEADLINE_S, Server

pytestmark = pytest.mark.slow
WIDTH = 1000
NAME = "wide"
NAMES = [f"gene_{number}" for number in range(WIDTH)]
# README's: a request takes no more memory than the body limit times this, whatever is in it.
TIMES_THE_BODY_LIMIT = 8
BODY_LIMIT = 16 * 1024 * 1024


def wide_model() -> bytes:
    weights = np.random.default_rng(1).normal(size=(WIDTH, 2)).astype(np.float32) / WIDTH
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["features", "weights"], ["z"]),
            helper.make_node("Softmax", ["z"], ["probabilities"], axis=1),
        ],
        NAME,
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", WIDTH])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        initializer=[numpy_helper.from_array(weights, "weights")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def wide_card(content: bytes) -> dict[str, Any]:
    item = {"unit": "1", "minimum": -3.0, "maximum": 3.0, "median": 0.25}
    return {
        "name": NAME,
        "version": "1.0.0",
        "title": "Wide",
        "intended_use": "To be tried",
        "not_for": ["people"],
        "runtime": "onnx",
        "file": "model.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "classes": ["no", "yes"],
        "inputs": [{"name": name, "description": name, **item} for name in NAMES],
        "training": {"data": "none", "citation": "none", "rows": 2, "method": "by hand"},
        "scores": {},
        "golden_tolerance": 1e-4,
        "golden_samples": [{"features": {}, "expected": probabilities(content)}],
    }


def probabilities(content: bytes) -> dict[str, float]:
    weights = numpy_helper.to_array(onnx.load_model_from_string(content).graph.initializer[0]).astype(np.float64)
    z = 0.25 * weights.sum(axis=0)
    p = np.exp(z) / np.exp(z).sum()
    return {"no": float(p[0]), "yes": float(p[1])}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    above = tmp_path_factory.mktemp("wide")
    directory = above / "models" / NAME / "1.0.0"
    directory.mkdir(parents=True)
    content = wide_model()
    (directory / "model.onnx").write_bytes(content)
    (directory / "model.json").write_bytes(msgspec.json.encode(wide_card(content)))
    settings = {"ML_MODEL_DIR": str(above / "models"), "ML_MODEL": NAME, "ML_WORKERS": "1", "ML_TIMEOUT_S": "30"}
    running = Server(above, settings)
    try:
        running.report_with("READY")
        yield running
    finally:
        running.stop()


def batch(features: dict[str, Any], **options: Any) -> bytes:
    return json.dumps({"items": [{"features": features}] * 256, **options}).encode()


BODIES = {
    "empty, explained": batch({}, explain=True),
    "whole, explained": batch(dict.fromkeys(NAMES, 0.5), explain=True),
    "misspelt": batch({f"{name}_": 1 for name in NAMES}),
    "lists in lists": b'{"features": {}, "other": [' + b"[]," * (BODY_LIMIT // 3 - 100) + b"[]]}",
    "many keys": json.dumps({"features": {f"k{number}": 0 for number in range(1_000_000)}}).encode(),
}


@pytest.mark.parametrize("kind", list(BODIES))
def test_memory_of_a_request_is_bounded(server: Server, kind: str) -> None:
    body = BODIES[kind]
    assert len(body) <= BODY_LIMIT
    (worker,) = server.workers()
    status = Path(f"/proc/{worker}/status")
    Path(f"/proc/{worker}/clear_refs").write_text("5")  # the peak begins anew
    before = kilobytes(status, "VmRSS")
    started = time.monotonic()
    answer = server.post(body)
    assert answer.status_code in (200, 413, 422)
    assert (kilobytes(status, "VmHWM") - before) * 1024 < TIMES_THE_BODY_LIMIT * BODY_LIMIT
    assert time.monotonic() - started < DEADLINE_S


def kilobytes(status: Path, key: str) -> int:
    return int(status.read_text().split(f"{key}:")[1].split()[0])


def test_explanation_is_the_same_alone_and_in_a_batch(server: Server) -> None:
    """In whatever pieces it is made."""
    people = [{name: 0.1 * (number % 7) for number, name in enumerate(NAMES[:count])} for count in (3, 500, 1000)]
    together = server.predict({"items": [{"features": person} for person in people], "explain": True}).json()["results"]
    for person, other in zip(people, together, strict=True):
        alone = server.predict({"features": person, "explain": True}).json()
        plain = server.predict({"features": person}).json()
        assert alone["predictions"] == pytest.approx(plain["predictions"], abs=1e-6)
        assert other["predictions"] == pytest.approx(plain["predictions"], abs=1e-6)
        assert len(alone["feature_importance"]) == WIDTH
        assert other["feature_importance"] == pytest.approx(alone["feature_importance"], abs=2e-6)
        assert any(alone["feature_importance"].values())


def test_deadline_is_for_all_explanations_together(server: Server, tmp_path: Path) -> None:
    models = str(server.work.parent / "models")
    running = Server(tmp_path, {"ML_MODEL_DIR": models, "ML_MODEL": NAME, "ML_WORKERS": "1", "ML_TIMEOUT_S": "0.1"})
    try:
        running.report_with("READY")
        answer = running.post(BODIES["whole, explained"])
        assert (answer.status_code, answer.json()["code"]) == (504, "prediction_timeout")
    finally:
        running.stop()


def test_many_missing_are_told_in_few_words() -> None:
    """And of many misspelt names the first ones."""
    card = read_card(msgspec.json.encode(wide_card(wide_model())))
    row = check_features({}, card)
    assert len(row.missing) == len(row.warnings) == WIDTH
    outcome = Completeness(card).outcome(row.missing)
    assert len(outcome.told) == 1
    assert msgspec.json.decode(outcome.completeness)["given"] == 0
    with pytest.raises(InvalidRequestError) as refused:
        check_features({f"{name}_": 1 for name in NAMES}, card)
    assert len(refused.value.details) == 51
