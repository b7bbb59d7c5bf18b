import shutil
from pathlib import Path

import pytest

from ml_server.card import Card
from ml_server.errors import BrokenModelError
from ml_server.repository import Entry, list_models, read_model, read_models
from tests.ml_server.conftest import NAME, VERSION, edit_card


def find_models(directory: Path) -> list[Entry]:
    return read_models(list_models(directory))


def test_an_empty_directory_has_no_models(tmp_path: Path) -> None:
    assert find_models(tmp_path) == []


def test_versions_are_ordered_as_numbers(model_dir: Path) -> None:
    for version in ("1.10.0", "1.9.0"):
        shutil.copytree(model_dir / NAME / VERSION, model_dir / NAME / version)
        edit_card(model_dir / NAME / version, version=version)
    assert [entry.version for entry in find_models(model_dir)] == ["1.0.0", "1.9.0", "1.10.0"]


def test_a_broken_card_spoils_no_other(model_dir: Path) -> None:
    shutil.copytree(model_dir / NAME / VERSION, model_dir / NAME / "1.1.0")
    (model_dir / NAME / "1.1.0" / "model.json").write_text("{")
    good, broken = find_models(model_dir)
    assert good.card is not None
    assert broken.card is None
    assert "model.json" in (broken.error or "")


def test_version_gone_meanwhile_is_named(model_dir: Path) -> None:
    """A version that is gone since it was listed is named."""
    listed = list_models(model_dir)
    shutil.rmtree(model_dir / NAME / VERSION)
    (entry,) = read_models(listed)
    assert (entry.version, entry.error) == (VERSION, "model.json cannot be read: No such file or directory")


def test_misplaced_card_is_refused(model_dir: Path) -> None:
    """A card in the wrong directory is refused."""
    (model_dir / NAME / VERSION).rename(model_dir / NAME / "2.0.0")
    (entry,) = find_models(model_dir)
    assert entry.error == "model.json is that of alzheimer_biomarkers 1.0.0"


def test_cards_own_model_is_read(model_dir: Path, card: Card) -> None:
    """A model file is read if it is the one of the card."""
    directory = model_dir / NAME / VERSION
    assert read_model(directory, card) == (directory / "model.onnx").read_bytes()


def test_a_changed_model_file_is_refused(model_dir: Path, card: Card) -> None:
    directory = model_dir / NAME / VERSION
    with (directory / "model.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(BrokenModelError, match=r"model\.onnx was changed"):
        read_model(directory, card)


def test_a_missing_model_file_is_refused(model_dir: Path, card: Card) -> None:
    (model_dir / NAME / VERSION / "model.onnx").unlink()
    with pytest.raises(BrokenModelError, match=r"model\.onnx cannot be read: No such file"):
        read_model(model_dir / NAME / VERSION, card)
