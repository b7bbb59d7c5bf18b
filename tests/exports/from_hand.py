"""Models that no tool writes on purpose, but that get about: made by `onnx.helper`, and none can be served."""

from collections.abc import Iterator

import onnx
from onnx import TensorProto, helper

from tests.exports.case import Case
from tests.exports.patients import NUMBERS, is_sick, people

_MADE_BY = f"onnx {onnx.__version__}"
_FEATURES = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", len(NUMBERS)])
_PROBABILITIES = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])


def cases() -> Iterator[Case]:
    """All of them."""
    nodes, weights = _regression()
    yield _refused(
        "no_opset_of_tomorrow", "an operator set that is not there yet", _model(nodes, weights, opset=99), "opset", "99"
    )
    yield _refused(
        "no_format_of_tomorrow", "a file format that is not there yet", _model(nodes, weights, ir_version=99), "IR version"
    )
    own = helper.make_node("Calibrate", ["raw"], ["probabilities"], domain="com.example.hospital")
    yield _refused(
        "no_custom_operator",
        "an operator of somebody's own",
        _model([*nodes[:-1], helper.make_node("Identity", ["logits"], ["raw"]), own], weights, custom=True),
        "custom operator",
        "Calibrate",
    )
    yield _refused("no_huge_allocation", "a few bytes that ask for 2.3 GB", _huge(nodes, weights), "memory")
    yield _refused("no_endless_loop", "a loop that does not end", _endless(nodes, weights), "time")
    unsure = [*nodes[:-1], helper.make_node("Softmax", ["logits"], ["soft"], axis=1), *_root_of_log_crp()]
    yield _refused("no_nan_answer", "no number for values in range", _model(unsure, weights), "NaN")
    anything = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", "columns"])
    spread = [
        helper.make_node("ReduceMean", ["features"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Concat", ["mean", "mean"], ["both"], axis=1),
        helper.make_node("Mul", ["both", "two"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    two = [helper.make_tensor("two", TensorProto.FLOAT, [1, 2], [-0.01, 0.01])]
    yield _refused("no_columns_of_any_number", "an input as wide as one likes", _model(spread, two, features=anything), "columns")
    truncated = _model(nodes, weights)
    yield _refused("no_half_a_file", "an upload that broke off", truncated[: len(truncated) // 2], "ONNX")


def _regression() -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """A logistic regression of the five numbers."""
    slopes = [-0.03, 0.03, -0.05, 0.05, -0.01, 0.01, 0.6, -0.6, -0.4, 0.4]
    nodes = [
        helper.make_node("Gemm", ["features", "slopes", "intercepts"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    return nodes, [
        helper.make_tensor("slopes", TensorProto.FLOAT, [len(NUMBERS), 2], slopes),
        helper.make_tensor("intercepts", TensorProto.FLOAT, [2], [2.3, -2.3]),
    ]


def _root_of_log_crp() -> list[onnx.NodeProto]:
    """The square root of a figure that may be negative, added to the answer."""
    return [
        helper.make_node("Slice", ["features", "four", "five", "one"], ["log_crp"]),
        helper.make_node("Sqrt", ["log_crp"], ["root"]),
        helper.make_node("Mul", ["root", "zero"], ["nothing"]),
        helper.make_node("Add", ["soft", "nothing"], ["probabilities"]),
    ]


def _huge(nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto]) -> bytes:
    fill = helper.make_tensor("value", TensorProto.FLOAT, [1], [0.0])
    more = [
        helper.make_node("ConstantOfShape", ["much"], ["large"], value=fill),
        helper.make_node("ReduceSum", ["large"], ["nothing"], keepdims=0),
        helper.make_node("Add", ["features", "nothing"], ["same"]),
    ]
    gemm = helper.make_node("Gemm", ["same", "slopes", "intercepts"], ["logits"])
    return _model([*more, gemm, nodes[-1]], [*weights, helper.make_tensor("much", TensorProto.INT64, [2], [24_000, 24_000])])


def _endless(nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto]) -> bytes:
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Sin", ["count"], ["counted"]),
        ],
        "count",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("count", TensorProto.FLOAT, ["n", len(NUMBERS)]),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("counted", TensorProto.FLOAT, ["n", len(NUMBERS)]),
        ],
    )
    loop = helper.make_node("Loop", ["for_ever", "", "features"], ["same"], body=body)
    gemm = helper.make_node("Gemm", ["same", "slopes", "intercepts"], ["logits"])
    return _model([loop, gemm, nodes[-1]], [*weights, helper.make_tensor("for_ever", TensorProto.INT64, [], [2**62])])


def _model(
    nodes: list[onnx.NodeProto],
    weights: list[onnx.TensorProto],
    *,
    opset: int = 17,
    ir_version: int = 8,
    features: onnx.ValueInfoProto = _FEATURES,
    custom: bool = False,
) -> bytes:
    constants = [
        helper.make_tensor(name, TensorProto.INT64, [1], [value]) for name, value in (("four", 4), ("five", 5), ("one", 1))
    ]
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0])
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "model",
        [features],
        [_PROBABILITIES],
        initializer=[*weights, *(constant for constant in [*constants, zero] if constant.name in used)],
    )
    imports = [helper.make_opsetid("", opset), *([helper.make_opsetid("com.example.hospital", 1)] if custom else [])]
    return bytes(helper.make_model(graph, opset_imports=imports, ir_version=ir_version).SerializeToString())


def _refused(name: str, about: str, model: bytes, *words: str) -> Case:
    frame = people(seed=13)
    return Case(
        name=name,
        about=about,
        made_by=_MADE_BY,
        model=model,
        rows=frame[NUMBERS].join(is_sick(frame, 13)),
        told={"target": "is_sick"},
        refused=words,
    )
