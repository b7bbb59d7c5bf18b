"""Delivery: hands what waits in the outbox to the channels, in order, until each has accepted it.

A message is settled after its channel has accepted it, so that whatever happens in between it is sent again, with the same
id, rather than lost. The way of one message stands in `ChannelDelivery`, from top to bottom: claim, compose, attempt,
settle, back off.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor_blueprint.alerts.attempt import ATTEMPT_S, OPERATION_S, Attempt
from monitor_blueprint.domain.messages import Delivered, Message, Outcome, Refused, Retry
from monitor_blueprint.notifiers import Channel
from monitor_blueprint.storage.outbox import MAX_RETRY_AFTER_S, Claim
from monitor_blueprint.storage.store import Store

_log = logging.getLogger(__name__)
_LEASE_MARGIN_S = 15.0
# Slack cuts a text at 40,000 characters, and what comes last in a backlog is how things are now.
_SUMMARY_CHARS = 20_000
# An attempt that has not ended is waited for again: it may still be accepted, and a second one beside it would then be a
# duplicate. But a connection can hang for good (nobody can cut one of Slack's library, which reads an answer to its end, be it
# drop by drop), and later messages must not wait for that: after so many waits the attempt is left alone, a new one begins.
_WAITS = 3
# Each one that is left alone keeps a thread and a connection until it ends. With so many of them it is not the one
# connection, and one more would help nobody: the latest is waited for until any of them ends.
_LEFT_ALONE = 3


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations of the delivery, in seconds.

    Attributes:
        operation_s: limit of one network operation (connecting, waiting for an answer).
        attempt_s: how long a whole attempt is waited for.
        first_wait_s: until the second attempt; doubled each time.
        longest_wait_s: between attempts, unless the other side asks for longer.
        backlog_s: messages that had to wait for longer than this are put together into one.
        failing_s: a channel that fails for so long is reported.
        poll_s: how often to look for messages of other processes.
        keep_refused_s: what was refused is sent after all if the configuration is mended within this time.
    """

    operation_s: float = OPERATION_S
    attempt_s: float = ATTEMPT_S
    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0
    backlog_s: float = 600.0
    failing_s: float = 900.0
    poll_s: float = 30.0
    keep_refused_s: float = 86400.0


@dataclass(frozen=True, slots=True)
class _Envelope:
    """What is sent at once: a message, and the events that it settles."""

    message: Message
    event_ids: tuple[str, ...]


@dataclass(slots=True)
class _UnderWay:
    """An attempt that has not ended, and how often it was waited for."""

    envelope: _Envelope
    attempt: Attempt
    waits: int = 0


class ChannelDelivery:
    """The delivery over one channel: one message after the other."""

    def __init__(
        self,
        channel: Channel,
        *,
        store: Store,
        summarise: Callable[[list[Message], datetime], Message],
        sender: str,
        timing: Timing,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        stopping: threading.Event,
    ) -> None:
        self.wake = threading.Event()
        self._channel = channel
        self._store = store
        self._summarise = summarise
        self._sender = sender
        self._timing = timing
        self._clock = clock
        self._jitter = jitter
        self._stopping = stopping
        self._lock = threading.Lock()
        self._under_way: _UnderWay | None = None
        self._left_alone: list[_UnderWay] = []

    def take_over(self) -> None:
        """Make the channel this sender's, after a crash its own once more."""
        channel, since = self._channel, self._clock() - timedelta(seconds=self._timing.keep_refused_s)
        self._store.run(lambda tx: tx.outbox.begin_sending(channel.name, channel.fingerprint, self._sender, since))

    def serve(self) -> None:
        """Deliver whatever falls due until the end is near."""
        while not self._stopping.is_set():
            self.wake.clear()
            self.wake.wait(self.deliver_due())

    def deliver_due(self) -> float:
        """Deliver until nothing is due any more; return after how many seconds to look again."""
        pause_s: float | None = None
        try:
            with self._lock:
                while pause_s is None and not self._stopping.is_set():
                    pause_s = self._deliver_next()
        except Exception:  # noqa: BLE001 - the last line of defence: a channel's thread must not end
            _log.exception("delivery over %s failed unexpectedly", self._channel.name)
            pause_s = self._timing.poll_s
        return pause_s or 0.0

    def _deliver_next(self) -> float | None:
        """Deliver the next message; where none is due, return after how many seconds to look again."""
        now = self._clock()
        claim = self._claim(now)
        if not claim.messages:
            return self._pause_s(claim, now)
        envelope = self._compose(claim, now)
        # What was sent before and has been accepted only now counts as well, and then nothing else is sent.
        sent, outcome = self._accepted_late() or self._attempt(envelope)
        backoff_s = self._backoff_s(outcome, claim.attempts)
        self._settle(sent, outcome, backoff_s)
        self._report(sent, outcome, backoff_s)
        return None

    def _claim(self, now: datetime) -> Claim:
        """Take the channel's lease and what waits for it, if somebody is to send now and nobody else does."""
        lease_s = self._timing.attempt_s + _LEASE_MARGIN_S
        name, sender = self._channel.name, self._sender
        return self._store.run(lambda tx: tx.outbox.claim(name, sender, now, lease_s), is_lasting=False)

    def _pause_s(self, claim: Claim, now: datetime) -> float:
        due_s = self._timing.poll_s if claim.due_at is None else (claim.due_at - now).total_seconds()
        return min(max(due_s, 0.0), self._timing.poll_s)

    def _compose(self, claim: Claim, now: datetime) -> _Envelope:
        """Return the oldest message, or one in the place of a backlog."""
        first = _Envelope(claim.messages[0], claim.event_ids[:1])
        waiting_since = min(first.message.at, claim.failing_since or first.message.at)
        count = _fitting(claim.messages)
        if count <= 1 or (now - waiting_since).total_seconds() < self._timing.backlog_s:
            return first
        try:
            summary = self._summarise(list(claim.messages[:count]), now)
        except Exception:  # noqa: BLE001 - better one by one than not at all
            _log.exception("the backlog cannot be summarised")
            return first
        event_ids = claim.event_ids[:count]
        return _Envelope(replace(summary, id=summary_id(event_ids)), event_ids)

    def _attempt(self, envelope: _Envelope) -> tuple[_Envelope, Outcome]:
        """Send it, and return how that ended; where an earlier attempt is still under way, how that one did."""
        if self._under_way is None:
            # Where there is no thread to be had, this raises, and nothing is under way.
            self._under_way = _UnderWay(envelope, Attempt(self._channel, envelope.message, self._timing.operation_s))
        current = self._under_way
        outcome = current.attempt.outcome(time.monotonic() + self._timing.attempt_s)
        if outcome is not None:
            self._under_way = None
            return current.envelope, outcome
        current.waits += 1
        if current.waits >= _WAITS and len(self._left_alone) < _LEFT_ALONE:
            self._left_alone.append(current)
            self._under_way = None
        return current.envelope, current.attempt.no_end()

    def _accepted_late(self) -> tuple[_Envelope, Outcome] | None:
        """Return what was accepted after it had been left alone, if anything; forget what failed then."""
        for late in list(self._left_alone):
            outcome = late.attempt.outcome(time.monotonic())
            if outcome is not None:
                self._left_alone.remove(late)
            if isinstance(outcome, Delivered):
                return late.envelope, outcome
        return None

    def _settle(self, sent: _Envelope, outcome: Outcome, backoff_s: float) -> None:
        """Record how it ended, and give the lease back."""
        name, ids, at = self._channel.name, sent.event_ids, self._clock()
        # After a power cut it is sent again: better than to keep the alert waiting for the disk.
        self._store.run(
            lambda tx: tx.outbox.settle(name, ids, outcome, at, sent_as=sent.message.id, wait_s=backoff_s), is_lasting=False
        )

    def _backoff_s(self, outcome: Outcome, attempts: int) -> float:
        """Return how long to wait before the next attempt: doubled each time, with jitter, or what the other side asks for."""
        doubled = self._timing.first_wait_s * 2.0 ** min(attempts, 30)
        wait_s = min(doubled, self._timing.longest_wait_s) * (0.5 + self._jitter() / 2)
        asked_s = outcome.after_s if isinstance(outcome, Retry) else None
        return min(max(wait_s, asked_s or 0.0), MAX_RETRY_AFTER_S)

    def _report(self, sent: _Envelope, outcome: Outcome, backoff_s: float) -> None:
        name, id_ = self._channel.name, sent.message.id
        if isinstance(outcome, Delivered):
            _log.info("%s accepted %s%s", name, id_, f", except: {outcome.problem}" if outcome.problem else "")
        elif isinstance(outcome, Refused):
            _log.error("%s refused %s: %s", name, id_, outcome.reason)
        else:
            _log.warning("%s did not take %s, next attempt in %.1f s: %s", name, id_, backoff_s, outcome.reason)


def _fitting(messages: Sequence[Message]) -> int:
    """Return how many of the messages, the oldest first, fit into one."""
    # Its moment and its id stand above each.
    lengths = itertools.accumulate(len(message.body) + 100 for message in messages)
    return sum(length <= _SUMMARY_CHARS for length in lengths)


def summary_id(event_ids: Sequence[str]) -> str:
    """Return the id of the one message for these events: the same for the same events, another for others."""
    digest = hashlib.blake2b("\n".join(event_ids).encode(), digest_size=6).hexdigest()
    return f"summary-{digest}"
