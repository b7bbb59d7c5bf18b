from pathlib import Path

import pytest

from ml_server.card import Card
from ml_server.config import BUNDLED_MODELS
from ml_server.repository import Entry, read_models
from ml_server.verification import apart
from ml_server.verification.apart import Limits
from tests.ml_server import small_models
from tests.ml_server.conftest import make_slow_model_dir

AMPLE = Limits(memory_mb=512, seconds=60)


def entry_of(model_dir: Path) -> Entry:
    (entry,) = read_models(model_dir)
    return entry


def test_good_model_passes() -> None:
    entry = entry_of(BUNDLED_MODELS)
    assert apart.load(entry, AMPLE) is None
    assert apart.verify(entry, AMPLE) == []


def test_findings_come_through(tmp_path: Path) -> None:
    small_models.install(tmp_path, golden_samples=[small_models.sample(0.5, 1.0)])
    found = apart.verify(entry_of(tmp_path), AMPLE)
    assert any("could be exchanged" in finding.found for finding in found)


def test_few_bytes_that_ask_for_much(tmp_path: Path) -> None:
    """A file of some hundred bytes that asks for 2.3 GB is refused, and takes nobody down."""
    content = small_models.hungry(2300)
    assert len(content) < 1000
    small_models.install(tmp_path, content)
    entry = entry_of(tmp_path)
    for finding in (apart.load(entry, AMPLE), apart.verify(entry, AMPLE)[0]):
        assert finding is not None
        assert finding.found == "it asks for more than 512 MB of memory"


def test_what_it_may_take_is_given(tmp_path: Path) -> None:
    small_models.install(tmp_path, small_models.hungry(100))
    assert apart.load(entry_of(tmp_path), AMPLE) is None


def test_slow_model_is_given_up(tmp_path: Path, card: Card) -> None:
    """One that would take for ever, in its self-test."""
    entry = entry_of(make_slow_model_dir(tmp_path, card, rounds=1e12))
    finding = apart.load(entry, Limits(memory_mb=512, seconds=2))
    assert finding is not None
    assert finding.found.endswith(", it was not done within 2 s")


def test_broken_entry_says_why() -> None:
    finding = apart.load(Entry("small", "1.0.0", error="model.json cannot be read: no"), AMPLE)
    assert finding is not None
    assert "model.json cannot be read: no" in finding.found


def test_key_is_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tries a stranger's model knows no secret."""
    monkeypatch.setenv("ML_API_KEY", "secret-of-the-server")
    assert "secret-of-the-server" not in str(apart._environment())
