"""What is said of a version by its feedback, through the real server and its database."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from ml_server.card import read_card
from ml_server.config import BUNDLED_MODELS
from ml_server.feedback import summary
from ml_server.feedback.keeping import KeptCard, kept_card
from ml_server.storage.feedback import Judged
from tests.ml_server.feedback.echoes import Served

Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    return lambda task="classification", **changes: Served(tmp_path, task, **changes)


def _score(**means: float) -> dict[str, Any]:
    return {name: {"mean": mean, "over": "held-out rows"} for name, mean in means.items()}


def _judge(served: Served, count: int, seed: int = 1, *, is_broken: bool = False) -> None:
    """Answers of a model that is right about its own certainty, or has it from nowhere."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1.2, 1.2, count)
    truth = rng.random(count) < (rng.permutation(p) if is_broken else p)
    answers = np.stack([1 - p, p], axis=1).astype(np.float32)
    served.judge([[float(each) for each in row] for row in answers], [{"actual_class": "ab"[int(each)]} for each in truth])


def _figures(version: Any, days: int = 30) -> dict[str, Any]:
    (window,) = [each for each in version["windows"] if each["days"] == days]
    return {f"{each['of']}_{each['name']}".strip("_"): each for each in window["figures"]}


# What a model is, whose answers are uniform on (0, 1) nearly, and right.
RIGHT = {"roc_auc": 0.82, "sensitivity": 0.74, "specificity": 0.74, "calibration_slope": 1.0, "calibration_intercept": 0.0}


def test_faithful_model_is_as_its_card(serve: Serve) -> None:
    served = serve(scores=_score(**RIGHT))
    _judge(served, 600)
    version = served.summary()
    assert (version["verdict"], version["judged"], version["judged_days"]) == ("as_card", 600, 30)
    assert {_figures(version)[name]["verdict"] for name in RIGHT} == {"as_card"}


def test_broken_model_is_worse(serve: Serve) -> None:
    served = serve(scores=_score(**RIGHT))
    _judge(served, 600, is_broken=True)
    version = served.summary()
    assert version["verdict"] == "worse"
    assert _figures(version)["roc_auc"]["verdict"] == "worse"
    assert _figures(version)["roc_auc"]["high"] < RIGHT["roc_auc"]
    metrics = served.client.get("/metrics").text
    assert 'neuronova_ml_feedback_worse{model="echo",version="1.0.0"} 1.0' in metrics


def test_better_is_no_finding(serve: Serve) -> None:
    served = serve(scores=_score(roc_auc=0.6, sensitivity=0.5, brier=0.4))
    _judge(served, 600)
    version = served.summary()
    assert version["verdict"] == "as_card"
    assert _figures(version)["roc_auc"]["verdict"] == "better"


def test_few_cases_say_nothing(serve: Serve) -> None:
    served = serve(scores=_score(**RIGHT))
    _judge(served, 12, is_broken=True)
    version = served.summary()
    assert version["verdict"] == "too_few"
    assert {_figures(version)[name]["value"] for name in RIGHT} == {None}


def test_nothing_judged_is_too_few(serve: Serve) -> None:
    served = serve(scores=_score(**RIGHT))
    served.predict(0.2, 0.8)
    served.feedback(request_id="no", correct=True)
    version = served.summary()
    assert (version["verdict"], version["windows"][0]["answered"], version["windows"][0]["figures"]) == ("too_few", 1, [])


def test_bundled_card_is_read_with_its_threshold() -> None:
    card = read_card((BUNDLED_MODELS / "alzheimer_biomarkers" / "1.0.0" / "model.json").read_bytes())
    kept = msgspec.json.decode(kept_card(card), type=KeptCard)
    whole, partial = kept.patterns[0], kept.patterns[-1]
    assert whole["sensitivity"] > partial["sensitivity"]
    assert whole["calibration_slope"] == card.scores["calibration_slope"].mean
    assert "calibration_slope" not in partial


def test_faithful_models_are_rarely_accused(serve: Serve) -> None:
    """Of 200 models that are as their card says, with five figures each, some 2.5 % may be called worse."""
    judged = [_drawn_table(seed) for seed in range(200)]
    accused = sum("worse" in {each.verdict for each in found} for found in judged)
    assert accused <= 12


def _drawn_table(seed: int) -> Any:
    rng = np.random.default_rng(seed)
    p = rng.beta(1.2, 1.2, 300)
    truth = rng.random(300) < p
    big = np.random.default_rng(99).beta(1.2, 1.2, 200_000)
    is_true = np.random.default_rng(98).random(200_000) < big
    scores = {
        "sensitivity": float((big[is_true] >= 0.5).mean()),
        "specificity": float((big[~is_true] < 0.5).mean()),
        "calibration_slope": 1.0,
        "calibration_intercept": 0.0,
    }
    card = KeptCard(["a", "b"], scores)
    rows = [Judged(0, f"[{1 - one},{one}]", f"[{int(one >= 0.5)}]", str(int(is_so))) for one, is_so in zip(p, truth, strict=True)]
    return summary._Table("classification", card, rows).compared(300)


def test_other_mix_is_not_held_against_it(serve: Serve) -> None:
    """Accuracy and Brier score depend on how many are ill: with another share than in training they say nothing."""
    training = {"data": "none", "citation": "none", "rows": 1000, "method": "by hand", "class_counts": {"a": 950, "b": 50}}
    served = serve(scores=_score(brier=0.01, accuracy=0.99), training=training)
    _judge(served, 400)
    version = served.summary()
    assert {_figures(version)[name]["verdict"] for name in ("brier", "accuracy")} == {"other_mix"}
    assert version["verdict"] == "not_in_card"


def test_same_mix_is_held_against_it(serve: Serve) -> None:
    training = {"data": "none", "citation": "none", "rows": 1000, "method": "by hand", "class_counts": {"a": 500, "b": 500}}
    served = serve(scores=_score(brier=0.01), training=training)
    _judge(served, 400)
    assert _figures(served.summary())["brier"]["verdict"] == "worse"


def test_late_truth_counts_for_its_day(serve: Serve) -> None:
    served = serve(scores=_score(**RIGHT))
    _judge(served, 60)
    connection = sqlite3.connect(served.state / "ml_server.db", isolation_level=None)
    days = 60 * 86_400_000
    connection.execute("UPDATE feedback_answers SET at = at - ?", (days,))
    connection.execute("UPDATE feedback_days SET day = day - 60")
    connection.close()
    request_id = served.predict(0.2, 0.8)["request_id"]
    served.feedback(request_id=request_id, correct=True)
    windows = {each["days"]: (each["answered"], each["judged"]) for each in served.summary()["windows"]}
    assert windows == {30: (1, 1), 90: (61, 61), 365: (61, 61), 0: (61, 61)}


def test_answers_are_counted_at_once(serve: Serve) -> None:
    """Although figures are made anew only when something has been judged."""
    served = serve()
    for count in (1, 2):
        served.predict(0.2, 0.8)
        served.feedback(request_id="no", correct=True)
        assert {each["answered"] for each in served.summary()["windows"]} == {count}


def test_card_is_asked_for_what_was_missing(serve: Serve) -> None:
    """With half of the requests short of an input, the card's figures are the mean of what it says of either kind."""
    scores = [_score(roc_auc=each, brier=0.2) for each in (0.9, 0.7)]
    patterns = [{"missing": [], "scores": scores[0]}, {"missing": ["c"], "scores": scores[1]}]
    item = {"unit": "points", "minimum": 0.0, "maximum": 1.0, "median": 0.5, "type": "number"}
    inputs = [{**item, "name": each, "description": each, "missing": "median" if each == "c" else "refuse"} for each in "abc"]
    served = serve("multi_label", middle=(0.5, 0.5, 0.5), scores=scores[0], patterns=patterns, inputs=inputs)
    rng = np.random.default_rng(10)
    for _ in range(2):
        items = [
            {"features": {"a": float(a), "b": float(b), **({"c": 0.5} if number % 2 else {})}}
            for number, (a, b) in enumerate(rng.random((100, 2)).round(3))
        ]
        request_id = served.post({"items": items})["request_id"]
        said = [{"index": index, "actual_class": ["a"] if index % 3 else ["b", "c"]} for index in range(100)]
        assert all(each["ok"] for each in served.feedback(request_id=request_id, items=said)[1]["results"])
    found = _figures(served.summary())
    assert found["roc_auc"]["card"] == pytest.approx(0.8)
    assert found["brier"]["card"] == pytest.approx(0.2)


def test_labels_and_values_have_figures(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    p = rng.random((200, 2)).round(3)
    truth = rng.random((200, 2)) < p
    labels = Served(tmp_path / "labels", "multi_label", scores=_score(roc_auc=0.83))
    said = [{"actual_class": [name for name, is_true in zip("ab", row, strict=True) if is_true]} for row in truth]
    labels.judge([[float(each) for each in row] for row in p], said)
    assert _figures(labels.summary())["a_sensitivity"]["value"] > 0.6
    assert _figures(labels.summary())["roc_auc"]["verdict"] == "as_card"

    target = {"name": "a", "description": "a", "unit": "points", "minimum": 0.0, "maximum": 1.0}
    interval = {"below": 0.1645, "above": 0.1645, "coverage": 0.9}
    values = Served(tmp_path / "values", "regression", scores=_score(mae=0.0798), targets=[{**target, "interval": interval}])
    real = p[:, 0] + rng.normal(0, 0.1, 200)
    values.judge([[float(each)] for each in p[:, 0]], [{"actual_value": float(each)} for each in real])
    found = _figures(values.summary())
    assert {found[name]["verdict"] for name in ("mae", "coverage")} == {"as_card"}
    assert found["bias"]["verdict"] == "not_in_card"
    assert values.summary()["verdict"] == "as_card"


def test_two_targets_stand_each_for_itself(serve: Serve) -> None:
    served = serve("regression", middle=(0.5, 0.5), scores=_score(a_mae=0.001, b_mae=0.5))
    rng = np.random.default_rng(9)
    numbers = rng.random((100, 2)).round(3)
    served.judge(
        [[float(each) for each in row] for row in numbers],
        [{"actual_value": {"a": float(a) + 0.1, "b": float(b)}} for a, b in numbers],
    )
    found = _figures(served.summary())
    assert (found["a_mae"]["verdict"], found["b_mae"]["verdict"]) == ("worse", "better")


def test_old_answers_go_and_judged_ones_stay(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    served = serve()
    request_id = served.predict(0.2, 0.8)["request_id"]
    for _ in range(5):
        served.predict(0.2, 0.8)
    served.feedback(request_id=request_id, correct=True)
    store = served.app.extensions["ml_summaries"]._store
    now_ms = int(time.time() * 1000)

    def count() -> tuple[int, int]:
        with store._database.reading() as connection:
            found = connection.execute("SELECT count(*), count(truth) FROM feedback_answers").fetchone()
        return int(found[0]), int(found[1])

    store.prune(now_ms + 399 * 86_400_000)
    assert count() == (6, 1)
    monkeypatch.setattr("ml_server.storage.feedback.MOST_KEPT", 2)
    store.prune(now_ms)
    # Answers of one millisecond go together.
    assert count()[0] <= 3
    assert count()[1] == 1
    store.prune(now_ms + 401 * 86_400_000)
    assert count() == (1, 1)
    assert served.feedback(request_id=request_id, actual_class="a")[1]["outcome"] == "corrected"
    store.prune(now_ms + 1831 * 86_400_000)
    assert count() == (0, 0)
    with store._database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM feedback_corrections").fetchone() == (0,)


def test_answered_are_counted_after_they_go(serve: Serve) -> None:
    served = serve()
    served.predict(0.2, 0.8)
    served.feedback(request_id="no", correct=True)
    served.app.extensions["ml_summaries"]._store.prune(int(time.time() * 1000) + 500 * 86_400_000)
    assert served.summary()["windows"][0]["answered"] == 1
