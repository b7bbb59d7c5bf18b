from typing import Any

import numpy as np
import pytest

from ml_server.packing.names import find_names, number_classes
from ml_server.packing.outputs import Raw
from ml_server.packing.refusal import PackingError

SURE = Raw("y", np.array([[0.2, 0.8], [0.9, 0.1]]))


def names(
    task: str = "classification", raw: Raw = SURE, labels: Any = None, target: Any = None, reference: Any = (), said: Any = ()
) -> tuple[str, ...]:
    targets = {} if target is None else {"outcome": target}
    return find_names(task, raw, labels, targets=targets, reference=reference, said=said)


def test_said_classes_go_first() -> None:
    assert names(target=("a", "b"), said=("no", "yes")) == ("no", "yes")


def test_maps_name_the_classes() -> None:
    assert names(raw=Raw("y", SURE.values, ("2", "1")), target=("1", "2")) == ("2", "1")


def test_said_classes_keep_the_models_order() -> None:
    """The model names its classes itself: in another order they would be exchanged."""
    with pytest.raises(PackingError, match="the model's own order: 1, 2"):
        names(raw=Raw("y", SURE.values, ("1", "2")), said=("2", "1"))
    with pytest.raises(PackingError, match="the model's own order: well, sick"):
        names(labels=("sick", "well"), said=("sick", "well"))
    assert names(labels=("sick", "well"), said=("well", "sick")) == ("well", "sick")
    assert names(labels=("1", "0"), said=("well", "sick")) == ("well", "sick")


def test_truths_keep_their_names() -> None:
    """skl2onnx writes False and True as 0 and 1; the library and the data do not."""
    assert names(raw=Raw("y", SURE.values, ("0", "1")), target=("True", "False")) == ("False", "True")
    assert names(labels=("1", "0"), reference=("False", "True")) == ("False", "True")


def test_targets_name_the_classes() -> None:
    assert names(target=("well", None, "sick")) == ("sick", "well")
    assert names(target=("1.0", "0.0")) == ("0", "1")


def test_labels_overrule_the_order() -> None:
    """The model says of the row where its second column is the larger that it is "a"."""
    assert names(labels=("a", "b"), target=("a", "b")) == ("b", "a")


def test_reference_names_the_classes() -> None:
    assert names(reference=("no", "yes")) == ("no", "yes")


def test_nameless_classes_are_asked_for() -> None:
    with pytest.raises(PackingError, match="--classes a,b"):
        names()


def test_other_classes_are_refused() -> None:
    with pytest.raises(PackingError, match=r"3 values .* 2 classes"):
        names(target=("a", "b", "c"))
    with pytest.raises(PackingError, match="1 classes"):
        names(said=("a",))


def test_numbers_have_names() -> None:
    assert names("regression", Raw("y", np.array([[1.5]])), target=("1.5",)) == ("outcome",)
    assert names("regression", Raw("y", np.array([[1.5]]))) == ("value",)
    assert names("regression", Raw("y", np.array([[1.5]])), target=("1",), said=("stay days",)) == ("stay_days",)
    assert names("embedding") == ()


def test_labels_need_names() -> None:
    assert names("multi_label", reference=("a", "b")) == ("a", "b")
    with pytest.raises(PackingError, match="--classes"):
        names("multi_label")


def test_classes_are_numbered() -> None:
    assert number_classes(("b", None, "a"), ("a", "b"), "outcome") == [1, None, 0]
    assert number_classes(("1.0", "0"), ("Control", "Impaired"), "outcome") == [1, 0]


def test_unknown_class_is_refused() -> None:
    with pytest.raises(PackingError, match=r"(?s)outcome.*c, which the model does not have.*a, b"):
        number_classes(("a", "b", "c"), ("a", "b"), "outcome")
