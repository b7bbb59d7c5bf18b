"""Two answers held against each other, and intervals of shares."""

import math
from typing import Any

import msgspec
import pytest

from ml_server.card import Card, read_card
from ml_server.silent.comparing import EDGES, Difference, NotComparableError, compare, quantile_ms, step_of
from tests.ml_server import small_models


def card(**changes: Any) -> Card:
    return read_card(msgspec.json.encode(small_models.card(b"", **changes)))


def test_decisions_are_paired() -> None:
    found = compare(card(), [0.2, 0.8], card(), [0.6, 0.4])
    assert found == Difference(EDGES.index(0.5), False, (("yes", "no"),))


def test_equal_is_nothing() -> None:
    assert compare(card(), [0.2, 0.8], card(), [0.2, 0.8]) == Difference(0, True, (("yes", "yes"),))


def test_classes_by_name() -> None:
    """The other version may have its classes in another order, or one more."""
    golden = [{"features": {"a": 0.4, "b": -0.3}, "expected": {"yes": 0.7, "no": 0.2, "perhaps": 0.1}}]
    counts = {"yes": 1, "no": 1, "perhaps": 1}
    other = card(
        classes=["yes", "no", "perhaps"],
        golden_samples=golden,
        training={**small_models.card(b"")["training"], "class_counts": counts},
    )
    found = compare(card(), [0.2, 0.8], other, [0.8, 0.2, 0.0])
    assert found == Difference(0, True, (("yes", "yes"),))


def test_labels_are_paired_each() -> None:
    labels = card(task="multi_label", golden_samples=[{"features": {"a": 0.4, "b": -0.3}, "expected": {"no": 0.9, "yes": 0.7}}])
    found = compare(labels, [0.9, 0.7], labels, [0.9, 0.3])
    assert (found.is_same, found.pairs) == (False, (("no: yes", "no: yes"), ("yes: yes", "yes: no")))


def test_other_task_is_not_comparable() -> None:
    labels = card(task="multi_label", golden_samples=[{"features": {"a": 0.4, "b": -0.3}, "expected": {"no": 0.9, "yes": 0.7}}])
    with pytest.raises(NotComparableError):
        compare(card(), [0.2, 0.8], labels, [0.2, 0.8])


def test_quantiles_are_steps() -> None:
    steps = {step_of(100.0): 99, step_of(5000.0): 1}
    for share, exact in ((0.5, 0.1), (0.99, 0.1), (1.0, 5.0)):
        found = quantile_ms(steps, share)
        assert found is not None
        assert exact <= found * 1.01 <= exact * math.sqrt(2) * 1.02
    assert quantile_ms({}, 0.5) is None
