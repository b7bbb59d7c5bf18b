"""How numbers are spread, in a few bins: for a card, as a reference that later values are held against."""

import numpy as np
import numpy.typing as npt

from ml_server.inputs.base import Histogram

_BINS = 10


def histogram_of(values: npt.NDArray[np.float64]) -> Histogram:
    """Return at most ten bins that hold about as many of the values (n,) each; missing ones must be left out before.

    Of few different values each has a bin of its own, with the edges halfway between them.
    """
    distinct = np.unique(values)
    if len(distinct) == 1:
        edges = np.array([distinct[0] - 0.5, distinct[0] + 0.5])
    elif len(distinct) <= _BINS:
        middles = (distinct[1:] + distinct[:-1]) / 2
        edges = np.concatenate([[2 * distinct[0] - middles[0]], middles, [2 * distinct[-1] - middles[-1]]])
    else:
        edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)))
    counts, _ = np.histogram(values, edges)
    return Histogram([float(edge) for edge in edges], [int(count) for count in counts])
