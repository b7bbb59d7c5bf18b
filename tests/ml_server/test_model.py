import hashlib
import math
from typing import Any

import msgspec
import onnx
import pytest
from onnx import TensorProto, helper

from ml_server import parts
from ml_server.card import Card, GoldenSample
from ml_server.errors import BrokenModelError, ModelFaultError, PredictionTimeoutError
from ml_server.inputs import Category, Number
from ml_server.model import NO_TABLE, Answer, Model, load_model, run_model
from ml_server.repository import Entry
from ml_server.runtimes import load_runtime
from ml_server.schemas import Row
from tests.ml_server.conftest import slow_model

NAMES = ("a", "b")


def graph(*nodes: onnx.NodeProto, batch: int | str = "n", **weights: onnx.TensorProto) -> bytes:
    """A model from `features` (batch, 2) to `probabilities` (batch, 2)."""
    made = helper.make_graph(
        list(nodes),
        "made",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [batch, 2])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [batch, 2])],
        initializer=list(weights.values()),
    )
    opsets = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(made, opset_imports=opsets, ir_version=8).SerializeToString())


ECHO = helper.make_node("Identity", ["features"], ["probabilities"])

SOFTMAX = helper.make_node("Softmax", ["features"], ["probabilities"], axis=1)


@pytest.fixture
def echo_card(card: Card) -> Card:
    """A card for models that answer their two inputs as they are."""
    inputs = [Number(name=name, description="Share", unit="1", minimum=0, maximum=1, median=0.5) for name in NAMES]
    samples = [
        GoldenSample(dict(zip(NAMES, row, strict=True)), dict(zip(card.classes, row, strict=True)))
        for row in ((0.25, 0.75), (1.0, 0.0))
    ]
    return msgspec.structs.replace(card, inputs=inputs, golden_samples=samples)


def entry(card: Card, content: bytes) -> Entry:
    return Entry(card.name, card.version, card, digest=hashlib.sha256(content).hexdigest(), content=content)


def refusal(card: Card, content: bytes) -> str:
    with pytest.raises(BrokenModelError) as refused:
        load_model(entry(card, content))
    return refused.value.message


def answers(model: Model, *rows: tuple[Any, ...], explain: bool = False) -> list[Any]:
    return run_model(model, [Row(row, ()) for row in rows], explain=explain, timeout_s=60)


def test_rows_may_be_run_alone(echo_card: Card) -> None:
    """Where the model was exported for one: a batch is answered all the same, explained too."""
    model = load_model(entry(echo_card, graph(ECHO, batch=1)))
    first, second = answers(model, (0.25, 0.75), (0.5, 0.5))
    assert (first.numbers, second.numbers) == ([0.25, 0.75], [0.5, 0.5])


# Adds half of how far the first row is from the mean of all: nothing, where there is only one.
BY_ITS_NEIGHBOURS = (
    helper.make_node("ReduceMean", ["features"], ["mean"], axes=[0], keepdims=1),
    helper.make_node("Sub", ["features", "mean"], ["rest"]),
    helper.make_node("Add", ["features", "rest"], ["probabilities"]),
)
# The shape is the one of a single row, whatever the model says of itself.
ONE_ROW_AT_A_TIME = (helper.make_node("Reshape", ["features", "shape"], ["probabilities"]),)
SHAPE = helper.make_tensor("shape", TensorProto.INT64, [2], [1, 2])


def test_batch_is_answered_as_its_rows(echo_card: Card) -> None:
    content = graph(*BY_ITS_NEIGHBOURS)
    assert "the model answers a batch otherwise than its rows (by 0.375)" in refusal(echo_card, content)
    alone = msgspec.structs.replace(echo_card, batch="row_by_row")
    assert [answer.numbers for answer in answers(load_model(entry(alone, content)), (0.25, 0.75), (0.5, 0.5))] == [
        [0.25, 0.75],
        [0.5, 0.5],
    ]


def test_batch_that_fails_is_refused(echo_card: Card) -> None:
    content = graph(*ONE_ROW_AT_A_TIME, shape=SHAPE)
    assert refusal(echo_card, content).endswith(
        "cannot take 2 rows at once: export it for batches of any size, or say row_by_row in batch"
    )
    assert load_model(entry(msgspec.structs.replace(echo_card, batch="row_by_row"), content))


def test_logits_are_no_probabilities(echo_card: Card) -> None:
    samples = [GoldenSample({"a": 2.0, "b": -1.0}, {"Control": 0.9, "Impaired": 0.1})]
    wanted = msgspec.structs.replace(echo_card, golden_samples=samples)
    assert "the model puts out 2, -1, which is no answer: if these are logits, say softmax" in refusal(wanted, graph(ECHO))


def test_nan_is_no_answer(echo_card: Card) -> None:
    nan = helper.make_tensor("nan", TensorProto.FLOAT, [1], [math.nan])
    content = graph(helper.make_node("Add", ["features", "nan"], ["probabilities"]), nan=nan)
    assert refusal(echo_card, content).endswith("the model puts out nan, nan, which is no answer")


def test_all_that_does_not_fit_is_told(card: Card) -> None:
    inputs = [Category(name=name, description="W", values=["x"], mode="x") for name in NAMES]
    wanted = msgspec.structs.replace(card, inputs=inputs)
    with pytest.raises(BrokenModelError, match=r"a has no codes.*; b has no codes"):
        Model(wanted, load_runtime(wanted, graph(ECHO)))


def test_large_batch_is_run_in_parts(echo_card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same answers, and never with more values at once than allowed."""
    rows = [(number / 100, 1 - number / 100) for number in range(1, 100)]
    whole = answers(Model(echo_card, load_runtime(echo_card, graph(SOFTMAX))), *rows, explain=True)
    monkeypatch.setattr(parts, "_MAX_VALUES", 10)
    model = Model(echo_card, load_runtime(echo_card, graph(SOFTMAX)))
    sizes = []
    run = model.runtime.run

    def count(tensors: Any, output: str, timeout_s: float) -> Any:
        sizes.append(len(tensors["features"]))
        return run(tensors, output, timeout_s)

    model.runtime.run = count  # type: ignore[method-assign]
    assert answers(model, *rows, explain=True) == whole
    assert (max(sizes), sum(sizes)) == (3, 3 * len(rows))
    assert all(isinstance(answer, Answer) for answer in whole)


def test_parts_share_one_deadline(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = Number(name="rounds", description="R", unit="1", minimum=0, maximum=1e12, median=1)
    wanted = msgspec.structs.replace(card, inputs=[rounds])
    monkeypatch.setattr(parts, "_MAX_VALUES", 1)
    model = Model(wanted, load_runtime(wanted, slow_model()))
    with pytest.raises(PredictionTimeoutError):
        run_model(model, [Row((1e4,), ())] * 1_000_000, explain=False, timeout_s=0.05)


def test_missing_rows_are_the_models_fault(echo_card: Card) -> None:
    content = graph(*ONE_ROW_AT_A_TIME, shape=helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 4]))
    model = Model(echo_card, load_runtime(echo_card, content))
    with pytest.raises(ModelFaultError):
        answers(model, (0.25, 0.75), (0.5, 0.5))


def test_no_table_is_not_explained(echo_card: Card) -> None:
    model = Model(echo_card, load_runtime(echo_card, graph(ECHO)))
    model.part(Row((0.25, 0.75), ())).is_table = False
    (answer,) = answers(model, (0.25, 0.75), explain=True)
    assert (answer.importance, answer.warnings) == (None, (NO_TABLE,))
