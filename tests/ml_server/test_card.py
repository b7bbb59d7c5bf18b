from typing import Any

import msgspec
import pytest

from ml_server.card import Card, read_card
from ml_server.errors import BrokenModelError

Content = dict[str, Any]


@pytest.fixture
def content(card: Card) -> Content:
    described: Content = msgspec.to_builtins(card)
    return described


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
    with pytest.raises(BrokenModelError, match=r"Cystatin_C: median"):
        read_card(msgspec.json.encode(content))


@pytest.mark.parametrize("end", ["minimum", "maximum"])
def test_median_may_end_its_range(content: Content, end: str) -> None:
    """A median may be an end of its range."""
    content["inputs"][0]["median"] = content["inputs"][0][end]
    assert read_card(msgspec.json.encode(content)).inputs[0].median == content["inputs"][0][end]


@pytest.mark.parametrize("part", ["inputs", "training", "scores", "golden_samples"])
def test_unknown_key_is_refused(content: Content, part: str) -> None:
    """An unknown key is refused in every part."""
    inner = content[part]["roc_auc"] if part == "scores" else content[part]
    (inner[0] if isinstance(inner, list) else inner)["colour"] = "blue"
    with pytest.raises(BrokenModelError, match=f"colour.*{part}"):
        read_card(msgspec.json.encode(content))


def test_repeated_input_name_is_refused(content: Content) -> None:
    """Two inputs of one name are refused."""
    content["inputs"].append(content["inputs"][0])
    with pytest.raises(BrokenModelError, match="same name"):
        read_card(msgspec.json.encode(content))


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(BrokenModelError, match=r"model\.json"):
        read_card(b"{")
