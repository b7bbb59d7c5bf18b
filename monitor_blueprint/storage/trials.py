"""Requests to the monitor that runs: send one message over each channel, and say how that went."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from monitor_blueprint.storage.timestamps import from_ms, to_ms

# Who has asked longer ago does not wait any more.
_WAITS = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class TrialAnswer:
    """How a trial went: the digest of the configuration in use, and for each channel whether it accepted, and what it said."""

    digest: str
    channels: tuple[tuple[str, bool, str], ...]


_TRIAL_ANSWER = msgspec.json.Decoder(TrialAnswer)


class TrialWrites:
    """Statements about `trial`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def ask(self, now: datetime) -> None:
        """Ask for a trial, which is known by its moment; forget the old ones."""
        self._connection.execute("DELETE FROM trial WHERE asked_at < ?", (to_ms(now - _WAITS),))
        self._connection.execute("INSERT OR IGNORE INTO trial (asked_at) VALUES (?)", (to_ms(now),))

    def take(self, asked_at: datetime, now: datetime) -> bool:
        """Take a trial for oneself; False where somebody else has."""
        cursor = self._connection.execute(
            "UPDATE trial SET taken_at = ? WHERE asked_at = ? AND taken_at IS NULL", (to_ms(now), to_ms(asked_at))
        )
        return cursor.rowcount > 0

    def answer(self, asked_at: datetime, answer: TrialAnswer) -> None:
        """Say how it went."""
        self._connection.execute(
            "UPDATE trial SET answer = ? WHERE asked_at = ?", (msgspec.json.encode(answer).decode(), to_ms(asked_at))
        )


class TrialReads:
    """Questions about `trial`."""

    def __init__(self, query: Callable[[str, tuple[object, ...]], list[tuple[Any, ...]]]) -> None:
        self._query = query

    def asked(self, now: datetime) -> datetime | None:
        """Return the moment of a trial that is asked for, if any."""
        rows = self._query(
            "SELECT asked_at FROM trial WHERE taken_at IS NULL AND asked_at BETWEEN ? AND ? LIMIT 1",
            (to_ms(now - _WAITS), to_ms(now + _WAITS)),
        )
        return from_ms(rows[0][0]) if rows else None

    def is_known(self, asked_at: datetime) -> bool:
        """Tell whether a trial was asked for at this moment, and is not forgotten yet."""
        return bool(self._query("SELECT 1 FROM trial WHERE asked_at = ?", (to_ms(asked_at),)))

    def answer(self, asked_at: datetime) -> TrialAnswer | None:
        """Return how it went, once that is known."""
        rows = self._query("SELECT answer FROM trial WHERE asked_at = ? AND answer != ''", (to_ms(asked_at),))
        return _TRIAL_ANSWER.decode(rows[0][0]) if rows else None
