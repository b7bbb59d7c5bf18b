import hashlib
import shutil
from pathlib import Path

from ml_server.repository import read_models
from tests.ml_server.conftest import NAME, VERSION, edit_card


def test_an_empty_directory_has_no_models(tmp_path: Path) -> None:
    assert read_models(tmp_path) == []


def test_versions_are_ordered_as_numbers(model_dir: Path) -> None:
    for version in ("1.10.0", "1.9.0"):
        shutil.copytree(model_dir / NAME / VERSION, model_dir / NAME / version)
        edit_card(model_dir / NAME / version, version=version)
    assert [entry.version for entry in read_models(model_dir)] == ["1.0.0", "1.9.0", "1.10.0"]


def test_a_broken_card_spoils_no_other(model_dir: Path) -> None:
    shutil.copytree(model_dir / NAME / VERSION, model_dir / NAME / "1.1.0")
    (model_dir / NAME / "1.1.0" / "model.json").write_text("{")
    good, broken = read_models(model_dir)
    assert good.card is not None
    assert broken.card is None
    assert "model.json" in (broken.error or "")


def test_misplaced_card_is_refused(model_dir: Path) -> None:
    """A card in the wrong directory is refused."""
    (model_dir / NAME / VERSION).rename(model_dir / NAME / "2.0.0")
    (entry,) = read_models(model_dir)
    assert entry.error == "model.json is that of alzheimer_biomarkers 1.0.0"


def test_entry_is_what_was_read(model_dir: Path) -> None:
    """Whatever happens to the files later; its digest is the card's, which has that of the model file."""
    directory = model_dir / NAME / VERSION
    card, model = ((directory / name).read_bytes() for name in ("model.json", "model.onnx"))
    (entry,) = read_models(model_dir)
    shutil.rmtree(directory)
    assert entry.card is not None
    assert (entry.digest, entry.content) == (hashlib.sha256(card).hexdigest(), model)
    assert entry.card.sha256 == hashlib.sha256(model).hexdigest()


def test_a_changed_model_file_is_refused(model_dir: Path) -> None:
    with (model_dir / NAME / VERSION / "model.onnx").open("ab") as file:
        file.write(b"\0")
    (entry,) = read_models(model_dir)
    assert entry.error == "model.onnx was changed: its SHA-256 is not the one in model.json"
    assert entry.content == b""


def test_a_missing_model_file_is_refused(model_dir: Path) -> None:
    (model_dir / NAME / VERSION / "model.onnx").unlink()
    (entry,) = read_models(model_dir)
    assert entry.error == "model.onnx cannot be read: No such file or directory"
