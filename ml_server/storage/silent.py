"""The counts of silent trials in the database. One transaction for each step: nothing is half counted."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ml_server.storage.database import Database

# Trials that are remembered.
_MOST = 10


class Kept(NamedTuple):
    """A trial as it is kept; `problem` is why it does not run."""

    id: str
    name: str
    version: str
    digest: str
    started: float
    ended: float | None
    starts: int
    problem: str


class Count(NamedTuple):
    """How often something came about: against which version, what, and which of its kinds."""

    active: str
    kind: str
    key: str


class OfLedger(NamedTuple):
    """What has come of a ledger's rows: how many were compared or failed, how many were lost."""

    accounted: int
    lost: int
    is_closed: bool


class Silent:
    """The trials of one database. Every method may raise `StorageError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def know(self, trial: Kept) -> None:
        """Keep a trial, if it is new; the oldest are forgotten."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO silent_trials (id, name, version, digest, started) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (trial.id, trial.name, trial.version, trial.digest, trial.started),
            )
            connection.execute(
                "DELETE FROM silent_trials WHERE id NOT IN (SELECT id FROM silent_trials ORDER BY started DESC LIMIT ?)", (_MOST,)
            )

    def begin(self, trial: str) -> None:
        """Count one start more of its process."""
        with self._database.writing() as connection:
            connection.execute("UPDATE silent_trials SET starts = starts + 1, problem = '' WHERE id = ?", (trial,))

    def fail(self, trial: str, problem: str) -> None:
        """Keep why it does not run."""
        with self._database.writing() as connection:
            connection.execute("UPDATE silent_trials SET problem = ? WHERE id = ?", (problem, trial))

    def end(self, trial: str, now: float) -> None:
        """Keep that it is over."""
        with self._database.writing() as connection:
            connection.execute("UPDATE silent_trials SET ended = ? WHERE id = ? AND ended IS NULL", (now, trial))

    def add(self, trial: str, counts: Mapping[Count, int], accounted: Mapping[str, int]) -> None:
        """Add what was counted, and how many rows of which ledgers that is."""
        with self._database.writing() as connection:
            _add(connection, trial, counts)
            for token, rows in accounted.items():
                _know(connection, trial, token)
                connection.execute(
                    "UPDATE silent_ledgers SET accounted = accounted + ? WHERE trial = ? AND token = ?", (rows, trial, token)
                )

    def meet(self, trial: str, token: str, sent: int) -> None:
        """Take note that a worker begins anew: what it has handed on before, and is not accounted for, is lost."""
        with self._database.writing() as connection:
            _know(connection, trial, token)
            connection.execute(
                "UPDATE silent_ledgers SET lost = max(lost, ? - accounted) WHERE trial = ? AND token = ?", (sent, trial, token)
            )

    def close(self, trial: str, token: str, active: str, sent: int, counts: Mapping[Count, int]) -> None:
        """Add a ledger up whose worker is gone, once: what it has handed on and is not accounted for is lost."""
        with self._database.writing() as connection:
            _know(connection, trial, token)
            query = "SELECT accounted, is_closed FROM silent_ledgers WHERE trial = ? AND token = ?"
            accounted, is_closed = connection.execute(query, (trial, token)).fetchone()
            if is_closed:
                return
            lost = max(0, sent - accounted)
            _add(connection, trial, {**counts, Count(active, "lost", ""): lost})
            connection.execute(
                "UPDATE silent_ledgers SET lost = ?, is_closed = 1 WHERE trial = ? AND token = ?", (lost, trial, token)
            )

    def open_trials(self) -> list[str]:
        """Return the trials that have not been ended."""
        with self._database.reading() as connection:
            return [found for (found,) in connection.execute("SELECT id FROM silent_trials WHERE ended IS NULL").fetchall()]

    def trials(self) -> list[Kept]:
        """Return the trials, the latest first."""
        query = "SELECT id, name, version, digest, started, ended, starts, problem FROM silent_trials ORDER BY started DESC"
        with self._database.reading() as connection:
            return [Kept(*row) for row in connection.execute(query).fetchall()]

    def figures(self, trial: str) -> tuple[dict[Count, int], dict[str, OfLedger]]:
        """Return all counts of a trial, and what has come of each ledger, as they are at one moment."""
        # One statement sees one moment.
        query = (
            "SELECT active, kind, key, count, 0, 0, 0 FROM silent_counts WHERE trial = ?"
            " UNION ALL SELECT NULL, token, '', 0, accounted, lost, is_closed FROM silent_ledgers WHERE trial = ?"
        )
        with self._database.reading() as connection:
            rows = connection.execute(query, (trial, trial)).fetchall()
        counts = {Count(active, kind, key): count for active, kind, key, count, *_ in rows if active is not None}
        ledgers = {
            token: OfLedger(accounted, lost, bool(is_closed))
            for active, token, _, _, accounted, lost, is_closed in rows
            if active is None
        }
        return counts, ledgers


def _know(connection: sqlite3.Connection, trial: str, token: str) -> None:
    connection.execute("INSERT INTO silent_ledgers (trial, token) VALUES (?, ?) ON CONFLICT DO NOTHING", (trial, token))


def _add(connection: sqlite3.Connection, trial: str, counts: Mapping[Count, int]) -> None:
    rows: Iterable[tuple[str, str, str, str, int]] = [(trial, *count, number) for count, number in counts.items() if number]
    connection.executemany(
        "INSERT INTO silent_counts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count", rows
    )
