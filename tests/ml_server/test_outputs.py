from typing import Any

import msgspec
import numpy as np
import pytest

from ml_server.card import Card, Output, Target
from ml_server.errors import BrokenModelError
from ml_server.outputs import find_output, reader, settled, sigmoid, softmax
from ml_server.tensors import MAP, TensorSpec

LABEL = TensorSpec("label", "int64", (None,))
TARGETS = [Target(name=name, description="D", unit="mg", minimum=0, maximum=1) for name in ("a", "b", "c")]


def spec(*shape: int | None, name: str = "y", dtype: str = "float32") -> TensorSpec:
    return TensorSpec(name, dtype, shape)


def changed(card: Card, task: str = "classification", count: int = 2, **output: Any) -> Card:
    names: dict[str, Any] = {"classes": ["a", "b", "c"][:count]}
    if task == "regression":
        names = {"classes": [], "targets": TARGETS[:count]}
    if task == "embedding":
        names = {"classes": []}
    return msgspec.structs.replace(card, task=task, output=Output(**output), **names)


@pytest.mark.parametrize(
    ("task", "count", "found"),
    [
        ("classification", 2, spec(None, 2, name="probabilities")),
        ("classification", 2, spec(None, 2, name="anything", dtype="float64")),
        ("classification", 2, spec(None, 1)),
        ("classification", 2, spec(None)),
        ("classification", 3, spec(name="output_probability", dtype=MAP)),
        ("classification", 3, spec(None, None)),
        ("multi_label", 3, spec(None, 3)),
        ("multi_label", 3, spec(3, None, 2)),
        ("regression", 1, spec(None, 1)),
        ("regression", 1, spec(None)),
        ("regression", 2, spec(None, 2)),
        ("embedding", 0, spec(None, 64)),
    ],
)
def test_output_is_found_by_shape(card: Card, task: str, count: int, found: TensorSpec) -> None:
    assert find_output(changed(card, task, count), [LABEL, found]) == found


def test_usual_name_comes_first(card: Card) -> None:
    both = [spec(None, 2, name="scores"), spec(None, 2, name="probabilities")]
    assert find_output(card, both).name == "probabilities"
    assert find_output(changed(card, name="scores"), both).name == "scores"


@pytest.mark.parametrize(
    ("specs", "output", "problem"),
    [
        ([LABEL], {}, r"no output that is floats of shape \(n, 2\); it has label \(int64, shape n\)"),
        ([spec(2, None, 2)], {}, r"it has y \(float32, shape 2, n, 2\); that would fit the task multi_label"),
        ([spec(None, 3)], {}, r"it has y \(float32, shape n, 3\)"),
        ([spec(None, 2, name="p"), spec(None, 2, name="q")], {}, "say in output.name which of p, q it is"),
        ([spec(None, 2)], {"name": "z"}, "no output 'z': output.name must be one of y"),
        ([LABEL, spec(None, 2)], {"name": "label"}, r"output label is not floats of shape \(n, 2\)"),
    ],
)
def test_absent_output_is_told(card: Card, specs: list[TensorSpec], output: dict[str, Any], problem: str) -> None:
    with pytest.raises(BrokenModelError, match=problem):
        find_output(changed(card, **output), specs)


@pytest.mark.parametrize(
    ("task", "count", "output", "shape", "rows"),
    [
        ("classification", 2, [[0.25, 0.75]], (None, 2), [[0.25, 0.75]]),
        ("classification", 2, [[0.25], [0.5]], (None, 1), [[0.75, 0.25], [0.5, 0.5]]),
        ("classification", 2, [0.25], (None,), [[0.75, 0.25]]),
        ("regression", 1, [3.0, 4.0], (None,), [[3.0], [4.0]]),
        ("multi_label", 3, [[[0.75, 0.25]], [[0.5, 0.5]], [[0.0, 1.0]]], (3, None, 2), [[0.25, 0.5, 1.0]]),
    ],
)
def test_rows_are_read(card: Card, task: str, count: int, output: Any, shape: tuple[Any, ...], rows: Any) -> None:
    found = reader(changed(card, task, count), spec(*shape))(np.array(output, dtype=np.float32))
    assert found == rows


def test_logits_become_probabilities(card: Card) -> None:
    logits = np.array([[0.0, np.log(3)]], dtype=np.float32)
    (row,) = reader(changed(card, activation="softmax"), spec(None, 2))(logits)
    assert row == pytest.approx([0.25, 0.75])
    (row,) = reader(changed(card, activation="sigmoid"), spec(None, 1))(logits[:, 1:])
    assert row == pytest.approx([0.25, 0.75])


def test_large_logits_do_not_overflow() -> None:
    with np.errstate(all="raise", under="ignore"):
        assert softmax(np.array([[1e4, -1e4]])).tolist() == [[1.0, 0.0]]
        assert sigmoid(np.array([[1e4, -1e4]])).tolist() == [[1.0, 0.0]]


def test_rounding_leaves_probabilities() -> None:
    """The sums of float32 put a probability a trifle beyond 0 or 1; what is farther away is none."""
    assert settled([-1.2e-7, 1.0000001]) == [0.0, 1.0]
    assert settled([0.25, 0.75]) == [0.25, 0.75]
    assert settled([-0.5, 1.5]) == [-0.5, 1.5]
