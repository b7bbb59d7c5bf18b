"""The SQLite file itself: opening, checking, moving aside; and copying rows between the file and a stand-in in memory."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from monitor_blueprint.domain.text import Public, class_name, configured, fill, label, word
from monitor_blueprint.domain.vocabulary import DATABASE_PROBLEMS
from monitor_blueprint.faults import reason_of
from monitor_blueprint.storage import merge_log

# One script for each version of the schema; `PRAGMA user_version` says how many of them a database has seen.
SCHEMAS = ("schema.sql", "schema_story.sql", "schema_delivery.sql", "schema_hours.sql", "schema_access.sql")
_LOCK_WAIT_S = 5.0
# How a damaged file is called that was moved aside; of more than this many the oldest go, or a dying disk would fill up.
_ASIDE = ".corrupt-%Y%m%dT%H%M%S%fZ"
_ASIDES_KEPT = 3
_COMPANIONS = ("-wal", "-shm")


class CorruptDatabaseError(sqlite3.DatabaseError):
    """The file is a database, but a damaged one."""


class NewerDatabaseError(sqlite3.OperationalError):
    """The file is of a version that this program does not know."""

    def __init__(self, version: int) -> None:
        self.told = fill("database is of version {version}, made by a newer program", version=version)
        super().__init__(self.told)


def is_corruption(error: sqlite3.Error) -> bool:
    """Tell whether the error means that the file is damaged, not merely out of reach."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, CorruptDatabaseError) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_trouble(error: sqlite3.Error) -> bool:
    """Tell whether the error is the file's fault (full, locked, read-only, damaged) and not the statement's."""
    return isinstance(error, sqlite3.OperationalError | CorruptDatabaseError) or type(error) is sqlite3.DatabaseError


def describe(error: sqlite3.Error | OSError) -> Public:
    """Return why the database cannot be used; SQLite quotes what is in the file ("malformed database schema (...)")."""
    return fill("database cannot be used: {reason}", reason=reason_of(error) if isinstance(error, OSError) else _words(error))


def _words(error: sqlite3.Error) -> Public:
    if isinstance(error, NewerDatabaseError):
        return error.told
    name = getattr(error, "sqlite_errorname", "")
    return word(str(error), DATABASE_PROBLEMS) or (label(name.lower()) if name else class_name(error))


def open_file(path: Path, busy_timeout_s: float, note: Callable[[Public], None]) -> sqlite3.Connection:
    """Open the database for reading and writing, creating it where there is none.

    A damaged one is moved aside, and its small tables are taken over into a new one as far as they can be read.
    Raises `sqlite3.Error` or `OSError` where that cannot be done.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    with _directory_lock(path.parent):
        try:
            return _open(path, busy_timeout_s)
        except sqlite3.DatabaseError as error:
            if not is_corruption(error):
                raise
        aside = _move_aside(path)
        connection = _open(path, busy_timeout_s)
        note(fill("corrupt database moved to {file}, a new one begun", file=configured(aside)))
        seed_from_file(connection, aside)
        return connection


def last_moved_aside(path: Path) -> tuple[Path, datetime] | None:
    """Return the damaged file of this database that was moved aside last, and when that was; None where there is none."""
    found = _moved_aside(path)
    return found[-1] if found else None


def open_memory() -> sqlite3.Connection:
    """Return an empty database in memory."""
    connection = _connect(":memory:", busy_timeout_s=0)
    _migrate(connection)
    return connection


def seed(target: sqlite3.Connection, source: sqlite3.Connection) -> None:
    """Copy what the monitor needs to go on where it was; a table that cannot be read is left out."""
    with transaction(target):
        for table, select in _SMALL_TABLES.items():
            with suppress(sqlite3.Error):
                _insert(target, f"INSERT OR REPLACE INTO {table}", source.execute(select))


def seed_from_file(target: sqlite3.Connection, path: Path) -> None:
    """Do the same from a file that cannot be written, or not be trusted; never raises for the file's sake."""
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        with suppress(sqlite3.Error, OSError), closing(_connect(f"{path.absolute().as_uri()}?{mode}", 0)) as source:
            (version,) = source.execute("PRAGMA user_version").fetchone()
            if version in (0, len(SCHEMAS)):
                seed(target, source)
                return
            # One of an earlier version that cannot be brought up to date where it is.
            with closing(_connect(":memory:", 0)) as copy:
                source.backup(copy)
                _migrate(copy)
                seed(target, copy)
            return


def merge(target: sqlite3.Connection, source: sqlite3.Connection) -> None:
    """Write what was done in memory into the file, in one transaction; raises `sqlite3.Error` where that fails."""
    with transaction(target):
        for table, insert in _MERGES.items():
            _insert(target, insert, source.execute(f"SELECT * FROM {table} ORDER BY 1"))  # noqa: S608 - constants
        for row in source.execute("SELECT number, opened_at, closed_at, body FROM incident"):
            target.execute(_MERGE_INCIDENT, row)
        for row in source.execute("SELECT version, body, saved_at FROM state"):
            target.execute(_MERGE_STATE, row)
        merge_log.merge(target, source)
        for number, name, start, end, why in source.execute("SELECT number, check_name, starts_at, ends_at, why FROM silence"):
            known = target.execute(
                "UPDATE silence SET ends_at = min(ends_at, ?) WHERE number = ? AND check_name = ? AND starts_at = ?",
                (end, number, name, start),
            )
            if known.rowcount == 0:
                target.execute(
                    "INSERT INTO silence (check_name, starts_at, ends_at, why) VALUES (?, ?, ?, ?)", (name, start, end, why)
                )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the database's write lock; commit at the end, or roll back and let the exception through."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors, and cannot after others.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _connect(name: str, busy_timeout_s: float) -> sqlite3.Connection:
    is_uri = name.startswith("file:")
    connection = sqlite3.connect(name, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False, uri=is_uri)
    try:
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -1024")  # reads the file
    except BaseException:
        connection.close()
        raise
    return connection


def _open(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    # Only where it is new: to close it would end the locks of the connections that this process has already (fcntl(2)).
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o640))
    except FileExistsError:
        if not os.access(path, os.R_OK | os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path)) from None
    connection = _connect(str(path), busy_timeout_s)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # A power cut must not take back an event that was committed.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_size_limit = 4194304")
    found = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != ("ok",):
        raise CorruptDatabaseError(str(found))
    _migrate(connection)


def _migrate(connection: sqlite3.Connection) -> None:
    # Begun in any case: it shows whether the database can be written.
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(SCHEMAS):
            raise NewerDatabaseError(version)
        for script in SCHEMAS[version:]:
            text = resources.files(__package__).joinpath(script).read_text(encoding="utf-8")
            for statement in _statements(text):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(SCHEMAS)}")


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
    for old, _ in _moved_aside(path)[:-_ASIDES_KEPT]:
        for suffix in ("", *_COMPANIONS):
            with suppress(OSError):
                old.with_name(old.name + suffix).unlink(missing_ok=True)
    return aside


def _moved_aside(path: Path) -> list[tuple[Path, datetime]]:
    """Return what was moved aside and when, the oldest first."""
    found = []
    with suppress(OSError):
        for each in sorted(path.parent.iterdir()):
            with suppress(ValueError):
                found.append((each, datetime.strptime(each.name, path.name + _ASIDE).replace(tzinfo=UTC)))
    return found


@contextmanager
def _directory_lock(directory: Path) -> Iterator[None]:
    """Keep two processes from moving each other's new database aside; waits a few seconds at most."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        deadline = time.monotonic() + _LOCK_WAIT_S
        while time.monotonic() < deadline:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _insert(target: sqlite3.Connection, insert: str, rows: sqlite3.Cursor) -> None:
    columns = [column[0] for column in rows.description]
    marks = ", ".join("?" * len(columns))
    target.executemany(f"{insert} ({', '.join(columns)}) VALUES ({marks})", rows)


_OPEN = "SELECT number FROM incident WHERE closed_at IS NULL"
_SMALL_TABLES = {
    "state": "SELECT * FROM state",
    "silence": "SELECT * FROM silence",
    "token": "SELECT * FROM token",
    "latest": "SELECT * FROM latest",
    "channel": "SELECT * FROM channel",
    "story": "SELECT * FROM story WHERE (kind, at) IN (SELECT kind, max(at) FROM story GROUP BY kind)",
    "receiver": "SELECT * FROM receiver",
    "incident": "SELECT * FROM incident WHERE closed_at IS NULL OR number = (SELECT max(number) FROM incident)",
    "event": f"SELECT * FROM event WHERE incident IN ({_OPEN})"  # noqa: S608 - constants
    " OR number > (SELECT coalesce(min(coalesce(doubtful_after, cursor)), 0) FROM receiver) ORDER BY number",
    "delivery": "SELECT * FROM delivery WHERE EXISTS"  # noqa: S608 - constants
    f" (SELECT 1 FROM event WHERE number BETWEEN first AND last AND (incident IN ({_OPEN})"
    " OR number > (SELECT coalesce(min(cursor), 0) FROM receiver)))",
}
_MERGES = {
    "evidence": "INSERT OR REPLACE INTO evidence",
    "cycle": "INSERT OR REPLACE INTO cycle",
    "result": "INSERT OR REPLACE INTO result",
    "latest": "INSERT OR REPLACE INTO latest",
    "channel": "INSERT OR REPLACE INTO channel",
    "story": "INSERT OR IGNORE INTO story",
    "told": "INSERT OR IGNORE INTO told",
}
# Numbers may have been used twice where the file could not be read: of another incident it stays; its own may begin earlier now.
_MERGE_INCIDENT = (
    "INSERT INTO incident (number, opened_at, closed_at, body) VALUES (?, ?, ?, ?) ON CONFLICT (number) DO UPDATE"
    " SET opened_at = excluded.opened_at, closed_at = excluded.closed_at, body = excluded.body"
    " WHERE incident.opened_at = excluded.opened_at OR incident.closed_at IS NULL AND excluded.opened_at < incident.opened_at"
)
_MERGE_STATE = (
    "INSERT INTO state (only, version, body, saved_at) VALUES (1, ?, ?, ?) ON CONFLICT (only) DO UPDATE"
    " SET version = excluded.version, saved_at = excluded.saved_at, body = CASE WHEN json_valid(state.body)"
    " THEN json_set(excluded.body, '$.last_incident_number', max("
    "coalesce(json_extract(state.body, '$.last_incident_number'), 0),"
    " json_extract(excluded.body, '$.last_incident_number'))) ELSE excluded.body END"
)
