import numpy as np
import pytest
from sklearn import metrics

from ml_server.packing import scores

RNG = np.random.default_rng(1)
ROWS = 200


def at_once(found: dict[str, scores.Metric]) -> dict[str, float]:
    return {name: metric(np.ones(ROWS)) for name, metric in found.items()}


def test_two_classes_as_scikit_learn_scores() -> None:
    truth = RNG.integers(0, 2, ROWS)
    p = np.round(np.clip(0.3 * truth + 0.7 * RNG.random(ROWS), 0, 1), 1)  # with ties
    found = at_once(scores.classification(np.stack([1 - p, p], axis=1), truth))
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, p))
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, p > 0.5))
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(truth, p))


def test_three_classes_as_scikit_learn_scores() -> None:
    truth = RNG.integers(0, 3, ROWS)
    p = RNG.dirichlet(np.ones(3), ROWS)
    found = at_once(scores.classification(p, truth))
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, p, multi_class="ovr"))
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(truth, p, scale_by_half=False))


def test_labels_as_scikit_learn_scores() -> None:
    truth = RNG.integers(0, 2, (ROWS, 3))
    p = RNG.random((ROWS, 3))
    found = at_once(scores.multi_label(p, truth))
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, p))
    assert found["accuracy"] == pytest.approx(1 - metrics.hamming_loss(truth, p >= 0.5))


def test_numbers_as_scikit_learn_scores() -> None:
    truth = RNG.normal(size=ROWS)
    predicted = truth + RNG.normal(size=ROWS)
    found = at_once(scores.regression(predicted, truth))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, predicted))
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, predicted))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(truth, predicted))


def test_intervals_hold_the_figure() -> None:
    """The interval of a mean of 100 is about 1.96 standard errors to each side; it is the same each time."""
    errors = RNG.normal(size=100)
    found = scores.score({"mean": lambda times: float(np.average(errors, weights=times))}, 100, "rows")
    low, high = found["mean"]["interval"]
    assert low < found["mean"]["mean"] < high
    assert (high - low) / 2 == pytest.approx(1.96 * errors.std() / 10, rel=0.15)
    assert found == scores.score({"mean": lambda times: float(np.average(errors, weights=times))}, 100, "rows")


def test_what_has_no_figure_is_left_out() -> None:
    one_class = scores.classification(np.full((10, 2), 0.5), np.zeros(10, dtype=np.int64))
    assert "roc_auc" not in scores.score(one_class, 10, "rows")
