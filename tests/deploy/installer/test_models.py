"""The models of a release are copied where they are missing; what an operator has added stays."""

import shutil
from pathlib import Path

import pytest

from deploy.installer import models, places
from deploy.installer.changes import Changes
from deploy.installer.journal import begin
from ml_server.config import BUNDLED_MODELS

NAME, VERSION = "alzheimer_biomarkers", "1.0.0"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    shutil.copytree(BUNDLED_MODELS, tmp_path / "release" / "code" / "ml_server" / "models")
    return tmp_path / "release"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(places, "MODELS", tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def changes(tmp_path: Path) -> Changes:
    journal = begin(tmp_path / "state" / "before")
    return Changes(journal, begin(journal.directory / "run"), is_version_1=False)


def test_models_of_the_release_are_copied(changes: Changes, release: Path, kept: Path) -> None:
    """Readable for the server, whatever the release's own modes are."""
    (release / "code/ml_server/models" / NAME / VERSION / "model.json").chmod(0o600)
    models.install(changes, release)
    target = kept / NAME / VERSION
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {
        path.name: path.read_bytes() for path in (BUNDLED_MODELS / NAME / VERSION).iterdir()
    }
    assert [path.stat().st_mode & 0o777 for path in (kept, target.parent, target, target / "model.json")] == [0o755] * 3 + [0o644]


def test_nothing_of_an_operator_is_replaced(changes: Changes, release: Path, kept: Path) -> None:
    """Neither another model, nor one of the same name, nor what is activated."""
    for name, version in ((NAME, VERSION), (NAME, "1.5.0"), ("own", "1.0.0")):
        (kept / name / version).mkdir(parents=True)
        (kept / name / version / "model.json").write_text("own")
    (kept / NAME / "active.json").write_text("own")
    before = {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    models.install(changes, release)
    assert {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()} == before


def test_failed_upgrade_takes_back_what_is_new(changes: Changes, release: Path, kept: Path) -> None:
    """And leaves what was there."""
    models.install(changes, release)
    changes.run.end()
    again = Changes(changes.before, begin(changes.before.directory / "run"), is_version_1=False)
    shutil.copytree(BUNDLED_MODELS / NAME / VERSION, release / "code/ml_server/models" / NAME / "1.1.0")
    models.install(again, release)
    assert sorted(path.name for path in (kept / NAME).iterdir()) == ["1.0.0", "1.1.0"]
    for entry in list(again.run.paths()):
        again.run.restore(entry, is_exact=True)
    assert [path.name for path in (kept / NAME).iterdir()] == ["1.0.0"]


def test_killed_copy_is_made_anew(changes: Changes, release: Path, kept: Path) -> None:
    (kept / f".adding-{NAME}-{VERSION}").mkdir(parents=True)
    models.install(changes, release)
    assert [path.name for path in kept.iterdir()] == [NAME]
