from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from monitor_blueprint.domain.models import Reading, Status
from monitor_blueprint.domain.text import Private
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


def test_it_is_missed_since_it_was_due(shelf: Shelf) -> None:
    """And not since somebody looked: who looks once an hour comes late."""
    shelf.put("old", 50.5)
    assert shelf.look()["age"].began_at == NOW - timedelta(minutes=30)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_recent_backup_is_fine(shelf: Shelf) -> None:
    """Last night's backup of the usual size is fine."""
    shelf.put("old", 30)
    shelf.put("new", 6)
    seen = shelf.look()
    assert (seen["age"].status, seen["age"].value, seen["age"].facts["file_text"]) == (Status.OK, 6.0, Private("new.sql.gz"))
    assert (seen["size"].status, seen["size"].facts["percent"]) == (Status.OK, 100)


def test_non_utf_8_name_counts(shelf: Shelf) -> None:
    """A file whose name is no UTF-8 is a backup like any other."""
    shelf.put(os.fsdecode("백업".encode("cp949")), 6)
    assert shelf.look()["age"].facts["file_text"] == Private(".sql.gz")


@pytest.mark.parametrize(
    ("hours", "status"),
    [(25.9, Status.OK), (26.1, Status.WARNING), (49.9, Status.WARNING), (50.1, Status.CRITICAL)],
)
def test_old_backup_is_told(shelf: Shelf, hours: float, status: Status) -> None:
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


def test_unfinished_backup_is_not_judged(shelf: Shelf) -> None:
    """A backup that is being written is not judged yet."""
    shelf.put("old", 24)
    shelf.put("new", 0.01, size=3)
    seen = shelf.look()
    assert seen["age"].facts["file_text"] == Private("old.sql.gz")
    assert seen["size"].status is Status.OK


def test_first_backup_is_not_compared(shelf: Shelf) -> None:
    """A first backup has nothing to be compared with."""
    shelf.put("new", 1, size=3)
    assert shelf.look()["size"].status is Status.OK
    assert backup.is_possible(shelf.options)


def test_first_backup_while_it_is_written(shelf: Shelf) -> None:
    """There is none before it that could count: it is there, and how large it will be nobody knows yet."""
    shelf.put("new", 0.01, size=0)
    seen = shelf.look()
    assert (seen["age"].status, seen["age"].facts["file_text"]) == (Status.OK, Private("new.sql.gz"))
    assert "size" not in seen


def test_first_two_backups_while_written(shelf: Shelf) -> None:
    shelf.put("first", 0.02, size=1000)
    shelf.put("second", 0.01, size=3)
    assert list(shelf.look()) == ["age"]


@pytest.mark.parametrize(("hours", "status"), [(26, Status.WARNING), (50, Status.CRITICAL)])
def test_age_on_the_limit_counts(shelf: Shelf, hours: float, status: Status) -> None:
    shelf.put("new", hours)
    assert shelf.look()["age"].status is status


@pytest.mark.parametrize(("size", "status"), [(500, Status.OK), (100, Status.WARNING)])
def test_size_on_the_limit_is_fine(shelf: Shelf, size: int, status: Status) -> None:
    """A size that is exactly on the limit is not below it."""
    shelf.put("old", 30)
    shelf.put("new", 6, size)
    assert shelf.look()["size"].status is status


def test_settled_backup_counts(shelf: Shelf) -> None:
    shelf.put("old", 30)
    shelf.put("new", shelf.options.settle_s / HOUR, size=3)
    assert shelf.look()["size"].facts["file_text"] == Private("new.sql.gz")


def test_empty_only_backup_is_critical(shelf: Shelf) -> None:
    shelf.put("new", 1, size=0)
    assert shelf.look()["size"].status is Status.CRITICAL


def test_size_after_an_empty_backup(shelf: Shelf) -> None:
    """An empty file is nothing to compare with."""
    shelf.put("old", 30, size=0)
    shelf.put("new", 6)
    assert shelf.look()["size"].status is Status.OK


def test_backup_from_the_future_is_ignored(shelf: Shelf) -> None:
    """A backup of a clock that is ahead does not count yet."""
    shelf.put("old", 30)
    shelf.put("ahead", -1, size=3)
    seen = shelf.look()
    assert (seen["age"].facts["file_text"], seen["size"].status) == (Private("old.sql.gz"), Status.OK)
