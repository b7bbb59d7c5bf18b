"""Parsing of requests and rendering of answers: pure functions of bytes, cards and results.

Nothing that a client sent is repeated in a problem but names of fields that look like identifiers: a value, or a
key such as a person's name, could be patient data.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ml_server import beside as besides
from ml_server import decoding
from ml_server.card import Card
from ml_server.errors import Detail, InvalidRequestError
from ml_server.inputs import Value, WrongValueError
from ml_server.inputs.base import kind_of
from ml_server.suggestions import MAX_SUGGESTED_FOR, Suggestions, did_you_mean

_FEATURE_KEYS = ("features", "clinical_features")  # the second is what Django sends
_OPTIONS = (
    ("explain", bool, "true or false"),
    ("model_name", str, "a string"),
    ("model_version", str, "a string"),
)
# `model` is near enough to model_name, and nothing that Django sends besides is near to any.
_OPTION_LIKENESS = 0.65
_IDENTIFIER = re.compile(r"[A-Za-z0-9_]{1,64}")
_ITEM_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
IDS = "must be a whole number or 1 to 64 characters of A-Z a-z 0-9 . _ : -"
PREDICTION_ID = "prediction_id"
MAX_UNKNOWN_NAMED = 50
REQUIRED = "is required: an object of input name and value (or a sequence, or image_data, where the model reads one)"


class Row(NamedTuple):
    """One person's inputs in the card's order, with missing ones filled, and what was odd about them.

    `is_outside` tells whether a given value was outside the range seen in training; `translation` is what the answer says of
    a sequence that was translated; `missing` are the numbers of the inputs that were filled, from 0 on.
    """

    values: tuple[Value, ...]
    warnings: tuple[str, ...]
    is_outside: bool = False
    translation: Any = None
    missing: tuple[int, ...] = ()


@dataclass(frozen=True)
class Item:
    """One entry of a batch: `features` and what stands `beside` them are unchecked, `problems` are what is wrong around them.

    `prediction_id` is what the client calls the answer, where it has such an id already.
    """

    id: str | int | None
    features: Any
    problems: tuple[Detail, ...] = ()
    beside: Mapping[str, Any] = field(default_factory=dict)
    prediction_id: str | int | None = None


@dataclass(frozen=True)
class Request:
    """A request whose frame is right; the features are still to be checked against a model's card.

    `explain` is None where the request does not say; `warnings` name what stands beside the features and is probably meant for
    an option.
    """

    items: tuple[Item, ...]
    is_batch: bool
    explain: bool | None
    model_name: str | None
    model_version: str | None
    warnings: tuple[str, ...] = ()


def parse(body: bytes, max_batch: int, content_type: str = decoding.JSON) -> Request:
    """Parse the body of a prediction request: JSON, or a form.

    Raises:
        NotJsonError, BodyTooLargeError: see `decoding`.
        InvalidRequestError: neither features, a sequence or an image nor a list of 1 to `max_batch` items, or an option of a
            wrong type.
    """
    is_form = content_type.lower().startswith(decoding.FORM)
    data = decoding.decode_form(body, content_type) if is_form else decoding.decode(body)
    problems = []
    for name, kind, meaning in _OPTIONS:
        if data.get(name) is not None and not isinstance(data[name], kind):
            problems.append(Detail(name, f"must be {meaning}, not {kind_of(data[name])}"))
    is_batch = "items" in data
    if is_batch:
        whole = [*(key for key in _FEATURE_KEYS if key in data), *(key for key in (besides.SEQUENCE,) if data.get(key))]
        problems += [Detail(key, "must not stand beside items") for key in whole]
        problems += _items_problems(data["items"], max_batch)
    else:
        problems += _features_key_problems(data)
    if problems:
        raise InvalidRequestError("the request is not valid", tuple(problems))
    defaults = _given(data, besides.DEFAULTS) if is_batch else {}
    own = prediction_id(data)
    single = Item(None, _features(data), beside=_given(data, besides.KEYS), prediction_id=own) if not is_batch else None
    return Request(
        items=(single,) if single else tuple(_item(entry, defaults) for entry in data["items"]),
        is_batch=is_batch,
        explain=data.get("explain"),
        model_name=data.get("model_name"),
        model_version=data.get("model_version"),
        warnings=_option_warnings(data),
    )


def _option_warnings(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which keys were ignored that look like an option or the features; others are the client's own."""
    known = (*_FEATURE_KEYS, *besides.KEYS, "items", PREDICTION_ID, *(name for name, _, _ in _OPTIONS))
    unknown = [name for name in itertools.islice(data, MAX_UNKNOWN_NAMED) if name not in known and _IDENTIFIER.fullmatch(name)]
    hints = {name: did_you_mean(name, known, cutoff=_OPTION_LIKENESS) for name in unknown if len(name) <= MAX_SUGGESTED_FOR}
    return tuple(f"{name} is not known and was ignored{hint}" for name, hint in hints.items() if hint)


def check_features(
    features: Any, card: Card, suggestions: Suggestions | None = None, beside: Mapping[str, Any] = besides.NOTHING
) -> Row:
    """Return the model's inputs out of unchecked JSON; one that is missing or null is filled as the card says.

    Raises:
        InvalidRequestError: `details` names every wrong field at once, as the client calls it.
    """
    if not isinstance(features, dict) and not (features is None and besides.DATA & beside.keys()):
        raise InvalidRequestError(
            "the features are not valid", (Detail("features", f"must be an object, not {kind_of(features)}"),)
        )
    placed = besides.place(features, beside, card.inputs)
    problems = [*unknown_fields(features or {}, card, suggestions or Suggestions()), *placed.problems]
    warnings, values = placed.warnings, []
    missing = []
    is_outside = False
    for number, wanted in enumerate(card.inputs):
        if wanted.name in placed.refused:
            continue
        given = placed.features.get(wanted.name)
        try:
            value, warning = wanted.fill() if given is None else wanted.check(given)
        except WrongValueError as error:
            field_name = placed.fields.get(wanted.name, wanted.name)
            problems.append(Detail(field_name, f"{error}{placed.notes.get(wanted.name, '')}"))
            continue
        values.append(value)
        if given is None:
            missing.append(number)
        if warning:
            warnings.append(warning)
            is_outside |= given is not None
    if problems:
        raise InvalidRequestError("the features are not valid", tuple(problems))
    return Row(tuple(values), tuple(warnings), is_outside, placed.translation, tuple(missing))


def render_error(code: str, message: str, details: Sequence[Detail]) -> dict[str, Any]:
    """Return the envelope of every error."""
    return {"ok": False, "code": code, "error": message, "details": [detail._asdict() for detail in details]}


def _items_problems(items: Any, max_batch: int) -> list[Detail]:
    if not isinstance(items, list):
        return [Detail("items", f"must be a list, not {kind_of(items)}")]
    if not 1 <= len(items) <= max_batch:
        return [Detail("items", f"must have 1 to {max_batch} entries, not {len(items)}")]
    return []


def _features_key_problems(data: Mapping[str, Any]) -> list[Detail]:
    given = [key for key in _FEATURE_KEYS if key in data]
    if not given and not _given(data, besides.DATA):
        return [Detail("features", REQUIRED)]
    if len(given) > 1:
        return [Detail("clinical_features", "must not stand beside features")]
    return []


def _features(data: Mapping[str, Any]) -> Any:
    return next((data[key] for key in _FEATURE_KEYS if key in data), None)


def _given(data: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: data[key] for key in keys if data.get(key) is not None}


def _item(entry: Any, defaults: Mapping[str, Any]) -> Item:
    if not isinstance(entry, dict):
        return Item(None, None, (Detail("item", f"must be an object, not {kind_of(entry)}"),))
    problems = tuple(_features_key_problems(entry))
    item_id = entry.get("id")
    is_id_ok = item_id is None or is_id(item_id)
    if not is_id_ok:
        problems += (Detail("id", IDS),)
    if problems:
        return Item(item_id if is_id_ok else None, None, problems)
    beside = {**defaults, **_given(entry, besides.KEYS)}
    return Item(item_id, _features(entry), beside=beside, prediction_id=prediction_id(entry))


def is_id(given: Any) -> bool:
    """Tell whether this may be what a client calls something: a number or a word without blanks, and no text."""
    if isinstance(given, str):
        return _ITEM_ID.fullmatch(given) is not None
    return type(given) is int and abs(given) < 2**63


def prediction_id(entry: Mapping[str, Any]) -> str | int | None:
    """Return the client's own id of the prediction; what is none is ignored, as every other key is."""
    given = entry.get(PREDICTION_ID)
    return given if is_id(given) else None


def unknown_fields(features: Mapping[str, Any], card: Card, suggestions: Suggestions) -> list[Detail]:
    """Return which keys are no inputs of the model."""
    known = {wanted.name: None for wanted in card.inputs}
    names = list(known)
    unknown = [(number, name) for number, name in enumerate(features, start=1) if name not in known]
    problems = []
    for number, name in unknown[:MAX_UNKNOWN_NAMED]:
        if _IDENTIFIER.fullmatch(name):
            problems.append(Detail(name, f"is not an input of this model{suggestions.hint(name, names)}"))
        else:
            # Only names of the card are told: the key may be a person's.
            problems.append(Detail(f"field {number}", f"is not an input of this model{suggestions.hint(name, names)}"))
    if len(unknown) > MAX_UNKNOWN_NAMED:
        problems.append(Detail("features", f"has {len(unknown) - MAX_UNKNOWN_NAMED} more unknown fields"))
    return problems
