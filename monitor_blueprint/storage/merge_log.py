"""Writes what was added to the log in memory into the file's: its numbers are others there, if somebody else has added too."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from monitor_blueprint.storage.outbox import OutboxWrites

_EVENT = "id, incident, at, body, message"
_NUMBERS = ("out_to", "tried_to", "sent_to", "doubtful_after")


def merge(target: sqlite3.Connection, source: sqlite3.Connection) -> None:
    """Add the events, the settled messages and the cursors of `source`, within the transaction that is open."""
    numbers = _merge_events(target, source)
    _merge_deliveries(target, source, numbers)
    source.row_factory = sqlite3.Row
    try:
        rows = [dict(row) for row in source.execute("SELECT * FROM receiver")]
    finally:
        source.row_factory = None
    for row in rows:
        _merge_receiver(target, row, numbers)
    kept = {(row["channel"], row["name"]) for row in rows}
    known = target.execute("SELECT channel, name FROM receiver").fetchall()
    # Whose place has been taken by others meanwhile.
    gone = [each for each in known if each not in kept and each[0] in {channel for channel, _ in kept}]
    target.executemany("DELETE FROM receiver WHERE channel = ? AND name = ?", gone)


def _merge_events(target: sqlite3.Connection, source: sqlite3.Connection) -> dict[int, int]:
    """Return the number in `target` of each event of `source`."""
    numbers = {}
    for number, *event in source.execute(f"SELECT number, {_EVENT} FROM event ORDER BY number"):  # noqa: S608 - constants
        known = target.execute("SELECT number FROM event WHERE id = ?", (event[0],)).fetchone()
        numbers[number] = known[0] if known else OutboxWrites(target).newest() + 1
        if not known:
            target.execute(
                f"INSERT INTO event (number, {_EVENT}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
                (numbers[number], *event),
            )
    return numbers


def _merge_deliveries(target: sqlite3.Connection, source: sqlite3.Connection, numbers: Mapping[int, int]) -> None:
    rows = source.execute("SELECT channel, receiver, last, first, state, at, attempts, sent_as, answer FROM delivery")
    for channel, receiver, last, first, *how in rows:
        covered = sorted(there for here, there in numbers.items() if first <= here <= last)
        for begin, end in _without_others(target, covered):
            target.execute(
                "INSERT OR REPLACE INTO delivery (channel, receiver, last, first, state, at, attempts, sent_as, answer)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (channel, receiver, end, begin, *how),
            )


def _without_others(target: sqlite3.Connection, covered: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of these events, parted wherever one lies between them that somebody else has added."""
    begin = end = 0
    for number in covered:
        between = "SELECT 1 FROM event WHERE number > ? AND number < ?"
        if begin and target.execute(between, (end, number)).fetchone():
            yield begin, end
            begin = 0
        begin, end = begin or number, number
    if begin:
        yield begin, end


def _merge_receiver(target: sqlite3.Connection, row: dict[str, object], numbers: Mapping[int, int]) -> None:
    here = int(str(row["cursor"]))
    row["cursor"] = _cursor(target, str(row["channel"]), str(row["name"]), here, numbers)
    for name in _NUMBERS:
        row[name] = numbers.get(int(str(row[name])), row["cursor"]) if row[name] else row[name]
    marks = ", ".join("?" * len(row))
    target.execute(
        f"INSERT OR REPLACE INTO receiver ({', '.join(row)}) VALUES ({marks})",  # noqa: S608 - the columns' names
        tuple(row.values()),
    )


def _cursor(target: sqlite3.Connection, channel: str, name: str, here: int, numbers: Mapping[int, int]) -> int:
    """Return up to which event of `target` the receiver is settled: what only the file knows of is still to be told."""
    waiting = [there for number, there in numbers.items() if number > here]
    settled = {there for number, there in numbers.items() if number <= here}
    known = target.execute("SELECT cursor FROM receiver WHERE channel = ? AND name = ?", (channel, name)).fetchone()
    if known is None:
        return min(waiting) - 1 if waiting else OutboxWrites(target).newest()
    cursor = int(known[0])
    for (number,) in target.execute("SELECT number FROM event WHERE number > ? ORDER BY number", (cursor,)):
        if number not in settled:
            break
        cursor = number
    return cursor
