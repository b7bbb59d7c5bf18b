"""The operators of a model, out of its file: the little of the format that tells what comes before what.

The library that reads such files whole is none that packing a file needs.
"""

from collections.abc import Iterator
from typing import NamedTuple

# Fields of ModelProto, GraphProto and NodeProto, as onnx.proto numbers them.
_GRAPH, _NODE, _INPUT, _OUTPUT, _OPERATOR = 7, 1, 1, 2, 4
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SCALERS = frozenset({"Scaler", "Sub", "Div", "Mul"})
_TREES = "TreeEnsemble"


class Node(NamedTuple):
    """An operator with the names of what it reads and writes."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def has_scaled_trees(content: bytes) -> bool:
    """Tell whether numbers are scaled before trees compare them with their thresholds."""
    nodes = nodes_of(content)
    maker = {name: node for node in nodes for name in node.outputs}
    waiting = [name for node in nodes if node.operator.startswith(_TREES) for name in node.inputs]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in maker:
            continue
        seen.add(name)
        if maker[name].operator in _SCALERS:
            return True
        waiting += maker[name].inputs
    return False


def nodes_of(content: bytes) -> list[Node]:
    """Return the operators of an ONNX file that onnxruntime has loaded, in its order; those of inner graphs left out."""
    graphs = [value for field, value in _fields(memoryview(content)) if field == _GRAPH]
    return [_node(value) for graph in graphs for field, value in _fields(graph) if field == _NODE]


def _node(content: memoryview) -> Node:
    texts: dict[int, list[str]] = {_INPUT: [], _OUTPUT: [], _OPERATOR: [""]}
    for field, value in _fields(content):
        if field in texts:
            texts[field].append(bytes(value).decode())
    return Node(texts[_OPERATOR][-1], tuple(texts[_INPUT]), tuple(texts[_OUTPUT]))


def _fields(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and bytes of each field that has any; those of plain numbers are passed over."""
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            _, place = _varint(content, place)
        elif kind == _BYTES:
            size, place = _varint(content, place)
            yield field, content[place : place + size]
            place += size
        elif kind in {_FIXED32, _FIXED64}:
            place += 4 if kind == _FIXED32 else 8
        else:  # nothing that writes ONNX files writes another
            return


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    """Return a number of seven bits in each byte, the last first, and where it ends."""
    value, shift = 0, 0
    while True:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
