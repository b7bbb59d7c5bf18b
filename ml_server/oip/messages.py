"""What the protocol says, as types: what is sent and answered, and what of it the document of the interface shows."""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from ml_server.errors import Detail, MlServerError

BYTES, BOOL = "BYTES", "BOOL"
# What numpy calls them, in little-endian order.
FLOATS = {"FP16": "<f2", "FP32": "<f4", "FP64": "<f8"}
INTEGERS = {f"{sign}INT{bits}": f"<{sign.lower() or 'i'}{bits // 8}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
DATATYPES = (BOOL, *INTEGERS, *FLOATS, BYTES)
Parameter = str | int | float | bool
Shape = list[Annotated[int, msgspec.Meta(ge=0)]]
_Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{0,64}$", description="your own, given back with the answer")]
EXTENSIONS = ["binary_tensor_data", "parameters"]
_MOST_TOLD = 50


class ServerMetadata(msgspec.Struct, frozen=True):
    """What this server is."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(msgspec.Struct, frozen=True):
    """That the server answers."""

    live: bool


class ServerReady(msgspec.Struct, frozen=True):
    """Whether the default model is served."""

    ready: bool


class ModelReady(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether a model is served, and why not."""

    name: str
    ready: bool
    error: str = ""


class TensorMetadata(msgspec.Struct, frozen=True, omit_defaults=True):
    """One tensor of a model; -1 in its shape is for as many as there are.

    `parameters` have its `description`, and of an input whether it is `required`; of an output the `names` of its columns, as
    JSON.
    """

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Parameter] = {}


class ModelMetadata(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a model reads and answers, and which of its versions are served."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    parameters: dict[str, Parameter] = {}


class InputTensor(msgspec.Struct, frozen=True):
    """Values of one input for all rows: `data`, or as many bytes behind the JSON as `binary_data_size` of `parameters` says."""

    name: str
    shape: Annotated[Shape, msgspec.Meta(extra_json_schema={"minItems": 1, "maxItems": 2})]
    datatype: Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(DATATYPES)})]
    parameters: dict[str, Any] = {}
    data: list[Any] | msgspec.UnsetType = msgspec.UNSET


class OutputWish(msgspec.Struct, frozen=True):
    """An output that is wanted; `binary_data` of `parameters` says whether as bytes."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(msgspec.Struct, frozen=True):
    """Rows to be answered; all outputs are answered unless some are named."""

    inputs: Annotated[list[InputTensor], msgspec.Meta(min_length=1)]
    id: _Id = ""
    parameters: dict[str, Any] = {}
    outputs: list[OutputWish] = []


class OutputTensor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Values for all rows."""

    name: str
    datatype: str
    shape: Shape
    parameters: dict[str, Parameter] = {}
    data: list[float | str] | msgspec.UnsetType = msgspec.UNSET


class InferAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to every row.

    `parameters` have, besides `request_id`, `model_digest` and `inference_ms`, all that belongs to a row's answer without being
    one of its numbers, such as `warnings`: each the JSON of a list with an entry for each row.
    """

    model_name: str
    model_version: str
    outputs: list[OutputTensor]
    id: str = ""
    parameters: dict[str, Parameter] = {}


class OipError(msgspec.Struct, frozen=True):
    """Why there is no answer."""

    error: str


def error_of(error: MlServerError) -> OipError:
    """Return an error of ours as the protocol has it: in one text, with all that is wrong."""
    return OipError(f"{error.message}{_told(error.details)}")


def _told(details: Iterable[Detail]) -> str:
    told = [f"{detail.field} {detail.problem}" for detail in details]
    rest = f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    return f": {'; '.join(told[:_MOST_TOLD])}{rest}" if told else ""
