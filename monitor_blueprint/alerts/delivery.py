"""Delivery: hands what the store's outbox holds to the channels, in order, until each has accepted it.

A message is marked after the channel accepted it, so that whatever happens in between it is sent again, with the same
id, rather than lost. Each channel has a thread of its own; nobody waits for a slow one.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from monitor_blueprint.domain.messages import Delivered, Message, Outcome, Refused, Retry
from monitor_blueprint.notifiers import Channel
from monitor_blueprint.storage.outbox import LONGEST_WAIT_S, Claim
from monitor_blueprint.storage.store import Store

_log = logging.getLogger(__name__)
# The sender that is the one process which runs the schedule.
SCHEDULE_SENDER = "service"
_LEASE_MARGIN_S = 15.0
# Slack cuts a text at 40,000 characters, and what comes last in a backlog is how things are now.
_SUMMARY_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations of the delivery, in seconds.

    Attributes:
        operation_s: limit of one network operation (connecting, waiting for an answer).
        attempt_s: limit of a whole attempt; a channel that drips its answer is given up then.
        first_wait_s: until the second attempt; doubled each time.
        longest_wait_s: between attempts, unless the other side asks for longer.
        backlog_s: messages that had to wait for longer than this are put together into one.
        failing_s: a channel that fails for so long is reported.
        poll_s: how often to look for messages of other processes.
        keep_refused_s: what was refused is sent after all if the configuration is mended within this time.
    """

    operation_s: float = 10.0
    attempt_s: float = 30.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0
    backlog_s: float = 600.0
    failing_s: float = 900.0
    poll_s: float = 30.0
    keep_refused_s: float = 86400.0


class Health(StrEnum):
    """How a channel is doing."""

    OK = "ok"
    FAILING = "failing"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """How a channel is doing: since when not well, and what it says; `pending` is how many messages wait."""

    name: str
    health: Health = Health.OK
    since: datetime | None = None
    reason: str = ""
    pending: int = 0


class Outbox:
    """The channels and their deliveries; several processes may have one over the same store."""

    def __init__(
        self,
        store: Store,
        channels: Sequence[Channel],
        summarise: Callable[[list[Message], datetime], Message],
        *,
        sender: str = SCHEDULE_SENDER,
        timing: Timing | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,  # noqa: S311 - spreads attempts
    ) -> None:
        """Take what is needed.

        Args:
            store: where the messages wait.
            channels: one for each kind at most.
            summarise: puts a backlog into one message; its id is replaced.
            sender: one name for each role that runs once at most: after a crash its successor goes on at once.
            timing: durations.
            clock: says what time it is, UTC.
            jitter: returns numbers from 0 to 1, which spread the attempts.
        """
        self._store = store
        self._lanes = {channel.name: _Lane(channel) for channel in channels}
        self._summarise = summarise
        self._sender = sender
        self._timing = timing or Timing()
        self._clock = clock
        self._jitter = jitter
        self._began_at = clock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Return the names of the channels: an event needs a message for each.

        The process with the schedule knows its channels. Whoever else makes a health check (a person, in a shell without
        the settings) tells what it finds over that one's channels as well.
        """
        if self._sender == SCHEDULE_SENDER:
            return tuple(self._lanes)
        return tuple(dict.fromkeys((*self._lanes, *self._store.reads.channel_names())))

    def start(self) -> None:
        """Begin to deliver in the background; only for the one process that has `sender` as its name."""
        kept = tuple(self._lanes)
        self._store.run(lambda transaction: transaction.outbox.retire_channels(kept, self._clock()))
        for name, lane in self._lanes.items():
            self._take_over(lane.channel)
            thread = threading.Thread(target=self._serve, args=(lane,), name=f"outbox-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Let the attempts that are under way end, for `timeout_s` seconds at most."""
        self._stopping.set()
        self.notify()
        for thread in self._threads:
            thread.join(timeout_s)

    def notify(self) -> None:
        """Say that there is something to deliver; returns at once."""
        for lane in self._lanes.values():
            lane.wake.set()

    def deliver_due(self) -> None:
        """Deliver all that is due now, over all channels at once, and return when that is done or has failed."""
        threads = [threading.Thread(target=self._drain, args=(lane,), daemon=True) for lane in self._lanes.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def channel_health(self, now: datetime) -> dict[str, ChannelHealth]:
        """Return how each channel is doing, by name."""
        known = self._store.reads.outbox_status()
        found = {}
        for name in self._lanes:
            if name not in known:
                found[name] = ChannelHealth(name)
                continue
            status = known[name]
            # A message that waits without any attempt having failed counts too: then it is the sender that hangs. Not
            # for the time before there was one, though.
            waiting_since = max(status.oldest_pending_at or now, self._began_at)
            since = min(status.failing_since or now, waiting_since)
            if status.refusal:
                found[name] = ChannelHealth(name, Health.REFUSED, status.failing_since, status.refusal, status.pending)
            elif (now - since).total_seconds() >= self._timing.failing_s:
                found[name] = ChannelHealth(name, Health.FAILING, since, status.last_error, status.pending)
            else:
                found[name] = ChannelHealth(name, pending=status.pending)
        return found

    def _take_over(self, channel: Channel) -> None:
        since = self._clock() - timedelta(seconds=self._timing.keep_refused_s)
        self._store.run(lambda tx: tx.outbox.begin_sending(channel.name, channel.fingerprint, self._sender, since))

    def _claim(self, channel: str, now: datetime) -> Claim:
        lease_s = self._timing.attempt_s + _LEASE_MARGIN_S
        return self._store.run(lambda tx: tx.outbox.claim(channel, self._sender, now, lease_s), is_lasting=False)

    def _serve(self, lane: _Lane) -> None:
        while not self._stopping.is_set():
            lane.wake.clear()
            try:
                wait_s = self._drain(lane)
            except Exception:  # noqa: BLE001 - the last line of defence: a channel's thread must not end
                _log.exception("delivery over %s failed unexpectedly", lane.channel.name)
                wait_s = self._timing.poll_s
            lane.wake.wait(wait_s)

    def _drain(self, lane: _Lane) -> float:
        """Deliver until nothing is due any more; return after how many seconds to look again."""
        with lane.lock:
            while not self._stopping.is_set():
                now = self._clock()
                claim = self._claim(lane.channel.name, now)
                if not claim.messages:
                    due_s = self._timing.poll_s if claim.due_at is None else (claim.due_at - now).total_seconds()
                    return min(max(due_s, 0.0), self._timing.poll_s)
                self._attempt(lane, claim, now)
        return 0.0

    def _attempt(self, lane: _Lane, claim: Claim, now: datetime) -> None:
        name = lane.channel.name
        message, event_ids = self._next_message(claim, now)
        attempt = lane.attempt
        if attempt is None:
            attempt = _Attempt(lane.channel, message, event_ids, self._timing.operation_s)
            # Where there is no thread to be had, this one was never made: nobody could wait for it.
            attempt.start()
            lane.attempt = attempt
        attempt.join(self._timing.attempt_s)
        # One that does not return is waited for again the next time: never two at once, and its answer still counts.
        if attempt.is_alive():
            outcome: Outcome = Retry(f"no end after {self._timing.attempt_s:.0f} s")
        else:
            outcome, message, event_ids = attempt.outcome, attempt.message, attempt.event_ids
            lane.attempt = None
        wait_s = self._wait_s(outcome, claim.attempts)
        ended_at = self._clock()
        # After a power cut it is sent again: better than to keep the alert waiting for the disk.
        self._store.run(
            lambda tx: tx.outbox.settle(name, event_ids, outcome, ended_at, sent_as=message.id, wait_s=wait_s), is_lasting=False
        )
        if isinstance(outcome, Delivered):
            _log.info("%s accepted %s%s", name, message.id, f", except: {outcome.problem}" if outcome.problem else "")
        elif isinstance(outcome, Refused):
            _log.error("%s refused %s: %s", name, message.id, outcome.reason)
        else:
            _log.warning("%s did not take %s, next attempt in %.1f s: %s", name, message.id, wait_s, outcome.reason)

    def _next_message(self, claim: Claim, now: datetime) -> tuple[Message, tuple[str, ...]]:
        first = claim.messages[0]
        waiting_since = min(first.at, claim.failing_since or first.at)
        count = _fitting(claim.messages)
        if count > 1 and (now - waiting_since).total_seconds() >= self._timing.backlog_s:
            try:
                summary = self._summarise(list(claim.messages[:count]), now)
            except Exception:  # noqa: BLE001 - better one by one than not at all
                _log.exception("the backlog cannot be summarised")
            else:
                return replace(summary, id=summary_id(claim.event_ids[:count])), claim.event_ids[:count]
        return first, claim.event_ids[:1]

    def _wait_s(self, outcome: Outcome, attempts: int) -> float:
        doubled = self._timing.first_wait_s * 2.0 ** min(attempts, 30)
        wait_s = min(doubled, self._timing.longest_wait_s) * (0.5 + self._jitter() / 2)
        asked_s = outcome.after_s if isinstance(outcome, Retry) else None
        return min(max(wait_s, asked_s or 0.0), LONGEST_WAIT_S)


def _fitting(messages: Sequence[Message]) -> int:
    """Return how many of the messages, the oldest first, fit into one."""
    # Its moment and its id stand above each.
    lengths = itertools.accumulate(len(message.body) + 100 for message in messages)
    return sum(length <= _SUMMARY_CHARS for length in lengths)


def summary_id(event_ids: Sequence[str]) -> str:
    """Return the id of the one message for these events: the same for the same events, another for others."""
    digest = hashlib.blake2b("\n".join(event_ids).encode(), digest_size=6).hexdigest()
    return f"summary-{digest}"


class _Lane:
    """A channel with what belongs to it in this process."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.wake = threading.Event()
        self.lock = threading.Lock()
        self.attempt: _Attempt | None = None


class _Attempt(threading.Thread):
    """One attempt to send, which can be given up on: neither DNS nor a server that drips knows a time limit."""

    def __init__(self, channel: Channel, message: Message, event_ids: tuple[str, ...], timeout_s: float) -> None:
        super().__init__(name=f"send-{channel.name}", daemon=True)
        self.message = message
        self.event_ids = event_ids
        self.outcome: Outcome = Retry("ended without an answer")
        self._channel = channel
        self._timeout_s = timeout_s

    def run(self) -> None:
        try:
            self.outcome = self._channel.send(self.message, self._timeout_s)
        except Exception as error:  # noqa: BLE001 - the edge of a channel
            # Not its text, which may hold what must not be known.
            self.outcome = Retry(f"unexpected {type(error).__name__}")
