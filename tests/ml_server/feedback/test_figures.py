"""Figures and intervals, against others' implementations, against books, and by simulation."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ml_server.feedback import figures
from ml_server.feedback.figures import Figure, Floats, Ints
from ml_server.intervals import Z


def _drawn(count: int, seed: int, shift: float = 1.0) -> tuple[Floats, Ints]:
    """Probabilities of a logistic model that is right, and truths."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-(rng.normal(size=count) * 1.5 * shift - 0.7)))
    return np.stack([1 - p, p], axis=1), (rng.random(count) < p).astype(np.int64)


def _by_name(found: list[Figure]) -> dict[str, Figure]:
    return {figure.full_name: figure for figure in found}


def _two(probabilities: Floats, truth: Ints) -> dict[str, Figure]:
    return _by_name(figures.of_classes(probabilities, probabilities.argmax(axis=1), truth, ["no", "yes"]))


def test_figures_agree_with_others() -> None:
    probabilities, truth = _drawn(400, 1)
    found = _two(probabilities, truth)
    said = probabilities.argmax(axis=1)
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(truth, probabilities[:, 1]))
    assert found["brier"].value == pytest.approx(float(((probabilities[:, 1] - truth) ** 2).mean()))
    assert found["sensitivity"].value == pytest.approx(float((said[truth == 1] == 1).mean()))
    assert found["specificity"].value == pytest.approx(float((said[truth == 0] == 0).mean()))
    logit = np.log(probabilities[:, 1] / probabilities[:, 0])
    line = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit[:, np.newaxis], truth)
    assert found["calibration_slope"].value == pytest.approx(float(line.coef_[0][0]), abs=1e-4)
    assert found["calibration_intercept"].value == pytest.approx(float(line.intercept_[0]), abs=1e-4)


def test_area_has_delongs_variance() -> None:
    """By the definition with all pairs, with ties."""
    rng = np.random.default_rng(2)
    cases, others = np.round(rng.normal(1, 1, 30), 1), np.round(rng.normal(0, 1, 50), 1)
    wins = (cases[:, np.newaxis] > others) + 0.5 * (cases[:, np.newaxis] == others)
    area = wins.mean()
    variance = wins.mean(axis=1).var(ddof=1) / 30 + wins.mean(axis=0).var(ddof=1) / 50
    half = Z * np.sqrt(variance) / (area * (1 - area))
    both = np.concatenate([cases, others])[:, np.newaxis]
    found = figures._area(both, np.arange(80)[:, np.newaxis] < 30)
    ends = [1 / (1 + np.exp(-(np.log(area / (1 - area)) + sign * half))) for sign in (-1, 1)]
    assert (found.value, found.low, found.high) == pytest.approx((area, *ends))


def test_area_of_one_is_not_certain() -> None:
    both = np.arange(40.0)[:, np.newaxis]
    found = figures._area(both, both >= 20)
    assert found.value == 1.0
    assert found.high == 1.0
    assert found.low is not None
    assert 0.8 < found.low < 0.95


@pytest.mark.parametrize("name", ["sensitivity", "specificity", "roc_auc", "brier", "calibration_slope", "calibration_intercept"])
def test_interval_covers_the_truth(name: str) -> None:
    """In 95 % of 600 draws, give or take three standard errors: 120 people, of whom some 40 are cases."""
    probabilities, truth = _drawn(400_000, 3)
    right = _two(probabilities, truth)[name].value
    assert right is not None
    hits = 0
    for seed in range(600):
        found = _two(*_drawn(120, 1000 + seed))[name]
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= right <= found.high
    assert 0.923 <= hits / 600 <= 0.985


def test_few_are_told_nothing_of() -> None:
    probabilities, truth = _drawn(40, 4)
    truth[:] = 0
    truth[:9] = 1
    found = _two(probabilities, truth)
    assert found["sensitivity"] == Figure("sensitivity", "", None, None, None, 9, "Wilson 1927")
    assert found["specificity"].value is not None
    assert [found[name].value for name in ("roc_auc", "calibration_slope", "calibration_intercept")] == [None] * 3


def test_separated_calibration_is_untold() -> None:
    p = np.linspace(0.01, 0.99, 60)
    found = _two(np.stack([1 - p, p], axis=1), (p > 0.5).astype(np.int64))
    assert found["calibration_slope"].value is None
    assert found["roc_auc"].value == 1


def test_three_classes_stand_each_for_itself() -> None:
    rng = np.random.default_rng(5)
    probabilities = rng.dirichlet([1, 1, 1], 300)
    truth = np.array([rng.choice(3, p=row) for row in probabilities])
    found = _by_name(figures.of_classes(probabilities, probabilities.argmax(axis=1), truth, ["a", "b", "c"]))
    assert {f"{name}_sensitivity" for name in "abc"} < set(found)
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(truth, probabilities, multi_class="ovr", average="macro"))
    assert found["brier"].value == pytest.approx(float(((probabilities - np.eye(3)[truth]) ** 2).sum(axis=1).mean()))


def test_labels_have_a_mean_area() -> None:
    rng = np.random.default_rng(6)
    probabilities = rng.random((300, 2))
    truth = (rng.random((300, 2)) < probabilities).astype(np.int64)
    found = _by_name(figures.of_labels(probabilities, (probabilities >= 0.5).astype(np.int64), truth, ["x", "y"]))
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(truth, probabilities, average="macro"))
    assert found["y_sensitivity"].value == pytest.approx(float((probabilities[truth[:, 1] == 1, 1] >= 0.5).mean()))


def test_values_have_error_and_coverage() -> None:
    rng = np.random.default_rng(7)
    predicted = rng.normal(size=500)
    truth = predicted + rng.normal(size=500)
    found = _by_name(figures.of_values(predicted, truth, "", (1.645, 1.645)))
    errors: Any = truth - predicted
    assert found["mae"].value == pytest.approx(float(np.abs(errors).mean()))
    assert found["rmse"].value == pytest.approx(float(np.sqrt((errors**2).mean())))
    assert found["bias"].value == pytest.approx(float(-errors.mean()))
    coverage = found["coverage"]
    assert coverage.low is not None
    assert coverage.high is not None
    assert coverage.low < 0.9 < coverage.high


@pytest.mark.parametrize("count", [0, 1, 19])
def test_few_values_are_told_nothing_of(count: int) -> None:
    found = figures.of_values(np.zeros(count), np.zeros(count), "x", (1.0, 1.0))
    assert [figure.value for figure in found] == [None] * 4
    assert [figure.people for figure in found] == [count] * 4
