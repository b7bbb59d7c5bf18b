"""The SQLite file of the ML server: opening, migrating, moving aside what is damaged."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

FILE = "ml_server.db"
# One script for each version of the schema; `PRAGMA user_version` says how many of them a database has seen.
SCHEMAS: tuple[str, ...] = ("schema_feedback.sql", "schema_drift.sql", "schema_jobs.sql", "schema_silent.sql")
_BUSY_TIMEOUT_S = 5.0
# How a damaged file is called that was moved aside; of more than this many the oldest go, or a dying disk would fill up.
_ASIDE = ".corrupt-%Y%m%dT%H%M%S%fZ"
_ASIDES_KEPT = 3
_COMPANIONS = ("-wal", "-shm")


class StorageError(Exception):
    """The database cannot be used; the text says why, and quotes nothing that is in it."""


class _CorruptDatabaseError(sqlite3.DatabaseError):
    """The file is a database, but a damaged one."""


class _NewerDatabaseError(sqlite3.OperationalError):
    """The file is of a version that this program does not know."""


class Database:
    """One file, opened by each thread of each process that uses it when it first does: a connection survives no fork."""

    def __init__(self, directory: Path, warn: Callable[[str], None]) -> None:
        """Use the file in that directory, which is made where it is not there; `warn` is told of one that was moved aside."""
        self.path = directory / FILE
        self._warn = warn
        self._local = threading.local()
        self._checked_in = 0

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; commit at the end, or roll back and let the exception through.

        Within another one of the same thread it is part of that: all is written, or nothing.

        Raises:
            StorageError: the file cannot be used: full, locked, read-only, damaged, made by a newer program.
        """
        with self._translated():
            connection = self._connection()
            with nullcontext() if connection.in_transaction else _transaction(connection):
                yield connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection for reading.

        Raises:
            StorageError: as `writing`.
        """
        with self._translated():
            yield self._connection()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if _is_corruption(error):
                self._forget()  # the next use opens it anew, and moves it aside
                self._checked_in = 0
            raise StorageError(f"the database {self.path} cannot be used ({_name(error)})") from error
        except OSError as error:
            raise StorageError(f"the database {self.path} cannot be used ({error.strerror})") from error

    def _connection(self) -> sqlite3.Connection:
        kept: tuple[int, sqlite3.Connection] | None = getattr(self._local, "kept", None)
        if kept is None or kept[0] != os.getpid():
            # All of it is read for that: by the first thread of a process, not by each.
            kept = (os.getpid(), _open(self.path, self._warn, is_checked=self._checked_in == os.getpid()))
            self._local.kept, self._checked_in = kept, kept[0]
        return kept[1]

    def _forget(self) -> None:
        kept: tuple[int, sqlite3.Connection] | None = getattr(self._local, "kept", None)
        if kept is not None:
            self._local.kept = None
            if kept[0] == os.getpid():
                kept[1].close()

    def close(self) -> None:
        """Close what this thread has opened."""
        self._forget()


def _open(path: Path, warn: Callable[[str], None], *, is_checked: bool) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _directory_lock(path.parent):
        try:
            return _connect(path, is_checked=is_checked)
        except sqlite3.DatabaseError as error:
            if not _is_corruption(error):
                raise
        aside = _move_aside(path)
        warn(f"the database {path} was damaged and moved to {aside}: a new one is begun")
        return _connect(path, is_checked=True)


def _connect(path: Path, *, is_checked: bool) -> sqlite3.Connection:
    # Only where it is new: to close it would end the locks of the connections that this process has already (fcntl(2)), and
    # another process that ends would take the log for its own and delete it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted may be what a client sent
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -1024")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        if not is_checked:
            _check(connection)
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise _CorruptDatabaseError


def _migrate(connection: sqlite3.Connection) -> None:
    with _transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(SCHEMAS):
            raise _NewerDatabaseError
        for script in SCHEMAS[version:]:
            for statement in _statements(resources.files(__package__).joinpath(script).read_text(encoding="utf-8")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(SCHEMAS)}")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors, and cannot after others.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _move_aside(path: Path) -> Path:
    aside = path.with_name(path.name + datetime.now(UTC).strftime(_ASIDE))
    path.rename(aside)
    for suffix in _COMPANIONS:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    for old in _moved_aside(path)[:-_ASIDES_KEPT]:
        for suffix in ("", *_COMPANIONS):
            old.with_name(old.name + suffix).unlink(missing_ok=True)
    return aside


def _moved_aside(path: Path) -> list[Path]:
    """Return what was moved aside, the oldest first; never what somebody else has put there."""
    found = []
    for each in sorted(path.parent.iterdir()):
        with suppress(ValueError):
            datetime.strptime(each.name, path.name + _ASIDE)  # noqa: DTZ007 - the name is in UTC, and only its form counts
            found.append(each)
    return found


@contextmanager
def _directory_lock(directory: Path) -> Iterator[None]:
    """Keep two processes from moving each other's new database aside."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_corruption(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, _CorruptDatabaseError) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _name(error: sqlite3.Error) -> str:
    """Return the error's name: SQLite's own sentence may quote what is in the file."""
    if isinstance(error, _NewerDatabaseError):
        return "made by a newer version of this program"
    return str(getattr(error, "sqlite_errorname", type(error).__name__))
