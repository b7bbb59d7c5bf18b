"""Make a small model of sequences, to try them out: `python -m ml_server.training.sequon DIRECTORY` (or `make sequon`).

Data: made, by a rule that biology has: where the letters N-X-S or N-X-T with any X but proline stand in a protein, a sugar
may be attached (the sequon of N-glycosylation). Proteins are random letters, the seed is fixed, and a protein is of the class
`sequon` if the pattern is anywhere in it; one label in ten is wrong, as labels are, so that nothing is certain. Nothing of it
is a patient's, and the model is not the default.

The model is learnt from examples, as one of real data would be: a logistic regression tells windows of three letters
apart, and is a convolution in the network; the likeliest window of a protein gets the slope and intercept of a second
logistic regression, on proteins (Platt 1999).
"""

import hashlib
import math
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from ml_server.card import read_card
from ml_server.training.alzheimer_card import Floats, Ints

NAME, VERSION = "sequon", "1.0.0"
CLASSES = ("none", "sequon")
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
LENGTH, SHORTEST = 2000, 3
_WINDOW = 3
_LETTERS = (20, 160)
_TRAINING, _TEST = 1500, 500
_SEED = 1961  # in which year the genetic code was first read
_WRONG_LABELS = 0.1
_STRENGTH = 1000.0
_DECIMALS = 5
_OPSET, _IR = 17, 8


class Data(NamedTuple):
    """Proteins, and for each what its label says."""

    proteins: list[str]
    is_sequon: Ints


class Network(NamedTuple):
    """The kernel over one-hot letters, (letters, window), with its bias, and what is made of the likeliest window."""

    kernel: Floats
    bias: float
    slope: float
    intercept: float

    def logit(self, protein: str) -> float:
        """Return the log-odds of the pattern being in a protein."""
        columns = [AMINO_ACIDS.index(letter) for letter in protein]
        ends = range(len(columns) - _WINDOW + 1)
        scores = [sum(float(self.kernel[columns[end + place], place]) for place in range(_WINDOW)) for end in ends]
        likeliest = 1 / (1 + math.exp(-(max(scores) + self.bias)))
        return self.slope * likeliest + self.intercept


def has_sequon(protein: str) -> bool:
    """Tell by the rule whether the pattern is in a protein."""
    return any(
        first == "N" and between != "P" and last in "ST"
        for first, between, last in zip(protein, protein[1:], protein[2:], strict=False)
    )


def make_data(count: int, seed: int) -> Data:
    """Return that many random proteins."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(*_LETTERS, count, endpoint=True)
    proteins = ["".join(rng.choice(list(AMINO_ACIDS), length)) for length in lengths]
    is_wrong = rng.random(count) < _WRONG_LABELS
    return Data(proteins, np.array([has_sequon(protein) for protein in proteins], dtype=np.int64) ^ is_wrong)


def train(data: Data) -> Network:
    """Return what is learnt from proteins."""
    windows = sorted({protein[at : at + _WINDOW] for protein in data.proteins for at in range(len(protein) - _WINDOW + 1)})
    marks = np.array([[letter == each for letter in window for each in AMINO_ACIDS] for window in windows], dtype=np.float64)
    is_found = np.array([has_sequon(window) for window in windows])
    first = LogisticRegression(C=_STRENGTH, max_iter=1000).fit(marks, is_found)
    kernel = np.round(first.coef_[0].reshape(_WINDOW, len(AMINO_ACIDS)).T, _DECIMALS)
    bias = round(float(first.intercept_[0]), _DECIMALS)
    raw = Network(kernel, bias, 1.0, 0.0)
    scores = np.array([[raw.logit(protein)] for protein in data.proteins])
    second = LogisticRegression(C=_STRENGTH, max_iter=1000).fit(scores, data.is_sequon)
    return Network(kernel, bias, round(float(second.coef_[0][0]), _DECIMALS), round(float(second.intercept_[0]), _DECIMALS))


def export(network: Network) -> bytes:
    """Return it as ONNX: `protein` (n, letters, length) float32 -> `probabilities` (n, 2) float32, in the order of `CLASSES`."""
    half = np.array([[-network.slope / 2, network.slope / 2]], np.float32)
    weights = {
        "kernel": network.kernel[np.newaxis].astype(np.float32),
        "bias": np.array([network.bias], np.float32),
        "halves": half,
        "base": np.array([-network.intercept / 2, network.intercept / 2], np.float32),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["protein", "kernel", "bias"], ["scores"]),
            helper.make_node("Sigmoid", ["scores"], ["likely"]),
            helper.make_node("ReduceMax", ["likely"], ["best"], axes=[2], keepdims=0),
            helper.make_node("Gemm", ["best", "halves", "base"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ],
        NAME,
        [helper.make_tensor_value_info("protein", TensorProto.FLOAT, ["n", len(AMINO_ACIDS), LENGTH])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(CLASSES)])],
        initializer=[numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def build(directory: Path) -> None:
    """Write `model.onnx` and `model.json` into the directory."""
    data, test = make_data(_TRAINING, _SEED), make_data(_TEST, _SEED + 1)
    with threadpool_limits(limits=1):
        network = train(data)
    content = export(network)
    logits = np.array([network.logit(protein) for protein in test.proteins])
    auc = float(roc_auc_score(test.is_sequon, logits))
    right = float(((logits > 0) == test.is_sequon).mean())
    card = _card(data, hashlib.sha256(content).hexdigest(), {"roc_auc": auc, "accuracy": right})
    card["golden_samples"] = [_sample(network, protein) for protein in _golden(test)]
    described = msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n"
    read_card(described)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "model.onnx").write_bytes(content)
    (directory / "model.json").write_bytes(described)


def _golden(test: Data) -> list[str]:
    """Return three proteins of each class, and the shortest of all."""
    chosen = [[p for p, found in zip(test.proteins, test.is_sequon, strict=True) if found == wanted][:3] for wanted in (0, 1)]
    return [*chosen[0], *chosen[1], "NPS", "NAS"]


def _sample(network: Network, protein: str) -> dict[str, Any]:
    found = 1 / (1 + float(np.exp(-network.logit(protein))))
    return {"features": {"protein": protein}, "expected": dict(zip(CLASSES, (round(1 - found, 6), round(found, 6)), strict=True))}


def _card(data: Data, sha256: str, scores: dict[str, float]) -> dict[str, Any]:
    over = f"{_TEST} proteins that were made with another seed"
    counts = dict(zip(CLASSES, np.bincount(data.is_sequon).tolist(), strict=True))
    return {
        "name": NAME,
        "version": VERSION,
        "title": "Whether a protein has a sequon of N-glycosylation",
        "intended_use": "Trying out models of sequences: the pattern is a rule that anybody can look up.",
        "not_for": ["Anything else: its proteins are random letters, and a real sugar needs more than three letters."],
        "runtime": "onnx",
        "file": "model.onnx",
        "sha256": sha256,
        "classes": list(CLASSES),
        "inputs": [
            {
                "type": "sequence",
                "name": "protein",
                "description": "Amino acids of a protein",
                "seq_type": "protein",
                "alphabet": AMINO_ACIDS,
                "shortest": SHORTEST,
                "length": LENGTH,
                "encoding": "one_hot_first",
                "unknown_id": -1,
            }
        ],
        "training": {
            "data": f"{_TRAINING} made proteins of {_LETTERS[0]} to {_LETTERS[1]} letters; a tenth of the labels is wrong.",
            "citation": "Made by ml_server.training.sequon.",
            "rows": _TRAINING,
            "class_counts": counts,
            "method": "Logistic regression on windows of three letters; the likeliest, calibrated by another one.",
        },
        "scores": {name: {"mean": round(score, 4), "over": over} for name, score in scores.items()},
        "golden_tolerance": 0.0001,
    }


if __name__ == "__main__":
    build(Path(sys.argv[1]))
    sys.stdout.write(f"written to {sys.argv[1]}\n")
