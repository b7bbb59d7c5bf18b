"""Long jobs in the database: every statement about them. What a client sent is deleted as soon as it is answered."""

import sqlite3
from collections.abc import Callable
from typing import Literal, NamedTuple

from ml_server.storage.database import Database

State = Literal["queued", "running", "done", "failed", "expired"]
# How long an answer is kept, how long what has not been answered, and how long it is known that either was there, in seconds.
KEPT_S = 24 * 3600.0
KNOWN_S = 7 * 24 * 3600.0
# Jobs that may wait, and bytes of them and of answers that may be kept.
MOST_WAITING = 64
MOST_BYTES = 512 * 1024 * 1024
# How often a piece of a job may end the process that works on it.
MOST_ATTEMPTS = 3

_COLUMNS = (
    "id, state, request_id, model, version, digest, content_type, bytes, rows, rows_done, piece_rows, attempts,"
    " created, started, finished, expires, status"
)


class Job(NamedTuple):
    """A job as it is kept; `status` is that of the answer, `expires` when it, or what was sent, is deleted."""

    id: str
    state: State
    request_id: str
    model: str
    version: str
    digest: str
    content_type: str
    bytes: int
    rows: int
    rows_done: int
    piece_rows: int
    attempts: int
    created: float
    started: float | None
    finished: float | None
    expires: float
    status: int | None


class Full(Exception):  # noqa: N818 - it is a word for the caller only
    """No further job can be kept now."""


def _nothing() -> None:
    pass


class Jobs:
    """The jobs of one database. `now` is in seconds since 1970.

    Every method may raise `StorageError`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: Job, body: bytes) -> None:
        """Keep a new job, on the disk before this returns.

        Raises:
            Full: too many wait, or they and the answers take too much.
        """
        with self._database.reading() as connection:
            connection.execute("PRAGMA synchronous = FULL")
        try:
            with self._database.writing() as connection:
                waiting, size = connection.execute(
                    "SELECT count(*) FILTER (WHERE state IN ('queued', 'running')), coalesce(sum(bytes), 0) FROM jobs"
                    " WHERE state <> 'expired'"
                ).fetchone()
                if waiting >= MOST_WAITING or size + len(body) > MOST_BYTES:
                    raise Full
                connection.execute(f"INSERT INTO jobs ({_COLUMNS}) VALUES ({', '.join('?' * len(job))})", job)  # noqa: S608
                connection.execute("INSERT INTO job_bodies VALUES (?, ?)", (job.id, body))
        finally:
            with self._database.reading() as connection:
                connection.execute("PRAGMA synchronous = NORMAL")

    def find(self, job_id: str, now: float) -> tuple[Job, bytes | None] | None:
        """Return a job, and its answer where there is one; None where none of that name is known."""
        with self._database.reading() as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (job_id,)).fetchone()  # noqa: S608
            if row is None:
                return None
            job = Job(*row)
            if job.state != "running" and job.expires <= now:
                return job._replace(state="expired"), None
            result = connection.execute("SELECT result FROM job_results WHERE job = ?", (job_id,)).fetchone()
        return job, result[0] if result else None

    def ahead(self, job: Job) -> int:
        """Return how many jobs come before a waiting one."""
        with self._database.reading() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running') AND created < ?", (job.created,)
            ).fetchone()
        return int(count)

    def forget(self, job_id: str) -> bool:
        """Delete a job with all that belongs to it; tell whether there was one."""
        with self._database.writing() as connection:
            is_gone = connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,)).rowcount > 0
        self._scrub()
        return is_gone

    def has_work(self) -> bool:
        """Tell whether a job waits, or was begun."""
        with self._database.reading() as connection:
            return connection.execute("SELECT 1 FROM jobs WHERE state IN ('queued', 'running') LIMIT 1").fetchone() is not None

    def claim(self, now: float) -> Job | None:
        """Return the job that is to be worked on, which was begun already if its worker has died; for the only one who works.

        One more attempt is counted; `Job.attempts` are those before this one.
        """
        if not self.has_work():
            return None
        with self._database.writing() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE state IN ('queued', 'running') ORDER BY created LIMIT 1"  # noqa: S608
            ).fetchone()
            if row is None:
                return None
            job = Job(*row)
            connection.execute(
                "UPDATE jobs SET state = 'running', attempts = attempts + 1, started = coalesce(started, ?) WHERE id = ?",
                (now, job.id),
            )
        return job

    def body(self, job: Job) -> bytes | None:
        """Return what was sent; None where the job is forgotten."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT body FROM job_bodies WHERE job = ?", (job.id,)).fetchone()
        return row[0] if row else None

    def keep_piece(self, job: Job, number: int, entries: bytes, rows_done: int, also: Callable[[], None] = _nothing) -> bool:
        """Keep the answers to a piece, so that nobody need make them again; tell whether the job is still wanted.

        If it is, `also` is called, and what it writes to the same database is kept with the piece or not at all.
        """
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE jobs SET rows_done = ?, attempts = 1, bytes = bytes + ? WHERE id = ?", (rows_done, len(entries), job.id)
            ).rowcount
            if changed:
                connection.execute("INSERT OR REPLACE INTO job_pieces VALUES (?, ?, ?)", (job.id, number, entries))
                also()
        return changed > 0

    def pieces(self, job: Job) -> list[bytes]:
        """Return the answers that are kept, in order."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT entries FROM job_pieces WHERE job = ? ORDER BY number", (job.id,)).fetchall()
        return [entries for (entries,) in rows]

    def is_wanted(self, job: Job) -> bool:
        """Tell whether nobody has had the job forgotten."""
        with self._database.reading() as connection:
            return connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job.id,)).fetchone() is not None

    def finish(self, job: Job, status: int, result: bytes, now: float, also: Callable[[], None] = _nothing) -> None:
        """Keep the answer, and delete what was sent; `also` is as in `keep_piece`."""
        state: State = "done" if status == 200 else "failed"
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE jobs SET state = ?, status = ?, finished = ?, expires = ?, bytes = ?,"
                " rows_done = CASE ? WHEN 'done' THEN rows ELSE rows_done END WHERE id = ?",
                (state, status, now, now + KEPT_S, len(result), state, job.id),
            ).rowcount
            if changed:
                _drop(connection, job.id)
                connection.execute("INSERT INTO job_results VALUES (?, ?)", (job.id, result))
                _count(connection, job.model, job.version, state, job.rows)
                also()
        self._scrub()

    def release(self, job: Job) -> None:
        """Put a job back that is not to blame for being put down."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE jobs SET state = 'queued', attempts = max(attempts - 1, 0) WHERE id = ? AND state = 'running'", (job.id,)
            )

    def sweep(self, now: float) -> None:
        """Delete what has expired; that it was there is known for some days more."""
        with self._database.reading() as connection:
            query = "SELECT id, model, version, state, rows FROM jobs WHERE state NOT IN ('running', 'expired') AND expires <= ?"
            old = connection.execute(query, (now,)).fetchall()
            gone = connection.execute("SELECT 1 FROM jobs WHERE expires <= ? LIMIT 1", (now - KNOWN_S,)).fetchone()
        if not old and gone is None:
            return
        with self._database.writing() as connection:
            for job_id, model, version, state, rows in old:
                # Whoever began it meanwhile, or another one who sweeps, was first.
                query = "UPDATE jobs SET state = 'expired', bytes = 0 WHERE id = ? AND state = ?"
                if connection.execute(query, (job_id, state)).rowcount:
                    _drop(connection, job_id)
                    connection.execute("DELETE FROM job_results WHERE job = ?", (job_id,))
                    if state == "queued":
                        _count(connection, model, version, "expired", rows)
            connection.execute("DELETE FROM jobs WHERE state = 'expired' AND expires <= ?", (now - KNOWN_S,))
        self._scrub()

    def counts(self) -> list[tuple[str, str, str, int, int]]:
        """Return (model, version, state, jobs, rows) of all that came to an end so far."""
        with self._database.reading() as connection:
            return connection.execute("SELECT model, version, state, jobs, rows FROM job_counts").fetchall()

    def waiting(self) -> list[tuple[str, int]]:
        """Return (state, jobs) of those that have not come to an end."""
        query = "SELECT state, count(*) FROM jobs WHERE state IN ('queued', 'running') GROUP BY state"
        with self._database.reading() as connection:
            return connection.execute(query).fetchall()

    def _scrub(self) -> None:
        """Have what was deleted gone from the log beside the database, too."""
        with self._database.reading() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # it waits for who reads, as a statement does


def _drop(connection: sqlite3.Connection, job_id: str) -> None:
    connection.execute("DELETE FROM job_bodies WHERE job = ?", (job_id,))
    connection.execute("DELETE FROM job_pieces WHERE job = ?", (job_id,))


def _count(connection: sqlite3.Connection, model: str, version: str, state: str, rows: int) -> None:
    connection.execute(
        "INSERT INTO job_counts VALUES (?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET jobs = jobs + 1, rows = rows + excluded.rows",
        (model, version, state, rows),
    )
