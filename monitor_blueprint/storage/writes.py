"""What can be done within one transaction of the store: the writing half of the SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import CheckResult, Event, Silence, State, Status
from monitor_blueprint.domain.text import Private, Public
from monitor_blueprint.storage.access import AccessWrites
from monitor_blueprint.storage.encoding import (
    encode_incident,
    encode_message,
    encode_readings,
    encode_result,
    encode_state,
    to_json,
)
from monitor_blueprint.storage.hours import PRUNE as PRUNE_HOURS
from monitor_blueprint.storage.outbox import OutboxWrites
from monitor_blueprint.storage.reads import STATE_VERSION, Reads
from monitor_blueprint.storage.results import DURATION_MS, LATENCY_MS
from monitor_blueprint.storage.story import PRUNE, StoryWrites
from monitor_blueprint.storage.timestamps import to_ms
from monitor_blueprint.storage.trials import TrialWrites

# Version, JSON and moment of a saved state.
StateRow = tuple[int, str, int]
# A check that runs more often than this leaves fewer rows than it has results, unless its status changes.
KEEP_EVERY_MS = 240_000
KEEP_WHOLE_EVERY_MS = 3_600_000
PRUNE_EVERY_MS = 3_600_000


class Transaction:
    """One transaction: all of it happens or nothing; the object is of no use after it.

    Every method may raise `sqlite3.Error`, which the store deals with: let it pass.

    Attributes:
        reads: questions, answered from within the transaction.
        outbox: what is written about deliveries.
        story: what is written about people, the monitor itself, and what was said.
        trials: what is written about trials of the channels.
        access: what is written about tokens and sessions.
        saved_state: the state's row, if one was saved.
    """

    def __init__(self, connection: sqlite3.Connection, note: Callable[[Public], None]) -> None:
        self._connection = connection
        self.reads = Reads(lambda sql, parameters: connection.execute(sql, parameters).fetchall(), note)
        self.outbox = OutboxWrites(connection)
        self.story = StoryWrites(connection)
        self.trials = TrialWrites(connection)
        self.access = AccessWrites(connection)
        self.saved_state: StateRow | None = None

    def save_state(self, state: State, now: datetime, ended_at: datetime | None = None) -> None:
        """Save the state; the history's entry of its incident goes with it, and is closed when there is none any more.

        `ended_at` is since when all was well; what nothing is known of ended now.
        """
        self.saved_state = (STATE_VERSION, encode_state(state), to_ms(now))
        self._connection.execute(
            "INSERT OR REPLACE INTO state (only, version, body, saved_at) VALUES (1, ?, ?, ?)", self.saved_state
        )
        incident = state.incident
        open_number = -1 if incident is None else incident.number
        self._connection.execute(
            "UPDATE incident SET closed_at = ? WHERE closed_at IS NULL AND number != ?", (to_ms(ended_at or now), open_number)
        )
        if incident is not None:
            self._connection.execute(
                "INSERT INTO incident (number, opened_at, body) VALUES (?, ?, ?)"
                " ON CONFLICT (number) DO UPDATE SET opened_at = excluded.opened_at, body = excluded.body, closed_at = NULL",
                (incident.number, to_ms(incident.opened_at), encode_incident(incident)),
            )

    def restore_state(self, saved: StateRow) -> None:
        """Put back a state that was saved once, unless there is one that is no older."""
        self._connection.execute(
            "INSERT INTO state (only, version, body, saved_at) VALUES (1, ?, ?, ?) ON CONFLICT (only) DO UPDATE SET"
            " version = excluded.version, body = excluded.body, saved_at = excluded.saved_at"
            " WHERE excluded.saved_at > state.saved_at",
            saved,
        )

    def add_silence(self, silence: Silence) -> int:
        """Add a silence and return its number; the number it came with does not matter."""
        cursor = self._connection.execute(
            "INSERT INTO silence (check_name, starts_at, ends_at, why) VALUES (?, ?, ?, ?)",
            (silence.check, to_ms(silence.starts_at), to_ms(silence.ends_at), silence.why),
        )
        return int(cursor.lastrowid or 0)

    def end_silence(self, number: int, now: datetime) -> bool:
        """End a silence now; False when there is none of that number or it has ended already."""
        cursor = self._connection.execute(
            "UPDATE silence SET ends_at = ? WHERE number = ? AND ends_at > ?", (to_ms(now), number, to_ms(now))
        )
        return cursor.rowcount > 0

    def record_round(
        self, started_at: datetime, duration_ms: float, overall: Status, results: Sequence[CheckResult], reason: str = ""
    ) -> None:
        """Record one health check: its results (the latest whole, the past in short) and what the probes remember."""
        self._connection.execute(
            "INSERT OR REPLACE INTO cycle (started_at, duration_ms, overall, reason) VALUES (?, ?, ?, ?)",
            (to_ms(started_at), round(duration_ms, 1), overall, reason),
        )
        before = {
            name: (status, kept_at, whole_at)
            for name, status, kept_at, whole_at in self._connection.execute(
                "SELECT check_name, status, kept_at, kept_whole_at FROM latest"
            )
        }
        past: list[tuple[object, ...]] = []
        latest: list[tuple[object, ...]] = []
        for result in results:
            at, status = to_ms(result.at), result.status
            old_status, kept_at, whole_at = before.get(result.check, (None, 0, 0))
            is_change = status != old_status
            # `abs`, because the clock may have been set back.
            if is_change or abs(at - kept_at) >= KEEP_EVERY_MS:
                is_whole = is_change or abs(at - whole_at) >= KEEP_WHOLE_EVERY_MS
                kept_at, whole_at = at, at if is_whole else whole_at
                past.append((result.check, at, status, _measured(result), encode_readings(result.readings) if is_whole else None))
            latest.append((result.check, at, status, encode_result(result), to_json(result.checkpoint), kept_at, whole_at))
        self._connection.executemany(
            "INSERT OR REPLACE INTO result (check_name, at, status, measured, readings) VALUES (?, ?, ?, ?, ?)", past
        )
        self._connection.executemany(
            "INSERT OR REPLACE INTO latest (check_name, at, status, result, memory, kept_at, kept_whole_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            latest,
        )

    def add_event(self, event: Event, message: Message, receivers: Collection[tuple[str, str]]) -> None:
        """Add an event to the log, with the message that tells it; one that is known (by the message's id) changes nothing.

        It is for every receiver that is known, and for these: (channel, recipient) each.
        """
        self.outbox.add_receivers(receivers)
        self._connection.execute(
            "INSERT OR IGNORE INTO event (number, id, incident, at, body, message) VALUES (?, ?, ?, ?, ?, ?)",
            (self.outbox.newest() + 1, message.id, event.incident, to_ms(event.at), to_json(event), encode_message(message)),
        )

    def add_evidence(self, incident: int, items: Sequence[tuple[str, Private]], at: datetime) -> None:
        """Keep what was found at the time, (title, text) each, in this order: each a millisecond after the one before."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO evidence (incident, at, title, body) VALUES (?, ?, ?, ?)",
            [(incident, to_ms(at) + place, title, text.text) for place, (title, text) in enumerate(items)],
        )

    def prune(self, now: datetime, keep_days: int = 30) -> None:
        """Forget what is older than `keep_days`, but no open incident and nothing that is not delivered yet.

        May be called as often as one likes: it does something about once an hour.
        """
        before = to_ms(now) - keep_days * 86_400_000
        (oldest,) = self._connection.execute("SELECT min(started_at) FROM cycle").fetchone()
        if oldest is not None and oldest >= before - PRUNE_EVERY_MS:
            return
        for statement in (*_PRUNE, *PRUNE, *PRUNE_HOURS):
            self._connection.execute(statement, {"before": before})


_PRUNE = (
    "DELETE FROM cycle WHERE started_at < :before",
    # By name, because the table is sorted by it: all names are in `latest`, for longer than their results.
    "DELETE FROM result WHERE check_name IN (SELECT check_name FROM latest) AND at < :before",
    "DELETE FROM latest WHERE at < :before",
    "DELETE FROM silence WHERE ends_at < :before",
    "DELETE FROM event WHERE at < :before AND number <= (SELECT coalesce(min(cursor), event.number) FROM receiver)"
    " AND incident NOT IN (SELECT number FROM incident WHERE closed_at IS NULL)",
    "DELETE FROM delivery WHERE at < :before AND NOT EXISTS (SELECT 1 FROM event WHERE number BETWEEN first AND last)",
    "DELETE FROM evidence WHERE at < :before"
    " AND incident NOT IN (SELECT number FROM incident WHERE closed_at IS NULL OR closed_at >= :before)",
    "DELETE FROM incident WHERE closed_at < :before AND number NOT IN (SELECT incident FROM event)",
)


def _measured(result: CheckResult) -> str:
    """Return what a result measured, how long it took, and until when what was asked had answered (the slowest)."""
    values = {reading.aspect: round(reading.value, 3) for reading in result.readings if reading.value is not None}
    # What was refused or ran out of time is no answer, however fast.
    answered = [each.facts for each in result.readings if each.facts.get("http_status")]
    latencies = [latency for facts in answered if isinstance(latency := facts.get(LATENCY_MS), int | float)]
    if latencies:
        values[LATENCY_MS] = max(latencies)
    values[DURATION_MS] = round(result.duration_ms, 1)
    return to_json(values)
