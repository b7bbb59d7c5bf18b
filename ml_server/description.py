"""What is to be sent to a model, out of its card: as a JSON Schema, and by examples."""

import itertools
from typing import Any

from ml_server import beside
from ml_server.card import Card, GoldenSample
from ml_server.inputs import Input, LetterSequence, Scalar

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ID = {"type": ["string", "integer"], "description": "your own, given back with the item's answer"}
_MEANT: dict[str, Any] = {
    "seq_type": {"enum": list(beside.SEQ_TYPES), "default": "auto", "description": "what the sequence is"},
    "frame": {"enum": [0, 1, 2], "default": 0, "description": "bases before the first codon of DNA or RNA"},
    "stop_at_stop": {"type": "boolean", "default": True, "description": "whether a protein ends at the first stop codon"},
}


def request_schema(card: Card, max_batch: int) -> dict[str, Any]:
    """Return the JSON Schema of a prediction request: one person's, or up to `max_batch` of them as `items`."""
    person = _person(card)
    options: dict[str, Any] = {
        "model_name": {"type": "string", "description": "another model than the default"},
        "model_version": {"type": "string", "description": "another version than the newest"},
    }
    if all(isinstance(item, Scalar) for item in card.inputs):
        options["explain"] = {"type": "boolean", "default": False, "description": "whether to say what moved the answer"}
    items = {"type": "array", "minItems": 1, "maxItems": max_batch, "items": {"$ref": "#/$defs/item"}}
    return {
        "$schema": _DIALECT,
        "title": card.title,
        "description": card.intended_use,
        "oneOf": [
            {"type": "object", "properties": {**person["properties"], **options}, "required": person["required"]},
            {"type": "object", "properties": {**_meant(card), **options, "items": items}, "required": ["items"]},
        ],
        "$defs": {"item": {"type": "object", **person, "properties": {"id": _ID, **person["properties"]}}},
    }


def example_request(card: Card, sample: GoldenSample) -> dict[str, Any]:
    """Return the request of a golden sample as a client would make it, with a sequence or an image beside the features."""
    outside = _outside(card)
    features = {name: value for name, value in sample.features.items() if name not in outside}
    request: dict[str, Any] = {"features": features} if features or not outside else {}
    for name, key in outside.items():
        request[key] = sample.features.get(name)
    return {**{key: value for key, value in _said(card).items() if outside}, **request}


def example_people(card: Card, people: int, samples_each: int, disease_ratio: float) -> list[dict[str, Any]]:
    """Return made-up people with requests out of the golden samples, which come again where there are too few.

    A share of `disease_ratio` of the people has samples that are expected to be of another class than the first, which is
    the card's for those who are well; for other tasks than classification it means nothing.
    """
    well: list[GoldenSample] = []
    ill: list[GoldenSample] = []
    for sample in card.golden_samples:
        (well if _is_first(card, sample) else ill).append(sample)
    made = []
    for person in range(people):
        wanted = ill if person < round(people * disease_ratio) else well
        due = itertools.islice(itertools.cycle(wanted or card.golden_samples), person * samples_each, (person + 1) * samples_each)
        samples = [
            {"sample_index": index, **example_request(card, sample), "expected": sample.expected}
            for index, sample in enumerate(due)
        ]
        made.append({"person_id": f"example-{person + 1}", "num_samples": samples_each, "samples": samples})
    return made


def _is_first(card: Card, sample: GoldenSample) -> bool:
    if card.task != "classification":
        return False
    expected = [float(sample.expected[name]) for name in card.classes]  # type: ignore[arg-type] # read_card has looked
    return expected.index(max(expected)) == 0


def _person(card: Card) -> dict[str, Any]:
    outside = _outside(card)
    inside = [item for item in card.inputs if item.name not in outside]
    properties = {key: item.schema() for item in card.inputs if (key := outside.get(item.name))}
    required = list(properties)
    if inside or not outside:
        needed = [item.name for item in inside if item.is_required]
        properties["features"] = {
            "type": "object",
            "description": "clinical_features means the same",
            "properties": {item.name: _may_be_missing(item) for item in inside},
            "required": needed,
            "additionalProperties": False,
        }
        required += ["features"] if needed or not outside else []
    return {"properties": {**properties, **_meant(card)}, "required": required}


def _may_be_missing(item: Input) -> dict[str, Any]:
    schema = item.schema()
    if item.is_required:
        return schema
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return {**schema, "type": [schema["type"], "null"]}


def _outside(card: Card) -> dict[str, str]:
    """Return the inputs that may stand beside the features, and the keys there: those that are the only ones of their kind."""
    found = {}
    for key, kind in beside.KINDS.items():
        names = [item.name for item in card.inputs if isinstance(item, kind)]
        if len(names) == 1:
            found[names[0]] = key
    return found


def _meant(card: Card) -> dict[str, Any]:
    kinds = {item.seq_type for item in card.inputs if isinstance(item, LetterSequence)}
    return _MEANT if "protein" in kinds else {}


def _said(card: Card) -> dict[str, str]:
    kinds = [item.seq_type for item in card.inputs if isinstance(item, LetterSequence)]
    return {"seq_type": "auto" if kinds[0] == "text" else kinds[0]} if kinds else {}
