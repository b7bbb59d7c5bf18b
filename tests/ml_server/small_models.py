"""Small models, each with one peculiarity, and cards for them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NAME = "small"
INPUTS = ("a", "b")
CLASSES = ("no", "yes")
# What the plain model adds up: no two weights are the same, so that no two columns can be exchanged.
WEIGHTS = (1.0, -0.5)


def plain(nodes: Sequence[Any] = (), *, tail: str = "z", batch: Any = "n", extra: Sequence[Any] = (), **options: Any) -> bytes:
    """Two inputs -> the probabilities of a logistic regression; `nodes` stand between `z`, its sum, and `tail`."""
    weights = np.array([[-WEIGHTS[0], WEIGHTS[0]], [-WEIGHTS[1], WEIGHTS[1]]], dtype=np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["features", "weights"], ["z"]),
            *nodes,
            helper.make_node("Softmax", [tail], ["probabilities"], axis=1),
        ],
        "plain",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [batch, 2])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [batch, 2])],
        initializer=[numpy_helper.from_array(weights, "weights"), *extra],
    )
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", options.get("opset", 17)), helper.make_opsetid("foreign", 1)],
        ir_version=options.get("ir_version", 8),
    )
    return bytes(made.SerializeToString())


def dice() -> bytes:
    """Answers differently each time."""
    nodes = [
        helper.make_node("RandomNormalLike", ["z"], ["noise"], scale=0.5),
        helper.make_node("Add", ["z", "noise"], ["moved"]),
    ]
    return plain(nodes, tail="moved")


def neighbourly() -> bytes:
    """Answers differently alone and in a batch, as a normalisation over the batch does."""
    nodes = [
        helper.make_node("ReduceMax", ["z"], ["most"], axes=[0], keepdims=1),
        helper.make_node("Mul", ["most", "tenth"], ["shift"]),
        helper.make_node("Mul", ["shift", "signs"], ["signed"]),
        helper.make_node("Add", ["z", "signed"], ["moved"]),
    ]
    extra = [
        numpy_helper.from_array(np.array(0.1, dtype=np.float32), "tenth"),
        numpy_helper.from_array(np.array([[1.0, -1.0]], dtype=np.float32), "signs"),
    ]
    return plain(nodes, tail="moved", extra=extra)


def hungry(megabytes: int) -> bytes:
    """A few hundred bytes that ask for so much memory when the model is run."""
    nodes = [
        helper.make_node("Shape", ["z"], ["shape"]),
        helper.make_node("Mul", ["shape", "many"], ["large"]),
        helper.make_node("ConstantOfShape", ["large"], ["zeros"]),
        helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=0),
        helper.make_node("Add", ["z", "zero"], ["moved"]),
    ]
    extra = [numpy_helper.from_array(np.array([megabytes * 1024 * 1024 // 8, 1], dtype=np.int64), "many")]
    return plain(nodes, tail="moved", extra=extra)


def logarithmic() -> bytes:
    """NaN for half of the values that its card calls ordinary."""
    return plain([helper.make_node("Log", ["features"], ["log"]), helper.make_node("Add", ["z", "log"], ["moved"])], tail="moved")


def foreign() -> bytes:
    """With an operator that nobody knows."""
    return plain([helper.make_node("Transmogrify", ["z"], ["moved"], domain="foreign")], tail="moved")


def external() -> bytes:
    """With its weights in another file."""
    made = onnx.load_model_from_string(plain())
    (weights,) = made.graph.initializer
    onnx.external_data_helper.set_external_data(weights, location="weights.bin")
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    return bytes(made.SerializeToString())


def probabilities(a: float, b: float, weights: Sequence[float] = WEIGHTS) -> dict[str, float]:
    """What the plain model answers."""
    z = weights[0] * a + weights[1] * b
    yes = float(1 / (1 + np.exp(-2 * z)))
    return {"no": 1 - yes, "yes": yes}


def sample(a: float, b: float) -> dict[str, Any]:
    return {"features": {"a": a, "b": b}, "expected": probabilities(a, b)}


# What a card of each task says otherwise than that of the plain model, whose two columns mean something else then.
_VALUE = {"description": "A value", "unit": "points", "minimum": 0.0, "maximum": 1.0}
TASKS: dict[str, dict[str, Any]] = {
    "classification": {},
    "multi_label": {"task": "multi_label"},
    "regression": {
        "task": "regression",
        "classes": [],
        "targets": [
            {"name": "no", **_VALUE, "interval": {"below": 0.1, "above": 0.2, "coverage": 0.95}},
            {"name": "yes", **_VALUE},
        ],
    },
    "embedding": {
        "task": "embedding",
        "classes": [],
        "golden_samples": [
            {"features": {"a": 0.4, "b": -0.3}, "expected": {"embedding": list(probabilities(0.4, -0.3).values())}}
        ],
    },
}
SAMPLES = (sample(0.4, -0.3), sample(-0.5, 0.2))


def card(content: bytes, **changes: Any) -> dict[str, Any]:
    """The card of the plain model, in the first generation's form."""
    item = {"unit": "points", "minimum": -2.0, "maximum": 2.0, "median": 0.0, "required": True}
    return {
        "name": NAME,
        "version": "1.0.0",
        "title": "A small model",
        "intended_use": "To be tried",
        "not_for": ["people"],
        "runtime": "onnx",
        "file": "model.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "classes": list(CLASSES),
        "inputs": [{"name": name, "description": f"The input {name}", **item} for name in INPUTS],
        "training": {"data": "none", "citation": "none", "rows": 2, "class_counts": {"no": 1, "yes": 1}, "method": "by hand"},
        "scores": {},
        "golden_tolerance": 1e-4,
        "golden_samples": list(SAMPLES),
        **changes,
    }


def write(directory: Path, content: bytes | None = None, **changes: Any) -> Path:
    """Write a model and its card into a directory, and return that."""
    model = plain() if content is None else content
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "model.onnx").write_bytes(model)
    (directory / "model.json").write_bytes(msgspec.json.encode(card(model, **changes)))
    return directory


def install(model_dir: Path, content: bytes | None = None, *, version: str = "1.0.0", **changes: Any) -> Path:
    """Put a model into a model directory by hand, and return its own directory."""
    name = changes.get("name", NAME)
    return write(model_dir / name / version, content, version=version, **changes)
