"""What follows from what is missing: who answers, how good that is, and when there is no answer."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import msgspec

from ml_server.card import Card
from ml_server.completeness import Completeness
from ml_server.config import Settings
from ml_server.evidence import Limit, Pattern, Score
from ml_server.inference import InferenceService
from ml_server.model import Answer
from ml_server.repository import read_models
from ml_server.schemas import check_features
from ml_server.store import Store
from ml_server.verification import apart
from ml_server.verification.apart import Limits
from tests.ml_server import small_models
from tests.ml_server.conftest import NAME, VERSION, edit_card


def limited(card: Card, *patterns: tuple[list[str], int | None, float]) -> Completeness:
    made = [
        Pattern(missing=missing, at_most=at_most, scores={"roc_auc": Score(mean=mean, over="made up")})
        for missing, at_most, mean in patterns
    ]
    return Completeness(msgspec.structs.replace(card, patterns=made, limit=Limit(score="roc_auc", at_least=0.8)))


def numbers(card: Card, *names: str) -> tuple[int, ...]:
    return tuple(number for number, item in enumerate(card.inputs) if item.name in names)


def test_below_the_limit_is_refused(card: Card) -> None:
    """The refusal says which inputs would make it enough."""
    known = limited(card, ([], None, 0.9), (["VEGF", "MMP10", "PAI_1"], 1, 0.85), (["VEGF", "MMP10", "PAI_1"], 3, 0.7))
    assert known.whole.refusal is None
    assert known.outcome(numbers(card, "VEGF")).refusal is None
    refusal = known.outcome(numbers(card, "VEGF", "PAI_1", "apoe_e4_alleles")).refusal
    assert refusal is not None
    told = {detail.field: detail.problem for detail in refusal.details}
    assert told["apoe_e4_alleles"] == "is to be added for an answer"
    assert told["features"] == "1 more of PAI_1, VEGF is to be added for an answer"
    both = known.outcome(numbers(card, "VEGF", "PAI_1")).refusal
    assert both is not None
    assert "roc_auc is 0.7, and there is no answer below 0.8" in both.message


def test_nothing_is_known_is_refused(card: Card) -> None:
    known = limited(card, ([], None, 0.9))
    refusal = known.outcome(numbers(card, "VEGF")).refusal
    assert refusal is not None
    assert [detail.field for detail in refusal.details] == ["VEGF"]
    assert limited(card, ([], None, 0.5)).whole.refusal is not None


def test_first_generation_is_answered_as_ever(card: Card) -> None:
    """With the scores of whole requests for whole requests, and for others none."""
    known = Completeness(card)
    assert msgspec.json.decode(known.whole.completeness)["scores"]["roc_auc"]["mean"] == card.scores["roc_auc"].mean
    missing = known.outcome(numbers(card, "VEGF"))
    assert (missing.refusal, missing.told, missing.fills) == (None, (), frozenset())
    assert msgspec.json.decode(missing.completeness)["scores"] is None


def test_strangers_patterns_fill_no_memory(card: Card) -> None:
    known = Completeness(card)
    for pattern in range(2000):
        known.outcome(tuple(number for number in range(11) if pattern >> number & 1))
    assert len(known._outcomes) <= 256


def test_each_pattern_has_its_own_coefficients(bundled_card: Card, features: dict[str, Any]) -> None:
    """Someone who lacks an input is not answered as who has its median."""
    service = InferenceService(Settings())
    service.load()
    model = service.model()
    told = set()
    for lacking in ((), ("VEGF",), ("VEGF", "MMP10"), ("apoe_e4_alleles",), ("VEGF", "apoe_e4_alleles")):
        given = {name: value for name, value in features.items() if name not in lacking}
        (result,) = service.predict(model, [check_features(given, bundled_card)], explain=True)
        assert isinstance(result, Answer)
        assert result.importance is not None
        assert all(abs(result.importance[name]) < 1e-5 for name in lacking)
        told.add(result.numbers[1])
    assert len(told) == 5


def test_changed_submodel_is_not_served(model_dir: Path, tmp_path: Path) -> None:
    path = model_dir / NAME / VERSION / "partial.onnx"
    shutil.copytree(model_dir / NAME / VERSION, tmp_path / "good")
    path.write_bytes(path.read_bytes() + b"\0")
    (entry,) = read_models(model_dir)
    assert entry.error == "partial.onnx was changed: its SHA-256 is not the one in model.json"
    path.unlink()
    (entry,) = read_models(model_dir)
    assert entry.error is not None
    assert "partial.onnx cannot be read" in entry.error


def test_submodel_goes_where_its_model_goes(tmp_path: Path) -> None:
    """It is added, verified in a process of its own, and served."""
    (tmp_path / "models").mkdir()
    limits = Limits(memory_mb=512, seconds=60)
    store = Store(tmp_path / "models", lambda entry: apart.verify(entry, limits))
    source = Path(shutil.copytree(Settings().model_dir / NAME / VERSION, tmp_path / "source"))
    entry, _ = store.add(source)
    assert list(entry.parts) == ["partial"]
    (again,) = read_models(tmp_path / "models")
    assert again.parts == entry.parts


def test_submodel_that_answers_otherwise_is_refused(model_dir: Path) -> None:
    """Its golden samples say so: here it is a model of two other inputs."""
    directory = model_dir / NAME / VERSION
    content = small_models.plain()
    (directory / "partial.onnx").write_bytes(content)
    card = msgspec.json.decode((directory / "model.json").read_bytes())
    other = {"sha256": hashlib.sha256(content).hexdigest(), "inputs": ["tau", "p_tau"]}
    edit_card(directory, submodels=[card["submodels"][0] | other])
    (entry,) = read_models(model_dir)
    found = apart.verify(entry, Limits(memory_mb=512, seconds=60))
    assert any("golden_samples" in finding.field for finding in found)
