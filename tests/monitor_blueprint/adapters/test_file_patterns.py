from __future__ import annotations

from pathlib import Path

import pytest

from monitor_blueprint.adapters.file_patterns import has_match, matches
from monitor_blueprint.domain.models import ProbeError


def test_a_pattern_finds_files_in_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.log"):
        (tmp_path / name).touch()
    assert [path.name for path in matches(f"{tmp_path}/*.txt")] == ["a.txt", "b.txt"]


def test_pattern_may_have_folders(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "cert.pem").touch()
    assert matches(f"{tmp_path}/*/cert.pem") == [tmp_path / "x" / "cert.pem"]


def test_a_plain_name_finds_that_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    assert matches(f"{tmp_path}/a.txt") == [tmp_path / "a.txt"]
    assert not has_match(f"{tmp_path}/b.txt")


def test_link_to_nothing_is_found(tmp_path: Path) -> None:
    """Whoever reads it says what is wrong with it; a file of that name was wanted."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "cert.pem").symlink_to("gone.pem")
    (tmp_path / "y" / "cert.pem").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "cert.pem").touch()
    assert matches(f"{tmp_path}/*/cert.pem") == [tmp_path / ".hidden" / "cert.pem", tmp_path / "x" / "cert.pem"]


def test_absent_folder_has_no_files() -> None:
    assert matches("/no/such/*") == []


def test_unseen_folder_is_a_probe_error() -> None:
    """What may not be seen is a probe error, and no empty list."""
    # A file's name that is too long for the kernel: an error that root gets as well.
    with pytest.raises(ProbeError):
        matches(f"/{'x' * 300}/*.txt")
    assert not has_match(f"/{'x' * 300}/*.txt")
