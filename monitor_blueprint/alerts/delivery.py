"""Delivery over one channel: what lies behind a receiver's cursor becomes one message, and acceptance moves the cursor.

Backlog, refusal, a mended configuration, greylisting and a restart are all the same thing: a cursor that has not moved yet.
The way of a message stands in `ChannelDelivery`, from top to bottom: collect what has ended, claim the channel, compose,
attempt, settle, back off. Nothing here waits for the other side: each attempt has a thread of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor_blueprint.alerts import attempt_log
from monitor_blueprint.alerts.attempt import Attempt
from monitor_blueprint.alerts.composition import Waiting, compose, compose_truth, waiting_for
from monitor_blueprint.alerts.timing import Timing
from monitor_blueprint.domain import receivers
from monitor_blueprint.domain.messages import (
    Delivered,
    InDoubt,
    Message,
    Outcome,
    Refused,
    Single,
    outcomes_by_receiver,
)
from monitor_blueprint.domain.models import EventKind
from monitor_blueprint.domain.receivers import Logged, Receiver
from monitor_blueprint.domain.text import configured, fill
from monitor_blueprint.log import Log
from monitor_blueprint.notifiers import Channel
from monitor_blueprint.storage.outbox import Claim
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.writes import Transaction
from monitor_blueprint.text import messages

_log = Log(__name__)
_LEASE_MARGIN_S = 45.0
# An attempt that nobody waits for any more keeps a thread and a connection until it ends. With so many of them it is not the
# one connection, and one more would help nobody.
_LEFT_ALONE = 3


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """An attempt that has not ended, the receivers that it is for, and the ids of all events that are settled by it.

    By their ids, because their numbers change where what was kept in memory is written into the file meanwhile. A mere
    reminder is not repeated when it was not acknowledged: the next one comes.
    """

    attempt: Attempt
    names: tuple[str, ...]
    events: frozenset[str]
    is_reminder: bool


class ChannelDelivery:
    """The delivery over one channel."""

    def __init__(
        self,
        channel: Channel,
        *,
        store: Store,
        sender: str,
        timing: Timing,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        stopping: threading.Event,
    ) -> None:
        self.wake = threading.Event()
        self._channel = channel
        self._names = channel.receivers or ("",)
        self._store = store
        self._sender = sender
        self._timing = timing
        self._clock = clock
        self._jitter = jitter
        self._stopping = stopping
        self._lock = threading.Lock()
        self._under_way: list[_UnderWay] = []
        self._left_alone: list[_UnderWay] = []

    @property
    def receivers(self) -> tuple[tuple[str, str], ...]:
        """Return the receivers, each with the channel's name."""
        return tuple((self._channel.name, name) for name in self._names)

    def take_over(self) -> None:
        """Make the channel this sender's, after a crash its own once more."""
        channel, now, waits = self._channel, self._clock(), self._timing.doubt_waits
        self._store.run(
            lambda tx: tx.outbox.begin_sending(channel.name, self._names, channel.fingerprint, self._sender, now=now, waits=waits)
        )

    def serve(self) -> None:
        """Deliver whatever falls due until the end is near, and then what is under way to its end."""
        while not self._stopping.is_set() or self._under_way:
            self.wake.clear()
            self.wake.wait(self._turn())

    def deliver_due(self) -> None:
        """Deliver until nothing is due any more, but do not wait for an attempt without end."""
        while True:
            pause_s = self._turn()
            awaited = [each.attempt for each in self._under_way if each.attempt.age_s < self._timing.patience_s]
            if not awaited and (pause_s > 0 or self._stopping.is_set()):
                return
            for attempt in awaited:
                attempt.outcome(time.monotonic() + self._timing.patience_s - attempt.age_s)

    def _turn(self) -> float:
        """Do what there is to do now, without waiting for anybody; return after how many seconds to look again."""
        return self._guarded(self._collect_and_begin)

    def _on_end(self) -> None:
        """Settle an attempt in its own thread, as soon as it has ended: a kill before that makes it a repeat."""
        self._guarded(self._collect)
        self.wake.set()

    def _guarded(self, work: Callable[[], float]) -> float:
        try:
            with self._lock:
                return work()
        except Exception as error:  # noqa: BLE001 - the last line of defence: a channel's thread must not end
            _log.error(fill("delivery over {name} failed unexpectedly", name=configured(self._channel.name)), error)
            return self._timing.poll_s

    def _collect_and_begin(self) -> float:
        self._collect()
        return self._begin_due()

    def _collect(self) -> float:
        """Settle what has ended, and what takes longer than anything may; then it is time to look again at once."""
        for each in list(self._left_alone):
            outcome = each.attempt.outcome()
            if outcome is not None:
                self._left_alone.remove(each)
                # It was settled without this one; only what was accepted after all is news.
                self._settle(each, outcome, is_late=True)
        for each in list(self._under_way):
            outcome = each.attempt.outcome()
            if outcome is not None:
                self._under_way.remove(each)
                self._settle(each, outcome)
            elif each.attempt.age_s >= self._timing.waits.total_s:
                self._leave_alone(each)
        return 0.0

    def _leave_alone(self, each: _UnderWay) -> bool:
        """Go on without waiting for this one, if not too many hang already; it may still be accepted."""
        if len(self._left_alone) >= _LEFT_ALONE:
            return False
        self._under_way.remove(each)
        self._left_alone.append(each)
        self._settle(each, each.attempt.no_end())
        return True

    def _begin_due(self) -> float:
        """Begin an attempt for each receiver whose time has come; return after how many seconds to look again."""
        if self._stopping.is_set():
            return self._timing.poll_s if self._under_way else 0.0
        now = self._clock()
        claim = self._claim(now)
        if claim.held_until is not None:
            return self._pause_s(claim.held_until, now)
        if self._overtake(claim.newest_id):
            # What is known of those receivers has changed.
            return 0.0
        busy = {name for each in self._under_way for name in each.names}
        due_at = {
            receiver: receiver.due_at(claim.newest, now)
            for receiver in claim.receivers
            if receiver.name in self._names and receiver.name not in busy
        }
        for group in receivers.alike(receiver for receiver, at in due_at.items() if at == now):
            self._begin(group, now)
        later = [self._pause_s(at, now) for at in due_at.values() if at is not None and at > now]
        patience = [self._timing.patience_s - each.attempt.age_s for each in self._under_way]
        return min([self._timing.poll_s, *later, *(left_s for left_s in patience if left_s > 0)])

    def _claim(self, now: datetime) -> Claim:
        """Take the channel's lease where something is due, unless somebody else has it."""
        name, sender, lease_s = self._channel.name, self._sender, self._timing.poll_s + _LEASE_MARGIN_S
        is_sending, waits = bool(self._under_way), self._timing.doubt_waits
        return self._store.run(
            lambda tx: tx.outbox.claim(name, sender, now, lease_s, waits, is_sending=is_sending), is_lasting=False
        )

    def _overtake(self, newest: str) -> bool:
        """Let nothing that is newer wait for what is out and not acknowledged; tell whether anything was overtaken."""
        patience_s = self._timing.patience_s
        slow = [
            each
            for each in self._under_way
            if newest not in each.events and each.attempt.is_out and each.attempt.age_s >= patience_s
        ]
        return True in [self._leave_alone(each) for each in slow]

    def _pause_s(self, due_at: datetime, now: datetime) -> float:
        return min(max((due_at - now).total_seconds(), 0.0), self._timing.poll_s)

    def _begin(self, group: Sequence[Receiver], now: datetime) -> None:
        """Send the one message that all these receivers are to have."""
        channel, names = self._channel, tuple(receiver.name for receiver in group)
        waiting = self._store.run(lambda tx: waiting_for(tx, group[0], now), is_lasting=False)
        told = receivers.worth_telling(waiting.behind, now, self._timing.keep_s)
        message = self._message(group[0], told, waiting, now)
        if message is None:
            self._skip(group, waiting, now)
            return
        if channel.receivers:
            message = replace(message, to=names)
        # What is under way when this process dies may have arrived.
        self._store.run(lambda tx: tx.outbox.begin(channel.name, names, waiting.ids, waiting.newest), is_lasting=False)
        try:
            attempt = Attempt(channel, message, self._timing.waits, self._on_end)
        except RuntimeError:
            self._store.run(lambda tx: tx.outbox.not_begun(channel.name, names), is_lasting=False)
            raise
        is_reminder = bool(told) and all(each.event.kind is EventKind.REMINDER for each in told)
        self._under_way.append(_UnderWay(attempt, names, frozenset(waiting.ids), is_reminder))

    def _message(self, receiver: Receiver, told: Sequence[Logged], waiting: Waiting, now: datetime) -> Message | None:
        """Return what to send a receiver; None where nothing is left that is worth telling."""
        if told:
            message = compose(told, waiting, now)
            return messages.repeated(message) if receiver.is_in_doubt else message
        return compose_truth(waiting, now) if receiver.is_owed and not waiting.behind and waiting.unsure else None

    def _skip(self, group: Sequence[Receiver], waiting: Waiting, now: datetime) -> None:
        """Move on where nothing is left that is worth telling."""

        def skip(tx: Transaction) -> None:
            for receiver in group:
                after = receivers.skipped(receiver, waiting.newest, is_sure=not waiting.unsure)
                tx.outbox.settle(receiver, after, tx.outbox.spans(waiting.ids), "expired", now)

        self._store.run(skip, is_lasting=False)

    def _settle(self, sent: _UnderWay, outcome: Outcome, *, is_late: bool = False) -> None:
        """Record how it ended; of one that was left alone only what was accepted after all."""
        channel, now = self._channel.name, self._clock()
        outcomes = {
            name: each
            for name, each in outcomes_by_receiver(outcome, sent.names).items()
            if isinstance(each, Delivered) or not is_late
        }

        given_up: dict[str, bool] = {}

        def settle(tx: Transaction) -> None:
            spans = tx.outbox.spans(tuple(sent.events))
            for name, each in outcomes.items():
                before = tx.outbox.receiver(channel, name)
                after, text = self._after(before, spans[-1].last if spans else 0, each, now, is_reminder=sent.is_reminder)
                after = replace(after, cursor=min(after.cursor, tx.outbox.reach(before.cursor, spans)))
                state = _STATES.get(type(each), "")
                tx.outbox.settle(before, after, spans, state, now, sent_as=sent.attempt.message.id, answer=text)
                given_up[name] = after.is_given_up and not before.is_given_up
            if any(isinstance(each, Delivered) for each in outcomes.values()):
                tx.outbox.wake(channel, [name for name in self._names if name not in sent.names])
            if not self._under_way:
                tx.outbox.release(channel, self._sender)

        # After a power cut it is sent again: better than to keep the alert waiting for the disk.
        self._store.run(settle, is_lasting=False)
        for name, each in outcomes.items():
            # Recipients are numbered in the log that others read, not named.
            number = self._names.index(name) + 1 if len(self._names) > 1 else 0
            attempt_log.write(self._channel.name, number, sent.attempt.message.id, each)
            if given_up[name]:
                attempt_log.write_given_up(self._channel.name, number)

    def _after(self, before: Receiver, last: int, outcome: Single, now: datetime, *, is_reminder: bool) -> tuple[Receiver, str]:
        """Return what is remembered of the receiver from here on, and what it said."""
        timing, attempts = self._timing, before.attempts
        if isinstance(outcome, Delivered):
            return receivers.delivered(before, last, now, outcome.remark), outcome.answer
        if isinstance(outcome, Refused):
            wait_s = self._backoff_s(timing.first_refused_s, attempts, timing.longest_refused_s)
            return receivers.failed(before, last, outcome.reason, now, wait_s=wait_s, is_refusal=True), outcome.reason
        if isinstance(outcome, InDoubt):
            waits, reason = timing.doubt_waits, outcome.reason
            return receivers.doubted(before, last, reason, now, waits, is_to_be_repeated=not is_reminder), reason
        wait_s = self._backoff_s(timing.first_wait_s, attempts, timing.longest_wait_s)
        asked_s = min(outcome.after_s or 0.0, receivers.LONGEST_ASKED.total_seconds())
        after = receivers.failed(before, last, outcome.reason, now, wait_s=max(wait_s, asked_s), asked_s=asked_s)
        return after, outcome.reason

    def _backoff_s(self, first_s: float, attempts: int, longest_s: float) -> float:
        """Return how long to wait before the next attempt: doubled each time, with jitter."""
        return min(first_s * 2.0 ** min(attempts, 30), longest_s) * (0.5 + self._jitter() / 2)


_STATES: Mapping[type[Single], str] = {Delivered: "delivered", InDoubt: "in_doubt"}
