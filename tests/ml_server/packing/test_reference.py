from typing import Any

import numpy as np
import pytest

from ml_server.packing.reference import Reference, Suspects, complain, differing, read_reference
from ml_server.packing.refusal import PackingError
from ml_server.packing.table import table_of

ANSWERS = np.array([[0.2, 0.8], [0.9, 0.1], [0.55, 0.45], [0.3, 0.7]])
LINES = (2, 3, 4, 5)


def read(rows: int = 2, binary: bool = True, **columns: Any) -> list[list[float]]:
    names = ("no", "yes")
    found: list[list[float]] = read_reference(table_of(columns), rows, names, 2, is_binary=binary).values.tolist()
    return found


def test_columns_go_by_name() -> None:
    assert read(yes=[0.8, 0.1], no=[0.2, 0.9]) == [[0.2, 0.8], [0.9, 0.1]]
    assert read(proba_yes=[0.8, 0.1], proba_no=[0.2, 0.9]) == [[0.2, 0.8], [0.9, 0.1]]


def test_other_names_go_by_order() -> None:
    assert read(a=[0.2, 0.9], b=[0.8, 0.1]) == [[0.2, 0.8], [0.9, 0.1]]


def test_one_column_is_the_second_class() -> None:
    assert read(p=[0.75, 0.5]) == [[0.25, 0.75], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"no": [0.2], "yes": [0.8]}, ("1 rows where the data have 2",)),
        ({"a": [1, 1], "b": [1, 1], "c": [1, 1]}, ("3 columns", "predict_proba")),
        ({"no": ["yes", "no"], "yes": [0.8, 0.1]}, ("no number, first in line 2", "not labels")),
        ({"no": [0.2, None], "yes": [0.8, 0.1]}, ("line 3",)),
    ],
)
def test_wrong_tables_are_refused(columns: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(PackingError) as raised:
        read(**columns)
    assert [word for word in words if word not in raised.value.message] == []


def test_differences_are_relative() -> None:
    """Figures of another size have other roundings: 1e-5 of a million is 10."""
    assert differing(np.array([[1e6 + 5], [1.00002], [np.nan]]), np.array([[1e6], [1.0], [0.5]])).tolist() == [False, True, True]


def told(wanted: Any, decimals: int = 17, **suspects: Any) -> str:
    known = {"is_missing": np.zeros(4, dtype=bool), "exchanged": lambda: "", "has_guesses": False, "is_float64": False}
    return complain(ANSWERS, Reference(np.asarray(wanted), decimals), LINES, Suspects(**{**known, **suspects})).text


def test_how_many_and_which_is_told() -> None:
    wanted = ANSWERS.copy()
    wanted[1] = [0.7, 0.3]
    text = told(wanted)
    assert "1 of 4 rows differ by up to 0.2: line 3 (0.9 0.1, there 0.7 0.3)" in text


def test_the_likeliest_remedy_is_told() -> None:
    assert "another order than the model's" in told(ANSWERS[:, ::-1])
    assert "order of the data" in told(ANSWERS[[1, 0, 2, 3]])
    assert "1 decimals only" in told(np.round(ANSWERS, 1), 1)
    wanted = ANSWERS + np.array([[0, 0], [0, 0], [0.1, -0.1], [0, 0]])
    assert "missing values differ" in told(wanted, is_missing=np.array([False, False, True, False]))
    assert "say --columns b,a" in told(wanted, exchanged=lambda: "say --columns b,a")
    assert "alphabetical" in told(wanted, has_guesses=True)
    assert "same fit" in told(wanted)


def test_thresholds_are_suspected() -> None:
    wanted = np.tile(ANSWERS, (10, 1))
    wanted[3] += [0.1, -0.1]
    suspects = Suspects(np.zeros(40, dtype=bool), lambda: "", has_guesses=False, is_float64=False)
    finding = complain(np.tile(ANSWERS, (10, 1)), Reference(wanted, 17), range(40), suspects)
    assert "rounded to float32" in finding.remedy
