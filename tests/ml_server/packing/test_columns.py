from typing import Any

import numpy as np
import pytest

from ml_server.packing.columns import Column, Slot, read_column
from ml_server.verification.findings import Finding


def read(*texts: str | None, dtype: str = "float32", guess: bool = False, **said: Any) -> Column | list[Finding]:
    slot = Slot("x", "X", "features", dtype)
    return read_column(slot, texts, range(2, len(texts) + 2), said, may_guess=guess)


def column(*texts: str | None, dtype: str = "float32", guess: bool = False, **said: Any) -> Column:
    found = read(*texts, dtype=dtype, guess=guess, **said)
    assert isinstance(found, Column), found
    return found


@pytest.mark.parametrize(
    ("texts", "dtype", "kind", "given"),
    [
        (("1.5", None, "2"), "float32", "number", (1.5, None, 2.0)),
        (("0", "3", "1"), "float32", "integer", (0, 3, 1)),
        (("64.0", "70.0"), "int64", "integer", (64, 70)),
        (("True", "false", None), "float32", "boolean", (True, False, None)),
        (("1", "0"), "bool", "boolean", (True, False)),
        (("1985-03-02", None), "float32", "date", ("1985-03-02", None)),
        (("F", "M"), "string", "category", ("F", "M")),
        (("1", "2"), "string", "category", ("1", "2")),
    ],
)
def test_kinds_are_found(texts: tuple[str | None, ...], dtype: str, kind: str, given: tuple[Any, ...]) -> None:
    found = column(*texts, dtype=dtype)
    assert (found.kind, found.given) == (kind, given)


def test_measured_whole_numbers_may_have_decimals() -> None:
    """Whole numbers of which many are seen are measured, as glucose is: 98.5 is no mistake."""
    assert column(*map(str, range(40, 90))).kind == "number"


def test_dates_are_days() -> None:
    assert column("1970-01-11", "1970-01-01 00:00:00").reads.tolist() == [10.0, 0.0]
    assert column("1970-01-11", origin="1970-01-10").reads.tolist() == [1.0]


def test_the_form_goes_first() -> None:
    assert column("0", "1", type="boolean").given == (False, True)


def test_said_codes_are_read() -> None:
    found = column("M", "F", None, codes={"F": 0, "M": 1})
    assert np.array_equal(found.reads, [1.0, 0.0, np.nan], equal_nan=True)
    assert (found.values, found.codes, found.is_guessed) == (("F", "M"), (0.0, 1.0), False)


def test_codes_are_guessed_for_a_judge() -> None:
    found = column("M", "F", guess=True)
    assert (found.reads.tolist(), found.is_guessed) == ([1.0, 0.0], True)


@pytest.mark.parametrize(
    ("texts", "said", "words"),
    [
        (("1", "2", "n.d."), {}, ("'n.d.' in line 4", "leave them empty")),
        (("1,5", "2,5", "3"), {}, ("line 2", "decimals with a point")),
        (("1e999", "2"), {}, ("line 2: not finite",)),
        (("1.5", "2"), {"type": "integer"}, ("no whole number", "number")),
        (("1985-03-02", "1985-02-30", "1986-01-01"), {}, ("no date", "1985-02-30")),
        (("true", "maybe"), {"type": "boolean"}, ("maybe",)),
        (("F", "M"), {}, ("codes = {", '"F" = 0')),
        (("F", "X"), {"codes": {"F": 0}}, ("X in line 3",)),
        ((None, None), {}, ("no value in any row",)),
        (("1", "2"), {"type": "colour"}, ("colour",)),
    ],
)
def test_wrong_cells_are_named(texts: tuple[str | None, ...], said: dict[str, Any], words: tuple[str, ...]) -> None:
    found = read(*texts, **said)
    assert isinstance(found, list)
    assert [word for word in words if word not in found[0].text] == []


def test_free_text_is_refused() -> None:
    found = read(*(f"note {number}" for number in range(50)), dtype="string")
    assert isinstance(found, list)
    assert "leave it out" in found[0].remedy


def test_fractions_for_whole_tensor_are_refused() -> None:
    found = read("1.5", "2", dtype="int64")
    assert isinstance(found, list)
    assert "float" in found[0].remedy
