"""How answers are spread where all is as it was in training: by people whom the model was not trained on."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ml_server.packing import Asked, Packed, pack_model
from ml_server.packing.table import Table
from tests.ml_server.packing.models import Case, linear
from tests.ml_server.packing.test_assembly import WISHES


def packed(case: Case, held_out: Table | None, data: Table | None = None, **wishes: Any) -> Packed:
    return pack_model(case.model, data or case.data(), replace(WISHES, **wishes), held_out=held_out)


def test_classes_are_counted_and_spread(two_classes: Case) -> None:
    usual = packed(two_classes, two_classes.data()).card["usual_answers"]
    assert usual["rows"] == 80
    assert usual["counts"] == {name: two_classes.truth.count(name) for name in ("sick", "well")}
    (name, histogram) = usual["histograms"].popitem()
    assert (name, sum(histogram["counts"]), len(histogram["counts"])) == ("well", 80, 10)
    assert "were not trained on" in usual["over"]


def test_several_classes_are_counted() -> None:
    case = linear(np.array([[2.0, 0, 1], [0, 3, 0], [-1, 0, -2]]), classes=("a", "b", "c"))
    usual = packed(case, case.data()).card["usual_answers"]
    assert set(usual) == {"over", "rows", "counts"}
    assert sum(usual["counts"].values()) == 80


def test_labels_are_counted_each(two_classes: Case) -> None:
    case = linear(np.array([[2.0, 0, 1], [0, 3, 0]]), classes=("a", "b"), last="Sigmoid")
    truth = {name: [str(int(value > 0.5)) for value in case.answers[:, place]] for place, name in enumerate(case.classes)}
    data = case.data(**truth).without(["outcome"])
    usual = packed(case, data, data, targets=("a", "b"), asked=Asked("multi_label", None, None, ("a", "b"))).card["usual_answers"]
    assert set(usual["counts"]) == {"a", "b"}
    assert "histograms" not in usual


@pytest.mark.parametrize("rows", [None, 29])
def test_without_enough_others_there_is_none(two_classes: Case, rows: int | None) -> None:
    """And it is said: the answers to people of the training would be no reference."""
    data = two_classes.data()
    few = None if rows is None else replace(data, columns={name: texts[:rows] for name, texts in data.columns.items()})
    made = packed(two_classes, few)
    assert "usual_answers" not in made.card
    assert any("drift watches the inputs only" in note for note in made.notes)


def test_who_lacks_what_nobody_lacked_is_left_out(two_classes: Case) -> None:
    """Who lacks what some in the training lacked counts."""
    names = {"age": 0, "albumin": 1}
    columns = {name: list(two_classes.values[:, place]) for name, place in names.items()}
    some = two_classes.data(albumin=[None if row % 4 == 0 else value for row, value in enumerate(columns["albumin"])])
    held_out = two_classes.data(
        albumin=[None if row < 10 else value for row, value in enumerate(columns["albumin"])],
        age=[None if row in range(10, 30) else value for row, value in enumerate(columns["age"])],
    )
    usual = packed(two_classes, held_out, some).card["usual_answers"]
    assert usual["rows"] == 60
