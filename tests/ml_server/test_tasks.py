from typing import Any

import msgspec
import pytest

from ml_server.card import Card, GoldenSample, Interval, Target
from ml_server.tasks import NO_EXPLANATION, TOO_CERTAIN, Task, deviations, task_of, warnings_of_range

NAN = float("nan")
TARGETS = [
    Target(name="dose", description="Dose", unit="mg", minimum=0, maximum=10, interval=Interval(below=1, above=2, coverage=0.9)),
    Target(name="days", description="Days", unit="d", minimum=0, maximum=9),
]


def task(card: Card, kind: Any, **changes: Any) -> Task:
    return task_of(msgspec.structs.replace(card, task=kind, **changes))


def test_likeliest_class_is_the_prediction(card: Card) -> None:
    found = task(card, "classification", classes=["a", "b"])
    assert found.render([0.25, 0.75]) == {"prediction": "b", "confidence": 0.75, "predictions": {"a": 0.25, "b": 0.75}}
    assert found.render([0.75, 0.25])["prediction"] == "a"


@pytest.mark.parametrize("kind", ["classification", "multi_label"])
def test_every_class_needs_a_probability(card: Card, kind: str) -> None:
    with pytest.raises(ValueError, match="zip"):
        task(card, kind).render([1.0])


def test_labels_are_told_apart(card: Card) -> None:
    """They need not add up; the confidence is that of the least certain."""
    found = task(card, "multi_label", classes=["a", "b", "c"])
    assert found.render([0.5, 0.9, 0.1]) == {
        "prediction": ["a", "b"],
        "confidence": 0.5,
        "predictions": {"a": 0.5, "b": 0.9, "c": 0.1},
    }
    assert found.is_answer([1.0, 1.0, 1.0])
    assert not found.is_answer([1.0, NAN, 1.0])
    assert not found.is_answer([1.1, 0.5, 1.0])


def test_values_have_units_and_intervals(card: Card) -> None:
    found = task(card, "regression", classes=[], targets=TARGETS)
    assert found.render([4.0, 7.0]) == {
        "prediction": 4.0,
        "confidence": None,
        "predictions": {"dose": 4.0, "days": 7.0},
        "values": [
            {"name": "dose", "value": 4.0, "unit": "mg", "interval": {"low": 3.0, "high": 6.0, "coverage": 0.9}},
            {"name": "days", "value": 7.0, "unit": "d"},
        ],
    }
    assert found.is_answer([-1e9, 0])
    assert not found.is_answer([NAN, 0])
    assert not found.is_answer([float("inf"), 0])


def test_value_outside_training_is_told(card: Card) -> None:
    regression = msgspec.structs.replace(card, task="regression", classes=[], targets=TARGETS)
    assert warnings_of_range(regression, [10, 9]) == ()
    assert warnings_of_range(regression, [10.5, -1]) == (
        "the predicted dose is above the range seen in training, 0 to 10 (mg)",
        "the predicted days is below the range seen in training, 0 to 9 (d)",
    )


def test_vector_is_answered_as_it_is(card: Card) -> None:
    found = task(card, "embedding", classes=[])
    assert found.render([0.5, -2.0]) == {"prediction": None, "confidence": None, "predictions": {}, "embedding": [0.5, -2.0]}
    assert not found.is_answer([0.5, NAN])
    assert found.importance([1.0], [[2.0]]) == NO_EXPLANATION
    assert found.expected(GoldenSample({}, {"embedding": [1.0, 2.0]})) == [1.0, 2.0]


def test_classes_move_by_log_odds(card: Card) -> None:
    """Of the predicted one: to 0.75 from 0.5 is log(3)."""
    moved = task(card, "classification").importance([0.25, 0.75], [[0.5, 0.5], [0.25, 0.75]])
    assert moved == pytest.approx([1.0986122886681098, 0.0])


def test_labels_move_by_log_odds(card: Card) -> None:
    assert task(card, "multi_label").importance([0.75, 0.1], [[0.5, 0.9]]) == pytest.approx([1.0986122886681098])


def test_values_move_by_their_unit(card: Card) -> None:
    assert task(card, "regression", targets=TARGETS).importance([4.0, 7.0], [[3.5, 9.0]]) == [0.5]


@pytest.mark.parametrize("numbers", [[1.0, 0.0], [1 - 1e-8, 1e-8]])
def test_certainty_is_not_explained(card: Card, numbers: list[float]) -> None:
    assert task(card, "classification").importance(numbers, [[0.5, 0.5]]) == TOO_CERTAIN


def test_values_deviate_by_their_share() -> None:
    """Below 1, as probabilities are, by the difference."""
    assert deviations([1001.0, 0.75], [1000.0, 0.5]) == [0.001, 0.25]
    assert deviations([-990.0], [-1000.0]) == [0.01]
