"""Small models, written with standard operators, and the data that they were made for."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper

from ml_server.packing.table import Table, table_of

Floats = npt.NDArray[np.float64]

COLUMNS = ("age", "albumin", "log_crp")
_ROWS = 80


@dataclass(frozen=True)
class Case:
    """A model with the rows that it was made for, its answers to them, and the truth."""

    model: bytes
    values: Floats
    answers: Floats
    truth: tuple[str, ...]
    classes: tuple[str, ...]

    def data(self, **more: Any) -> Table:
        columns = {name: self.values[:, place] for place, name in enumerate(COLUMNS)}
        return table_of({**columns, **more, "outcome": list(self.truth)})

    def predictions(self, answers: Floats | None = None) -> Table:
        found = self.answers if answers is None else answers
        return table_of(dict(zip(self.classes, found.T, strict=True)))


def people(rows: int = _ROWS) -> Floats:
    """Measurements as a laboratory rounds them, of about the same size."""
    rng = np.random.default_rng(5)
    return np.round(rng.normal(size=(rows, len(COLUMNS))), 2)


def linear(weights: Floats, *, classes: tuple[str, ...], last: str = "Softmax", rows: int | None = None) -> Case:
    """Return a model that is a matrix and `last`: with one row of weights two classes, else a class for each."""
    whole = np.concatenate([np.zeros_like(weights), weights]) if len(weights) == 1 else weights
    nodes = [helper.make_node("MatMul", ["features", "weights"], ["logits"])]
    if last:
        nodes.append(helper.make_node(last, ["logits"], ["probabilities"]))
    else:
        nodes.append(helper.make_node("Identity", ["logits"], ["probabilities"]))
    values = people()
    logits = values.astype(np.float32) @ whole.T.astype(np.float32)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    answers = powers / powers.sum(axis=1, keepdims=True)
    truth = tuple(classes[place] for place in answers.argmax(axis=1))
    return Case(graph(nodes, {"weights": whole.T}, (rows, 3), (rows, len(whole))), values, answers.astype(float), truth, classes)


def graph(nodes: list[Any], weights: dict[str, Floats], given: tuple[Any, ...], answered: tuple[Any, ...]) -> bytes:
    """Return the file of a model from `features` to `probabilities`, both float32."""
    initial = [
        helper.make_tensor(name, TensorProto.FLOAT, value.shape, value.astype(np.float32).ravel())
        for name, value in weights.items()
    ]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, given)],
            [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, answered)],
            initial,
        ),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=8,
    )
    content: bytes = model.SerializeToString()
    return content


def write_csv(table: Table, path: Path) -> Path:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(table.columns)
    writer.writerows([["" if cell is None else cell for cell in row] for row in zip(*table.columns.values(), strict=True)])
    path.write_text(text.getvalue(), encoding="utf-8")
    return path
