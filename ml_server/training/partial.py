"""Submodels for people of whom something was not measured: one logistic regression for each pattern of missing inputs.

Filling the median in is no substitute: the inputs that are left know something of the missing ones, and only coefficients
that were fitted without these can use it. All of them stand in one ONNX file, which looks up the coefficients by what is NaN.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

from ml_server.training import ridge

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Folds = Sequence[tuple[Ints, Ints]]

# scikit-learn's own; what is chosen for each pattern is no better (a table of 1,024 choices).
_STRENGTH = 1.0
_DECIMALS = 6
_ML = "ai.onnx.ml"
_OPSET, _ML_OPSET, _IR = 17, 1, 8


class Partial(NamedTuple):
    """A fitted submodel: its columns of the data, and the coefficients on their z-scores with, last, the intercept."""

    columns: Ints
    mean: Floats
    sd: Floats
    weights: Floats

    def logit(self, values: Floats) -> Floats:
        """Return the log-odds of impairment for rows of all columns of the data."""
        return ridge.logit((values[:, self.columns] - self.mean) / self.sd, self.weights)


def fit(values: Floats, is_impaired: Ints, columns: Ints, folds: Folds) -> Partial:
    """Fit one pattern, its log-odds recalibrated on those of the inner folds."""
    chosen = values[:, columns]
    mean, sd = chosen.mean(axis=0), chosen.std(axis=0)
    z = (chosen - mean) / sd
    held_out = np.empty(len(is_impaired))
    for fit_rows, judged_rows in folds:
        held_out[judged_rows] = ridge.logit(z[judged_rows], ridge.fit(z[fit_rows], is_impaired[fit_rows], _STRENGTH))
    slope, intercept = ridge.fit(held_out[:, np.newaxis], is_impaired, np.inf)
    weights = slope * ridge.fit(z, is_impaired, _STRENGTH)
    weights[-1] += intercept
    return Partial(columns, mean, sd, weights)


class Table(NamedTuple):
    """The submodels of every pattern: `weights` (2 to the power of the optional, inputs + 1) on z-scores, rounded.

    Row n is for the pattern in which input `optional[k]` is missing where bit k of n is set.
    """

    optional: tuple[int, ...]
    mean: Floats
    sd: Floats
    weights: Floats

    def row(self, missing: Sequence[int]) -> int:
        """Return the number of the pattern in which these inputs are missing."""
        return sum(1 << self.optional.index(number) for number in missing)

    def logit(self, values: Floats, missing: Sequence[int]) -> Floats:
        """Return the log-odds for rows of all inputs, of which these are not looked at."""
        weights = self.weights[self.row(missing)]
        return ridge.logit((values - self.mean) / self.sd, weights)


def table(values: Floats, is_impaired: Ints, optional: Sequence[int], folds: Folds) -> Table:
    """Fit all patterns of the panel's inputs; `values` are its columns only."""
    width = values.shape[1]
    weights = np.zeros((1 << len(optional), width + 1))
    for pattern in range(len(weights)):
        missing = [number for bit, number in enumerate(optional) if pattern >> bit & 1]
        columns = np.setdiff1d(np.arange(width), missing)
        fitted = fit(values, is_impaired, columns, folds)
        weights[pattern, columns] = fitted.weights[:-1]
        weights[pattern, -1] = fitted.weights[-1]
    mean: Floats = values.mean(axis=0)
    sd: Floats = values.std(axis=0)
    rounded: Floats = np.asarray(np.round(weights, _DECIMALS), dtype=np.float64)
    return Table(tuple(optional), mean, sd, rounded)


def export(found: Table) -> bytes:
    """Return the table as ONNX: `features` (n, inputs) float32, NaN where missing -> `probabilities` (n, 2)."""
    width = len(found.mean)
    bits = np.zeros(width, dtype=np.float32)
    for bit, number in enumerate(found.optional):
        bits[number] = 1 << bit
    constants = {
        "bits": bits,
        "coefficients": found.weights[:, :-1].astype(np.float32),
        "intercepts": found.weights[:, -1:].astype(np.float32),
        "zero": np.float32(0),
        "halves": np.array([[-0.5, 0.5]], dtype=np.float32),
        "columns": np.array([1], dtype=np.int64),
    }
    offset, scale = found.mean.astype(np.float32).tolist(), (1 / found.sd).astype(np.float32).tolist()
    nodes = [
        helper.make_node("IsNaN", ["features"], ["is_missing"]),
        helper.make_node("Cast", ["is_missing"], ["missing"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["missing", "bits"], ["pattern"]),
        helper.make_node("Cast", ["pattern"], ["row"], to=TensorProto.INT64),
        helper.make_node("Gather", ["coefficients", "row"], ["weights"], axis=0),
        helper.make_node("Gather", ["intercepts", "row"], ["intercept"], axis=0),
        helper.make_node("Scaler", ["features"], ["scaled"], domain=_ML, offset=offset, scale=scale),
        helper.make_node("Where", ["is_missing", "zero", "scaled"], ["z"]),
        helper.make_node("Mul", ["z", "weights"], ["terms"]),
        helper.make_node("ReduceSum", ["terms", "columns"], ["sum"], keepdims=1),
        helper.make_node("Add", ["sum", "intercept"], ["logit"]),
        # Of two numbers that are the logit apart the softmax is the logistic function and what is left of 1.
        helper.make_node("Mul", ["logit", "halves"], ["apart"]),
        helper.make_node("Softmax", ["apart"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "partial",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", width])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        initializer=[numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_ML, _ML_OPSET)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=_IR)
    return bytes(made.SerializeToString())
