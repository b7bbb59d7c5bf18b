"""How far counts are apart, and how surely."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import chi2, chi2_contingency, mannwhitneyu

from ml_server.drift import shift
from ml_server.drift.shift import Floats, compare
from ml_server.inputs.histogram import histogram_of

TRAINED, TODAY = 333, 500


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 9, 20, 99])
@pytest.mark.parametrize("x", [0.0, 0.1, 3.0, 20.0, 60.0, 300.0])
def test_tail_is_as_in_tables(x: float, degrees: int) -> None:
    assert shift.chi_square_tail(x, degrees) == pytest.approx(float(chi2.sf(x, degrees)), rel=1e-6)


@pytest.mark.parametrize("degrees", [1, 99, 100])
def test_far_tail_is_nothing(degrees: int) -> None:
    assert shift.chi_square_tail(1e6, degrees) == 0.0


def test_tests_agree_with_others() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 8, 200), rng.integers(1, 9, 150)
    today, reference = (np.bincount(each, minlength=9).astype(float) for each in (one, other))
    z = shift._ranks(today, reference)
    assert math.erfc(abs(z) / math.sqrt(2)) == pytest.approx(mannwhitneyu(one, other, use_continuity=False).pvalue)
    assert z < 0
    plenty = np.array([[40.0, 60.0, 90.0], [70.0, 50.0, 80.0]])
    assert shift._homogeneity(plenty[0], plenty[1], is_ordered=True) == pytest.approx(chi2_contingency(plenty).pvalue)


def test_index_of_the_same_is_nothing() -> None:
    """On average, over draws of people who are the same."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(500):
        reference = rng.multinomial(TRAINED, [0.1] * 10).astype(float)
        found.append(shift.stability_index(rng.multinomial(TODAY, [0.1] * 10).astype(float), reference))
    # What is below nothing is told as nothing; uncorrected it would be 0.045.
    assert float(np.mean(found)) < 0.01


def test_index_is_the_textbooks() -> None:
    """Of many people the correction is nothing: the sum of (p - q) ln(p / q)."""
    today, reference = np.array([2e6, 5e6, 3e6]), np.array([3e6, 5e6, 2e6])
    wanted = 0.1 * np.log(1.5) * 2
    assert compare(today, reference, is_ordered=False).psi == pytest.approx(wanted, rel=1e-4)


def _normal(rng: np.random.Generator, people: int) -> Floats:
    return np.asarray(rng.normal(size=people))


def _skewed(rng: np.random.Generator, people: int) -> Floats:
    return np.asarray(np.round(rng.lognormal(sigma=1.2, size=people), 1))


def _few_values(rng: np.random.Generator, people: int) -> Floats:
    return np.asarray(rng.choice([0.0, 1.0, 2.0, 5.0], size=people, p=[0.9, 0.07, 0.02, 0.01]))


@pytest.mark.parametrize("draw", [_normal, _skewed, _few_values])
def test_same_people_are_rarely_apart(draw: Callable[[np.random.Generator, int], Floats]) -> None:
    """Training and today are both samples: of 1,500 pairs 1 % may have a p-value below 1 %, and none one of a false alarm."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(1500):
        reference = histogram_of(draw(rng, TRAINED))
        inner = np.array(reference.edges[1:-1])
        places = np.searchsorted(inner, draw(rng, TODAY), side="right")
        today = np.bincount(places, minlength=len(reference.counts)).astype(float)
        found.append(compare(today, np.array(reference.counts, dtype=float), is_ordered=True).p_value)
    assert np.mean(np.array(found) < 0.01) < 0.02
    assert min(found) > 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_half_a_deviation_is_seen(seed: int) -> None:
    """In nearly all of 200 draws, at the limit of a model of 20 inputs."""
    rng = np.random.default_rng(seed)
    limit = 0.01 / (1000 * 40)
    seen = 0
    for _ in range(200):
        reference = histogram_of(_normal(rng, TRAINED))
        places = np.searchsorted(np.array(reference.edges[1:-1]), _normal(rng, TODAY) + 0.5, side="right")
        today = np.bincount(places, minlength=len(reference.counts)).astype(float)
        seen += compare(today, np.array(reference.counts, dtype=float), is_ordered=True).p_value < limit
    assert seen >= 180


def test_all_in_one_bin_is_comparable() -> None:
    assert compare(np.array([500.0]), np.array([333.0]), is_ordered=True).p_value == 1.0
    assert compare(np.array([500.0, 0.0]), np.array([333.0, 0.0]), is_ordered=False).p_value == 1.0
    assert compare(np.array([0.0, 500.0]), np.array([333.0, 0.0]), is_ordered=False).p_value < 1e-100
