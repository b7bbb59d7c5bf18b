"""Where events lie in the log: a message's have other numbers after a time without the file, and maybe others between them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Span:
    """Events of the log that follow each other, by the numbers of the first and the last."""

    first: int
    last: int


def spans_of(connection: sqlite3.Connection, ids: Sequence[str]) -> tuple[Span, ...]:
    """Return where the events with these ids lie, in as many pieces as there are others between them."""
    # JSON, because a statement takes only so many parameters.
    wanted = msgspec.json.encode(list(ids)).decode()
    is_wanted = "id IN (SELECT value FROM json_each(?1))"
    rows = connection.execute(
        f"SELECT number, {is_wanted} FROM event WHERE number >= (SELECT min(number) FROM event WHERE {is_wanted})"  # noqa: S608
        f" AND number <= (SELECT max(number) FROM event WHERE {is_wanted}) ORDER BY number",
        (wanted,),
    )
    found: list[Span] = []
    is_going_on = False
    for number, is_one in rows:
        if is_one and is_going_on:
            found[-1] = Span(found[-1].first, number)
        elif is_one:
            found.append(Span(number, number))
        is_going_on = bool(is_one)
    return tuple(found)


def reach_of(connection: sqlite3.Connection, cursor: int, spans: Sequence[Span]) -> int:
    """Return up to which event a cursor may go when these are settled: not over one that is still to be told."""
    for span in spans:
        between = "SELECT 1 FROM event WHERE number > ? AND number < ? AND message != ''"
        if span.last > cursor and connection.execute(between, (cursor, span.first)).fetchone():
            break
        cursor = max(cursor, span.last)
    return cursor


def newest_id_of(connection: sqlite3.Connection) -> str:
    """Return the id of the newest event; "" where there is none."""
    found = connection.execute("SELECT id FROM event ORDER BY number DESC LIMIT 1").fetchone()
    return str(found[0]) if found else ""
