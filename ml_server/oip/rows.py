"""From the tensors of a request to rows of features, as `/predict` has them: the same checks hold for both."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ml_server import schemas
from ml_server.beside import SEQ_TYPES
from ml_server.card import Card
from ml_server.errors import Detail, InvalidRequestError
from ml_server.inputs import Input, Picture, Scalar
from ml_server.inputs.base import kind_of
from ml_server.oip.messages import BOOL, BYTES, FLOATS, INTEGERS, InferRequest, InputTensor, Parameter, TensorMetadata
from ml_server.schemas import Item
from ml_server.suggestions import Suggestions

MATRIX = "features"
_NUMBERS = (*FLOATS, *INTEGERS)
_TAKEN = {"boolean": (BOOL,), "string": (BYTES,), "number": _NUMBERS, "integer": _NUMBERS}
_OPTIONS = {"explain": bool, "frame": int, "stop_at_stop": bool, "seq_type": str}


def metadata(card: Card) -> list[TensorMetadata]:
    """Return the tensors of a model: one for each input, for one value of each row."""
    return [_described(item) for item in card.inputs]


def _described(item: Input) -> TensorMetadata:
    # NaN has no place in a tensor of whole numbers.
    whole = "FP64" if _may_be_nan(item) else "INT64"
    datatype = {"boolean": BOOL, "string": BYTES, "integer": whole}.get(_kind(item), "FP64")
    told: dict[str, Parameter] = {"description": item.wanted, "required": item.is_required}
    return TensorMetadata(item.name, datatype, [-1, 1], told)


def is_matrix(card: Card) -> bool:
    """Tell whether the inputs may be given as one matrix: they are all numbers, and none of them has its name."""
    return all(_kind(item) in ("number", "integer") and item.name != MATRIX for item in card.inputs)


def items_of(request: InferRequest, values: Sequence[list[Any]], card: Card, max_batch: int) -> tuple[Item, ...]:
    """Return the rows of a request as the items of a batch; the only one may have a client's own `prediction_id`.

    Raises:
        InvalidRequestError: a tensor is no input of the model, or not of its type, or they are not equally long.
    """
    problems = [*_name_problems(request, card), *_option_problems(request.parameters)]
    if problems:
        raise InvalidRequestError("the request is not valid", tuple(problems))
    if [tensor.name for tensor in request.inputs] == [MATRIX] and is_matrix(card):
        columns, counts = _columns(request.inputs[0], values[0], card)
    else:
        columns, counts = _separate(request.inputs, values, card)
    if len(counts) != 1 or not 1 <= min(counts) <= max_batch:
        told = f"must have the same number of rows, 1 to {max_batch}, not {' or '.join(map(str, sorted(counts)))}"
        raise InvalidRequestError("the request is not valid", (Detail("inputs", told),))
    beside = {key: value for key, value in request.parameters.items() if key in _OPTIONS and key != "explain"}
    by_name = {item.name: item for item in card.inputs}
    items = tuple(_item(row, columns, by_name, beside) for row in range(min(counts)))
    own = schemas.prediction_id(request.parameters)
    return items if own is None or len(items) > 1 else (replace(items[0], prediction_id=own),)


def _item(row: int, columns: Mapping[str, list[Any]], inputs: Mapping[str, Input], beside: Mapping[str, Any]) -> Item:
    features, problems = {}, []
    for name, column in columns.items():
        given = column[row]
        if isinstance(given, bytes) and not isinstance(inputs[name], Picture):
            try:
                given = given.decode()
            except UnicodeDecodeError:
                problems.append(Detail(name, "is not UTF-8"))
        features[name] = None if _is_missing(inputs[name], given) else given
    return Item(None, features, tuple(problems), beside)


def _is_missing(item: Input, given: Any) -> bool:
    """Tell whether a value is the model's own sign of a missing one."""
    if not (isinstance(item, Scalar) and _may_be_nan(item)):
        return False
    return (isinstance(given, float) and math.isnan(given)) or (isinstance(given, str) and given == item.absent)


def _may_be_nan(item: Input) -> bool:
    return isinstance(item, Scalar) and item.policy == "nan"


def _kind(item: Input) -> str:
    return str(item.schema()["type"])


def _name_problems(request: InferRequest, card: Card) -> Iterator[Detail]:
    names = [tensor.name for tensor in request.inputs]
    if len(set(names)) != len(names):
        yield Detail("inputs", "have the same name twice")
    if MATRIX in names and is_matrix(card):
        if len(names) > 1:
            yield Detail(MATRIX, "must not stand beside other inputs: it has them all")
        return
    yield from schemas.unknown_fields(dict.fromkeys(names), card, Suggestions())


def _option_problems(parameters: Mapping[str, Any]) -> Iterator[Detail]:
    wanted = {"explain": "true or false", "frame": "0, 1 or 2", "stop_at_stop": "true or false", "seq_type": ", ".join(SEQ_TYPES)}
    for key, kind in _OPTIONS.items():
        if key in parameters and type(parameters[key]) is not kind:
            yield Detail(f"parameters.{key}", f"must be {wanted[key]}, not {kind_of(parameters[key])}")


def _columns(tensor: InputTensor, values: list[Any], card: Card) -> tuple[dict[str, list[Any]], set[int]]:
    width = len(card.inputs)
    if tensor.datatype not in _NUMBERS or len(tensor.shape) != 2 or tensor.shape[1] != width:
        told = f"must be numbers (FP64) of shape [rows, {width}], in the order of the model's inputs"
        raise InvalidRequestError("the request is not valid", (Detail(MATRIX, told),))
    return {item.name: values[column::width] for column, item in enumerate(card.inputs)}, {tensor.shape[0]}


def _separate(tensors: Sequence[InputTensor], values: Sequence[list[Any]], card: Card) -> tuple[dict[str, list[Any]], set[int]]:
    by_name = {item.name: item for item in card.inputs}
    problems = []
    for tensor in tensors:
        taken = _TAKEN[_kind(by_name[tensor.name])]
        if tensor.datatype not in taken:
            problems.append(Detail(tensor.name, f"must be {' or '.join(taken)}, not {tensor.datatype}"))
        if len(tensor.shape) not in (1, 2) or tensor.shape[1:] not in ([], [1]):
            problems.append(Detail(tensor.name, "must have the shape [rows, 1]"))
    if problems:
        raise InvalidRequestError("the request is not valid", tuple(problems))
    return {tensor.name: column for tensor, column in zip(tensors, values, strict=True)}, {each.shape[0] for each in tensors}


def example(card: Card, features: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request for one row with these features, as JSON."""
    given = [(each, features[each.name]) for each in metadata(card) if features.get(each.name) is not None]
    return {"inputs": [{"name": each.name, "shape": [1, 1], "datatype": each.datatype, "data": [value]} for each, value in given]}
