"""People of nobody, made up of the training data: where a tree has its thresholds, which no row of the training lies on."""

from typing import Any

import numpy as np

_ROWS = 1000
_BETWEEN = 0.5


def make_up(features: Any, *, are_between: bool) -> Any:
    """Return rows of the same kind (a data frame or an array) that mix the values of each column.

    Where `are_between`, half of the numbers are taken halfway between two neighbouring values, which is where trees put their
    thresholds; of whole numbers the whole one below it.
    """
    rng = np.random.default_rng(0)
    count = min(_ROWS, 5 * len(features))
    if not hasattr(features, "columns"):
        values = np.asarray(features)
        columns = [_mixed(values[:, place], rng, count, are_between=are_between) for place in range(values.shape[1])]
        return np.stack(columns, axis=1)
    made = features.iloc[rng.integers(0, len(features), count)].reset_index(drop=True)
    for header in features.columns:
        made[header] = _mixed(features[header], rng, count, are_between=are_between)
    return made


def _mixed(values: Any, rng: np.random.Generator, count: int, *, are_between: bool) -> Any:
    """Return values of a column, drawn anew, in its own type."""
    places = rng.integers(0, len(values), count)
    drawn = values.iloc[places].reset_index(drop=True) if hasattr(values, "iloc") else values[places]
    kind = getattr(values.dtype, "kind", "O")
    if not are_between or kind not in "fiu":
        return drawn
    known = np.unique(np.asarray(values.dropna() if hasattr(values, "dropna") else values[~np.isnan(values)]))
    if len(known) < 2:
        return drawn
    between = _between(known)
    chosen = rng.random(count) < _BETWEEN
    picked = rng.choice(between, count)
    if hasattr(drawn, "where"):
        return drawn.where(~chosen, picked).astype(values.dtype)
    return np.where(chosen, picked, drawn).astype(values.dtype)


def _between(known: Any) -> Any:
    """Return what lies halfway between neighbours: of whole numbers a whole one, as the next person's is."""
    middles = known[:-1] + (known[1:] - known[:-1]) / 2
    return np.floor(middles) if (known == np.round(known)).all() else middles
