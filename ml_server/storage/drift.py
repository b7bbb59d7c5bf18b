"""Whom models were asked of, in counts, in SQLite: of the last people only."""

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from ml_server.storage.database import Database

# So many people are held against those in training, and counted so many at a time: the oldest go with their block.
WINDOW = 500
BLOCK = 50


class Window(NamedTuple):
    """The last people of whom a version was asked; `counts` are all together, `since_ms` is when the first of them came."""

    name: str
    version: str
    digest: str
    reference: str
    people_ever: int
    people: int
    since_ms: int
    counts: list[int]


class DriftStore:
    """Blocks of counts; every method may raise `StorageError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, model: tuple[str, str, str], reference: str, people: int, blocks: Sequence[tuple[int, list[int]]], now_ms: int
    ) -> None:
        """Count people: all of `people`, of whom the last are in `blocks`, at most `BLOCK` in each."""
        with self._database.writing() as connection:
            id_ = _model_id(connection, model, reference)
            connection.execute("UPDATE drift_models SET people = people + ? WHERE id = ?", (people, id_))
            last = connection.execute(
                "SELECT number, people, counts FROM drift_blocks WHERE model = ? ORDER BY number DESC LIMIT 1", (id_,)
            ).fetchone()
            number, held, counts = (last[0], last[1], msgspec.json.decode(last[2])) if last else (0, BLOCK, [])
            for more, counted in blocks:
                if held + more > BLOCK:
                    number, held, counts = number + 1, more, counted
                else:
                    held, counts = held + more, [one + other for one, other in zip(counts, counted, strict=True)]
                connection.execute(
                    """
                    INSERT INTO drift_blocks (model, number, at, people, counts) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET people = excluded.people, counts = excluded.counts
                    """,
                    (id_, number, now_ms, held, msgspec.json.encode(counts).decode()),
                )
            _forget_old(connection, id_)

    def windows(self) -> list[Window]:
        """Return the last people of every version, the latest version first."""
        with self._database.reading() as connection:
            models = connection.execute(
                "SELECT id, name, version, digest, reference, people FROM drift_models ORDER BY id DESC"
            ).fetchall()
            return [_window(connection, model[0], model[1:]) for model in models]


def _model_id(connection: sqlite3.Connection, model: tuple[str, str, str], reference: str) -> int:
    find = "SELECT id, reference FROM drift_models WHERE name = ? AND version = ? AND digest = ?"
    found = connection.execute(find, model).fetchone()
    if found is not None and found[1] != reference:
        # A program of another version has counted something else.
        connection.execute("DELETE FROM drift_models WHERE id = ?", (found[0],))
        found = None
    if found is None:
        insert = "INSERT INTO drift_models (name, version, digest, reference) VALUES (?, ?, ?, ?)"
        return int(connection.execute(insert, (*model, reference)).lastrowid or 0)
    return int(found[0])


def _forget_old(connection: sqlite3.Connection, model: int) -> None:
    blocks = connection.execute("SELECT number, people FROM drift_blocks WHERE model = ? ORDER BY number DESC", (model,))
    total = 0
    for number, people in blocks.fetchall():
        total += people
        if total >= WINDOW:
            connection.execute("DELETE FROM drift_blocks WHERE model = ? AND number < ?", (model, number))
            return


def _window(connection: sqlite3.Connection, model: int, told: Sequence[Any]) -> Window:
    find = "SELECT at, people, counts FROM drift_blocks WHERE model = ? ORDER BY number"
    blocks = connection.execute(find, (model,)).fetchall()
    counts = [sum(each) for each in zip(*(msgspec.json.decode(text, type=list[int]) for _, _, text in blocks), strict=True)]
    people, since_ms = sum(people for _, people, _ in blocks), blocks[0][0] if blocks else 0
    name, version, digest, reference, people_ever = told
    return Window(name, version, digest, reference, people_ever, people, since_ms, counts)
