"""Models that answer what they are asked, as any kind of answer, in a server that keeps what it answers."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from flask import Flask
from flask.testing import FlaskClient
from onnx import TensorProto, helper

from ml_server.app import create_app
from ml_server.config import Settings

NAMES = ("a", "b", "c")
# A middle request of each task.
MIDDLE = {"classification": [0.5, 0.5], "multi_label": [0.5, 0.5], "regression": [0.5], "embedding": [0.5, 0.5]}


def content(width: int) -> bytes:
    """An ONNX model that puts out its inputs."""
    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width]) for name in ("features", "numbers")]
    graph = helper.make_graph([helper.make_node("Identity", ["features"], ["numbers"])], "echo", sides[:1], sides[1:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


def write(above: Path, task: str, name: str = "echo", middle: Sequence[float] = (), **changes: Any) -> Path:
    """Write a model whose inputs are called as its answers are."""
    middle = list(middle or MIDDLE[task])
    directory = above / name / "1.0.0"
    directory.mkdir(parents=True)
    model, names = content(len(middle)), NAMES[: len(middle)]
    (directory / "model.onnx").write_bytes(model)
    item = {"unit": "points", "minimum": 0.0, "maximum": 1.0, "median": 0.5, "missing": "refuse"}
    targets = [{"name": each, "description": each, "unit": "points", "minimum": 0.0, "maximum": 1.0} for each in names]
    by_task: dict[str, dict[str, Any]] = {
        "classification": {"classes": list(names)},
        "multi_label": {"classes": list(names)},
        "regression": {"targets": targets},
        "embedding": {},
    }
    expected: Any = {"embedding": middle} if task == "embedding" else dict(zip(names, middle, strict=True))
    card = {
        "name": name,
        "version": "1.0.0",
        "title": "An echo",
        "intended_use": "To be tried",
        "not_for": ["people"],
        "runtime": "onnx",
        "file": "model.onnx",
        "sha256": hashlib.sha256(model).hexdigest(),
        "task": task,
        **by_task[task],
        "inputs": [{"type": "number", "name": each, "description": each, **item} for each in names],
        "training": {"data": "none", "citation": "none", "rows": 2, "method": "by hand"},
        "scores": {},
        "golden_tolerance": 1e-4,
        "golden_samples": [{"features": dict(zip(names, middle, strict=True)), "expected": expected}],
        **changes,
    }
    (directory / "model.json").write_bytes(msgspec.json.encode(card))
    return above


def request(*numbers: float) -> dict[str, Any]:
    """What is sent for an answer of these numbers."""
    return {"features": dict(zip(NAMES, numbers, strict=False))}


class Served:
    """A server of one model that keeps its answers."""

    def __init__(self, directory: Path, task: str = "classification", **changes: Any) -> None:
        self.state = directory / "state"
        self.models = write(directory / "models", task, **changes)
        self.app: Flask = create_app(Settings(state_dir=self.state, model_dir=self.models, model="echo"))
        self.client: FlaskClient = self.app.test_client()

    def post(self, body: dict[str, Any], **headers: str) -> Any:
        """The answer to a prediction request."""
        return self.client.post("/predict", json=body, headers=headers).json

    def predict(self, *numbers: float, **more: Any) -> Any:
        """The answer to one request."""
        return self.post({**request(*numbers), **more})

    def feedback(self, **said: Any) -> tuple[int, Any]:
        """Status and answer."""
        answer = self.client.post("/api/feedback", json=said)
        return answer.status_code, answer.json

    def judge(self, answers: Sequence[Sequence[float]], truths: Sequence[dict[str, Any]]) -> None:
        """Have these answered, and say what was true of each, in batches."""
        for begin in range(0, len(answers), 256):
            items = [request(*numbers) for numbers in answers[begin : begin + 256]]
            request_id = self.post({"items": items})["request_id"]
            said = [{"index": index, **truth} for index, truth in enumerate(truths[begin : begin + 256])]
            _, told = self.feedback(request_id=request_id, items=said)
            assert all(each["ok"] for each in told["results"]), told

    def summary(self) -> Any:
        """What is said of the only version."""
        (version,) = self.get("/api/feedback/summary")["models"]
        return version

    def get(self, path: str) -> Any:
        """What is answered there."""
        return self.client.get(path).json
