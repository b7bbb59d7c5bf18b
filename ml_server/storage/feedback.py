"""Answers, and what turned out to be true, in SQLite."""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ml_server.storage.database import Database

# An answer nobody has judged is kept for so many days, one that was judged for so many.
OPEN_DAYS, JUDGED_DAYS = 400, 5 * 366
# So many: of those nobody has judged in all, of the others of each version.
MOST_KEPT = 1_000_000
# Of the truths that were replaced, for each answer.
_MOST_CORRECTIONS = 100
# At a time: the lock is others', too.
_PRUNED = 5_000
DAY_MS = 86_400_000


class ModelKey(NamedTuple):
    """One version of a model."""

    name: str
    version: str
    digest: str


class NewAnswer(NamedTuple):
    """One answer as it is given; `at_ms` since 1970, `item` and `site` are the client's own ids of the item and prediction.

    `pattern` is the place of the card's pattern of missing inputs; `numbers` and `said` are JSON, as in `KeptAnswer`.
    """

    model: ModelKey
    at_ms: int
    request_id: str
    place: int
    pattern: int | None
    item: str | None
    site: str | None
    numbers: str
    said: str | None


class KeptAnswer(NamedTuple):
    """One answer as it was given; `truth` is what is held to be true of it by now, as JSON."""

    id: int
    model_id: int
    name: str
    version: str
    task: str
    card: str
    at_ms: int
    request_id: str
    place: int
    numbers: str
    said: str | None
    truth: str | None


class KeptModel(NamedTuple):
    """A version that has answered, how many of its answers were judged, and how often a judgement was replaced."""

    id: int
    name: str
    version: str
    digest: str
    task: str
    card: str
    judged: int
    corrected: int


class Judged(NamedTuple):
    """One answer and its truth, as JSON."""

    at_ms: int
    numbers: str
    said: str | None
    truth: str
    pattern: int | None = None


_INSERT = "INSERT INTO feedback_answers (model, at, request, place, pattern, item, site, numbers, said) VALUES "
_PLACES = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
# So many rows in one statement: the rest of the process goes on while it runs.
_INSERTS = {size: _INSERT + ", ".join([_PLACES] * size) for size in (100, 20, 4, 1)}
_FOUND = """
    SELECT a.id, a.model, m.name, m.version, m.task, m.card, a.at, a.request, a.place, a.numbers, a.said, a.truth
    FROM feedback_answers a JOIN feedback_models m ON m.id = a.model
"""


class FeedbackStore:
    """What is kept of answers and truths; every method may raise `StorageError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, answers: Sequence[NewAnswer], cards: Mapping[ModelKey, tuple[str, str]]) -> None:
        """Add answers, all or none; `cards` are task and card of the models that have given them."""
        with self._database.writing() as connection:
            ids = {key: _model_id(connection, key, *card) for key, card in cards.items()}
            key = _key(connection)
            rows = [
                (
                    ids[each.model],
                    each.at_ms,
                    each.request_id,
                    each.place,
                    each.pattern,
                    None if each.item is None else _fingerprint(key, f"{each.request_id} {each.item}"),
                    None if each.site is None else _fingerprint(key, each.site),
                    each.numbers,
                    each.said,
                )
                for each in answers
            ]
            _insert(connection, rows)
            days = Counter((ids[each.model], each.at_ms // DAY_MS) for each in answers)
            connection.executemany(
                """
                INSERT INTO feedback_days (model, day, answered) VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET answered = answered + excluded.answered
                """,
                [(*day, count) for day, count in days.items()],
            )

    @contextmanager
    def judging(self) -> Iterator["Judging"]:
        """Let nobody else write meanwhile; what was done counts if no exception ends it."""
        with self._database.writing() as connection:
            yield Judging(connection)

    def models(self) -> list[KeptModel]:
        """Return every version that has answered, the latest first."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT id, name, version, digest, task, card, judged, corrected FROM feedback_models ORDER BY id DESC"
            )
            return [KeptModel(*row) for row in found]

    def answered(self, model_id: int, since_day: int) -> int:
        """Return how many answers a model has given from a day (UTC, days since 1970) on."""
        with self._database.reading() as connection:
            statement = "SELECT coalesce(sum(answered), 0) FROM feedback_days WHERE model = ? AND day >= ?"
            return int(connection.execute(statement, (model_id, since_day)).fetchone()[0])

    def judged(self, model_id: int, most: int) -> list[Judged]:
        """Return a model's answers of which the truth is known, the newest first."""
        with self._database.reading() as connection:
            found = connection.execute(
                """
                SELECT at, numbers, said, truth, pattern FROM feedback_answers
                WHERE model = ? AND truth IS NOT NULL ORDER BY at DESC LIMIT ?
                """,
                (model_id, most),
            )
            return [Judged(*row) for row in found]

    def prune(self, now_ms: int) -> bool:
        """Forget some of what is too old or too much, and tell whether there may be more."""
        with self._database.writing() as connection:
            newest = connection.execute("SELECT coalesce(max(id), 0) FROM feedback_answers").fetchone()[0]
            pruned = [
                _prune(connection, "truth IS NULL AND (at < ? OR id <= ?)", (now_ms - OPEN_DAYS * DAY_MS, newest - MOST_KEPT))
            ]
            models = connection.execute("SELECT id FROM feedback_models").fetchall()
            pruned += [_prune(connection, *_judged_too_long(connection, model, now_ms)) for (model,) in models]
            connection.execute("DELETE FROM feedback_days WHERE day < ?", (now_ms // DAY_MS - JUDGED_DAYS,))
        return max(pruned) >= _PRUNED


class Judging:
    """Finds answers and says what was true of them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._key = _key(connection)

    def of_request(self, request_id: str) -> list[KeptAnswer]:
        """Return the answers to a request, the oldest first."""
        found = self._connection.execute(f"{_FOUND} WHERE a.request = ? ORDER BY a.id", (request_id,))
        return [KeptAnswer(*row) for row in found]

    def of_item(self, request_id: str, item: str) -> list[KeptAnswer]:
        """Return the answers to one item of a request, by the client's own id of it."""
        print_ = _fingerprint(self._key, f"{request_id} {item}")
        found = self._connection.execute(f"{_FOUND} WHERE a.request = ? AND a.item = ? ORDER BY a.id", (request_id, print_))
        return [KeptAnswer(*row) for row in found]

    def of_site(self, site: str) -> list[KeptAnswer]:
        """Return the answers that a client calls by this id of its own."""
        found = self._connection.execute(f"{_FOUND} WHERE a.site = ? ORDER BY a.id", (_fingerprint(self._key, site),))
        return [KeptAnswer(*row) for row in found]

    def name(self, answer: KeptAnswer, site: str) -> None:
        """Let an answer be found by a client's own id from now on, if it has none yet."""
        print_ = _fingerprint(self._key, site)
        self._connection.execute("UPDATE feedback_answers SET site = ? WHERE id = ? AND site IS NULL", (print_, answer.id))

    def judge(self, answer: KeptAnswer, truth: str, now_ms: int) -> None:
        """Say what was true; an earlier truth is kept beside it."""
        execute = self._connection.execute
        is_correction = answer.truth is not None
        if is_correction:
            execute(
                "INSERT INTO feedback_corrections (answer, truth, truth_at) SELECT id, truth, truth_at FROM feedback_answers"
                " WHERE id = ?",
                (answer.id,),
            )
            execute(
                """
                DELETE FROM feedback_corrections WHERE answer = :answer AND id NOT IN (
                    SELECT id FROM feedback_corrections WHERE answer = :answer ORDER BY id DESC LIMIT :most
                )
                """,
                {"answer": answer.id, "most": _MOST_CORRECTIONS},
            )
        execute("UPDATE feedback_answers SET truth = ?, truth_at = ? WHERE id = ?", (truth, now_ms, answer.id))
        execute(
            "UPDATE feedback_models SET judged = judged + ?, corrected = corrected + ? WHERE id = ?",
            (not is_correction, is_correction, answer.model_id),
        )


def _model_id(connection: sqlite3.Connection, key: ModelKey, task: str, card: str) -> int:
    connection.execute(
        "INSERT INTO feedback_models (name, version, digest, task, card) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (*key, task, card),
    )
    statement = "SELECT id FROM feedback_models WHERE name = ? AND version = ? AND digest = ?"
    return int(connection.execute(statement, key).fetchone()[0])


def _key(connection: sqlite3.Connection) -> bytes:
    return bytes(connection.execute("SELECT key FROM feedback_key").fetchone()[0])


def _fingerprint(key: bytes, text: str) -> int:
    """Return 8 bytes by which an id is found again, and out of which nobody makes the id: it might be a person's number."""
    return int.from_bytes(hashlib.blake2b(text.encode(), key=key, digest_size=8).digest(), "big", signed=True)


def _insert(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    begin = 0
    for size, statement in _INSERTS.items():
        while len(rows) - begin >= size:
            connection.execute(statement, [value for row in rows[begin : begin + size] for value in row])
            begin += size


def _judged_too_long(connection: sqlite3.Connection, model: int, now_ms: int) -> tuple[str, tuple[int, int]]:
    newest = "SELECT at FROM feedback_answers WHERE truth IS NOT NULL AND model = ? ORDER BY at DESC LIMIT 1 OFFSET ?"
    too_many = connection.execute(newest, (model, MOST_KEPT)).fetchone()
    before_ms = max(now_ms - JUDGED_DAYS * DAY_MS, too_many[0] + 1 if too_many else 0)
    return "truth IS NOT NULL AND model = ? AND at < ?", (model, before_ms)


def _prune(connection: sqlite3.Connection, which: str, of: tuple[int, int]) -> int:
    some = f"SELECT id FROM feedback_answers WHERE {which} LIMIT ?"  # noqa: S608 - of ours
    return connection.execute(f"DELETE FROM feedback_answers WHERE id IN ({some})", (*of, _PRUNED)).rowcount  # noqa: S608
