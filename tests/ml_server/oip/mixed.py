"""A model that reads every kind of input that there is: numbers, yes or no, a category, a date, letters and an image."""

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from ml_server.card import read_card
from ml_server.schemas import check_features
from ml_server.tensors import Layout, TensorSpec

NAME = "mixed"


def image(brightness: int) -> bytes:
    """A PNG file of 2 x 2 points."""
    file = io.BytesIO()
    Image.fromarray(np.full((2, 2), brightness, np.uint8)).save(file, "PNG")
    return file.getvalue()


def row(**changes: Any) -> dict[str, Any]:
    """One row as a tensor has it: the image as the bytes of a file."""
    plain = {"crp": 12.5, "falls": 2, "smoker": True, "ward": "surgery", "born": "1985-03-02"}
    return {**plain, "letters": "ACD", "scan": image(51), **changes}


def features(values: dict[str, Any]) -> dict[str, Any]:
    """The same as `/predict` has it."""
    return {**values, "scan": base64.b64encode(values["scan"]).decode()}


def _model() -> bytes:
    weights = np.array([[0.01], [0.1], [0.3], [0.00005]], np.float32)
    nodes = [
        helper.make_node("IsNaN", ["table"], ["is_missing"]),
        helper.make_node("Where", ["is_missing", "zero", "table"], ["known"]),
        helper.make_node("MatMul", ["known", "weights"], ["tabled"]),
        helper.make_node(
            "LabelEncoder",
            ["ward"],
            ["warded"],
            domain="ai.onnx.ml",
            keys_strings=["surgery", "내과"],
            values_floats=[0.2, -0.4],
        ),
        helper.make_node("Cast", ["letters"], ["numbered"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["numbered"], ["lettered"], axes=[1], keepdims=1),
        helper.make_node("ReduceMean", ["scan"], ["scanned"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["scanned", "one"], ["bright"]),
        helper.make_node("Sum", ["tabled", "warded", "lettered", "bright"], ["z"]),
        helper.make_node("Neg", ["z"], ["minus"]),
        helper.make_node("Concat", ["minus", "z"], ["both"], axis=1),
        helper.make_node("Softmax", ["both"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "mixed",
        [
            helper.make_tensor_value_info("table", TensorProto.FLOAT, ["n", 4]),
            helper.make_tensor_value_info("ward", TensorProto.STRING, ["n", 1]),
            helper.make_tensor_value_info("letters", TensorProto.INT64, ["n", 6]),
            helper.make_tensor_value_info("scan", TensorProto.FLOAT, ["n", 2, 2]),
        ],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        initializer=[
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([1], np.int64), "one"),
            numpy_helper.from_array(np.array(0, np.float32), "zero"),
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def _card(content: bytes, samples: list[dict[str, Any]]) -> dict[str, Any]:
    def item(name: str, kind: str, **options: Any) -> dict[str, Any]:
        return {"name": name, "type": kind, "description": f"The {name}", **options}

    return {
        "name": NAME,
        "version": "1.0.0",
        "title": "A model of everything",
        "intended_use": "To be tried",
        "not_for": ["people"],
        "runtime": "onnx",
        "file": "model.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "classes": ["no", "yes"],
        "inputs": [
            item("crp", "number", unit="mg/l", minimum=0, maximum=50, median=5, tensor="table"),
            item("falls", "integer", unit="times", minimum=0, maximum=10, median=1, missing="nan", tensor="table"),
            item("smoker", "boolean", mode=False, tensor="table"),
            item("born", "date", minimum="1930-01-01", maximum="2010-12-31", median="1970-06-01", tensor="table"),
            item("ward", "category", values=["surgery", "내과"], mode="surgery", missing="refuse"),
            item("letters", "sequence", alphabet="ACDE", length=6),
            item("scan", "image", width=2, height=2, layout="none", scale=1 / 255),
        ],
        "training": {"data": "none", "citation": "none", "rows": 2, "class_counts": {"no": 1, "yes": 1}, "method": "by hand"},
        "scores": {},
        "golden_tolerance": 1e-4,
        "golden_samples": samples,
    }


def build(model_dir: Path) -> Path:
    """Write the model into a model directory, and return that."""
    content, wanted = _model(), features(row())
    directory = model_dir / NAME / "1.0.0"
    directory.mkdir(parents=True)
    draft = read_card(msgspec.json.encode(_card(content, [{"features": wanted, "expected": {"no": 0, "yes": 1}}])))
    session = ort.InferenceSession(content)
    specs = [
        TensorSpec("table", "float32", (None, 4)),
        TensorSpec("ward", "string", (None, 1)),
        TensorSpec("letters", "int64", (None, 6)),
        TensorSpec("scan", "float32", (None, 2, 2)),
    ]
    (answer,) = session.run(None, Layout(draft.inputs, specs).tensors([check_features(wanted, draft).values]))[0].tolist()
    (directory / "model.onnx").write_bytes(content)
    sample = {"features": wanted, "expected": dict(zip(("no", "yes"), answer, strict=True))}
    (directory / "model.json").write_bytes(msgspec.json.encode(_card(content, [sample])))
    return model_dir
