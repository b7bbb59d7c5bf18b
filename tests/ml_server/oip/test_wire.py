"""Bodies as they come over the wire, well-formed and not."""

import json
import re
import struct
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_server import decoding
from ml_server.errors import BodyTooLargeError, InvalidRequestError, MlServerError, NotJsonError
from ml_server.oip import wire
from ml_server.oip.messages import FLOATS, INTEGERS, InferAnswer, OutputTensor

NUMPY = {**FLOATS, **INTEGERS}


def tensor(**changes: Any) -> dict[str, Any]:
    return {"name": "a", "shape": [2, 1], "datatype": "FP64", "data": [1, 2.5], **changes}


def body(*tensors: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({"inputs": tensors, **changes}).encode()


def binary(datatype: str, shape: list[int], content: bytes, size: int | None = None) -> tuple[bytes, str]:
    """A body with one tensor as bytes, and the header for it."""
    told = {"binary_data_size": len(content) if size is None else size}
    head = body({"name": "a", "shape": shape, "datatype": datatype, "parameters": told})
    return head + content, str(len(head))


def values(content: bytes, header: str = "") -> list[Any]:
    _, (found,) = wire.parse(content, header)
    return found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [1, 2.5]),
        ({"data": [[1], [2.5]]}, [1, 2.5]),
        ({"shape": [2, 2], "data": [[1, 2], [3, 4]]}, [1, 2, 3, 4]),
        ({"shape": [2, 2], "data": [1, 2, 3, None]}, [1, 2, 3, None]),
        ({"datatype": "INT8", "data": [-128, 127]}, [-128, 127]),
        ({"datatype": "BOOL", "data": [True, None]}, [True, None]),
        ({"datatype": "BYTES", "data": ["가", ""]}, ["가", ""]),
        ({"shape": [0], "data": []}, []),
    ],
)
def test_json_tensors_are_read(changes: dict[str, Any], expected: list[Any]) -> None:
    assert values(body(tensor(**changes))) == expected


@given(st.sampled_from(sorted(NUMPY)), st.data())
def test_bytes_are_read_as_numpy_writes_them(datatype: str, data: st.DataObject) -> None:
    """Every number of every type comes back as itself."""
    dtype = np.dtype(NUMPY[datatype])
    if dtype.kind == "f":
        width = 8 * dtype.itemsize
        drawn = data.draw(st.lists(st.floats(width=width, allow_nan=False), min_size=1, max_size=5))  # type: ignore[arg-type]
    else:
        limits = np.iinfo(dtype)
        drawn = data.draw(st.lists(st.integers(int(limits.min), int(limits.max)), min_size=1, max_size=5))
    array = np.array(drawn, dtype)
    assert np.array(values(*binary(datatype, [len(drawn)], array.tobytes())), dtype).tobytes() == array.tobytes()


def test_single_precision_is_read_as_written() -> None:
    """0.1 in four bytes is 0.1, and not 0.10000000149: it could be the end of a range."""
    array = np.array([0.1, 0.9858, 5.57, -3.69], np.float32)
    assert values(*binary("FP32", [4], array.tobytes())) == [0.1, 0.9858, 5.57, -3.69]


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_texts_are_read(texts: list[bytes]) -> None:
    content = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    assert values(*binary("BYTES", [len(texts), 1], content)) == texts


def test_tensors_of_both_kinds_are_read() -> None:
    """As bytes and as JSON in one request, each where it belongs."""
    one = {"name": "a", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}}
    two = {"name": "c", "shape": [1], "datatype": "UINT8", "parameters": {"binary_data_size": 1}}
    head = body(one, tensor(name="b", shape=[1], data=[7]), two)
    request, found = wire.parse(head + struct.pack("<d", 2.5) + b"\x09", str(len(head)))
    assert [each.name for each in request.inputs] == ["a", "b", "c"]
    assert found == [[2.5], [7], [9]]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (body(), "inputs is not valid"),
        (b"{}", "the request is not valid .*inputs"),
        (body(tensor(shape=[-1, 1])), "shape.* is not valid"),
        (body(tensor(shape=[])), r"inputs\[0\] must have a shape of one or two numbers"),
        (body(tensor(shape=[1, 1, 2])), r"inputs\[0\] must have a shape of one or two numbers"),
        (body(tensor(shape=[3, 1])), "must have 3 values, as its shape says, not 2"),
        (body(tensor(data=[[1, 2]])), "in lists in each other as its shape says"),
        (body(tensor(shape=[2, 2], data=[[1, 2], [3]])), "lists as long as its shape says"),
        (body(tensor(shape=[2, 2], data=[[1, 2], 3, 4])), "in lists in each other as its shape says"),
        (body(tensor(data=[1, [2]])), "in lists in each other as its shape says"),
        (body(tensor(shape=[2], data=[1, [2]])), "data that is no FP64 .a list"),
        (body(tensor(datatype="FP8")), "must have a datatype of BOOL, INT8"),
        (body(tensor(data=[1, "2"])), "data that is no FP64 .a string"),
        (body(tensor(data=[1, True])), "data that is no FP64 .true or false"),
        (body(tensor(datatype="INT8", data=[1, 128])), "data that is no INT8 .a number"),
        (body(tensor(datatype="INT64", data=[1, 2.5])), "data that is no INT64 .a number"),
        (body(tensor(datatype="UINT64", data=[1, -1])), "data that is no UINT64 .a number"),
        (body(tensor(datatype="BOOL", data=[True, 1])), "data that is no BOOL .a number"),
        (body(tensor(datatype="BYTES", data=["a", 1])), "data that is no BYTES .a number"),
        (body({"name": "a", "shape": [1], "datatype": "FP64"}), "either data or binary_data_size"),
        (body(tensor(parameters={"binary_data_size": 16})), "either data or binary_data_size"),
        (body(tensor(parameters={"shared_memory_region": "x"})), "shared_memory_region, which this server does not know"),
        (body(tensor(), outputs=[{"name": "p", "parameters": {"classification": 1}}]), "classification, which this server"),
        (body(tensor(), id="hong gil-dong"), "id is not valid"),
        (body(tensor(), id=42), "id is not valid"),
    ],
)
def test_wrong_requests_are_told(content: bytes, problem: str) -> None:
    with pytest.raises(InvalidRequestError) as told:
        wire.parse(content, "")
    (detail,) = told.value.details
    assert re.search(problem, f"{detail.field} {detail.problem}"), detail


@pytest.mark.parametrize(
    ("whole", "problem"),
    [
        (binary("FP64", [2], b"x" * 15), "must have 16 bytes, as its shape and datatype say, not 15"),
        (binary("FP64", [10**30], b"x" * 16), "at most"),
        ((body(tensor(shape=[10**30, 1])), ""), "at most"),
        (binary("BOOL", [2], b"\0\2"), "a byte of 0 or 1"),
        (binary("BYTES", [2], b"\3\0\0\0abc\3\0\0\0ab"), "breaks off within an element"),
        (binary("BYTES", [2], b"\3\0\0\0abc"), "breaks off within an element"),
        (binary("BYTES", [1], b"\xff\xff\xff\xffabc"), "breaks off within an element"),
        (binary("BYTES", [1], b"\1\0\0\0abc"), "more bytes than its 1 elements"),
        (binary("FP64", [1], b"x" * 8, size=9), "not as many as binary_data_size"),
        (binary("FP64", [1], b"x" * 8, size=7), "not as many as binary_data_size"),
        (binary("FP64", [1], b"x" * 8, size=-8), "a whole number of bytes"),
        ((binary("FP64", [1], b"x" * 8)[0], ""), "not JSON|not UTF-8"),
        ((binary("FP64", [1], b"x" * 8)[0], "9999"), "must say how many bytes"),
        ((binary("FP64", [1], b"x" * 8)[0], "-1"), "must say how many bytes"),
        ((binary("FP64", [1], b"x" * 8)[0], "１２"), "must say how many bytes"),
        ((binary("FP64", [1], b"x" * 8)[0], "7"), "not JSON"),
    ],
)
def test_wrong_bytes_are_told(whole: tuple[bytes, str], problem: str) -> None:
    with pytest.raises(MlServerError) as told:
        wire.parse(*whole)
    assert isinstance(told.value, InvalidRequestError | NotJsonError | BodyTooLargeError)
    assert re.search(problem, " ".join([told.value.message, *(detail.problem for detail in told.value.details)]))


def test_bytes_have_a_limit_too() -> None:
    """As many values as JSON may have, and no more."""
    most = decoding.MAX_VALUES
    assert len(values(*binary("UINT8", [most], bytes(most)))) == most
    with pytest.raises(BodyTooLargeError):
        wire.parse(*binary("UINT8", [most + 1], bytes(most + 1)))


def test_answers_are_written_as_asked() -> None:
    """As bytes in the order of the outputs, behind as much JSON as is told."""
    numbers = OutputTensor("p", "FP64", [1, 2], {"names": "[]"}, [0.25, 0.75])
    text = OutputTensor("t", "BYTES", [1, 1], {}, ["가"])
    answer = InferAnswer("m", "1.0.0", [numbers, text, numbers], "id-1")
    content, length = wire.render(answer, [False] * 3)
    assert length is None
    assert json.loads(content)["outputs"][1] == {"name": "t", "datatype": "BYTES", "shape": [1, 1], "data": ["가"]}
    content, length = wire.render(answer, [True, True, False])
    assert length is not None
    first, second, third = json.loads(content[:length])["outputs"]
    assert (first["parameters"], second["parameters"]) == ({"names": "[]", "binary_data_size": 16}, {"binary_data_size": 7})
    assert "data" not in first
    assert third["data"] == [0.25, 0.75]
    assert content[length:] == struct.pack("<dd", 0.25, 0.75) + b"\3\0\0\0" + "가".encode()
    assert msgspec.json.decode(content[:length], type=InferAnswer).id == "id-1"
