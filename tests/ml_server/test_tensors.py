from typing import Any

import numpy as np
import pytest

from ml_server.errors import BrokenModelError
from ml_server.inputs import Boolean, Category, Input, Integer, Number
from ml_server.tensors import TEXT, Layout, TensorSpec


def number(name: str, **options: Any) -> Number:
    return Number(name=name, description="A", unit="mg", minimum=0, maximum=1, median=0.5, **options)


A, B = number("a"), number("b")
WHOLE = Integer(name="whole", description="W", unit="n", minimum=0, maximum=9, median=5)
YES = Boolean(name="yes", description="Y", mode=False)
WARD = Category(name="ward", description="W", values=["icu", "er"], mode="er")
SEX = Category(name="sex", description="S", values=["F", "M"], mode="F", codes=[0.0, 1.0], tensor="ids")


def spec(name: str, width: int | None = 1, dtype: str = "float32") -> TensorSpec:
    return TensorSpec(name, dtype, (None, width))


def test_one_matrix() -> None:
    found = Layout([A, B], [spec("x", 2)]).tensors([(0.25, 0.5), (1.0, 2.0)])
    assert {name: value.tolist() for name, value in found.items()} == {"x": [[0.25, 0.5], [1.0, 2.0]]}
    assert found["x"].dtype == np.float32


def test_doubles_stay_doubles() -> None:
    found = Layout([A], [spec("x", 1, "float64")]).tensors([(0.1,)])["x"]
    assert found.tolist() == [[0.1]]


def test_columns_by_name() -> None:
    """In whatever order the model has them."""
    specs = [spec("ward", 1, TEXT), spec("yes", 1, "bool"), spec("a"), spec("whole", 1, "int64")]
    found = Layout([A, WHOLE, YES, WARD], specs).tensors([(0.5, 3.0, 1.0, "icu"), (0.25, 4.0, 0.0, "er")])
    assert {name: value.tolist() for name, value in found.items()} == {
        "a": [[0.5], [0.25]],
        "whole": [[3], [4]],
        "yes": [[True], [False]],
        "ward": [["icu"], ["er"]],
    }
    assert found["ward"].dtype == object


def test_several_tensors() -> None:
    inputs = [number("a", tensor="numbers"), SEX, number("b", tensor="numbers")]
    found = Layout(inputs, [spec("numbers", 2), spec("ids", None, "int64")]).tensors([(0.5, 1.0, 0.25)])
    assert {name: value.tolist() for name, value in found.items()} == {"numbers": [[0.5, 0.25]], "ids": [[1]]}


@pytest.mark.parametrize("shape", [(None,), (None, 2, 1), (None, 1, 2)])
def test_shapes_are_the_models(shape: tuple[int | None, ...]) -> None:
    inputs = [A, B][: max(1, len(shape) - 1)]
    rows = [(0.5, 0.25)[: len(inputs)]] * 3
    found = Layout(inputs, [TensorSpec("x", "float32", shape)]).tensors(rows)["x"]
    assert found.shape == (3, *shape[1:])


@pytest.mark.parametrize(
    ("inputs", "specs", "problem"),
    [
        (
            [A, B],
            [spec("a"), spec("c")],
            "no input for b: say in `tensor` which of a, c it is; .* nothing for the model's input c",
        ),
        ([A, B], [spec("x", 3)], "input x has 3 columns, and the card has 2 inputs for it"),
        ([A, WARD], [spec("x", 2)], "ward has no codes, and the model's input x reads numbers"),
        (
            [A, WARD],
            [spec("a", 1, TEXT), spec("ward", 1, TEXT)],
            "a is given as a number, and the model's input a reads text: its type must be category",
        ),
        ([number("a", missing="nan")], [spec("a", 1, "int64")], "a may be NaN, and the model's input a reads whole numbers"),
        ([A], [TensorSpec("a", "seq(tensor(float))", ())], r"of a type that is not known here \(seq"),
    ],
)
def test_what_does_not_fit_is_told(inputs: list[Input], specs: list[TensorSpec], problem: str) -> None:
    with pytest.raises(BrokenModelError, match=problem):
        Layout(inputs, specs)


def test_batches_of_one_are_seen() -> None:
    assert Layout([A], [TensorSpec("x", "float32", (1, 1))]).takes_one_row
    assert not Layout([A], [spec("x")]).takes_one_row
