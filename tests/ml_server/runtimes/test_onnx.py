from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from ml_server.card import Card
from ml_server.config import BUNDLED_MODELS
from ml_server.errors import BrokenModelError, PredictionTimeoutError
from ml_server.runtimes import load_runtime
from ml_server.tensors import MAP, TEXT, TensorSpec
from tests.ml_server.conftest import NAME, VERSION, slow_model

EXPORTS = Path(__file__).parents[2] / "exports"
BUNDLED = (BUNDLED_MODELS / NAME / VERSION / "model.onnx").read_bytes()


def test_probabilities_are_onnxruntimes(card: Card) -> None:
    """The probabilities are those of a bare session."""
    rows = [[sample.features.get(wanted.name, wanted.reference) for wanted in card.inputs] for sample in card.golden_samples]
    tensors = {"features": np.array(rows, dtype=np.float32)}
    (bare,) = ort.InferenceSession(BUNDLED).run(["probabilities"], tensors)
    assert load_runtime(card, BUNDLED).run(tensors, "probabilities", 10).tolist() == bare.tolist()


def test_long_run_is_given_up(card: Card) -> None:
    """A run that takes too long is given up, and the next one is answered."""
    runtime = load_runtime(card, slow_model())

    def run(rounds: float, timeout_s: float) -> Any:
        return runtime.run({"features": np.array([[rounds]], dtype=np.float32)}, "probabilities", timeout_s).tolist()

    with pytest.raises(PredictionTimeoutError, match=r"longer than 0\.05 s"):
        run(1e12, 0.05)
    assert run(1, 10) == [[0.5, 0.5]]


def test_inputs_and_outputs_are_told(card: Card) -> None:
    runtime = load_runtime(card, BUNDLED)
    assert runtime.inputs == (TensorSpec("features", "float32", (None, 15)),)
    assert TensorSpec("probabilities", "float32", (None, 2)) in runtime.outputs


def one_node(node: onnx.NodeProto, inputs: list[Any], outputs: list[Any], opset: int = 17, ir_version: int = 8) -> bytes:
    model = helper.make_model(
        helper.make_graph([node], "one", inputs, outputs),
        opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=ir_version,
    )
    return bytes(model.SerializeToString())


def zip_map(**classes: Any) -> bytes:
    """As skl2onnx writes it unless told otherwise."""
    node = helper.make_node("ZipMap", ["features"], ["output_probability"], domain="ai.onnx.ml", **classes)
    value = helper.make_map_type_proto(
        TensorProto.INT64 if "classlabels_int64s" in classes else TensorProto.STRING,
        helper.make_tensor_type_proto(TensorProto.FLOAT, []),
    )
    output = helper.make_value_info("output_probability", helper.make_sequence_type_proto(value))
    return one_node(node, [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 3])], [output])


@pytest.mark.parametrize("classes", [{"classlabels_int64s": [0, 1, 2]}, {"classlabels_strings": ["a", "b", "c"]}])
def test_maps_are_a_table(card: Card, classes: dict[str, Any]) -> None:
    runtime = load_runtime(card, zip_map(**classes))
    assert runtime.outputs == (TensorSpec("output_probability", MAP, ()),)
    rows = [[0.25, 0.5, 0.25], [0.75, 0.125, 0.125]]
    found = runtime.run({"features": np.array(rows, dtype=np.float32)}, "output_probability", 10)
    assert found.tolist() == rows


def identity(kind: int, **options: Any) -> bytes:
    node = helper.make_node("Identity", ["x"], ["y"])
    return one_node(
        node,
        [helper.make_tensor_value_info("x", kind, ["n", 1])],
        [helper.make_tensor_value_info("y", kind, ["n", 1])],
        **options,
    )


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [(TensorProto.STRING, TEXT), (TensorProto.DOUBLE, "float64"), (TensorProto.INT64, "int64"), (TensorProto.BOOL, "bool")],
)
def test_types_are_numpys(card: Card, kind: int, dtype: str) -> None:
    assert load_runtime(card, identity(kind)).inputs == (TensorSpec("x", dtype, (None, 1)),)


def refusal(card: Card, content: bytes) -> str:
    with pytest.raises(BrokenModelError) as refused:
        load_runtime(card, content)
    return refused.value.message


def external_data(directory: Path) -> bytes:
    path = directory / "model.onnx"
    weight = numpy_helper.from_array(np.ones(256, dtype=np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "external",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 256])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 256])],
        initializer=[weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(model, str(path), save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path.read_bytes()


def test_refusals_say_what_to_do(card: Card, tmp_path: Path) -> None:
    """Each kind in words of its own, none with what the library says."""
    custom = helper.make_node("Gadget", ["x"], ["y"], domain="ai.onnx.ml")
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1])
    told = {
        "opset": refusal(card, identity(TensorProto.FLOAT, opset=99)),
        "IR version": refusal(card, identity(TensorProto.FLOAT, ir_version=99)),
        "operator of its own": refusal(card, one_node(custom, [value], [helper.make_tensor_value_info("y", 1, ["n", 1])])),
        "in another file": refusal(card, external_data(tmp_path)),
        "no code for the type": refusal(card, (EXPORTS / "no_float64_imputer" / "model.onnx").read_bytes()),
        "no maps of float64": refusal(card, (EXPORTS / "no_float64_zipmap" / "model.onnx").read_bytes()),
        "is no ONNX model": refusal(card, b"pickle"),
    }
    for word, message in told.items():
        assert message.startswith("onnxruntime cannot load the model: ")
        assert [each for each in told if each in message] == [word]


def test_absent_provider_is_replaced(card: Card) -> None:
    """By the processor itself, and that is told."""
    runtime = load_runtime(msgspec.structs.replace(card, providers=["CUDAExecutionProvider"]), BUNDLED)
    assert runtime.notes == ("CUDAExecutionProvider is not on this machine: CPUExecutionProvider runs the model",)
    assert load_runtime(card, BUNDLED).notes == ()


@pytest.mark.parametrize("kind", ["onxx", "pickles", "__init__"])
def test_unknown_runtime_is_refused(card: Card, kind: str) -> None:
    """An unknown runtime is refused, with those that there are."""
    with pytest.raises(BrokenModelError, match=r"is not known; allowed: .*onnx"):
        load_runtime(msgspec.structs.replace(card, runtime=kind), BUNDLED)
