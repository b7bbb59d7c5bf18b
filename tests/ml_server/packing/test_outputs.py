from typing import Any

import numpy as np
import pytest

from ml_server.packing.outputs import (
    Raw,
    Reading,
    choose,
    classes_by_label,
    find_activation,
    find_task,
    labels_of,
    order,
    read_raw,
)
from ml_server.packing.refusal import PackingError

SURE = np.array([[0.2, 0.8], [0.9, 0.1]])
LOGITS = np.array([[-2.0, 3.0], [1.0, -1.0]])
ONE = np.array([[0.8], [0.1]])


def raw(values: Any, **parts: Any) -> Raw:
    return Raw("y", np.asarray(values, dtype=float), **parts)


def test_maps_have_their_classes() -> None:
    found = read_raw("y", [{0: 0.2, 1: 0.8}, {0: 0.9, 1: 0.1}])
    assert found is not None
    assert (found.keys, found.values.tolist()) == (("0", "1"), SURE.tolist())


def test_stacks_are_by_label() -> None:
    found = read_raw("y", np.stack([SURE, SURE[::-1], SURE]).astype(np.float32))
    assert found is not None
    assert (found.columns, found.is_stack) == (3, True)
    assert found.values[0] == pytest.approx([0.8, 0.1, 0.8])


def test_several_answers_at_once_are_refused() -> None:
    with pytest.raises(PackingError, match="2 answers of 3 classes"):
        read_raw("y", np.zeros((2, 5, 3), np.float32))


def test_labels_are_no_answer() -> None:
    assert read_raw("y", np.array(["a", "b"])) is None
    assert labels_of({"y": np.array([[1], [0]])}) == ("1", "0")
    assert labels_of({"y": SURE}) is None
    with pytest.raises(PackingError, match="only labels"):
        choose({"label": np.array(["a", "b"])}, None)


def test_the_probabilities_are_chosen() -> None:
    assert choose({"score": LOGITS, "p": SURE}, None).name == "p"
    assert choose({"score": LOGITS, "p": SURE}, "score").name == "score"
    with pytest.raises(PackingError, match="--output one"):
        choose({"one": LOGITS, "two": LOGITS}, None)
    with pytest.raises(PackingError, match="no output 'q'"):
        choose({"p": SURE}, "q")


@pytest.mark.parametrize(
    ("values", "labels", "targets", "names", "task"),
    [
        (SURE, None, {}, (), "classification"),
        (LOGITS, ("a", "b"), {}, (), "classification"),
        (LOGITS, None, {"y": ("sick", "well")}, (), "classification"),
        (LOGITS, None, {"y": ("0", "1")}, (), "classification"),
        (ONE, None, {"y": ("0", "1.0")}, (), "classification"),
        (ONE, None, {"y": ("1.5", "2")}, (), "regression"),
        (ONE, None, {"y": ("3", "4", "5")}, (), "regression"),
        (LOGITS, None, {"a": ("0", "1"), "b": ("1", None)}, (), "multi_label"),
        (LOGITS, None, {"a": ("0.5", "1"), "b": ("1", "2")}, (), "regression"),
        (np.array([[0.9, 0.8]]), None, {}, ("a", "b"), "multi_label"),
        (LOGITS, None, {}, (), ""),
        (ONE, None, {}, (), ""),
    ],
)
def test_tasks_are_found(values: Any, labels: Any, targets: Any, names: Any, task: str) -> None:
    assert find_task(raw(values), labels, targets, names) == task


@pytest.mark.parametrize(
    ("values", "task", "said", "found"),
    [
        (SURE, "classification", None, "none"),
        (SURE, "classification", "softmax", "softmax"),
        (LOGITS, "classification", None, "softmax"),
        (ONE, "classification", None, "none"),
        (10 * ONE, "classification", None, "sigmoid"),
        (LOGITS, "multi_label", None, "sigmoid"),
        (LOGITS, "regression", None, "none"),
        (LOGITS, "embedding", None, "none"),
    ],
)
def test_activations_are_found(values: Any, task: str, said: str | None, found: str) -> None:
    assert find_activation(raw(values), task, said) == found


def test_one_column_answers_for_two_classes() -> None:
    reading = Reading("y", "classification", "none", ("no", "yes"))
    assert reading.answers(raw(ONE)) == pytest.approx(np.array([[0.2, 0.8], [0.9, 0.1]]))
    logit = np.log(ONE / (1 - ONE))
    assert Reading("y", "classification", "sigmoid", ("no", "yes")).answers(raw(logit))[:, 1:] == pytest.approx(ONE)


def test_softmax_adds_up() -> None:
    answers = Reading("y", "classification", "softmax", ("a", "b")).answers(raw([[1000.0, 0.0], [0.0, 0.0]]))
    assert answers.tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_rounding_is_no_fault() -> None:
    answers = Reading("y", "classification", "none", ("a", "b")).answers(raw([[-1.2e-7, 1.0000001]]))
    assert answers.tolist() == [[0.0, 1.0]]


def test_labels_name_their_columns() -> None:
    assert classes_by_label(raw(SURE), ("yes", "no")) == {1: "yes", 0: "no"}


def test_numbers_are_ordered_as_numbers() -> None:
    assert order({"10", "9"}) == ["9", "10"]
    assert order({"b", "a"}) == ["a", "b"]
