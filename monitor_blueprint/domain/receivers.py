"""What is remembered of a receiver (a channel, or one of its recipients), and what an attempt changes about it.

The events are a log; the cursor says up to which of them the receiver is settled. Acceptance moves it, refusal does not.
Doubt moves it only when the same has gone out three times: then the receiver counts as told, "in doubt", and is owed the
truth: how things stand, again and again until it is accepted, but ever more seldom.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.models import Event, EventKind

# What went out and was not acknowledged is repeated so often.
REPEATS = 2
_REFUSED_OFTEN = 3
# Nobody can ask to be left alone for longer than this, so neither does a clock that was set back make anybody wait.
LONGEST_ASKED = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=1)
LONGEST_OWED = timedelta(days=7)
# How things stand is told so often to one who never acknowledges it: over some five weeks.
MOST_OWED = 8


@dataclass(frozen=True, slots=True)
class DoubtWaits:
    """How long to wait after a doubt, in seconds.

    Attributes:
        repeat_s: until what was not acknowledged is repeated; ten times as long until the second time.
        owed_s: until one who counts as told without having acknowledged it is told how things stand; four times as long
            after each time that this was not acknowledged either, a week at most.
    """

    repeat_s: float = 30.0
    owed_s: float = 3600.0

    def after(self, receiver: Receiver) -> timedelta:
        """Return how long to leave a receiver alone that has not acknowledged what went out to it."""
        if receiver.is_owed:
            return min(timedelta(seconds=self.owed_s * 4.0 ** min(receiver.doubts, 9)), LONGEST_OWED)
        return timedelta(seconds=self.repeat_s * 10.0 ** min(receiver.doubts - 1, 1))


@dataclass(frozen=True, slots=True)
class Logged:
    """An event of the log, and the message that told it when it happened."""

    number: int
    event: Event
    message: Message


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver; events are named by their numbers in the log.

    Attributes:
        channel: the channel's name.
        name: of the recipient; "" where the channel knows none.
        cursor: the last event that is settled.
        out_to: the last event of the attempt that is under way; 0 for none.
        tried_to: the last event that an attempt was made for.
        sent_to: the last event that may have arrived, though nobody said so; 0 for none.
        doubts: how often in a row the same was not acknowledged; where the truth is owed, how often that was not.
        doubtful_after: after which event it is not certain that all was received; None when it is.
        in_doubt_since: since when something counts as told that was never acknowledged; None after the next acceptance.
        attempts: how many attempts in a row have failed.
        next_at: when the next attempt is due.
        asked_until: until when the other side asked to be left alone.
        failing_since: when the first of the failed attempts was.
        last_error: of the last failed attempt, whether or not it has worked since.
        refusal: why the last attempt was refused; "" when it was not.
        remark: what is wrong with the way of what was accepted last.
        delivered_at: when something was last accepted.
    """

    channel: str
    name: str = ""
    cursor: int = 0
    out_to: int = 0
    tried_to: int = 0
    sent_to: int = 0
    doubts: int = 0
    doubtful_after: int | None = None
    in_doubt_since: datetime | None = None
    attempts: int = 0
    next_at: datetime | None = None
    asked_until: datetime | None = None
    failing_since: datetime | None = None
    last_error: str = ""
    refusal: str = ""
    remark: str = ""
    delivered_at: datetime | None = None

    @property
    def is_in_doubt(self) -> bool:
        """Tell whether something behind the cursor may have arrived."""
        return self.sent_to > self.cursor

    @property
    def is_owed(self) -> bool:
        """Tell whether it counts as told, but never said so, and nothing is being repeated any more."""
        return self.in_doubt_since is not None and not self.is_in_doubt

    @property
    def is_given_up(self) -> bool:
        """Tell whether it has left so much unacknowledged that only news, or an accepted trial, is worth another attempt."""
        return self.is_owed and self.doubts >= MOST_OWED

    def is_waiting(self, newest: int) -> bool:
        """Tell whether there is something to tell it, now or later."""
        return self.cursor < newest or (self.is_owed and not self.is_given_up)

    @property
    def is_to_be_brief(self) -> bool:
        """Tell whether it has refused so often that it may be the text that it does not take."""
        return bool(self.refusal) and self.attempts >= _REFUSED_OFTEN

    @property
    def is_to_be_alone(self) -> bool:
        """Tell whether the last attempt has failed: it may be another recipient at whom the server breaks off."""
        return self.attempts > 0

    def due_at(self, newest: int, now: datetime) -> datetime | None:
        """Return when to try, `now` or later; None where there is nothing to tell.

        A new event is tried at once, whatever failed before, unless the other side asked to be left alone.
        """
        if not self.is_waiting(newest):
            return None
        if self.asked_until is not None and now < self.asked_until <= now + LONGEST_ASKED:
            return self.asked_until
        longest = LONGEST_OWED if self.is_owed else LONGEST_WAIT
        is_news = newest > max(self.cursor, self.tried_to)
        if not is_news and self.next_at is not None and now < self.next_at <= now + longest:
            return self.next_at
        return now


def alike(due: Iterable[Receiver]) -> Iterator[list[Receiver]]:
    """Yield those together that are to have the same message."""
    groups: defaultdict[object, list[Receiver]] = defaultdict(list)
    for receiver in due:
        alone = receiver.name if receiver.is_to_be_alone else None
        groups[receiver.cursor, receiver.is_in_doubt, receiver.doubtful_after, receiver.is_to_be_brief, alone].append(receiver)
    yield from groups.values()


def begun(receiver: Receiver, last: int, newest: int) -> Receiver:
    """Return the receiver to whom all up to an event is being sent; what is newer, it knows already."""
    return replace(receiver, out_to=last, tried_to=max(receiver.tried_to, newest))


def not_begun(receiver: Receiver) -> Receiver:
    """Return the receiver to whom nothing could be sent, for want of our own."""
    return replace(receiver, out_to=0)


def abandoned(receiver: Receiver, now: datetime, waits: DoubtWaits) -> Receiver:
    """Return the receiver after its sender died: what was under way may have arrived, and is repeated at once.

    That is no fault of the receiver's, but a doubt like any other: who is killed at every attempt does not repeat for ever.
    """
    if not receiver.out_to:
        return receiver
    after = replace(_doubted(receiver, receiver.out_to, now), out_to=0)
    return replace(after, next_at=now + waits.after(after)) if after.is_owed else after


def skipped(receiver: Receiver, last: int, *, is_sure: bool) -> Receiver:
    """Return the receiver for whom nothing up to an event is worth telling; a sure one is owed nothing either."""
    after = replace(receiver, cursor=max(receiver.cursor, last))
    return replace(after, in_doubt_since=None, doubtful_after=None) if is_sure else after


def reconfigured(receiver: Receiver) -> Receiver:
    """Return the receiver as new: with another configuration, what failed before says nothing."""
    doubts = 0 if receiver.is_owed else receiver.doubts
    return replace(receiver, attempts=0, next_at=None, asked_until=None, failing_since=None, refusal="", remark="", doubts=doubts)


def woken(receiver: Receiver) -> Receiver:
    """Return the receiver after another message was accepted on its way: what waits for it may go now.

    Not what was asked to wait, nor what is in doubt, of which there are to be few.
    """
    if receiver.is_in_doubt:
        return receiver
    return replace(receiver, next_at=None, doubts=0 if receiver.is_given_up else receiver.doubts)


def delivered(receiver: Receiver, last: int, now: datetime, remark: str = "") -> Receiver:
    """Return the receiver that has accepted all up to an event, maybe long after that was sent."""
    cursor = max(receiver.cursor, last)
    is_certain = last >= receiver.cursor
    is_all = cursor >= receiver.sent_to
    return replace(
        _ended(reconfigured(receiver), last),
        cursor=cursor,
        sent_to=0 if is_all else receiver.sent_to,
        doubts=0 if is_all else receiver.doubts,
        doubtful_after=None if is_certain else receiver.doubtful_after,
        in_doubt_since=None if is_certain else receiver.in_doubt_since,
        remark=remark,
        delivered_at=now,
    )


def failed(
    receiver: Receiver, last: int, reason: str, now: datetime, *, wait_s: float, asked_s: float = 0.0, is_refusal: bool = False
) -> Receiver:
    """Return the receiver that has not taken it; the next attempt comes after `wait_s`, none before `asked_s`."""
    return replace(
        _ended(receiver, last),
        attempts=receiver.attempts + 1,
        next_at=now + timedelta(seconds=wait_s),
        asked_until=now + min(timedelta(seconds=asked_s), LONGEST_ASKED) if asked_s else None,
        failing_since=receiver.failing_since or now,
        last_error=reason,
        refusal=reason if is_refusal else receiver.refusal,
    )


def doubted(
    receiver: Receiver, last: int, reason: str, now: datetime, waits: DoubtWaits, *, is_to_be_repeated: bool = True
) -> Receiver:
    """Return the receiver that has not acknowledged what went out to it; mere reminders are not to be repeated."""
    repeats = REPEATS if is_to_be_repeated else 0
    after = _doubted(failed(receiver, last, reason, now, wait_s=0.0), last, now, repeats)
    return replace(after, next_at=None if after.is_given_up else now + waits.after(after))


def _doubted(receiver: Receiver, last: int, now: datetime, repeats: int = REPEATS) -> Receiver:
    """Return the receiver with one more doubt."""
    if last <= receiver.cursor:
        return replace(receiver, doubts=receiver.doubts + 1) if receiver.is_owed else receiver
    is_same = last <= receiver.sent_to
    doubts = receiver.doubts + 1 if is_same else 1
    if is_same or not repeats:
        cursor = last if doubts > repeats else receiver.cursor
    else:
        # What is new went out together with what was in doubt before: that was its last repeat.
        cursor = max(receiver.cursor, receiver.sent_to) if receiver.doubts else receiver.cursor
    given_up = cursor > receiver.cursor
    return replace(
        receiver,
        cursor=cursor,
        sent_to=max(last, receiver.sent_to),
        doubts=0 if cursor >= last else doubts,
        doubtful_after=receiver.cursor if receiver.doubtful_after is None else min(receiver.doubtful_after, receiver.cursor),
        in_doubt_since=(receiver.in_doubt_since or now) if given_up else receiver.in_doubt_since,
    )


def worth_telling(behind: Sequence[Logged], now: datetime, keep_s: float) -> tuple[Logged, ...]:
    """Return what of the events behind a cursor is still to be told.

    Left out is an incident that began and ended behind the cursor and has been over for longer than `keep_s`: the receiver
    never heard of it, and nothing of it is left to be done. Whoever was told of its beginning is told of its end, however late.
    """
    by_incident: defaultdict[int, list[Event]] = defaultdict(list)
    for each in behind:
        by_incident[each.event.incident].append(each.event)
    # What belongs to no incident has no end either.
    over = {
        number for number, events in by_incident.items() if _is_old(events[-1], now, keep_s) and (number == 0 or _is_over(events))
    }
    return tuple(each for each in behind if each.event.incident not in over)


def _is_over(events: Sequence[Event]) -> bool:
    is_from_the_beginning = events[0].is_opening or events[0].at == events[0].opened_at
    return is_from_the_beginning and events[-1].kind in _ENDS and not (events[-1].failing or events[-1].flapping)


_ENDS = (EventKind.RECOVERED, EventKind.CALM)


def _is_old(event: Event, now: datetime, keep_s: float) -> bool:
    return (now - event.at).total_seconds() > keep_s


def _ended(receiver: Receiver, last: int) -> Receiver:
    # One that was left alone may end while another is under way.
    return replace(receiver, out_to=0) if receiver.out_to == last else receiver
