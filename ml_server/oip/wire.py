"""Tensors on the wire: as JSON, and as bytes behind it."""

import itertools
import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from ml_server import decoding
from ml_server.errors import BodyTooLargeError, Detail, InvalidRequestError, NotJsonError
from ml_server.inputs.base import kind_of
from ml_server.oip.messages import BOOL, BYTES, DATATYPES, FLOATS, INTEGERS, InferAnswer, InferRequest, InputTensor, OutputTensor

HEADER = "Inference-Header-Content-Length"
SIZE, WANTED, ALL_WANTED = "binary_data_size", "binary_data", "binary_data_output"
# Other ways of handing values over, and answers in other forms, that this server does not know: unmarked they would be wrong.
_UNKNOWN = ("shared_memory_region", "classification")
# By the thread that imports it: msgspec crashes where two learn a nested type at once.
msgspec.json.Decoder(InferRequest)


def parse(body: bytes, header_length: str) -> tuple[InferRequest, list[list[Any]]]:
    """Return a request, and the values of each of its tensors in the order of rows; null is None.

    Raises:
        NotJsonError, BodyTooLargeError: see `decoding`; or the bytes behind the JSON are not those that it tells of.
        InvalidRequestError: it is JSON, and no request, or a tensor has not what its shape and datatype say.
    """
    head, rest = _parted(body, header_length)
    request = _converted(decoding.decode(head))
    problems = list(_asked_for_the_unknown(request))
    sizes = [tensor.parameters.get(SIZE) for tensor in request.inputs]
    for number, (tensor, size) in enumerate(zip(request.inputs, sizes, strict=True)):
        problems += [Detail(f"inputs[{number}]", problem) for problem in _frame_problems(tensor, size)]
    if problems:
        raise InvalidRequestError("the request is not valid", tuple(problems))
    if sum(size or 0 for size in sizes) != len(rest):
        raise NotJsonError(f"the bytes behind the JSON are not as many as {SIZE} of the inputs says, or {HEADER} is not sent")
    if sum(math.prod(tensor.shape) for tensor in request.inputs) > decoding.MAX_VALUES:
        raise BodyTooLargeError(f"the body must have at most {decoding.MAX_VALUES} values: split the batch")
    found = []
    ends = list(itertools.accumulate(size or 0 for size in sizes))
    for number, (tensor, size, end) in enumerate(zip(request.inputs, sizes, ends, strict=True)):
        try:
            found.append(_from_json(tensor) if size is None else _from_bytes(tensor, rest[end - size : end]))
        except ValueError as wrong:
            problems.append(Detail(f"inputs[{number}]", str(wrong)))
    if problems:
        raise InvalidRequestError("the request is not valid", tuple(problems))
    return request, found


def _parted(body: bytes, header_length: str) -> tuple[bytes, bytes]:
    if not header_length:
        return body, b""
    if not (header_length.isascii() and header_length.isdigit() and len(header_length) < 10 and int(header_length) <= len(body)):
        raise NotJsonError(f"{HEADER} must say how many bytes of the body are JSON")
    return body[: int(header_length)], body[int(header_length) :]


def _converted(data: dict[str, Any]) -> InferRequest:
    try:
        return msgspec.convert(data, InferRequest)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at ")
        wrong = Detail(where.strip("`$.") or "the request", f"is not valid ({problem})")
        raise InvalidRequestError("the request is not valid", (wrong,)) from None


def _asked_for_the_unknown(request: InferRequest) -> Iterator[Detail]:
    asked = [("inputs", each.parameters) for each in request.inputs] + [("outputs", each.parameters) for each in request.outputs]
    for where, parameters in asked:
        for key in _UNKNOWN:
            if key in parameters:
                yield Detail(where, f"ask for {key}, which this server does not know")


def _frame_problems(tensor: InputTensor, size: Any) -> Iterator[str]:
    if tensor.datatype not in DATATYPES:
        yield f"must have a datatype of {', '.join(DATATYPES)}"
    if len(tensor.shape) not in (1, 2):
        yield "must have a shape of one or two numbers"
    if size is not None and (type(size) is not int or size < 0):
        yield f"must have a whole number of bytes as {SIZE}"
    if (size is None) == (tensor.data is msgspec.UNSET):
        yield f"must have either data or {SIZE}"


def _from_json(tensor: InputTensor) -> list[Any]:
    values = list(_flat(tensor.data, tensor.shape))
    count = math.prod(tensor.shape)
    if len(values) != count:
        raise ValueError(f"must have {count} values, as its shape says, not {len(values)}")
    is_one = {BOOL: _is_bool, BYTES: _is_text, **dict.fromkeys(FLOATS, _is_number)}.get(tensor.datatype)
    check = is_one or _is_whole(tensor.datatype)
    wrong = next((each for each in values if each is not None and not check(each)), None)
    if wrong is not None:
        raise ValueError(f"has data that is no {tensor.datatype} ({kind_of(wrong)})")
    return values


def _flat(data: Any, shape: Sequence[int]) -> Iterator[Any]:
    """Yield the values of one list, or of lists in each other as the shape has them."""
    if len(shape) < 2 or not any(isinstance(each, list) for each in data):
        yield from data
        return
    if len(data) != shape[0] or not all(isinstance(each, list) for each in data):
        raise ValueError("must have data in one list, or in lists in each other as its shape says")
    for each in data:
        if len(shape) == 2 and len(each) != shape[1]:
            raise ValueError("must have lists as long as its shape says")
        yield from _flat(each, shape[1:])


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(datatype: str) -> Any:
    limits = np.iinfo(INTEGERS[datatype])
    low, high = int(limits.min), int(limits.max)
    return lambda value: type(value) is int and low <= value <= high


def _from_bytes(tensor: InputTensor, content: bytes) -> list[Any]:
    count = math.prod(tensor.shape)
    if tensor.datatype == BYTES:
        return list(_texts(content, count))
    dtype = np.dtype({BOOL: "u1", **INTEGERS, **FLOATS}[tensor.datatype])
    if len(content) != count * dtype.itemsize:
        raise ValueError(f"must have {count * dtype.itemsize} bytes, as its shape and datatype say, not {len(content)}")
    values = np.frombuffer(content, dtype)
    if tensor.datatype == BOOL:
        if values.max(initial=0) > 1:
            raise ValueError("must have a byte of 0 or 1 for each value")
        return [bool(value) for value in values.tolist()]
    if dtype.kind == "f" and dtype.itemsize < 8:
        # As a person would write it: 0.1 and not 0.10000000149, which could be outside of a range that ends at 0.1.
        return [float(str(value)) for value in values]
    return list(values.tolist())


def _texts(content: bytes, count: int) -> Iterator[bytes]:
    """Yield the elements of a tensor of bytes: each after its length in four bytes."""
    at = 0
    for _ in range(count):
        length = int.from_bytes(content[at : at + 4], "little")
        at += 4 + length
        if at > len(content):
            raise ValueError("breaks off within an element")
        yield content[at - length : at]
    if at != len(content):
        raise ValueError(f"has more bytes than its {count} elements")


def render(answer: InferAnswer, is_binary: Sequence[bool]) -> tuple[bytes, int | None]:
    """Return the body of an answer, and how many bytes of it are JSON where others follow."""
    if not any(is_binary):
        return msgspec.json.encode(answer), None
    outputs, parts = [], []
    for output, is_bytes in zip(answer.outputs, is_binary, strict=True):
        if not is_bytes:
            outputs.append(output)
            continue
        parts.append(_to_bytes(output))
        parameters = {**output.parameters, SIZE: len(parts[-1])}
        outputs.append(msgspec.structs.replace(output, parameters=parameters, data=msgspec.UNSET))
    head = msgspec.json.encode(msgspec.structs.replace(answer, outputs=outputs))
    return b"".join((head, *parts)), len(head)


def _to_bytes(output: OutputTensor) -> bytes:
    if output.datatype == BYTES:
        texts = [str(text).encode() for text in output.data or ()]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return np.array(output.data or (), FLOATS[output.datatype]).tobytes()
