"""Whether two counts are of the same people: how far apart they are, and how surely they are apart at all.

The population stability index (Siddiqi 2006) is the sum over bins of (p - q) ln(p / q). Of the same people it is not 0 but about
(bins - 1)(1/n + 1/m) for n and m of them (Yurdakul and Naranjo 2020), which is taken off here: of 500 people against 333 in ten
bins that is 0.045, nearly half of what is called a shift. Whether it is one is for two tests to say: Pearson's of homogeneity,
whatever the kind of shift, and for bins that have an order Wilcoxon's of their ranks, which sees a move of all values much
earlier.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Fewer people are not held against anything.
FEWEST = 100
# Where fewer would be expected of either side, a bin is counted together with others (Cochran 1954).
_FEWEST_EXPECTED = 5.0
_HALF = 0.5
# Where the exponential function is 0 as far as a computer knows.
_NOTHING = 700.0


class Shift(NamedTuple):
    """How far apart two counts are: the index without what chance adds to it, the least `p_value` of all tests (times how many
    there were), and whether values of today are higher (1) or lower (-1), for bins that have an order; 0 else.
    """

    psi: float
    p_value: float
    direction: int


def compare(today: Floats, reference: Floats, *, is_ordered: bool) -> Shift:
    """Compare counts per bin; neither side may be empty."""
    ways = 2 if is_ordered and len(today) > 2 else 1
    p_value = _homogeneity(today, reference, is_ordered=is_ordered)
    z = _ranks(today, reference) if is_ordered else 0.0
    if ways == 2:
        p_value = min(p_value, math.erfc(abs(z) / math.sqrt(2)))
    return Shift(stability_index(today, reference), min(1.0, ways * p_value), int(np.sign(z)))


def stability_index(today: Floats, reference: Floats) -> float:
    """Return the index, without what chance adds to it on average; an empty bin has half a person (Jeffreys)."""
    bins, n, m = len(today), float(today.sum()), float(reference.sum())
    p, q = (today + _HALF) / (n + _HALF * bins), (reference + _HALF) / (m + _HALF * bins)
    return max(0.0, float(((p - q) * np.log(p / q)).sum()) - (bins - 1) * (1 / n + 1 / m))


def _homogeneity(today: Floats, reference: Floats, *, is_ordered: bool) -> float:
    """Return the probability of counts so far apart, or farther, of the same people."""
    both = np.stack([today, reference])
    both = _merged(both if is_ordered else both[:, np.argsort(both.sum(axis=0), kind="stable")])
    if both.shape[1] < 2:
        return 1.0
    expected = both.sum(axis=1, keepdims=True) * both.sum(axis=0) / both.sum()
    return chi_square_tail(float(((both - expected) ** 2 / expected).sum()), both.shape[1] - 1)


def _merged(both: Floats) -> Floats:
    """Return the counts with neighbouring bins put together until enough are expected in each, on either side."""
    least = _FEWEST_EXPECTED * both.sum() / both.sum(axis=1).min()
    merged: list[Floats] = []
    waiting = np.zeros(2)
    for column in both.T:
        waiting = waiting + column
        if waiting.sum() >= least:
            merged.append(waiting)
            waiting = np.zeros(2)
    if waiting.sum():
        if merged:
            merged[-1] = merged[-1] + waiting
        else:
            merged.append(waiting)
    return np.stack(merged, axis=1)


def _ranks(today: Floats, reference: Floats) -> float:
    """Return Wilcoxon's statistic in standard errors, above 0 where today's values are higher; ties have their mean rank."""
    both, n, m = today + reference, today.sum(), reference.sum()
    ranks = np.cumsum(both) - both / 2
    mean = (both * ranks).sum() / (n + m)
    variance = (both * (ranks - mean) ** 2).sum() / (n + m - 1) * (1 / n + 1 / m)
    if variance <= 0:
        return 0.0
    return float(((today * ranks).sum() / n - (reference * ranks).sum() / m) / math.sqrt(variance))


def chi_square_tail(x: float, degrees: int) -> float:
    """Return the probability of more than x, by the finite series for whole degrees of freedom (Abramowitz, Stegun 26.4.4 f.)."""
    half = x / 2
    if half > _NOTHING:
        return 0.0
    if degrees % 2:
        tail, term, step = math.erfc(math.sqrt(half)), math.sqrt(half) / math.gamma(1.5), 1.5
    else:
        tail, term, step = 0.0, 1.0, 1.0
    for _ in range(degrees // 2):
        tail += math.exp(-half) * term
        term *= half / step
        step += 1
    return min(1.0, tail)
