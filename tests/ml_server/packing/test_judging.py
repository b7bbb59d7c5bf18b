import numpy as np
import pytest

from ml_server.packing.judging import interval, judge
from ml_server.packing.outputs import Reading
from ml_server.packing.refusal import PackingError

EVERY = np.ones(4, dtype=bool)
SURE = np.array([[0.2, 0.8], [0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
CLASSES = Reading("y", "classification", "none", ("no", "yes"))


def test_classes_are_counted_and_scored() -> None:
    found = judge(CLASSES, {"outcome": ("yes", "no", None, "yes")}, SURE, EVERY, "4 rows")
    assert found.class_counts == {"no": 1, "yes": 2}
    assert found.scores["accuracy"]["mean"] == 1.0
    assert found.scores["roc_auc"]["over"] == "4 rows"


def test_refused_rows_are_not_scored() -> None:
    targets = {"outcome": ("no", "no", "no", "yes")}
    assert judge(CLASSES, targets, SURE, EVERY, "").scores["accuracy"]["mean"] == 0.75
    assert judge(CLASSES, targets, SURE, np.array([False, True, True, True]), "").scores["accuracy"]["mean"] == 1.0


def test_numbers_have_their_range() -> None:
    reading = Reading("y", "regression", "none", ("days", "cost"))
    values = np.array([[1.0, 10], [2, 20], [3, 30], [4, 40]])
    targets = {"days": ("1", "2", "3", None), "cost": ("10", "25", "30", "40")}
    found = judge(reading, targets, values, EVERY, "")
    assert found.ranges == {"days": (1.0, 3.0), "cost": (10.0, 30.0)}
    assert found.scores["days_rmse"]["mean"] == 0.0
    assert found.scores["cost_mae"]["mean"] == pytest.approx(5 / 3, abs=1e-4)


def test_labels_are_counted() -> None:
    reading = Reading("y", "multi_label", "none", ("a", "b"))
    found = judge(reading, {"a": ("1", "0", "0", "1"), "b": ("True", "False", "False", "1.0")}, SURE, EVERY, "")
    assert found.class_counts == {"a": 2, "b": 2}


def test_without_truth_there_is_nothing() -> None:
    assert judge(CLASSES, {}, SURE, EVERY, "").scores == {}
    assert judge(Reading("y", "embedding", "none", ()), {"outcome": ("a",) * 4}, SURE, EVERY, "").scores == {}


@pytest.mark.parametrize(
    ("task", "names", "targets", "words"),
    [
        ("regression", ("days",), {"days": ("1", "x", "2", "3")}, "x"),
        ("multi_label", ("a", "b"), {"a": ("1", "0", "0", "1")}, "1 columns"),
        ("classification", ("no", "yes"), {"outcome": ("no", "maybe", "yes", "no")}, "maybe"),
        ("classification", ("no", "yes"), {"a": ("no",) * 4, "b": ("no",) * 4}, "2 columns"),
        ("regression", ("days",), {"days": (None,) * 4}, "no row"),
    ],
)
def test_another_target_is_refused(
    task: str, names: tuple[str, ...], targets: dict[str, tuple[str | None, ...]], words: str
) -> None:
    with pytest.raises(PackingError, match=words):
        judge(Reading("y", task, "none", names), targets, SURE[:, : len(names)], EVERY, "")


def test_intervals_cover_nine_in_ten() -> None:
    rng = np.random.default_rng(0)
    found = interval(rng.exponential(size=400))
    assert found is not None
    fresh = rng.exponential(size=20_000)
    assert ((-found["below"] <= fresh) & (fresh <= found["above"])).mean() >= 0.9
    assert found["below"] == 0.0


def test_few_rows_have_no_interval() -> None:
    assert interval(np.zeros(18)) is None
    assert interval(np.zeros(39)) == {"below": 0.0, "above": 0.0, "coverage": 0.9}
