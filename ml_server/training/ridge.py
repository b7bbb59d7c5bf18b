"""Logistic regression with an L2 penalty, to the last digit: by Newton's method, as the problems are small."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MOST_STEPS = 50
_DONE = 1e-12
_GREATEST_LOGIT = 30.0


def fit(z: Floats, is_case: Ints, strength: float) -> Floats:
    """Return coefficients and, last, the intercept, which is not penalised; `strength` is scikit-learn's `C` (inf: none)."""
    rows = np.column_stack([z, np.ones(len(z))])
    penalty = np.full(rows.shape[1], 1 / strength)
    penalty[-1] = 0.0
    weights = np.zeros(rows.shape[1])
    for _ in range(_MOST_STEPS):
        p = 1 / (1 + np.exp(-np.clip(rows @ weights, -_GREATEST_LOGIT, _GREATEST_LOGIT)))
        slope = rows.T @ (p - is_case) + penalty * weights
        curvature = (rows * (p * (1 - p))[:, np.newaxis]).T @ rows
        curvature[np.diag_indices_from(curvature)] += penalty
        step = np.linalg.solve(curvature, slope)
        weights -= step
        if np.abs(step).max() < _DONE * max(1.0, float(np.abs(weights).max())):
            break
    return weights


def logit(z: Floats, weights: Floats) -> Floats:
    """Return the log-odds of rows."""
    return np.asarray(z @ weights[:-1] + weights[-1])
