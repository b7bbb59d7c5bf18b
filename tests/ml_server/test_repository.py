import hashlib
import shutil
from pathlib import Path

from ml_server import activation
from ml_server.activation import Activation
from ml_server.repository import follow, read_models
from tests.ml_server import small_models
from tests.ml_server.conftest import NAME, VERSION, edit_card
from tests.ml_server.small_models import install


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


def test_replaced_files_are_not_followed(tmp_path: Path) -> None:
    """A version goes on as it was loaded, be its files other good ones or broken."""
    install(tmp_path)
    before = read_models(tmp_path)
    install(tmp_path, title="Another one")
    (kept,) = follow(before, read_models(tmp_path))
    assert (kept.digest, kept.error) == (before[0].digest, None)
    assert "give what is new a new version" in kept.warning
    (tmp_path / small_models.NAME / "1.0.0" / "model.onnx").write_bytes(b"broken")
    (still,) = follow([kept], read_models(tmp_path))
    assert (still.digest, still.content, still.error) == (kept.digest, kept.content, None)
    install(tmp_path)
    assert follow([still], read_models(tmp_path)) == before


def test_new_and_removed_versions_are_followed(tmp_path: Path) -> None:
    install(tmp_path)
    before = read_models(tmp_path)
    install(tmp_path, version="1.1.0")
    shutil.rmtree(tmp_path / small_models.NAME / "1.0.0")
    assert [entry.version for entry in follow(before, read_models(tmp_path))] == ["1.1.0"]


def test_unreadable_activation_changes_nothing(tmp_path: Path) -> None:
    """Where it cannot be read which version is due, the one that was is still."""
    install(tmp_path)
    install(tmp_path, version="1.1.0")
    entries = {entry.version: entry for entry in read_models(tmp_path)}
    activation.write_activation(tmp_path / small_models.NAME, Activation("1.0.0", entries["1.0.0"].digest))
    before = read_models(tmp_path)
    (tmp_path / small_models.NAME / activation.FILE).write_bytes(b"{")
    now = follow(before, read_models(tmp_path))
    assert [(entry.version, entry.rank) for entry in now] == [("1.0.0", 0), ("1.1.0", None)]
