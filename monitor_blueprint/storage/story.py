"""The story: what people did, what befell the monitor, and what was said of each event."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from monitor_blueprint.domain.story import StoryEntry, StoryKind
from monitor_blueprint.storage.timestamps import from_ms, to_ms

_EVER = 2**63 - 1
PRUNE = (
    # The last beginning and the last end are what the next beginning is held against.
    # What people did stays for longer.
    "DELETE FROM story WHERE at < CASE WHEN kind IN ('started', 'stopped', 'configured') THEN :before"
    " ELSE min(:before, (SELECT max(started_at) FROM cycle) - 34560000000) END"
    " AND (kind, at) NOT IN (SELECT kind, max(at) FROM story GROUP BY kind)",
    "DELETE FROM told WHERE at < :before AND event_id NOT IN (SELECT id FROM event)",
)


@dataclass(frozen=True, slots=True)
class Told:
    """What was said of an event, and what was measured at it, a line each."""

    text: str
    measured: tuple[str, ...]


class StoryWrites:
    """Statements about `story` and `told`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, *entries: StoryEntry) -> None:
        """Note what happened."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO story (at, kind, facts) VALUES (?, ?, ?)",
            [(to_ms(entry.at), entry.kind, msgspec.json.encode(dict(entry.facts)).decode()) for entry in entries],
        )

    def add_told(self, event_id: str, at: datetime, text: str, measured: Sequence[str]) -> None:
        """Keep what is said of an event; what is kept of it already stays."""
        self._connection.execute(
            "INSERT OR IGNORE INTO told (event_id, at, text, measured) VALUES (?, ?, ?, ?)",
            (event_id, to_ms(at), text, msgspec.json.encode(list(measured)).decode()),
        )


class StoryReads:
    """Questions about `story` and `told`."""

    def __init__(self, query: Callable[[str, tuple[object, ...]], list[tuple[Any, ...]]]) -> None:
        self._query = query

    def between(self, since: datetime, until: datetime, limit: int = 200) -> tuple[StoryEntry, ...]:
        """Return what happened in that time, oldest first; of very much the newest."""
        rows = self._query(
            "SELECT at, kind, facts FROM story WHERE at BETWEEN ? AND ? ORDER BY at DESC, kind DESC LIMIT ?",
            (to_ms(since), to_ms(until), limit),
        )
        return tuple(_entry(*row) for row in reversed(rows))

    def of_kinds(
        self, kinds: Iterable[StoryKind], since: datetime | None, before: datetime | None, limit: int
    ) -> tuple[StoryEntry, ...]:
        """Return what happened of some kinds, newest first: since one moment, before another."""
        rows = self._query(
            "SELECT at, kind, facts FROM story WHERE kind IN (SELECT value FROM json_each(?)) AND at >= ? AND at < ?"
            " ORDER BY at DESC, kind DESC LIMIT ?",
            (
                msgspec.json.encode(list(kinds)).decode(),
                to_ms(since) if since is not None else 0,
                to_ms(before) if before is not None else _EVER,
                limit,
            ),
        )
        return tuple(_entry(*row) for row in rows)

    def notes(self, incident: int) -> tuple[StoryEntry, ...]:
        """Return what people have noted on an incident, oldest first."""
        rows = self._query(
            "SELECT at, kind, facts FROM story WHERE kind = ? AND facts ->> 'number' = ? ORDER BY at",
            (StoryKind.NOTED, str(incident)),
        )
        return tuple(_entry(*row) for row in rows)

    def silenced_by(self) -> dict[int, str]:
        """Return who has made each silence, by its number."""
        rows = self._query(
            "SELECT facts ->> 'number', facts ->> 'by' FROM story WHERE kind = ? ORDER BY at", (StoryKind.SILENCED,)
        )
        return {int(number): str(by) for number, by in rows if number and by}

    def last(self, kind: StoryKind) -> StoryEntry | None:
        """Return the newest of a kind."""
        rows = self._query("SELECT at, kind, facts FROM story WHERE kind = ? ORDER BY at DESC LIMIT 1", (kind,))
        return _entry(*rows[0]) if rows else None

    def told(self, incident: int) -> dict[str, Told]:
        """Return what was said of the incident, by the events' ids."""
        rows = self._query(
            "SELECT event_id, text, measured FROM told WHERE event_id IN (SELECT id FROM event WHERE incident = ?)", (incident,)
        )
        return {id_: Told(text, tuple(msgspec.json.decode(measured, type=list[str]))) for id_, text, measured in rows}


def _entry(at: int, kind: str, facts: str) -> StoryEntry:
    return StoryEntry(from_ms(at), StoryKind(kind), msgspec.json.decode(facts, type=dict[str, str]))
