"""What is answered, as types: of these the document of the interface is made, and the tests hold every answer against them.

A key that is there for some answers only is optional here. Whoever has a route answer something new adds it here.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ml_server.card import Card
from ml_server.weighed import Decision, GivenInputs, Nearness, ProbabilityInterval

_Yes = Annotated[bool, Meta(extra_json_schema={"const": True})]
_No = Annotated[bool, Meta(extra_json_schema={"const": False})]
_Probability = Annotated[float, Meta(ge=0, le=1)]
_Object = dict[str, Any]
# The parts of a card that are for those who look after the server.
HIDDEN = ("golden_samples", "golden_tolerance", "file")


def _any_of(*names: str) -> dict[str, Any]:
    """Return a schema of a list of what only these types together say."""
    return {"items": {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}}


class Health(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That the default model is served: exactly these keys."""

    ok: _Yes
    status: Annotated[str, Meta(extra_json_schema={"const": "alive"})]
    model_version: str


class Unhealthy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That it is not, or not yet (`loading`), and why."""

    ok: _No
    status: Annotated[str, Meta(extra_json_schema={"enum": ["loading", "failed"]})]
    error: str


class ErrorDetail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing wrong with one field of a request; never with its value."""

    field: str
    problem: str


class Error(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why there is no answer."""

    ok: _No
    code: str
    error: str
    details: list[ErrorDetail]
    request_id: str


class TargetValue(msgspec.Struct, frozen=True):
    """The value of one target; its `interval` has the keys `low`, `high` and `coverage`."""

    name: str
    value: float
    unit: str
    interval: dict[str, float] | UnsetType = UNSET


class RowAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a model says to one person's features.

    `prediction` is a class, the labels that are likelier than not, or the first target's value; null for an embedding.
    `predictions` are the probabilities by class or label, or the values by target. `warnings` are to be shown with it.
    """

    prediction: str | float | list[str] | None
    confidence: _Probability | None
    predictions: dict[str, float]
    warnings: list[str]
    values: list[TargetValue] | UnsetType = UNSET
    embedding: list[float] | UnsetType = UNSET
    research_only: bool | UnsetType = UNSET
    completeness: GivenInputs | UnsetType = UNSET
    applicability: Nearness | UnsetType = UNSET
    decisions: list[Decision] | UnsetType = UNSET
    probability_interval: ProbabilityInterval | UnsetType | None = UNSET
    translation: _Object | UnsetType = UNSET
    feature_importance: dict[str, float] | UnsetType = UNSET


class PredictAnswer(RowAnswer, frozen=True, kw_only=True):
    """The answer to one person's features."""

    ok: _Yes
    request_id: str
    model_name: str
    model_version: str
    model_digest: str
    inference_ms: float


class ItemAnswer(RowAnswer, frozen=True, kw_only=True):
    """The answer to an item of a batch; `index` counts them from 0 on."""

    index: int
    id: str | int | None
    ok: _Yes


class ItemError(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is none to an item; the others are answered."""

    index: int
    id: str | int | None
    ok: _No
    code: str
    error: str
    details: list[ErrorDetail]


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answers to a batch, in its order."""

    ok: _Yes
    batch: _Yes
    request_id: str
    model_name: str
    model_version: str
    model_digest: str
    results: Annotated[list[_Object], Meta(extra_json_schema=_any_of("ItemAnswer", "ItemError"))]
    warnings: list[str] | UnsetType = UNSET
    inference_ms: float


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """The model that is told of."""

    ok: _Yes
    request_id: str
    model_name: str
    model_version: str
    model_digest: str


class SchemaAnswer(Described, frozen=True, kw_only=True):
    """What the default model is, and what is to be sent to it: `request` is a JSON Schema."""

    title: str
    intended_use: str
    not_for: list[str]
    task: str
    answers: list[str]
    request: _Object
    example_request: _Object
    example_expected: dict[str, float | list[float]]


class Sample(msgspec.Struct, frozen=True):
    """A request whose answer is known."""

    request: _Object
    expected: dict[str, float | list[float]]


class ExamplePerson(msgspec.Struct, frozen=True):
    """A made-up person; each of the samples is a request with its `sample_index` and what is `expected`."""

    person_id: str
    num_samples: int
    samples: list[_Object]


class ExampleData(Described, frozen=True, kw_only=True):
    """The default model's golden samples; `items` are there where they are asked for, or the model reads no table."""

    due_version: str
    is_due: bool
    task: str
    tolerance: float
    samples: list[Sample]
    items: list[ExamplePerson] | UnsetType = UNSET


_SERVED: list[tuple[str, Any]] = [
    ("name", str),
    ("version", str),
    ("digest", str),
    ("is_served", bool),
    ("is_default", bool),
    ("error", str | None),
    ("notes", list[str]),
    ("is_due", bool),
    ("warning", str | None),
    ("is_on_trial", bool),
]
# A version that is broken may have no card, and a card leaves out what is as usual.
_OF_CARD: list[tuple[str, Any, Any]] = [
    (field.encode_name, field.type | UnsetType, UNSET)
    for field in msgspec.structs.fields(Card)
    if field.name not in (*HIDDEN, *dict(_SERVED))
]
ModelEntry = msgspec.defstruct(
    "ModelEntry",
    [*_SERVED, *_OF_CARD],
    kw_only=True,
    frozen=True,
    namespace={"__doc__": "An installed version: its card, and whether it is served, or why not."},
)


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """Every installed version."""

    ok: _Yes
    models: list[ModelEntry]  # type: ignore[valid-type]
    request_id: str


class PredictionOf(msgspec.Struct, frozen=True):
    """Which prediction feedback was joined to; `index` is its place in its request, from 0 on."""

    request_id: str
    index: int
    model_name: str
    model_version: str


class FeedbackTold(msgspec.Struct, frozen=True, kw_only=True):
    """What became of what turned out to be true; `correct` is whether the prediction was, where that can be said."""

    ok: _Yes
    outcome: Annotated[str, Meta(extra_json_schema={"enum": ["recorded", "unchanged", "corrected"]})]
    prediction_of: PredictionOf
    actual_class: str | list[str] | UnsetType = UNSET
    actual_value: dict[str, float] | UnsetType = UNSET
    correct: bool | UnsetType = UNSET


class FeedbackAnswer(FeedbackTold, frozen=True, kw_only=True):
    """What became of one truth."""

    request_id: str


class FeedbackItem(FeedbackTold, frozen=True, kw_only=True):
    """What became of one of several; `index` counts them from 0 on."""

    index: int


class FeedbackItemError(msgspec.Struct, frozen=True, kw_only=True):
    """Why one of several was not taken; the others are."""

    index: int
    ok: _No
    code: str
    error: str
    details: list[ErrorDetail]


class FeedbackBatch(msgspec.Struct, frozen=True, kw_only=True):
    """What became of several truths, in their order."""

    ok: _Yes
    batch: _Yes
    results: Annotated[list[_Object], Meta(extra_json_schema=_any_of("FeedbackItem", "FeedbackItemError"))]
    request_id: str


class Truth(msgspec.Struct, frozen=True):
    """What turned out to be true of a prediction, which is called by its `request_id` or the client's own `prediction_id`.

    Of a batch, `index` or `id` says of which item. One of `correct`, `actual_class` and `actual_value` is required.
    """

    request_id: str | None = None
    prediction_id: str | int | None = None
    index: int | None = None
    id: str | int | None = None
    model_name: str | None = None
    model_version: str | None = None
    correct: bool | None = None
    actual_class: str | list[str] | None = None
    actual_value: float | dict[str, float] | None = None


class Truths(msgspec.Struct, frozen=True):
    """Several of them; what stands outside is for every item that does not say otherwise."""

    items: Annotated[list[Truth], Meta(min_length=1)]
    request_id: str | None = None
    model_name: str | None = None
    model_version: str | None = None
