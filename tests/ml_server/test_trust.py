"""Requests that a model must not answer as if they were plain ones, through a real gunicorn."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from ml_server.card import Card
from tests.ml_server import small_models
from tests.ml_server.server import Server

pytestmark = pytest.mark.slow
REQUIRED = ("age", "male", "tau", "p_tau", "Ab_42")
LN10 = math.log(10)
Features = dict[str, float]
Answer = dict[str, Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server"), {"ML_WORKERS": "2"})
    try:
        running.report_with("READY")
        yield running
    finally:
        running.stop()


def ask(server: Server, features: Features, **options: Any) -> tuple[int, Answer]:
    """The answer alone, which must be that of a batch, too."""
    alone = server.predict({"features": features, **options})
    (together,) = server.predict({"items": [{"features": features}], **options}).json()["results"]
    answer: Answer = alone.json()
    for key in ("ok", "predictions", "warnings", "completeness", "applicability", "decisions", "details"):
        assert answer.get(key) == together.get(key)
    return alone.status_code, answer


def problems(answer: Answer) -> dict[str, str]:
    return {each["field"]: each["problem"] for each in answer["details"]}


def test_whole_request_says_what_is_known(server: Server, features: Features, bundled_card: Card) -> None:
    status, answer = ask(server, features)
    assert status == 200
    assert answer["research_only"] is True
    known = bundled_card.patterns[0]
    assert answer["completeness"] | {"given": 15, "of": 15, "missing": [], "submodel": None} == answer["completeness"]
    assert answer["completeness"]["scores"]["roc_auc"]["mean"] == known.scores["roc_auc"].mean
    assert [each["is_positive"] for each in answer["decisions"]] == [True, True, False]
    assert answer["decisions"][1]["sensitivity"]["mean"] == known.thresholds[1].sensitivity.mean
    interval = answer["probability_interval"]
    assert interval["low"] < answer["predictions"]["Impaired"] < interval["high"]
    assert interval["high"] - interval["low"] > 0.5
    assert answer["applicability"]["verdict"] == "typical"


def test_required_inputs_alone_are_no_plain_answer(server: Server, features: Features, bundled_card: Card) -> None:
    status, answer = ask(server, {name: features[name] for name in REQUIRED})
    assert status == 200
    assert (answer["completeness"]["given"], answer["completeness"]["submodel"]) == (5, "partial")
    assert len(answer["completeness"]["missing"]) == len(answer["warnings"]) == 10
    scores = answer["completeness"]["scores"]["roc_auc"]
    assert scores["mean"] == bundled_card.patterns[-1].scores["roc_auc"].mean > 0.83
    assert answer["decisions"][1]["sensitivity"]["mean"] < 0.6
    assert answer["confidence"] < 0.9


@pytest.mark.parametrize("given", [REQUIRED, None])
def test_log10_for_ln_is_refused_and_named(server: Server, features: Features, given: tuple[str, ...] | None) -> None:
    """This was Control .9999 with two warnings."""
    kept = {name: features[name] for name in given or features}
    status, answer = ask(server, {**kept, "tau": features["tau"] / LN10})
    assert (status, answer["code"]) == (422, "invalid_request")
    assert "predictions" not in answer
    assert "logarithm to base 10 where the model reads the natural one" in problems(answer)["tau"]


def test_several_in_log10_are_named(server: Server, features: Features) -> None:
    names = ("tau", "p_tau", "Ab_42")
    status, answer = ask(server, {**features, **{name: features[name] / LN10 for name in names}})
    assert status == 422
    assert set(problems(answer)) == set(names)


def test_exchanged_inputs_are_refused_and_named(server: Server, features: Features) -> None:
    status, answer = ask(server, {**features, "tau": features["p_tau"], "p_tau": features["tau"]})
    assert status == 422
    assert all("tau and p_tau may be exchanged" in problem for problem in problems(answer).values())


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("tau", math.exp, "plain value where the model reads its natural logarithm"),
        ("tau", lambda value: value * 1000, "1000 times"),
        ("Ab_42", lambda value: value / 1000, "a thousandth"),
        ("VEGF", lambda value: value / 10, "a tenth"),
        ("Cystatin_C", lambda value: value * 10, "10 times"),
    ],
)
def test_other_unit_is_refused_and_named(server: Server, features: Features, name: str, wrong: Any, words: str) -> None:
    status, answer = ask(server, {**features, name: wrong(features[name])})
    assert status == 422
    assert words in problems(answer)[name]
    assert str(features[name]) not in str(answer)


def test_far_joint_outlier_is_refused(server: Server, features: Features, bundled_card: Card) -> None:
    """Every value is within its range, and nobody has them together."""
    ranges: dict[str, Any] = {item.name: item for item in bundled_card.inputs}
    together = {"tau": ranges["tau"].maximum, "p_tau": ranges["p_tau"].minimum, "Ab_42": ranges["Ab_42"].maximum}
    status, answer = ask(server, {**features, **together})
    assert status == 422
    assert "tau" in problems(answer)


def test_unusual_person_is_marked(server: Server, bundled_card: Card) -> None:
    """At the lower ends of all ranges there is an answer, marked, and no interval that would not hold."""
    status, answer = ask(server, dict(bundled_card.golden_samples[2].features))
    assert status == 200
    assert answer["applicability"]["verdict"] == "unusual"
    assert answer["warnings"][0].startswith("UNUSUAL")
    assert answer["probability_interval"] is None


def test_same_bits_on_every_worker(server: Server, features: Features) -> None:
    """Alone, in a batch, and explained: each kind of asking has one answer, and they agree to 1e-6."""
    people = [features, {**features, "tau": 5.9}, {name: features[name] for name in REQUIRED}]
    told: dict[tuple[int, str], set[float]] = {}
    for _ in range(12):  # each over a new connection, which any worker takes
        for number, person in enumerate(people):
            for explain in (False, True):
                answer = server.predict({"features": person, "explain": explain}).json()
                told.setdefault((number, f"alone {explain}"), set()).add(answer["predictions"]["Impaired"])
        for explain in (False, True):
            content = {"items": [{"features": person} for person in people], "explain": explain}
            for number, answer in enumerate(server.predict(content).json()["results"]):
                told.setdefault((number, f"batch {explain}"), set()).add(answer["predictions"]["Impaired"])
    assert {len(values) for values in told.values()} == {1}
    for number in range(len(people)):
        own = [value for (person, _), values in told.items() if person == number for value in values]
        assert max(own) - min(own) < 1e-6


def test_nan_within_the_ranges_is_the_models_fault(tmp_path: Path) -> None:
    """Alone a 500; in a batch the item's own error, and its neighbours are answered."""
    bad, good = {"a": 0.25, "b": 0.25}, {"a": 1.0, "b": 1.5}
    small_models.install(
        tmp_path / "models",
        small_models.logarithmic(),
        golden_samples=[
            {"features": good, "expected": logarithmic(**good)},
            {"features": {"a": 1.5, "b": 1.0}, "expected": logarithmic(1.5, 1.0)},
        ],
    )
    running = Server(tmp_path, {"ML_MODEL_DIR": str(tmp_path / "models"), "ML_MODEL": small_models.NAME, "ML_WORKERS": "1"})
    try:
        running.report_with("READY")
        for explain in (False, True):
            alone = running.predict({"features": {**bad, "a": -0.5}, "explain": explain})
            assert (alone.status_code, alone.json()["code"]) == (500, "model_fault")
            content = {"items": [{"features": good}, {"features": {**bad, "a": -0.5}}], "explain": explain}
            first, second = running.predict(content).json()["results"]
            assert (first["ok"], second["ok"], second["code"]) == (True, False, "model_fault")
        assert requests.get(f"{running.url}/health", timeout=10).status_code == 200
    finally:
        running.stop()


def logarithmic(a: float, b: float) -> dict[str, float]:
    """What the model that takes logarithms answers."""
    z = small_models.WEIGHTS[0] * a + small_models.WEIGHTS[1] * b
    no, yes = math.exp(-z + math.log(a)), math.exp(z + math.log(b))
    return {"no": no / (no + yes), "yes": yes / (no + yes)}
