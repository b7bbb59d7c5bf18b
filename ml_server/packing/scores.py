"""How good the answers are where the truth is known: figures with 95 % confidence intervals by the bootstrap.

Percentile intervals (Efron 1979) over resampled rows, seeded: the same data give the same card.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# Of the rows drawn, given by how often each was: the figure; NaN where they have none, such as those of a single class.
Metric = Callable[[Floats], float]

_RESAMPLES = 1000
_SEED = 20110418
_DECIMALS = 4


def score(metrics: Mapping[str, Metric], rows: int, over: str) -> dict[str, dict[str, Any]]:
    """Return each figure as the card has it: of the rows as they are, with the spread of the resampled ones."""
    rng = np.random.default_rng(_SEED)
    ones = np.ones(rows)
    drawn: dict[str, list[float]] = {name: [] for name in metrics}
    for _ in range(_RESAMPLES):
        times = np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64)
        for name, metric in metrics.items():
            drawn[name].append(metric(times))
    found = {}
    for name, metric in metrics.items():
        mean, figures = metric(ones), np.array(drawn[name])
        figures = figures[np.isfinite(figures)]
        if not np.isfinite(mean) or not len(figures):
            continue
        low, high = np.quantile(figures, [0.025, 0.975])
        interval = [round(float(low), _DECIMALS), round(float(high), _DECIMALS)]
        sd = round(float(figures.std(ddof=1)), _DECIMALS) if len(figures) > 1 else None
        found[name] = {"mean": round(mean, _DECIMALS), "over": over, "sd": sd, "interval": interval}
    return found


def classification(probabilities: Floats, truth: Ints) -> dict[str, Metric]:
    """Return AUC (of several classes the mean of each against the rest), accuracy and Brier score.

    `probabilities` (rows, classes); `truth` (rows,) is the number of the class. Brier's is the mean square of the
    second class's error for two classes, and the sum over classes for more (Brier 1950).
    """
    count = probabilities.shape[1]
    is_right = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    wanted = np.eye(count)[truth]
    errors = ((probabilities - wanted) ** 2).sum(axis=1) / (2 if count == 2 else 1)
    judged = [1] if count == 2 else range(count)
    areas = [_area(probabilities[:, number], truth == number) for number in judged]
    return {
        "roc_auc": lambda times: float(np.mean([area(times) for area in areas])),
        "accuracy": lambda times: float(np.average(is_right, weights=times)),
        "brier": lambda times: float(np.average(errors, weights=times)),
    }


def thresholds(probabilities: Floats, truth: Ints, at: Sequence[float], over: str) -> list[dict[str, Any]]:
    """Return sensitivity and specificity of deciding by each probability of the second of two classes, or more.

    `probabilities` (rows,) or (rows, repeats), of which the mean is taken; `truth` (rows,) is 1 for that class. Empty where
    there is nobody of one of them.
    """
    cases, others = (truth == 1).astype(np.float64), (truth != 1).astype(np.float64)
    found = []
    for limit in at:
        is_over = np.atleast_2d((probabilities >= limit).T).mean(axis=0)
        metrics = {"sensitivity": _share(is_over, cases), "specificity": _share(1 - is_over, others)}
        figures = score(metrics, len(truth), over)
        if len(figures) == len(metrics):
            found.append({"at": limit, **figures})
    return found


def _share(figure: Floats, of: Floats) -> Metric:
    """Return the mean figure of some rows; NaN where none of them was drawn."""

    def share(times: Floats) -> float:
        weights = times * of
        total = float(weights.sum())
        return float((figure * weights).sum()) / total if total > 0 else float("nan")

    return share


def multi_label(probabilities: Floats, truth: Ints) -> dict[str, Metric]:
    """Return the labels' mean AUC, the share of right labels, and their mean Brier score; both shapes (rows, labels)."""
    areas = [_area(probabilities[:, number], truth[:, number] == 1) for number in range(truth.shape[1])]
    is_right = ((probabilities >= 0.5) == (truth == 1)).mean(axis=1)
    errors = ((probabilities - truth) ** 2).mean(axis=1)
    return {
        "roc_auc": lambda times: float(np.mean([area(times) for area in areas])),
        "accuracy": lambda times: float(np.average(is_right, weights=times)),
        "brier": lambda times: float(np.average(errors, weights=times)),
    }


def regression(predicted: Floats, truth: Floats) -> dict[str, Metric]:
    """Return root mean square error, R2 and mean absolute error of one target; both shapes (rows,)."""
    errors = predicted - truth

    def r2(times: Floats) -> float:
        mean = np.average(truth, weights=times)
        spread = float(np.average((truth - mean) ** 2, weights=times))
        return 1 - float(np.average(errors**2, weights=times)) / spread if spread > 0 else float("nan")

    return {
        "rmse": lambda times: float(np.sqrt(np.average(errors**2, weights=times))),
        "r2": r2,
        "mae": lambda times: float(np.average(np.abs(errors), weights=times)),
    }


def _area(figure: Floats, is_case: npt.NDArray[np.bool_]) -> Metric:
    """Return the area under the curve of receiver operating characteristics, ties by halves (Mann and Whitney 1947)."""
    distinct, place = np.unique(figure, return_inverse=True)

    def area(times: Floats) -> float:
        cases = np.bincount(place, weights=times * is_case, minlength=len(distinct))
        others = np.bincount(place, weights=times * ~is_case, minlength=len(distinct))
        pairs = cases.sum() * others.sum()
        below = np.cumsum(others) - others
        return float((cases * (below + others / 2)).sum() / pairs) if pairs > 0 else float("nan")

    return area
