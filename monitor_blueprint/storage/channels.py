"""What the database can tell of the channels: how each fares, and how the messages of an incident did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from monitor_blueprint.domain.receivers import Receiver
from monitor_blueprint.storage.outbox import KNOWN, receiver_of
from monitor_blueprint.storage.timestamps import from_ms

Parameters = Mapping[str, object] | tuple[object, ...]
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one event fared on one channel, or with one of its receivers where those differ (`channel` names it then).

    `state` is pending, delivered, refused (and still tried), in_doubt (sent, never acknowledged) or expired; `sent_as` is the
    id of the message that it was sent with.
    """

    event_id: str
    channel: str
    state: str
    attempts: int
    settled_at: datetime | None
    sent_as: str
    answer: str
    receiver: str = ""


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How a channel fares; where it has several receivers, with what is worst of each.

    Attributes:
        name: the channel.
        pending: how many events wait.
        oldest_pending_at: the moment of the oldest event that waits.
        delivered_at: when a message was last accepted.
        failing_since: when the first of the failed attempts in a row was; None after a success.
        refusal: why the last message was refused; "" when it was not.
        in_doubt_since: since when something counts as told that nobody acknowledged; None after an acceptance.
        last_error: of the last failed attempt, whether or not it has worked since.
        next_at: the earliest moment of the next attempt, where one has failed.
        remark: what is wrong with the way that the last accepted message took.
        is_given_up: one who never acknowledged anything is told no more than what is new.
    """

    name: str
    pending: int = 0
    oldest_pending_at: datetime | None = None
    delivered_at: datetime | None = None
    failing_since: datetime | None = None
    refusal: str = ""
    in_doubt_since: datetime | None = None
    last_error: str = ""
    next_at: datetime | None = None
    remark: str = ""
    is_given_up: bool = False


_RECEIVER = ", ".join(f"receiver.{field.name}" for field in fields(Receiver))
_IS_KNOWN = KNOWN.format(channel="receiver.channel", name="receiver.name")
_WAITING = f"SELECT {{what}} FROM event WHERE number > receiver.cursor AND message != '' AND NOT {_IS_KNOWN}"  # noqa: S608


class ChannelReads:
    """Questions about the channels."""

    def __init__(self, query: Callable[[str, Parameters], Rows]) -> None:
        """Take what runs a statement and returns its rows."""
        self._query = query

    def channel_names(self) -> tuple[str, ...]:
        """Return the channels that somebody delivers over."""
        return tuple(name for (name,) in self._query("SELECT DISTINCT channel FROM receiver ORDER BY channel", ()))

    def receivers(self) -> dict[str, list[tuple[Receiver, int, datetime | None]]]:
        """Return what is remembered of each receiver, by channel: with how many events wait, and since when the oldest does."""
        found: defaultdict[str, list[tuple[Receiver, int, datetime | None]]] = defaultdict(list)
        for channel, receivers in self._by_channel().items():
            found[channel] = [(each, pending, None if oldest is None else from_ms(oldest)) for each, pending, oldest in receivers]
        return found

    def outbox_status(self) -> dict[str, ChannelStatus]:
        """Return how the channels fare, by name; a channel that never had a message may be missing."""
        return {name: _status(name, found) for name, found in self._by_channel().items()}

    def _by_channel(self) -> dict[str, list[tuple[Receiver, int, int | None]]]:
        rows = self._query(
            f"SELECT {_RECEIVER}, ({_WAITING.format(what='count(*)')}), ({_WAITING.format(what='min(at)')})"  # noqa: S608
            " FROM receiver ORDER BY channel, name",
            (),
        )
        by_channel: defaultdict[str, list[tuple[Receiver, int, int | None]]] = defaultdict(list)
        for *columns, pending, oldest in rows:
            receiver = receiver_of(columns)
            by_channel[receiver.channel].append((receiver, pending, oldest))
        return by_channel

    def deliveries(self, incident: int) -> tuple[Delivery, ...]:
        """Return how the events of an incident fared, oldest first."""
        settled = self._query(
            "SELECT event.number, event.id, delivery.channel, receiver, state, attempts, delivery.at, sent_as, answer"
            " FROM event JOIN delivery ON event.number BETWEEN first AND last WHERE incident = ? AND message != ''"
            " ORDER BY state = 'delivered', delivery.at",
            (incident,),
        )
        found: dict[tuple[int, str, str], Delivery] = {}
        for number, id_, channel, name, state, attempts, at, sent_as, answer in settled:
            found[number, channel, name] = Delivery(id_, channel, state, attempts, from_ms(at), sent_as, answer, name)
        waiting = self._query(
            f"SELECT event.number, event.id, {_RECEIVER} FROM event JOIN receiver"  # noqa: S608 - constants
            " ON event.number > receiver.cursor WHERE incident = ? AND message != ''",
            (incident,),
        )
        for number, id_, *columns in waiting:
            receiver = receiver_of(columns)
            known = found.get((number, receiver.channel, receiver.name)) or found.get((number, receiver.channel, ""))
            if known is None or known.state != "delivered":
                found[number, receiver.channel, receiver.name] = _pending(id_, number, receiver)
        return tuple(_merged(found))


def _status(name: str, found: Sequence[tuple[Receiver, int, int | None]]) -> ChannelStatus:
    receivers = [receiver for receiver, _, _ in found]
    failing = [receiver for receiver in receivers if receiver.failing_since is not None]
    oldest = min((oldest for _, _, oldest in found if oldest is not None), default=None)
    return ChannelStatus(
        name=name,
        pending=max(pending for _, pending, _ in found),
        oldest_pending_at=None if oldest is None else from_ms(oldest),
        delivered_at=max((each.delivered_at for each in receivers if each.delivered_at is not None), default=None),
        failing_since=min((each.failing_since for each in failing if each.failing_since is not None), default=None),
        refusal=_joined(each.refusal for each in receivers),
        in_doubt_since=min((each.in_doubt_since for each in receivers if each.in_doubt_since is not None), default=None),
        last_error=_joined(each.last_error for each in failing or receivers),
        next_at=min((each.next_at for each in failing if each.next_at is not None), default=None),
        remark=_joined(each.remark for each in receivers),
        is_given_up=any(each.is_given_up for each in receivers),
    )


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def _pending(id_: str, number: int, receiver: Receiver) -> Delivery:
    state, answer = "pending", receiver.last_error if receiver.failing_since is not None else ""
    if receiver.refusal:
        state, answer = "refused", receiver.refusal
    elif receiver.sent_to >= number:
        state = "in_doubt"
    return Delivery(id_, receiver.channel, state, receiver.attempts, None, "", answer, receiver.name)


def _merged(found: Mapping[tuple[int, str, str], Delivery]) -> Iterable[Delivery]:
    """Yield one for each event and channel whose receivers have fared alike, and one for each receiver otherwise."""
    grouped: defaultdict[tuple[int, str], list[Delivery]] = defaultdict(list)
    for (number, channel, _), delivery in sorted(found.items()):
        grouped[number, channel].append(delivery)
    for each in grouped.values():
        if len({(delivery.state, delivery.answer) for delivery in each}) == 1:
            yield replace(each[-1], receiver="")
        else:
            yield from (replace(one, channel=f"{one.channel} {one.receiver}") for one in each)
