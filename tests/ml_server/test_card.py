from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from ml_server.card import Card, GoldenSample, Interval, Output, Target, Training, read_card
from ml_server.config import BUNDLED_MODELS
from ml_server.errors import BrokenModelError
from ml_server.evidence import Applicability, Limit, Pattern, Score, Spread, Subgroup, Submodel, Threshold, UsualAnswers
from ml_server.inputs import AnyInput
from tests.ml_server.conftest import CLAIMS, NAME, VERSION

Content = dict[str, Any]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def content() -> Content:
    """The bundled card as one of the first generation: without what it says of its answers."""
    read: Content = msgspec.json.decode((BUNDLED_MODELS / NAME / VERSION / "model.json").read_bytes())
    return {key: value for key, value in read.items() if key not in CLAIMS}


def test_the_bundled_card_is_read(card: Card) -> None:
    assert (card.name, card.version, card.classes) == ("alzheimer_biomarkers", "1.0.0", ["Control", "Impaired"])
    assert len(card.inputs) <= 25


def test_the_bundled_card_reports_honest_scores(card: Card) -> None:
    assert card.scores["roc_auc"].mean >= 0.88
    assert card.scores["brier"].mean < 0.12
    assert abs(card.scores["calibration_slope"].mean - 1) < 0.1
    assert abs(card.scores["calibration_intercept"].mean) < 0.1


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sha256": "beef"}, "sha256"),
        ({"file": "../model.onnx"}, "file"),
        ({"version": "1.0"}, "version"),
        ({"name": "a/b"}, "name"),
        ({"colour": "blue"}, "colour"),
        ({"classes": ["one"]}, "classes"),
        ({"classes": ["one", "one"]}, "same name"),
        ({"golden_samples": []}, "golden_samples"),
        ({"golden_samples": [{"features": {}, "expected": {"Control": 1}}]}, "golden sample 1"),
        ({"golden_tolerance": 0.5}, "golden_tolerance"),
    ],
)
def test_wrong_key_is_named(content: Content, change: Content, problem: str) -> None:
    """A wrong card is refused by the name of its key."""
    with pytest.raises(BrokenModelError, match=problem):
        read_card(msgspec.json.encode({**content, **change}))


def test_median_outside_range_is_refused(content: Content) -> None:
    content["inputs"][0]["median"] = 1e6
    with pytest.raises(BrokenModelError, match=r"of Cystatin_C: median"):
        read_card(msgspec.json.encode(content))


@pytest.mark.parametrize("end", ["minimum", "maximum"])
def test_median_may_end_its_range(content: Content, end: str) -> None:
    """A median may be an end of its range."""
    content["inputs"][0]["median"] = content["inputs"][0][end]
    assert read_card(msgspec.json.encode(content)).inputs[0].reference == content["inputs"][0][end]


@pytest.mark.parametrize("part", ["inputs", "training", "scores", "golden_samples"])
def test_unknown_key_is_refused(content: Content, part: str) -> None:
    """An unknown key is refused in every part."""
    inner = content[part]["roc_auc"] if part == "scores" else content[part]
    (inner[0] if isinstance(inner, list) else inner)["colour"] = "blue"
    with pytest.raises(BrokenModelError, match=rf"{part}\S*\.colour"):
        read_card(msgspec.json.encode(content))


def test_repeated_input_name_is_refused(content: Content) -> None:
    """Two inputs of one name are refused."""
    content["inputs"].append(content["inputs"][0])
    with pytest.raises(BrokenModelError, match="same name"):
        read_card(msgspec.json.encode(content))


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(BrokenModelError, match=r"model\.json"):
        read_card(b"{")


def problems(content: Any) -> dict[str, str]:
    with pytest.raises(BrokenModelError) as refused:
        read_card(msgspec.json.encode(content))
    assert all(field in refused.value.message for field, _ in refused.value.details)
    return dict(refused.value.details)


def test_all_that_is_wrong_is_told(content: Content) -> None:
    """At once, and each by its place."""
    content["titel"] = content.pop("title")
    content["intended_use"] = content["not_for"][1] = content["inputs"][1]["description"] = ""
    content["inputs"][0]["median"] = "7"
    content["inputs"][2]["typ"] = "number"
    content["inputs"][3] = {**content["inputs"][3], "type": "numbr"}
    del content["inputs"][4]["unit"]
    content["scores"]["roc_auc"]["mean"] = None
    content["training"] = 3
    empty = "is empty: only a person can say it"
    assert problems(content) == {
        "titel": "is not a key of the card; did you mean title?",
        "title": "is missing",
        "intended_use": empty,
        "not_for[1]": empty,
        "inputs[0].median": "is wrong: expected `float`, got `str`",
        "inputs[1].description": empty,
        "inputs[2].typ": "is not a key of inputs[2]; did you mean type?",
        "inputs[3].type": "is not known; allowed: number, integer, boolean, category, date, sequence, image",
        "inputs[4].unit": "is missing",
        "training": "is wrong: expected `object`, got `int`",
        "scores.roc_auc.mean": "is wrong: expected `float`, got `null`",
    }


def test_all_contradictions_are_told(content: Content) -> None:
    content["inputs"][0]["median"] = 1e6
    content["inputs"][1] |= {"minimum": 0, "maximum": 1, "median": 0.5, "allowed": [0, 1]}
    content["golden_samples"][0]["expected"] = {"Control": 1.0}
    content["golden_samples"][1]["expected"] = {"Control": [1.0], "Impaired": 0.0}
    told = problems(content)
    assert set(told) == {"inputs[0].median", "inputs[1].median", "golden_samples[0].expected", "golden_samples[1].expected"}
    assert told["inputs[1].median"].endswith("is 0.5, which no person has: take the commonest of allowed (0, 1)")


@pytest.mark.parametrize("whole", [None, [], 3, "card"])
def test_card_is_an_object(whole: Any) -> None:
    assert problems(whole) == {"the card": f"is wrong: expected `object`, got `{kind(whole)}`"}


def kind(whole: Any) -> str:
    return {"NoneType": "null", "list": "array", "int": "int", "str": "str"}[type(whole).__name__]


def test_required_becomes_missing(content: Content) -> None:
    """The first generation knew two of the three policies."""
    content["inputs"][0]["required"] = True
    content["inputs"][1]["required"] = False
    first, second, *_ = read_card(msgspec.json.encode(content)).inputs
    assert (first.is_required, second.is_required) == (True, False)
    assert second.fill().value == second.reference
    content["inputs"][0]["missing"] = "nan"
    content["inputs"][1]["required"] = "no"
    assert problems(content) == {
        "inputs[0].required": "must not stand beside missing, which says more",
        "inputs[1].required": "must be true or false",
    }


TARGET = {"name": "dose", "description": "Dose", "unit": "mg", "minimum": 0, "maximum": 10}
INPUTS: list[Content] = [
    {"name": "age", "type": "integer", "description": "Age", "unit": "years", "minimum": 18, "maximum": 95, "median": 60},
    {"name": "smoker", "type": "boolean", "description": "Smokes", "mode": False, "missing": "refuse"},
    {"name": "ward", "type": "category", "description": "Ward", "values": ["icu", "er"], "mode": "er", "codes": [0, 1]},
    {
        "name": "born",
        "type": "date",
        "description": "Born",
        "minimum": "1930-01-01",
        "maximum": "2006-01-01",
        "median": "1960-02-29",
    },
]


@pytest.fixture
def regression(content: Content) -> Content:
    del content["classes"]
    sample = {"features": {"age": 60, "smoker": True, "ward": None, "born": "1960-02-29"}, "expected": {"dose": 2.5}}
    return {**content, "task": "regression", "targets": [TARGET], "inputs": INPUTS, "golden_samples": [sample]}


def test_second_generation_is_read(regression: Content) -> None:
    card = read_card(msgspec.json.encode(regression))
    assert [type(item).__name__ for item in card.inputs] == ["Integer", "Boolean", "Category", "Date"]
    assert card.answers == ["dose"]
    assert msgspec.convert(msgspec.to_builtins(card), Card) == card


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"targets": [], "golden_samples": [{"features": {}, "expected": {}}]}, "targets"),
        ({"targets": [TARGET, TARGET]}, "targets"),
        ({"classes": ["a", "b"]}, "classes"),
        ({"task": "ranking"}, "task"),
        ({"output": {"activation": "relu"}}, "output.activation"),
        ({"threads": 0}, "threads"),
        ({"providers": []}, "providers"),
        ({"batch": "alone"}, "batch"),
        ({"inputs": [{**INPUTS[0], "median": 60.5}]}, "inputs[0].median"),
        ({"inputs": [{**INPUTS[2], "mode": "home"}]}, "inputs[0].mode"),
        ({"inputs": [{**INPUTS[2], "codes": [1]}]}, "inputs[0].codes"),
        ({"inputs": [{**INPUTS[2], "values": ["er", "er"], "mode": "er"}]}, "inputs[0].values"),
        ({"inputs": [{**INPUTS[3], "median": "1900-01-01"}]}, "inputs[0].median"),
        ({"inputs": [{**INPUTS[3], "minimum": "1930-02-30"}]}, "inputs[0].minimum"),
        ({"inputs": [{**INPUTS[1], "missing": "median"}]}, "inputs[0].missing"),
    ],
)
def test_wrong_second_generation_is_named(regression: Content, change: Content, field: str) -> None:
    assert list(problems({**regression, **change})) == [field]


def test_embedding_expects_a_vector(regression: Content) -> None:
    del regression["targets"]
    regression["task"] = "embedding"
    regression["golden_samples"][0]["expected"] = {"embedding": [1.0, 2.0]}
    assert read_card(msgspec.json.encode(regression)).answers == []
    regression["golden_samples"][0]["expected"] = {"embedding": 1.0}
    assert "a list of numbers" in problems(regression)["golden_samples[0].expected"]


def keys_of(struct: Any) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def test_every_key_is_documented() -> None:
    claims = (Applicability, Limit, Pattern, Score, Spread, Subgroup, Submodel, Threshold, UsualAnswers)
    structs = (Card, Training, *claims, Target, Interval, Output, GoldenSample, *get_args(AnyInput))
    text = (ROOT / "docs" / "model-card.md").read_text()
    keys = set().union(*map(keys_of, structs)) | {struct.__struct_config__.tag for struct in get_args(AnyInput)}
    assert sorted(key for key in keys if f"`{key}`" not in text) == []
