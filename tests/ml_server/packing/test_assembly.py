"""A model and its data become a card that is served, or are refused with all that is wrong."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from onnx import TensorProto, helper

from ml_server.card import read_card
from ml_server.packing import Asked, Packed, PackingError, Wishes, pack_model
from ml_server.packing.form import Said, Words
from ml_server.packing.table import Table, table_of
from ml_server.repository import read_version
from ml_server.verification.verify import verify
from tests.ml_server.packing.models import COLUMNS, Case, graph, linear

WISHES = Wishes("sepsis", "1.0.0", ("outcome",))
INPUTS = {name: {"description": name, "unit": "SD"} for name in COLUMNS}
FILLED = Said("Sepsis", "To warn", ["Children"], Words("80 people", "Nobody 2026", "a matrix"), INPUTS)


def pack(case: Case, data: Table | None = None, predictions: Table | None = None, **asked: Any) -> Packed:
    wishes = replace(WISHES, asked=Asked(**asked))
    return pack_model(case.model, data or case.data(), wishes, predictions=predictions or case.predictions())


def refusal(case: Case, data: Table | None = None, predictions: Table | None = None, **asked: Any) -> str:
    with pytest.raises(PackingError) as raised:
        pack(case, data, predictions, **asked)
    return raised.value.message


def test_a_packed_model_is_served(tmp_path: Path, two_classes: Case) -> None:
    packed = pack_model(two_classes.model, two_classes.data(), replace(WISHES, said=FILLED))
    assert packed.open_fields == []
    entry = read_version(packed.write(tmp_path), "sepsis", "1.0.0")
    assert verify(entry) == []
    assert entry.card is not None
    assert entry.card.classes == ["sick", "well"]
    assert entry.card.training.class_counts == {name: two_classes.truth.count(name) for name in ("sick", "well")}


def test_open_fields_are_named_by_the_card(two_classes: Case) -> None:
    """The card is whole but for them: reading it names each, and nothing else."""
    packed = pack(two_classes)
    with pytest.raises(Exception, match="only a person can say it") as raised:
        read_card(msgspec.json.encode(packed.card))
    assert len(raised.value.details) == len(packed.open_fields)  # type: ignore[attr-defined]


def test_without_reference_it_is_said(two_classes: Case) -> None:
    assert any("--reference" in note for note in pack_model(two_classes.model, two_classes.data(), WISHES).notes)
    assert any("to 1e-05" in note for note in pack(two_classes).notes)


def test_another_answer_is_refused(two_classes: Case) -> None:
    answers = two_classes.answers.copy()
    answers[4] = [0.5, 0.5]
    assert "1 of 80 rows differ" in refusal(two_classes, predictions=two_classes.predictions(answers))


def test_exchanged_columns_are_found(two_classes: Case) -> None:
    data = two_classes.data().columns
    swapped = table_of({name: data[name] for name in ("albumin", "age", "log_crp", "outcome")})
    assert "--columns age,albumin,log_crp" in refusal(two_classes, swapped)
    wishes = replace(WISHES, columns={"": COLUMNS})
    assert pack_model(two_classes.model, swapped, wishes, predictions=two_classes.predictions()).card["batch"] == "together"


def test_logits_are_asked_for_or_found() -> None:
    case = linear(np.array([[2.0, 0, 1], [0, 3, 0], [-1, 0, -2]]), classes=("a", "b", "c"), last="")
    with pytest.raises(PackingError, match="--activation softmax"):
        pack_model(case.model, case.data(), WISHES)
    assert pack(case).card["output"]["activation"] == "softmax"
    assert pack(case, activation="softmax").card["classes"] == ["a", "b", "c"]
    assert "they are with softmax" in refusal(case, activation="sigmoid")


def test_exchanged_classes_are_found() -> None:
    """Nothing names the classes of a network: their letters speak for another order than its truth, or its reference."""
    case = linear(np.array([[0.8, -1.1, 0.4]]), classes=("well", "sick"))
    with pytest.raises(PackingError, match="say --classes well,sick"):
        pack_model(case.model, case.data(), WISHES)
    assert pack(case).card["classes"] == ["well", "sick"]
    assert pack(case, classes=("well", "sick")).card["scores"]["roc_auc"]["mean"] == 1.0


def test_a_batch_of_one_goes_row_by_row() -> None:
    case = linear(np.array([[0.8, -1.1, 0.4]]), classes=("no", "yes"), rows=1)
    assert pack(case).card["batch"] == "row_by_row"
    assert "fixed at 8" in refusal(linear(np.array([[1.0, 1, 1]]), classes=("no", "yes"), rows=8))


def test_missing_values_are_the_models(two_classes: Case) -> None:
    """A model that replaces NaN itself is told so; one that does not gets the medians."""
    nodes = [
        helper.make_node(
            "Imputer",
            ["features"],
            ["filled"],
            domain="ai.onnx.ml",
            imputed_value_floats=[9.0, 9.0, 9.0],
            replaced_value_float=float("nan"),
        ),
        helper.make_node("MatMul", ["filled", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    weights = np.array([[0.0, 0.8], [0.0, -1.1], [0.0, 0.4]])
    own = replace(two_classes, model=graph(nodes, {"weights": weights}, (None, 3), (None, 2)))
    values = own.values.copy()
    values[::9, 1] = np.nan
    holes = replace(own, values=values)
    assert [item["missing"] for item in pack_model(own.model, holes.data(), WISHES).card["inputs"]] == ["refuse", "nan", "refuse"]
    found = pack_model(two_classes.model, holes.data(), WISHES).card["inputs"]
    assert [item["missing"] for item in found] == ["refuse", "median", "refuse"]
    assert "only rows with missing values differ" in refusal(replace(two_classes, values=values))


def test_everything_wrong_is_told_at_once(two_classes: Case) -> None:
    columns = dict(two_classes.data().columns)
    columns["age"] = ("n.d.", *columns["age"][1:])
    columns["log_crp"] = tuple("1,5" for _ in columns["age"])
    told = refusal(two_classes, table_of(columns))
    assert "age" in told
    assert "n.d." in told
    assert "decimals with a point" in told


def test_a_lost_target_is_told(two_classes: Case) -> None:
    with pytest.raises(PackingError, match="did you mean outcome"):
        pack_model(two_classes.model, two_classes.data(), replace(WISHES, targets=("outcom",)))


def test_held_out_rows_are_scored(two_classes: Case) -> None:
    few = table_of({name: texts[:30] for name, texts in two_classes.data().columns.items()})
    packed = pack_model(two_classes.model, two_classes.data(), WISHES, held_out=few)
    assert packed.card["scores"]["accuracy"]["over"] == "30 rows that were not trained on"
    flattering = pack(two_classes).card["scores"]["accuracy"]
    assert "flatters" in flattering["over"]
    assert flattering["interval"] == [1.0, 1.0]


def test_the_form_is_in_the_card(two_classes: Case) -> None:
    said = Said(title="T", inputs={"age": {"description": "Years", "missing": "median", "maximum": 120.0}})
    age = pack_model(two_classes.model, two_classes.data(), replace(WISHES, said=said)).card["inputs"][0]
    assert (age["description"], age["missing"], age["maximum"]) == ("Years", "median", 120.0)
    wrong = replace(WISHES, said=Said(inputs={"agee": {"unit": "years"}}))
    with pytest.raises(PackingError, match="did you mean age"):
        pack_model(two_classes.model, two_classes.data(), wrong)


def test_chance_is_refused(two_classes: Case) -> None:
    nodes = [
        helper.make_node("RandomUniformLike", ["features"], ["chance"]),
        helper.make_node("MatMul", ["chance", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    model = graph(nodes, {"weights": np.array([[0.0, 0.8], [0.0, -1.1], [0.0, 0.4]])}, (None, 3), (None, 2))
    with pytest.raises(PackingError, match="asked twice"):
        pack_model(model, two_classes.data(), WISHES)


def test_a_mean_over_the_batch_is_refused(two_classes: Case) -> None:
    nodes = [
        helper.make_node("ReduceMean", ["features"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["features", "mean"], ["centred"]),
        helper.make_node("MatMul", ["centred", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    model = graph(nodes, {"weights": np.array([[0.0, 0.8], [0.0, -1.1], [0.0, 0.4]])}, (None, 3), (None, 2))
    with pytest.raises(PackingError, match="alone than beside others"):
        pack_model(model, two_classes.data(), WISHES)


def test_what_is_looked_up_is_allowed() -> None:
    """A number behind the table fails, and one before it gets the row of another: neither is a ward."""
    table = np.array([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6]])
    nodes = [
        helper.make_node("Squeeze", ["ward", "axis"], ["place"]),
        helper.make_node("Gather", ["table", "place"], ["probabilities"]),
    ]
    content = helper.make_model(
        helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info("ward", TensorProto.INT64, (None, 1))],
            [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, (None, 2))],
            [
                helper.make_tensor("table", TensorProto.FLOAT, table.shape, table.ravel()),
                helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    ).SerializeToString()
    wards = [0, 1, 2] * 10
    data = table_of({"ward": wards, "outcome": ["ab"[int(table[ward].argmax())] for ward in wards]})
    packed = pack_model(content, data, WISHES)
    assert packed.card["inputs"][0]["allowed"] == [0.0, 1.0, 2.0]
