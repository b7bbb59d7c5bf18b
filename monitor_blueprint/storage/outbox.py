"""What is written about deliveries: who may send, what is behind a cursor, how an attempt ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from monitor_blueprint.domain import receivers
from monitor_blueprint.domain.models import Event
from monitor_blueprint.domain.receivers import LONGEST_WAIT, DoubtWaits, Logged, Receiver
from monitor_blueprint.storage.encoding import decode_message
from monitor_blueprint.storage.spans import Span, newest_id_of, reach_of, spans_of
from monitor_blueprint.storage.timestamps import from_ms, to_ms

_EVENT = msgspec.json.Decoder(Event)

# More is not told event by event.
_MOST_EVENTS = 1000
_COLUMNS = tuple(field.name for field in fields(Receiver))
_MOMENTS = ("in_doubt_since", "next_at", "asked_until", "failing_since", "delivered_at")
_ZERO_IS_NONE = ("next_at", "asked_until")
_DIED = "the monitor ended before the answer came"
# An event behind a cursor that was delivered already, or a later one of its incident, which said how that stands: so it is
# in an outbox of version 1, which went on after a refusal.
KNOWN = (
    "EXISTS (SELECT 1 FROM delivery WHERE delivery.channel = {channel} AND delivery.receiver IN ({name}, '')"
    " AND state = 'delivered' AND last >= event.number AND EXISTS (SELECT 1 FROM event AS later"
    " WHERE later.incident = event.incident AND later.number BETWEEN max(first, event.number) AND last"
    " AND (later.number = event.number OR later.incident != 0)))"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What waits for a channel, for the one who may send over it now.

    Attributes:
        receivers: those that something waits for; empty when nothing does.
        newest, newest_id: the number and the id of the newest event.
        held_until: somebody else sends, and until then that is to be left to them.
    """

    receivers: tuple[Receiver, ...] = ()
    newest: int = 0
    newest_id: str = ""
    held_until: datetime | None = None


class OutboxWrites:
    """Statements about `receiver`, `delivery` and `channel`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add_receivers(self, wanted: Collection[tuple[str, str]]) -> None:
        """Make the receivers known that are not: what is added to the log from now on is for them.

        One that takes the place of the only receiver of its channel (version 1 knew no recipients) goes on where that was.
        """
        for channel, name in wanted:
            self._connection.execute(
                "INSERT OR IGNORE INTO receiver (channel, name, cursor) VALUES (?, ?,"
                " coalesce((SELECT cursor FROM receiver WHERE channel = ? AND name = ''), ?))",
                (channel, name, channel, self._left_off(channel, name)),
            )

    def begin_sending(
        self, channel: str, names: Sequence[str], fingerprint: str, sender: str, *, now: datetime, waits: DoubtWaits
    ) -> None:
        """Make the channel the sender's, whose own lease is void, for these receivers and no others.

        With another configuration the channel is as new, and what it refused is tried at once; a receiver that has taken
        the place of another one is told what waited for that, and one that comes back what it has missed.
        """
        old = self._connection.execute("SELECT fingerprint, sender FROM channel WHERE name = ?", (channel,)).fetchone()
        known = {receiver.name: receiver for receiver in self._receivers(channel)}
        gone = [receiver for name, receiver in known.items() if name not in names]
        for name in names:
            start = min([self._left_off(channel, name), *(receiver.cursor for receiver in gone)])
            receiver = known.get(name, Receiver(channel, name, cursor=start))
            if old is None or old[1] in ("", sender):
                receiver = self._abandoned(receiver, now, waits)
            self._save(receiver if old is not None and old[0] == fingerprint else receivers.reconfigured(receiver))
        self._connection.executemany(
            "DELETE FROM receiver WHERE channel = ? AND name = ?", [(channel, receiver.name) for receiver in gone]
        )
        self._connection.execute(
            "INSERT INTO channel (name, fingerprint) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET"
            " fingerprint = excluded.fingerprint, leased_until = iif(sender = ?, 0, leased_until),"
            " sender = iif(sender = ?, '', sender)",
            (channel, fingerprint, sender, sender),
        )

    def retire_channels(self, kept: Collection[str], now: datetime) -> None:
        """Forget the channels that are not configured any more; what waits for one of them is sent only if it comes back."""
        known = self._connection.execute("SELECT name FROM channel UNION SELECT channel FROM receiver").fetchall()
        for (channel,) in known:
            if channel in kept:
                continue
            for receiver in self._receivers(channel):
                if receiver.cursor < (newest := self.newest()):
                    answer = "the channel is not configured any more"
                    self._note(receiver, receiver.cursor + 1, newest, "refused", now, answer=answer)
            self._connection.execute("DELETE FROM receiver WHERE channel = ?", (channel,))
            self._connection.execute("DELETE FROM channel WHERE name = ?", (channel,))

    def newest(self) -> int:
        """Return the number of the newest event; no receiver has a cursor beyond it."""
        (newest,) = self._connection.execute(
            "SELECT max(coalesce((SELECT max(number) FROM event), 0), coalesce((SELECT max(cursor) FROM receiver), 0))"
        ).fetchone()
        return int(newest)

    def _left_off(self, channel: str, name: str) -> int:
        """Return the last event that a receiver accepted before it was forgotten; for a new one that is the newest of all.

        Whoever was told of an outage, and not configured when it ended, must not believe in it for ever.
        """
        (last,) = self._connection.execute(
            "SELECT max(last) FROM delivery WHERE channel = ? AND receiver = ? AND state = 'delivered'", (channel, name)
        ).fetchone()
        return self.newest() if last is None else int(last)

    def claim(
        self,
        channel: str,
        sender: str,
        now: datetime,
        lease_s: float,
        waits: DoubtWaits = DoubtWaits(),  # noqa: B008 - it is frozen
        *,
        is_sending: bool = False,
    ) -> Claim:
        """Take the channel for `lease_s` seconds where something is due, or being sent, and nobody else has it."""
        newest, newest_id = self.newest(), newest_id_of(self._connection)
        waiting = tuple(receiver for receiver in self._receivers(channel) if receiver.is_waiting(newest))
        is_due = any(receiver.due_at(newest, now) == now for receiver in waiting)
        if not is_due and not is_sending:
            return Claim(waiting, newest, newest_id)
        self._connection.execute("INSERT OR IGNORE INTO channel (name) VALUES (?)", (channel,))
        holder, leased_until = self._connection.execute(
            "SELECT sender, leased_until FROM channel WHERE name = ?", (channel,)
        ).fetchone()
        # A moment further away than anybody can have meant comes of a clock that was set back.
        if holder != sender and now < from_ms(leased_until) <= now + LONGEST_WAIT:
            return Claim(held_until=from_ms(leased_until))
        if holder != sender:
            waiting = tuple(self._abandoned(receiver, now, waits) for receiver in waiting)
            for receiver in waiting:
                self._save(receiver)
        self._connection.execute(
            "UPDATE channel SET sender = ?, leased_until = ? WHERE name = ?",
            (sender, to_ms(now + timedelta(seconds=lease_s)), channel),
        )
        return Claim(waiting, newest, newest_id)

    def _abandoned(self, receiver: Receiver, now: datetime, waits: DoubtWaits) -> Receiver:
        after = receivers.abandoned(receiver, now, waits)
        if after.cursor > receiver.cursor:
            self._note(receiver, receiver.cursor + 1, after.cursor, "in_doubt", now, answer=_DIED)
        return after

    def release(self, channel: str, sender: str) -> None:
        """Give the channel free."""
        self._connection.execute(
            "UPDATE channel SET sender = '', leased_until = 0 WHERE name = ? AND sender = ?", (channel, sender)
        )

    def behind(self, receiver: Receiver) -> tuple[Logged, ...]:
        """Return the events behind the receiver's cursor, oldest first; what it knows already is left out."""
        rows = self._connection.execute(
            f"SELECT number, body, message FROM event WHERE number > ? AND message != ''"  # noqa: S608 - constants
            f" AND NOT {KNOWN.format(channel='?', name='?')} ORDER BY number DESC LIMIT ?",
            (receiver.cursor, receiver.channel, receiver.name, _MOST_EVENTS),
        )
        return tuple(reversed([*_logged(rows)]))

    def unsure(self, receiver: Receiver) -> tuple[Logged, ...]:
        """Return the events that count as told without ever having been acknowledged, oldest first."""
        if receiver.doubtful_after is None:
            return ()
        rows = self._connection.execute(
            "SELECT number, body, message FROM event WHERE number > ? AND number <= ? AND message != ''"
            " ORDER BY number DESC LIMIT ?",
            (receiver.doubtful_after, receiver.cursor, _MOST_EVENTS),
        )
        return tuple(reversed([*_logged(rows)]))

    def ids_after(self, receiver: Receiver, number: int) -> tuple[str, ...]:
        """Return the ids of all events after one, but for those that the receiver knows already."""
        rows = self._connection.execute(
            f"SELECT id FROM event WHERE number > ? AND NOT {KNOWN.format(channel='?', name='?')}",  # noqa: S608 - constants
            (number, receiver.channel, receiver.name),
        )
        return tuple(id_ for (id_,) in rows)

    def begin(self, channel: str, names: Sequence[str], ids: Sequence[str], newest: int) -> None:
        """Note that a message which settles these events is being sent."""
        spans = self.spans(ids)
        for receiver in self._receivers(channel, names):
            self._save(receivers.begun(receiver, spans[-1].last if spans else newest, newest))

    def receiver(self, channel: str, name: str) -> Receiver:
        """Return what is remembered of a receiver."""
        return next(self._receivers(channel, (name,)), Receiver(channel, name, cursor=self.newest()))

    def not_begun(self, channel: str, names: Sequence[str]) -> None:
        """Note that nothing is being sent after all."""
        for receiver in self._receivers(channel, names):
            self._save(receivers.not_begun(receiver))

    def wake(self, channel: str, names: Collection[str]) -> None:
        """Let what waits for these receivers go now: somebody has just accepted something on their way."""
        for receiver in self._receivers(channel):
            if receiver.name in names:
                self._save(receivers.woken(receiver))

    def spans(self, ids: Sequence[str]) -> tuple[Span, ...]:
        """Return where these events lie in the log now, in as many pieces as there are others between them."""
        return spans_of(self._connection, ids)

    def reach(self, cursor: int, spans: Sequence[Span]) -> int:
        """Return up to which event a cursor may go when these are settled: not over one that is still to be told."""
        return reach_of(self._connection, cursor, spans)

    def settle(
        self,
        before: Receiver,
        after: Receiver,
        spans: Sequence[Span],
        state: str,
        now: datetime,
        *,
        sent_as: str = "",
        answer: str = "",
    ) -> None:
        """Keep what an attempt has changed about a receiver; `state` is for the history, "" for nothing to be noted there."""
        self._save(after)
        for span in spans if state else ():
            self._note(before, span.first, span.last, state, now, sent_as=sent_as, answer=answer)

    def _note(
        self, receiver: Receiver, first: int, last: int, state: str, now: datetime, *, sent_as: str = "", answer: str = ""
    ) -> None:
        # What was accepted once stays accepted, whatever a repeat of it meets with.
        self._connection.execute(
            "INSERT INTO delivery (channel, receiver, last, first, state, at, attempts, sent_as, answer)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (channel, receiver, last) DO UPDATE SET"
            " first = min(first, excluded.first), state = excluded.state, at = excluded.at, attempts = excluded.attempts,"
            " sent_as = excluded.sent_as, answer = excluded.answer WHERE delivery.state != 'delivered'",
            (
                receiver.channel,
                receiver.name,
                last,
                first,
                state,
                to_ms(now),
                receiver.attempts + 1,
                sent_as,
                answer,
            ),
        )

    def _receivers(self, channel: str, names: Sequence[str] | None = None) -> Iterator[Receiver]:
        rows = self._connection.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM receiver WHERE channel = ? ORDER BY name",  # noqa: S608 - constants
            (channel,),
        ).fetchall()
        return (receiver for receiver in map(receiver_of, rows) if names is None or receiver.name in names)

    def _save(self, receiver: Receiver) -> None:
        values = [_stored(name, getattr(receiver, name)) for name in _COLUMNS]
        self._connection.execute(
            f"INSERT OR REPLACE INTO receiver ({', '.join(_COLUMNS)})"  # noqa: S608 - constants
            f" VALUES ({', '.join('?' * len(_COLUMNS))})",
            values,
        )


def receiver_of(row: Sequence[Any]) -> Receiver:
    """Return the receiver that a row of its columns, in their order, describes."""
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in _MOMENTS:
        values[name] = None if values[name] is None or (name in _ZERO_IS_NONE and not values[name]) else from_ms(values[name])
    return replace(Receiver(""), **values)


def _stored(name: str, value: Any) -> Any:
    if name in _MOMENTS and value is not None:
        return to_ms(value)
    return 0 if value is None and name in _ZERO_IS_NONE else value


def _logged(rows: sqlite3.Cursor) -> Iterator[Logged]:
    for number, body, message in rows:
        yield Logged(number, _EVENT.decode(body), decode_message(message))
