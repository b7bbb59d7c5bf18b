"""Mistakes that are often made are told by their names."""

from dataclasses import replace
from typing import Any

import pytest

from ml_server.packing import PackingError, Wishes, pack_model
from ml_server.packing.assignment import check_targets
from ml_server.packing.columns import Slot, read_column
from ml_server.packing.table import table_of
from ml_server.tensors import TensorSpec
from tests.ml_server.packing.models import Case

WISHES = Wishes("model", "1.0.0", ["outcome"])


@pytest.mark.parametrize(
    ("start", "words"),
    [(b"\x80\x04\x95", "looks like a pickle"), (b"PK\x03\x04", "PyTorch"), (b"tree\nversion=v4", "LightGBM")],
)
def test_files_of_other_kinds_are_told(two_classes: Case, start: bytes, words: str) -> None:
    with pytest.raises(PackingError, match=words):
        pack_model(start + b"...", two_classes.data(), WISHES)


def test_names_are_told_in_words(two_classes: Case) -> None:
    with pytest.raises(PackingError, match=r"letters, digits and underscores(.|\n)*say my_model"):
        pack_model(two_classes.model, two_classes.data(), replace(WISHES, name="my-model"))


def test_a_target_is_no_input() -> None:
    tensors = [TensorSpec("age", "float32", (None, 1)), TensorSpec("sex", "string", (None, 1))]
    with pytest.raises(PackingError, match="sex, which is an input of the model"):
        check_targets(["sex"], tensors, ["age", "outcome"])
    check_targets(["outcome"], tensors, ["age", "sex"])


@pytest.mark.parametrize("text", ["31.12.2024", "12/31/2024", "2024/12/31", "2024-12-31 13:45:00", "31.12.24"])
def test_other_dates_are_told(text: str) -> None:
    findings: Any = read_column(Slot("day", "day", "day", "float32"), (text, None), (2, 3), {}, may_guess=True)
    assert "looks like dates" in findings[0].found
    assert "2024-12-31" in findings[0].remedy


def test_references_taken_by_place_are_noted(two_classes: Case) -> None:
    numbered = table_of({"0": two_classes.answers[:, 0], "1": two_classes.answers[:, 1]})
    notes = pack_model(two_classes.model, two_classes.data(), WISHES, predictions=numbered).notes
    assert any("0 for sick, 1 for well" in note for note in notes)
    named = pack_model(two_classes.model, two_classes.data(), WISHES, predictions=two_classes.predictions()).notes
    assert not any("by their place" in note for note in named)
