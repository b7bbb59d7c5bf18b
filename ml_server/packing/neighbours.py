"""How people are spread in the data, all measured inputs together: what `applicability` of a card says."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Of fewer people nobody can say what is usual.
FEWEST_ROWS = 40
_FOLDS = 10
_SEED = 20110418
MOST_ROWS = 4000
_MOST_NUMBERS = 16_384
_LEAST_OWN = 1e-3
_STEPS = 40
_UNUSUAL = 0.975
_DIGITS = 6


class _Spread(NamedTuple):
    """Mean and standard deviation of each input, and their correlations: loadings @ loadings.T + diag(own)."""

    center: Floats
    scale: Floats
    loadings: Floats
    own: Floats

    def distances(self, values: Floats) -> Floats:
        """Return one for each row, over its own inputs: NaN is not given."""
        z = (values - self.center) / self.scale
        found = np.full(len(z), np.nan)
        is_given = np.isfinite(z)
        patterns, group = np.unique(is_given, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            rows = np.flatnonzero(group.ravel() == number)
            count = int(pattern.sum())
            if not count:
                continue
            own, loadings = self.own[pattern], self.loadings[pattern]
            given = z[np.ix_(rows, np.flatnonzero(pattern))]
            middle = np.eye(loadings.shape[1]) + loadings.T @ (loadings / own[:, np.newaxis])
            common = np.linalg.solve(np.linalg.cholesky(middle), (given / own @ loadings).T)
            squared = (given**2 / own).sum(axis=1) - (common**2).sum(axis=0)
            cube = 2 / (9 * count)
            found[rows] = (np.cbrt(np.maximum(squared, 0) / count) - (1 - cube)) / math.sqrt(cube)
        return found


def applicability(names: Sequence[str], values: Floats, over: str) -> dict[str, Any] | None:
    """Return the card's key for rows of measured inputs, NaN where nothing was given; None where there are too few.

    Inputs that never vary are left out. The distances of people who are held out are taken over all that they have, and again
    over halves and quarters of it, drawn at random: a request may lack as much.
    """
    rng = np.random.default_rng(_SEED)
    if len(values) > MOST_ROWS:
        values = values[np.sort(rng.choice(len(values), MOST_ROWS, replace=False))]
    is_varied = np.array([np.isfinite(column).sum() >= FEWEST_ROWS and np.nanstd(column) > 0 for column in values.T], dtype=bool)
    if not is_varied.any():
        return None
    values = values[:, is_varied]
    known = [name for name, is_kept in zip(names, is_varied, strict=True) if is_kept]
    held_out = _held_out(values, rng)
    spread = _spread(values)
    return {
        "inputs": known,
        "center": _rounded(spread.center),
        "scale": _rounded(spread.scale),
        "loadings": [[round(float(each), 4) for each in row] for row in spread.loadings],
        "own": [round(float(each), _DIGITS) for each in spread.own],
        "quantiles": [round(float(each), 4) for each in np.quantile(held_out, np.linspace(0, 1, _STEPS + 1))],
        "unusual": round(float(np.quantile(held_out, _UNUSUAL)), 4),
        "refused": round(float(held_out.max()), 4),
        "over": over,
    }


def distance_of(known: Mapping[str, Any], row: Floats) -> float:
    """Return the distance of one row of the card's measured inputs, NaN where missing; 0 where nothing is given."""
    spread = _Spread(*(np.array(known[key]) for key in ("center", "scale", "loadings", "own")))
    found = float(spread.distances(row[np.newaxis])[0])
    return found if math.isfinite(found) else 0.0


def _rounded(values: Floats) -> list[float]:
    return [float(f"{value:.{_DIGITS + 3}g}") for value in values]


def _held_out(values: Floats, rng: np.random.Generator) -> Floats:
    order = rng.permutation(len(values))
    width = values.shape[1]
    sizes = sorted({width, max(1, width // 2), max(1, width // 4)})
    found = []
    for fold in range(_FOLDS):
        judged = order[fold::_FOLDS]
        spread = _spread(np.delete(values, judged, axis=0))
        for size in sizes:
            rows = values[judged].copy()
            for row in rows if size < width else ():
                row[rng.permutation(width)[size:]] = np.nan
            found.append(spread.distances(rows))
    distances = np.concatenate(found)
    kept: Floats = distances[np.isfinite(distances)]
    return kept


def _spread(values: Floats) -> _Spread:
    center = np.nanmean(values, axis=0)
    deviation = np.nanstd(values, axis=0, ddof=1)
    scale = np.where(np.isfinite(deviation) & (deviation > 0), deviation, 1.0)
    z = np.nan_to_num((values - center) / scale, nan=0.0)
    rows, width = z.shape
    count = min(width, rows - 1, max(1, _MOST_NUMBERS // width))
    strengths, axes = _principal(z, count)
    kept = 1 - _shrinkage(z)
    loadings = axes * np.sqrt(kept * np.maximum(strengths, 0.0))
    # Of each axis the greatest part is positive: which of both signs comes out is chance.
    loadings *= np.sign(loadings[np.abs(loadings).argmax(axis=0), np.arange(loadings.shape[1])] + 1e-300)
    own = np.maximum(1 - (loadings**2).sum(axis=1), _LEAST_OWN)
    return _Spread(center, scale, loadings, own)


def _principal(z: Floats, count: int) -> tuple[Floats, Floats]:
    """Return the greatest variances and their axes (inputs, count), by the smaller of both products."""
    rows, width = z.shape
    if width <= rows:
        variances, axes = np.linalg.eigh(z.T @ z / rows)
        return variances[::-1][:count], axes[:, ::-1][:, :count]
    variances, persons = np.linalg.eigh(z @ z.T / rows)
    variances, persons = variances[::-1][:count], persons[:, ::-1][:, :count]
    axes = z.T @ persons / np.sqrt(rows * np.maximum(variances, 1e-12))
    return variances, axes


def _shrinkage(z: Floats) -> float:
    """Return how much of the correlations is chance (Ledoit and Wolf 2004), from 0 to 1."""
    rows, width = z.shape
    squares = (z**2).sum(axis=1)
    product = z.T @ z / rows if width <= rows else z @ z.T / rows
    total = float((product**2).sum())
    mean = float(squares.mean()) / width
    apart = total - width * mean**2
    noise = (float((squares**2).mean()) - total) / rows
    return 1.0 if apart <= 0 else min(1.0, max(0.0, noise / apart))
