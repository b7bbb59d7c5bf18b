from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitor_blueprint.domain.models import Reading, Status
from monitor_blueprint.probes import backup
from tests.monitor_blueprint.probes.looking import NOW, looking

HOUR = 3600.0


class Shelf:
    """A folder of backups."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.options = backup.Options(pattern=str(folder / "*.sql.gz"))

    def put(self, name: str, hours_ago: float, size: int = 1000) -> None:
        path = self.folder / f"{name}.sql.gz"
        path.write_bytes(b"x" * size)
        at = NOW.timestamp() - hours_ago * HOUR
        os.utime(path, (at, at))

    def look(self) -> dict[str, Reading]:
        return {reading.aspect: reading for reading in backup.probe(self.options, looking()).readings}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_last_nights_backup_of_the_usual_size_is_fine(shelf: Shelf) -> None:
    shelf.put("old", 30)
    shelf.put("new", 6)
    seen = shelf.look()
    assert (seen["age"].status, seen["age"].value, seen["age"].facts["file"]) == (Status.OK, 6.0, "new.sql.gz")
    assert (seen["size"].status, seen["size"].facts["percent"]) == (Status.OK, 100)


def test_a_file_whose_name_is_no_utf_8_is_a_backup_like_any_other(shelf: Shelf) -> None:
    shelf.put(os.fsdecode("백업".encode("cp949")), 6)
    assert shelf.look()["age"].facts["file"] == ".sql.gz"


@pytest.mark.parametrize(
    ("hours", "status"),
    [(25.9, Status.OK), (26.1, Status.WARNING), (49.9, Status.WARNING), (50.1, Status.CRITICAL)],
)
def test_a_backup_that_is_too_old_is_told(shelf: Shelf, hours: float, status: Status) -> None:
    shelf.put("new", hours)
    assert shelf.look()["age"].status is status


@pytest.mark.parametrize(
    ("size", "status"), [(501, Status.OK), (499, Status.WARNING), (99, Status.CRITICAL), (0, Status.CRITICAL)]
)
def test_a_backup_that_shrank_is_told(shelf: Shelf, size: int, status: Status) -> None:
    shelf.put("old", 30)
    shelf.put("new", 6, size)
    assert shelf.look()["size"].status is status


def test_no_backup_at_all_is_critical(shelf: Shelf) -> None:
    assert shelf.look()["missing"].status is Status.CRITICAL
    assert not backup.is_possible(shelf.options)


def test_a_folder_is_no_backup(shelf: Shelf) -> None:
    (shelf.folder / "x.sql.gz").mkdir()
    assert shelf.look()["missing"].status is Status.CRITICAL


def test_a_backup_that_is_being_written_is_not_judged_yet(shelf: Shelf) -> None:
    shelf.put("old", 24)
    shelf.put("new", 0.01, size=3)
    seen = shelf.look()
    assert seen["age"].facts["file"] == "old.sql.gz"
    assert seen["size"].status is Status.OK


def test_a_first_backup_has_nothing_to_be_compared_with(shelf: Shelf) -> None:
    shelf.put("new", 1, size=3)
    assert shelf.look()["size"].status is Status.OK
    assert backup.is_possible(shelf.options)


def test_first_backup_while_it_is_written(shelf: Shelf) -> None:
    """There is none before it that could count, so it does."""
    shelf.put("new", 0.01)
    seen = shelf.look()
    assert (seen["age"].status, seen["age"].facts["file"]) == (Status.OK, "new.sql.gz")
    assert seen["size"].status is Status.OK
