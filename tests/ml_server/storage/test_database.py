"""The SQLite file of the ML server: what is damaged, newer or out of reach."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_server.storage.database import FILE, Database, StorageError
from tests.ml_server.server import ROOT


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def database(tmp_path: Path, warnings: list[str]) -> Iterator[Database]:
    made = Database(tmp_path / "state", warnings.append)
    yield made
    made.close()


def _fill(database: Database) -> None:
    with database.writing() as connection:
        connection.execute("CREATE TABLE kept (number INTEGER)")
        connection.executemany("INSERT INTO kept VALUES (?)", [(number,) for number in range(5000)])


def _delete_and_fail(database: Database) -> None:
    with database.writing() as connection:
        connection.execute("DELETE FROM kept")
        _ = 1 / 0


def _insert_many(database: Database) -> None:
    with database.writing() as connection:
        connection.executemany("INSERT INTO kept VALUES (?)", [(number,) for number in range(50_000)])


def test_file_is_private(database: Database) -> None:
    _fill(database)
    assert stat.S_IMODE(database.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(database.path.parent.stat().st_mode) == 0o700


def test_error_rolls_back(database: Database) -> None:
    _fill(database)
    with pytest.raises(ZeroDivisionError):
        _delete_and_fail(database)
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (5000,)


def test_each_thread_has_its_own(database: Database) -> None:
    found: list[sqlite3.Connection] = []

    def look() -> None:
        with database.reading() as connection:
            found.append(connection)
        database.close()

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    assert len({id(connection) for connection in found}) == len(found) == 2


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_connection_survives_no_fork(database: Database) -> None:
    _fill(database)
    with database.reading() as before:
        pass
    child = os.fork()
    if child == 0:
        code = 1
        with database.reading() as connection:
            code = int(connection is before)
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("content", [b"this is no database at all, and long enough to be looked at" * 40, b"half"])
def test_damaged_moves_aside(tmp_path: Path, content: bytes, warnings: list[str]) -> None:
    (tmp_path / FILE).write_bytes(content)
    database = Database(tmp_path, warnings.append)
    _fill(database)
    (aside,) = tmp_path.glob(f"{FILE}.corrupt-*")
    assert aside.read_bytes() == content
    assert [str(aside) in warning for warning in warnings] == [True]
    database.close()


def test_torn_page_is_noticed(tmp_path: Path, warnings: list[str]) -> None:
    database = Database(tmp_path, warnings.append)
    _fill(database)
    database.close()
    content = bytearray((tmp_path / FILE).read_bytes())
    content[8192:12288] = b"\x5a" * 4096
    (tmp_path / FILE).write_bytes(content)
    _fill(Database(tmp_path, warnings.append))
    assert len(warnings) == 1


def test_only_three_damaged_are_kept(tmp_path: Path, warnings: list[str]) -> None:
    others = tmp_path / f"{FILE}.corrupt-by-somebody-else"
    others.write_bytes(b"theirs")
    for _ in range(5):
        (tmp_path / FILE).write_bytes(b"no database" * 100)
        database = Database(tmp_path, warnings.append)
        with database.reading():
            pass
        database.close()
    assert len(list(tmp_path.glob(f"{FILE}.corrupt-2*"))) == 3
    assert others.exists()


def test_newer_is_left_alone(tmp_path: Path, warnings: list[str]) -> None:
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("PRAGMA user_version = 1000")
    connection.close()
    with pytest.raises(StorageError, match="made by a newer version"), Database(tmp_path, warnings.append).reading():
        pass
    assert not warnings


def test_no_directory_says_so(tmp_path: Path, warnings: list[str]) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StorageError, match="File exists"), Database(tmp_path / "state", warnings.append).reading():
        pass


def test_full_disk_says_so(database: Database) -> None:
    _fill(database)
    with database.reading() as connection:
        connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StorageError, match="SQLITE_FULL"):
        _insert_many(database)
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (5000,)


_PASS_BY = """
import sys
from pathlib import Path
from ml_server.storage.database import Database
database = Database(Path(sys.argv[1]), print)
with database.writing() as connection:
    connection.execute("INSERT INTO kept VALUES (7)")
database.close()
"""


def test_second_thread_costs_no_lock(database: Database) -> None:
    """Another process that ends while several threads have the file open takes nothing away from them."""
    _fill(database)
    thread = threading.Thread(target=database.reading().__enter__)
    thread.start()
    thread.join()
    directory = str(database.path.parent)
    subprocess.run([sys.executable, "-c", _PASS_BY, directory], check=True, cwd=ROOT, timeout=60)
    with database.writing() as connection:
        connection.execute("INSERT INTO kept VALUES (8)")
    subprocess.run([sys.executable, "-c", _PASS_BY, directory], check=True, cwd=ROOT, timeout=60)
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (5003,)
