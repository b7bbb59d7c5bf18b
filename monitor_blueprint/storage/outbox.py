"""What is written about deliveries: who may send, what is due, how it ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from monitor_blueprint.domain.messages import Delivered, Message, Outcome, Refused
from monitor_blueprint.storage.timestamps import from_ms, to_ms

# Nobody waits longer than this before the next attempt, so neither does a clock that was set back make anybody wait.
MAX_RETRY_AFTER_S = 900.0


@dataclass(frozen=True, slots=True)
class Claim:
    """The messages that wait for a channel, oldest first, for the one who may send them now.

    Attributes:
        messages: what waits; empty when nothing does.
        event_ids: of each message.
        due_at: when the channel may be tried again; None when that is now.
        attempts: how many attempts in a row have failed.
        failing_since: when the first of them was.
    """

    messages: tuple[Message, ...] = ()
    event_ids: tuple[str, ...] = ()
    due_at: datetime | None = None
    attempts: int = 0
    failing_since: datetime | None = None


class OutboxWrites:
    """Statements about `outbox` and `channel`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def begin_sending(self, channel: str, fingerprint: str, sender: str, since: datetime) -> None:
        """Void the sender's own lease. With another configuration the channel is as new, and what it refused is due again.

        What was refused before `since` stays refused: it is too old to be of use.
        """
        old = self._connection.execute("SELECT fingerprint FROM channel WHERE name = ?", (channel,)).fetchone()
        self._connection.execute(
            "UPDATE channel SET leased_until = 0, sender = '' WHERE name = ? AND sender = ?", (channel, sender)
        )
        if old is not None and old[0] != fingerprint:
            self._connection.execute(
                "UPDATE outbox SET state = 'pending', answer = '' WHERE channel = ? AND state = 'refused' AND at >= ?",
                (channel, to_ms(since)),
            )
        if old is None or old[0] != fingerprint:
            self._connection.execute(
                "INSERT INTO channel (name, fingerprint) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET"
                " fingerprint = excluded.fingerprint, attempts = 0, next_at = 0, failing_since = NULL, refusal = '',"
                " refused_at = NULL",
                (channel, fingerprint),
            )

    def retire_channels(self, kept: Collection[str], now: datetime) -> None:
        """Forget the channels that are not configured any more; what waits for one of them will never be sent."""
        known = [name for (name,) in self._connection.execute("SELECT name FROM channel")]
        for name in known:
            if name not in kept:
                self._connection.execute(
                    "UPDATE outbox SET state = 'refused', settled_at = ?, answer = 'the channel is not configured any more'"
                    " WHERE channel = ? AND state = 'pending'",
                    (to_ms(now), name),
                )
                self._connection.execute("DELETE FROM channel WHERE name = ?", (name,))

    def claim(self, channel: str, sender: str, now: datetime, lease_s: float) -> Claim:
        """Take the channel for `lease_s` seconds where something is due and nobody else has it."""
        rows = self._connection.execute(
            "SELECT event_id, message FROM outbox WHERE channel = ? AND state = 'pending' ORDER BY number LIMIT 1000",
            (channel,),
        ).fetchall()
        if not rows:
            return Claim()
        self._connection.execute("INSERT OR IGNORE INTO channel (name) VALUES (?)", (channel,))
        holder, leased_until, attempts, next_at, failing_since = self._connection.execute(
            "SELECT sender, leased_until, attempts, next_at, failing_since FROM channel WHERE name = ?", (channel,)
        ).fetchone()
        # A moment further away than anybody can have meant comes of a clock that was set back.
        if holder != sender and now < from_ms(leased_until) <= now + timedelta(seconds=MAX_RETRY_AFTER_S):
            return Claim(due_at=from_ms(leased_until))
        if now < from_ms(next_at) <= now + timedelta(seconds=MAX_RETRY_AFTER_S):
            return Claim(due_at=from_ms(next_at))
        self._connection.execute(
            "UPDATE channel SET sender = ?, leased_until = ? WHERE name = ?",
            (sender, to_ms(now + timedelta(seconds=lease_s)), channel),
        )
        return Claim(
            messages=tuple(msgspec.json.decode(message, type=Message) for _, message in rows),
            event_ids=tuple(event_id for event_id, _ in rows),
            attempts=attempts,
            failing_since=None if failing_since is None else from_ms(failing_since),
        )

    def settle(
        self, channel: str, event_ids: tuple[str, ...], outcome: Outcome, now: datetime, *, sent_as: str = "", wait_s: float = 0.0
    ) -> None:
        """Note how an attempt ended, and give the channel free; `wait_s` is the time until the next one, if any."""
        values = {"channel": channel, "at": to_ms(now), "sent_as": sent_as}
        if isinstance(outcome, Delivered):
            values |= {"state": "delivered", "text": outcome.answer, "problem": outcome.problem}
            self._connection.execute(_DELIVERED, values)
        elif isinstance(outcome, Refused):
            values |= {"state": "refused", "text": outcome.reason}
            self._connection.execute(_REFUSED, values)
        else:
            values |= {"state": "pending", "text": outcome.reason, "next_at": to_ms(now) + round(wait_s * 1000)}
            self._connection.execute(_FAILED, values)
        self._connection.executemany(_SETTLE_ROW, [values | {"event_id": event_id} for event_id in event_ids])


_FREE = "UPDATE channel SET leased_until = 0, sender = '', "
_DELIVERED = (
    f"{_FREE} attempts = 0, next_at = 0, failing_since = NULL, delivered_at = :at, refusal = :problem,"
    " refused_at = CASE WHEN :problem = '' THEN NULL ELSE :at END WHERE name = :channel"
)
_REFUSED = (
    f"{_FREE} attempts = 0, next_at = 0, failing_since = coalesce(failing_since, :at), last_error = :text,"
    " refusal = :text, refused_at = :at WHERE name = :channel"
)
_FAILED = (
    f"{_FREE} attempts = attempts + 1, next_at = :next_at, failing_since = coalesce(failing_since, :at),"
    " last_error = :text WHERE name = :channel"
)
# Not where somebody else has delivered it meanwhile.
_SETTLE_ROW = (
    "UPDATE outbox SET state = :state, sent_as = :sent_as, answer = :text, attempts = attempts + 1,"
    " settled_at = CASE WHEN :state = 'pending' THEN NULL ELSE :at END"
    " WHERE channel = :channel AND event_id = :event_id AND state = 'pending'"
)
