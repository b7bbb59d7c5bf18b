from collections.abc import Sequence

import numpy as np

from ml_server.packing.missing import Policy, choose, is_served, options
from tests.ml_server.packing.test_columns import column

NUMBER = column("1.5", None, "2.5", "9")
TEXT = column("F", None, "M", "M", dtype="string")
ANSWERS = np.array([[0.5], [0.6], [0.7], [0.8]])


def test_complete_columns_are_demanded() -> None:
    assert [policy.name for policy in options(column("1.5", "2"))] == ["refuse"]


def test_the_models_own_way_goes_first() -> None:
    assert [policy.name for policy in options(NUMBER)] == ["nan", "median"]
    assert options(NUMBER)[-1].value == 2.5
    assert [(policy.name, policy.text) for policy in options(TEXT)][:2] == [("nan", ""), ("nan", "nan")]
    assert options(TEXT)[-1].value == "M"


def test_whole_numbers_know_no_nan() -> None:
    assert [policy.name for policy in options(column("1", None, dtype="int64"))] == ["median"]


def test_the_form_decides() -> None:
    assert [policy.name for policy in options(column("1.5", None, missing="refuse"))] == ["refuse"]
    assert [policy.name for policy in options(column("1.5", None, missing="median"))] == ["median"]
    assert options(column("F", None, dtype="string", missing_text="?"))[0].text == "?"


def test_an_answer_is_enough() -> None:
    """Without reference predictions the model's own way is taken if it has an answer."""
    assert choose([NUMBER], lambda _: ANSWERS, None)[0].name == "nan"
    no_nan = choose([NUMBER], lambda policies: None if policies[0].name == "nan" else ANSWERS, None)
    assert no_nan[0].name == "median"


def test_the_reference_decides() -> None:
    """The one that agrees is taken: here NaN for numbers, and the text "missing" for texts."""

    def answer(policies: Sequence[Policy]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        is_right = policies[0].name == "nan" and policies[1].text == "missing"
        return ANSWERS if is_right else ANSWERS + 0.1

    assert [(policy.name, policy.text) for policy in choose([NUMBER, TEXT], answer, ANSWERS)] == [("nan", ""), ("nan", "missing")]


def test_rows_without_what_is_demanded_are_not_served() -> None:
    refused = Policy("refuse", 0.0)
    assert is_served([NUMBER, TEXT], [refused, Policy("mode", "M")]).tolist() == [True, False, True, True]
