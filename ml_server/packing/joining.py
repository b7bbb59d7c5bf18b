"""One output out of several: what some exporters split into a tensor for each class or label, the model joins itself."""

import importlib
from collections.abc import Sequence

from ml_server.packing.refusal import PackingError
from ml_server.tensors import TensorSpec
from ml_server.verification.findings import Finding, listed

_JOINED = "joined_output"
_SEQUENCE = "seq(tensor("


def to_join(outputs: Sequence[TensorSpec]) -> list[TensorSpec]:
    """Return the outputs that are one answer in parts: a sequence of tensors, or a column for each class beside the label."""
    sequences = [output for output in outputs if output.dtype.startswith(_SEQUENCE)]
    if len(sequences) == 1:
        return sequences
    numbers = [output for output in outputs if output.dtype.startswith("float")]
    is_split = len(numbers) > 1 and len(numbers) == len(outputs) - 1
    return numbers if is_split and all(len(output.shape) == 1 or output.shape[1:] == (1,) for output in numbers) else []


def joined(content: bytes, parts: Sequence[TensorSpec]) -> bytes:
    """Return the model with one more output, in which the parts stand side by side.

    Raises:
        PackingError: the library that writes ONNX files is not installed.
    """
    try:
        onnx = importlib.import_module("onnx")
    except ImportError as error:
        found = f"the answer comes in parts: {listed([part.name for part in parts])}"
        remedy = 'pip install onnx, which joins them; or export it with one (skl2onnx: options={"zipmap": False})'
        raise PackingError([Finding("outputs", found, "one output", remedy)]) from error
    model = onnx.load_from_string(content)
    graph, make = model.graph, onnx.helper
    if parts[0].dtype.startswith(_SEQUENCE):
        node = make.make_node("ConcatFromSequence", [parts[0].name], [_JOINED], axis=0, new_axis=1)
        element = onnx.TensorProto.DOUBLE if "double" in parts[0].dtype else onnx.TensorProto.FLOAT
        shape: list[int | str | None] = [None, None, 2]
        graph.node.append(node)
    else:
        element = onnx.TensorProto.DOUBLE if parts[0].dtype == "float64" else onnx.TensorProto.FLOAT
        graph.initializer.append(make.make_tensor("joined_shape", onnx.TensorProto.INT64, [2], [-1, 1]))
        for number, part in enumerate(parts):
            graph.node.append(make.make_node("Reshape", [part.name, "joined_shape"], [f"joined_{number}"]))
        names = [f"joined_{number}" for number in range(len(parts))]
        graph.node.append(make.make_node("Concat", names, [_JOINED], axis=1))
        shape = [None, len(parts)]
    # The parts themselves are no outputs any more: nothing but the joined one can then be taken for the answer.
    kept = [output for output in graph.output if output.name not in {part.name for part in parts}]
    del graph.output[:]
    graph.output.extend([*kept, make.make_tensor_value_info(_JOINED, element, shape)])
    joined_content: bytes = model.SerializeToString()
    return joined_content
