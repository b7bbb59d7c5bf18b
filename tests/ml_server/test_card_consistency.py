"""What a card says of its own answers must fit the rest of it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ml_server.card import read_card
from ml_server.config import BUNDLED_MODELS
from ml_server.errors import BrokenModelError
from tests.ml_server.conftest import NAME, VERSION

Content = dict[str, Any]
SPREAD: Content = {"coverage": 0.9, "at": [0, 1], "low": [0, 0], "high": [1, 1], "over": "made up"}


@pytest.fixture
def content() -> Content:
    read: Content = msgspec.json.decode((BUNDLED_MODELS / NAME / VERSION / "model.json").read_bytes())
    return read


def problems(content: Content) -> dict[str, str]:
    with pytest.raises(BrokenModelError) as refused:
        read_card(msgspec.json.encode(content))
    return {detail.field: detail.problem for detail in refused.value.details}


def test_the_bundled_card_fits(content: Content) -> None:
    card = read_card(msgspec.json.encode(content))
    assert [pattern.at_most for pattern in card.patterns] == [None, 1, 2, 4, 6, 8, 10]
    assert len(Path(BUNDLED_MODELS / NAME / VERSION / "model.json").read_bytes()) < 100_000


@pytest.mark.parametrize(
    ("pattern", "field", "problem"),
    [
        ({"missing": ["VGEF"]}, "patterns[0].missing", "no input"),
        ({"missing": ["tau"]}, "patterns[0].missing", "has to be given"),
        ({"submodel": "other"}, "patterns[0].submodel", "none of submodels"),
        ({"spread": {"coverage": 0.9, "at": [0, 1], "low": [0], "high": [1, 1], "over": "x"}}, "patterns[0].spread", "as many"),
        (
            {"spread": {"coverage": 0.9, "at": [0, 0.5], "low": [0, 0], "high": [1, 1], "over": "x"}},
            "patterns[0].spread.at",
            "0 to 1",
        ),
        (
            {"spread": {"coverage": 0.9, "at": [0, 1], "low": [0.5, 0], "high": [1, 1], "over": "x"}},
            "patterns[0].spread",
            "between",
        ),
    ],
)
def test_pattern_that_does_not_fit(content: Content, pattern: Content, field: str, problem: str) -> None:
    content["patterns"][0] |= pattern
    assert problem in problems(content)[field]


@pytest.mark.parametrize(
    ("submodel", "field", "problem"),
    [
        ({"inputs": ["tau", "tau"]}, "submodels[0].inputs", "twice"),
        ({"inputs": ["tau", "nothing"]}, "submodels[0].inputs", "no input: nothing"),
        ({"file": "model.onnx"}, "submodels[0].file", "another file"),
        ({"file": "model.json"}, "submodels[0].file", "another file"),
        ({"name": "other"}, "golden_samples", "the submodel other answers"),
    ],
)
def test_submodel_that_does_not_fit(content: Content, submodel: Content, field: str, problem: str) -> None:
    content["submodels"][0] |= submodel
    assert problem in problems(content)[field]


def test_thresholds_are_about_one_of_two(content: Content) -> None:
    assert "one of two classes" in problems({**content, "positive": "Nobody"})["positive"]
    del content["positive"]
    assert "is missing" in problems(content)["positive"]


def test_limit_is_about_a_score_of_each(content: Content) -> None:
    content["limit"] = {"score": "accuracy", "at_least": 0.7}
    assert len(problems(content)) == len(content["patterns"])
    content["patterns"] = []
    assert "needs patterns" in problems(content)["limit"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"inputs": ["nothing"] * 13}, "inputs"),
        ({"center": [1.0]}, "center"),
        ({"scale": [1.0]}, "scale"),
        ({"own": []}, "own"),
        ({"loadings": [[1.0]] + [[1.0, 2.0]] * 12}, "loadings"),
        ({"quantiles": [2.0, 1.0]}, "quantiles"),
        ({"unusual": 9.0}, "unusual"),
    ],
)
def test_applicability_that_does_not_fit(content: Content, change: Content, field: str) -> None:
    content["applicability"] |= change
    assert f"applicability.{field}" in problems(content)


@pytest.mark.parametrize(
    ("usual", "field", "problem"),
    [
        ({"counts": {"Control": 300, "Impared": 33}}, "counts", "each class"),
        ({"counts": {"Control": 300, "Impaired": 34}}, "counts", "one likeliest class"),
        ({"histograms": {"age": {"edges": [0, 1], "counts": [333]}}}, "histograms.age", "no class"),
        ({"histograms": {"Impaired": {"edges": [0, 1], "counts": [300, 33]}}}, "histograms.Impaired.edges", "one more"),
        ({"histograms": {"Impaired": {"edges": [0, 1, 1], "counts": [300, 33]}}}, "histograms.Impaired.edges", "rise"),
        ({"histograms": {"Impaired": {"edges": [0, 0.5, 1], "counts": [300, 30]}}}, "histograms.Impaired.counts", "as many as"),
    ],
)
def test_usual_answers_that_do_not_fit(content: Content, usual: Content, field: str, problem: str) -> None:
    content["usual_answers"] |= usual
    assert problem in problems(content)[f"usual_answers.{field}"]


def test_usual_answers_of_several_labels(content: Content) -> None:
    """Of them each may be likely, or none."""
    content |= {"task": "multi_label", "positive": None, "subgroups": [], "submodels": [], "patterns": []}
    content["golden_samples"] = content["golden_samples"][:1]
    content["usual_answers"] = {"over": "made up", "rows": 9, "counts": {"Control": 8, "Impaired": 7}}
    read_card(msgspec.json.encode(content))
    content["usual_answers"]["counts"]["Control"] = 10
    assert "more than rows" in problems(content)["usual_answers.counts"]
