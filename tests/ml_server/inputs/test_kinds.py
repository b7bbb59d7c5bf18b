"""The kinds of inputs that are one column of a table; what numbers do is also in the tests of `schemas`."""

import datetime
import math
from typing import Any

import pytest

from ml_server.inputs import Boolean, Category, Checked, Date, Integer, Number, Scalar, WrongValueError

AGE = Integer(name="age", description="Age", unit="years", minimum=20, maximum=90, median=60)
SMOKER = Boolean(name="smoker", description="Smokes", mode=True)
WARD = Category(name="ward", description="Ward", values=["icu", "er"], mode="er")
SEX = Category(name="sex", description="Sex", values=["F", "M"], mode="M", codes=[2.0, 1.0])
BORN = Date(
    name="born",
    description="Born",
    minimum=datetime.date(1930, 1, 1),
    maximum=datetime.date(2010, 1, 1),
    median=datetime.date(1970, 1, 2),
)
SPAN = "1930-01-01 to 2010-01-01"


@pytest.mark.parametrize(
    ("wanted", "given", "value"),
    [
        (AGE, 64, 64.0),
        (AGE, 64.0, 64.0),
        (SMOKER, True, 1.0),
        (SMOKER, False, 0.0),
        (WARD, "icu", "icu"),
        (SEX, "F", 2.0),
        (SEX, "M", 1.0),
        (BORN, "1970-01-31", 30.0),
        (BORN, "1969-12-31", -1.0),
    ],
)
def test_model_reads(wanted: Scalar, given: Any, value: Any) -> None:
    assert wanted.check(given) == Checked(value)
    assert type(wanted.check(given).value) is type(value)


@pytest.mark.parametrize(
    ("wanted", "given", "problem"),
    [
        (AGE, 64.5, "must be a whole number"),
        (AGE, "64", "must be a number, not a string"),
        (AGE, True, "must be a number, not true or false"),
        (AGE, 10**400, "is too large for a number"),
        (SMOKER, 1, "must be true or false, not a number"),
        (SMOKER, "true", "must be true or false, not a string"),
        (WARD, "home", "must be one of icu, er"),
        (WARD, "", "must be one of icu, er"),
        (WARD, 0, "must be a string, one of icu, er; not a number"),
        (WARD, ["icu"], "must be a string, one of icu, er; not a list"),
        (BORN, 19700131, "must be a date such as 1985-03-02, not a number"),
        (BORN, "31.01.1970", "must be a date such as 1985-03-02"),
        (BORN, "1970-02-30", "must be a date such as 1985-03-02"),
        (BORN, "1970-1-3T00:00", "must be a date such as 1985-03-02"),
        (BORN, "1700-01-01", f"is farther outside the range seen in training than that range is wide; the model knows {SPAN}"),
    ],
)
def test_what_is_wrong_is_told(wanted: Scalar, given: Any, problem: str) -> None:
    with pytest.raises(WrongValueError) as wrong:
        wanted.check(given)
    assert str(wrong.value) == problem


@pytest.mark.parametrize(("given", "side"), [("1929-12-31", "before"), ("2010-01-02", "after")])
def test_date_outside_training_is_odd(given: str, side: str) -> None:
    assert BORN.check(given).warning == f"born is {side} the range seen in training, {SPAN}"
    assert all(BORN.check(str(day)).warning == "" for day in (BORN.minimum, BORN.maximum))


@pytest.mark.parametrize(
    ("wanted", "value", "policy"),
    [(AGE, 60.0, "median"), (SMOKER, 1.0, "mode"), (WARD, "er", "mode"), (SEX, 1.0, "mode"), (BORN, 1.0, "median")],
)
def test_what_is_missing_is_ordinary(wanted: Scalar, value: Any, policy: str) -> None:
    assert wanted.fill() == Checked(value, f"{wanted.name} is missing and was filled with the training {policy}")
    assert wanted.reference == value


def with_policy(wanted: Any, missing: str) -> Scalar:
    changed: Scalar = type(wanted)(**{name: getattr(wanted, name) for name in wanted.__struct_fields__} | {"missing": missing})
    return changed


@pytest.mark.parametrize("wanted", [AGE, SMOKER, SEX, BORN])
def test_model_may_know_what_is_missing(wanted: Scalar) -> None:
    value, warning = with_policy(wanted, "nan").fill()
    assert isinstance(value, float)
    assert math.isnan(value)
    assert warning == f"{wanted.name} is missing; the model itself knows what to do"


@pytest.mark.parametrize("text", ["", "unknown"])
def test_missing_name_has_a_text(text: str) -> None:
    """Where the model reads names."""
    wanted = Category(name="ward", description="Ward", values=["icu"], mode="icu", missing="nan", missing_text=text)
    assert wanted.fill().value == text


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (AGE, "Age; years"),
        (SMOKER, "Smokes; true or false"),
        (WARD, "Ward; icu, er"),
        (BORN, "Born; a date such as 1985-03-02"),
    ],
)
def test_missing_may_be_refused(wanted: Scalar, told: str) -> None:
    with pytest.raises(WrongValueError) as wrong:
        with_policy(wanted, "refuse").fill()
    assert str(wrong.value) == f"is required ({told})"


def test_many_categories_are_cut() -> None:
    many = Category(name="code", description="Code", values=[f"c{number}" for number in range(100)], mode="c0")
    with pytest.raises(WrongValueError, match=r"c0, c1, .*, c19 and 80 more, see the model's schema$"):
        many.check("x")


def test_a_code_has_few_values() -> None:
    stage = Number(name="stage", description="Stage", unit="class", minimum=0, maximum=2, median=1, allowed=[0, 1, 2])
    assert stage.check(2) == Checked(2.0)
    with pytest.raises(WrongValueError, match=r"must be one of 0, 1, 2 \(class\)"):
        stage.check(0.5)
