"""The monitor's memory: an SQLite file, or, while that cannot be used, a stand-in in memory until it can again."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from monitor_blueprint.domain.text import NOTHING, Public, fill
from monitor_blueprint.storage import sqlite
from monitor_blueprint.storage.channels import Parameters, Rows
from monitor_blueprint.storage.reads import Reads
from monitor_blueprint.storage.writes import StateRow, Transaction

T = TypeVar("T")
# A file that somebody holds locked costs the busy timeout at every attempt: not at every health check, then.
_HEAL_EVERY_S = 60.0


class Store:
    """Results, state, events and the outbox; may be used by many threads, and its file by many processes.

    A bad database never stops the monitor: one that is damaged is moved aside and a new one begun; one that cannot be
    used at all (read-only, locked, disk full) is stood in for by one in memory, which begins with the state, the open
    incident, the outbox and the silences as far as they can be read, and is written back by `try_to_heal`.

    Attributes:
        reads: questions about what is stored.
    """

    def __init__(self, path: Path, busy_timeout_s: float = 5.0) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._lock = threading.RLock()
        self._notes: list[Public] = []
        self._problem = NOTHING
        self._is_lasting = True
        self._last_state: StateRow | None = None
        self._tried_to_heal_at: datetime | None = None
        self.reads = Reads(self._query, self._note)
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; the store is of no use afterwards."""
        with self._lock, suppress(sqlite3.Error):
            self._connection.close()

    @property
    def problem(self) -> Public:
        """Say in short why the file is not in use; "" when all is fine."""
        return self._problem

    def notes(self) -> tuple[Public, ...]:
        """Return what has happened to the database since the last call, such as "corrupt database moved to ..."."""
        with self._lock:
            notes, self._notes = self._notes, []
        return tuple(notes)

    def last_moved_aside(self) -> tuple[Path, datetime] | None:
        """Return the damaged file that was moved aside last, whichever process did it, and when; None where there is none."""
        return sqlite.last_moved_aside(self._path)

    def run(self, work: Callable[[Transaction], T], *, is_lasting: bool = True) -> T:
        """Do `work` in one transaction and return what it returns; what it raises rolls back and passes through.

        No other process can write in between, so that "read, decide, save" is safe. Where the file fails meanwhile,
        `work` is done once more, in memory: it must have no effect but on the transaction. It may ask this store for
        the past; a `run` within a `run` raises RuntimeError.

        With `is_lasting=False` a power cut may take the last moments back; a crash of the program may not.
        """
        with self._lock:
            if self._connection.in_transaction:
                raise RuntimeError("a transaction cannot begin within another")
            self._follow_the_file()
            try:
                return self._transact(work, is_lasting=is_lasting)
            except sqlite3.DatabaseError as error:
                if self._problem or not sqlite.is_trouble(error):
                    raise
                self._leave_the_file(error)
                return self._transact(work, is_lasting=is_lasting)

    def try_to_heal(self, now: datetime) -> None:
        """Where the file was out of use, see whether it can be used again, and write back what is in memory."""
        with self._lock:
            if not self._problem or self._has_just_tried(now):
                return
            self._tried_to_heal_at = now
            try:
                file = sqlite.open_file(self._path, min(self._busy_timeout_s, 1.0), self._note)
            except (sqlite3.Error, OSError) as error:
                self._problem = sqlite.describe(error)
                return
            try:
                sqlite.merge(file, self._connection)
                file.execute(f"PRAGMA busy_timeout = {round(self._busy_timeout_s * 1000)}")
            except sqlite3.Error as error:
                self._problem = sqlite.describe(error)
                file.close()
                return
            self._connection.close()
            self._use(file, problem=NOTHING)
            self._tried_to_heal_at = None
            self._note(fill("database is usable again, what was kept in memory is written"))

    def _note(self, text: Public) -> None:
        self._notes.append(text)

    def _query(self, sql: str, parameters: Parameters) -> Rows:
        with self._lock:
            if self._connection.in_transaction:
                # A question from within `run`, which knows what to do about an error.
                return self._connection.execute(sql, parameters).fetchall()
            self._follow_the_file()
            try:
                return self._connection.execute(sql, parameters).fetchall()
            except sqlite3.DatabaseError as error:
                if self._problem or not sqlite.is_trouble(error):
                    raise
                self._leave_the_file(error)
                return self._connection.execute(sql, parameters).fetchall()

    def _transact(self, work: Callable[[Transaction], T], *, is_lasting: bool) -> T:
        if is_lasting is not self._is_lasting:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if is_lasting else 'NORMAL'}")
            self._is_lasting = is_lasting
        with sqlite.transaction(self._connection):
            transaction = Transaction(self._connection, self._note)
            answer = work(transaction)
        self._last_state = transaction.saved_state or self._last_state
        return answer

    def _open(self) -> None:
        try:
            file = sqlite.open_file(self._path, self._busy_timeout_s, self._note)
        except (sqlite3.Error, OSError) as error:
            memory = sqlite.open_memory()
            sqlite.seed_from_file(memory, self._path)
            self._use(memory, problem=sqlite.describe(error))
        else:
            self._use(file, problem=NOTHING)

    def _use(self, connection: sqlite3.Connection, problem: Public) -> None:
        self._connection = connection
        self._problem = problem
        self._process = os.getpid()
        self._is_lasting = True
        self._identity = self._file_identity() if not problem else None

    def _follow_the_file(self) -> None:
        """Open the file anew after a fork (SQLite forbids more), and where somebody has deleted or replaced it."""
        if self._process != os.getpid():
            self._inherited = self._connection
            self._open()
        elif not self._problem and self._file_identity() != self._identity:
            orphan = self._connection
            self._open()
            if self._is_without_state():
                sqlite.seed(self._connection, orphan)
            self._note(fill("database file was deleted or replaced: opened anew"))
            with suppress(sqlite3.Error):
                orphan.close()

    def _leave_the_file(self, error: sqlite3.Error) -> None:
        """Go on with a new file where this one is damaged, otherwise in memory."""
        failed = self._connection
        if sqlite.is_corruption(error):
            failed.close()
            self._open()
        else:
            memory = sqlite.open_memory()
            sqlite.seed(memory, failed)
            self._use(memory, problem=sqlite.describe(error))
            with suppress(sqlite3.Error):
                failed.close()
        if self._last_state is not None:
            with suppress(sqlite3.Error):
                Transaction(self._connection, self._note).restore_state(self._last_state)

    def _is_without_state(self) -> bool:
        return self._connection.execute("SELECT 1 FROM state").fetchone() is None

    def _has_just_tried(self, now: datetime) -> bool:
        tried_at = self._tried_to_heal_at
        return tried_at is not None and abs((now - tried_at).total_seconds()) < _HEAL_EVERY_S

    def _file_identity(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
