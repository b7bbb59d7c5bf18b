import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ml_server.config import BUNDLED_MODELS
from ml_server.repository import Entry, read_models
from ml_server.store import Store
from ml_server.verification.apart import Limits
from ml_server.verification.trials import Trials
from ml_server.verification.verify import verify
from tests.ml_server import small_models
from tests.ml_server.conftest import NAME

LIMITS = Limits(memory_mb=512, seconds=60)


@pytest.fixture
def trials(tmp_path: Path) -> Trials:
    directory = tmp_path / "trials"
    directory.mkdir()
    return Trials(directory, LIMITS)


def bad_entry(tmp_path: Path) -> Entry:
    small_models.install(tmp_path / "models", golden_samples=[small_models.sample(0.5, 1.0)] * 2, sha256="0" * 64)
    (entry,) = read_models(tmp_path / "models")
    return replace(entry, error=None, content=small_models.dice())


def test_good_model_may_be_loaded(trials: Trials) -> None:
    (entry,) = read_models(BUNDLED_MODELS)
    assert trials.problem(replace(entry, is_known=False)) is None


def test_known_model_needs_no_trial(tmp_path: Path) -> None:
    """One of this release, wherever it lies, or one that was verified when it was activated."""
    models = shutil.copytree(BUNDLED_MODELS, tmp_path / "models")
    small_models.install(models)
    store = Store(models, verify)
    assert {entry.name: entry.is_known for entry in read_models(models)} == {NAME: True, "small": False}
    store.activate("small", "1.0.0")
    known = read_models(models)
    assert [entry.is_known for entry in known] == [True, True]
    assert [Trials(tmp_path / "nowhere", LIMITS).problem(entry) for entry in known] == [None, None]
    card = models / "small" / "1.0.0" / "model.json"
    card.write_bytes(card.read_bytes() + b" ")
    assert [entry.is_known for entry in read_models(models)] == [True, False]


def test_verdict_is_kept_for_others(trials: Trials, tmp_path: Path) -> None:
    """Another worker finds what the first has found, and does not try again."""
    entry = bad_entry(tmp_path)
    problem = trials.problem(entry)
    assert problem
    nobody = Trials(tmp_path / "trials", Limits(memory_mb=512, seconds=0))
    assert nobody.problem(entry) == problem
    trials.forget_failures()
    assert nobody.problem(entry) is None


def test_what_cannot_be_tried_may_be_loaded(tmp_path: Path) -> None:
    """Where the process does not even start, that is no reason to serve nothing; and no verdict."""
    trials = Trials(tmp_path, Limits(memory_mb=512, seconds=0))
    entry = bad_entry(tmp_path)
    assert trials.problem(entry) is None
    assert Trials(tmp_path, LIMITS).problem(entry)


def test_passed_model_is_not_tried_again(trials: Trials, tmp_path: Path) -> None:
    entry = bad_entry(tmp_path)
    trials.passed(entry)
    assert trials.problem(entry) is None


def test_known_error_needs_no_trial(trials: Trials) -> None:
    assert trials.problem(Entry("small", "1.0.0", error="model.json cannot be read: no")) == "model.json cannot be read: no"
