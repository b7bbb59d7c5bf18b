"""The outbox: all channels and their deliveries. Each channel has a thread of its own; nobody waits for a slow one."""

from __future__ import annotations

import functools
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from monitor_blueprint.adapters.deadline import Call
from monitor_blueprint.alerts.channel_health import ChannelHealth, Health, health_of
from monitor_blueprint.alerts.delivery import ChannelDelivery
from monitor_blueprint.alerts.timing import Timing
from monitor_blueprint.notifiers import Channel
from monitor_blueprint.storage.channels import ChannelStatus
from monitor_blueprint.storage.store import Store

# The sender that is the one process which runs the schedule.
SCHEDULE_SENDER = "service"


class Outbox:
    """The channels and their deliveries; several processes may have one over the same store."""

    def __init__(
        self,
        store: Store,
        channels: Sequence[Channel],
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
            sender: one name for each role that runs once at most: after a crash its successor goes on at once.
            timing: durations.
            clock: says what time it is, UTC.
            jitter: returns numbers from 0 to 1, which spread the attempts.
        """
        self._store = store
        self._sender = sender
        self._timing = timing or Timing()
        self._clock = clock
        self._began_at = clock()
        self._stopping = threading.Event()
        over = functools.partial(
            ChannelDelivery,
            store=store,
            sender=sender,
            timing=self._timing,
            clock=clock,
            jitter=jitter,
            stopping=self._stopping,
        )
        self._deliveries = {channel.name: over(channel) for channel in channels}
        self._servers = {channel.name: channel.address for channel in channels}
        self._threads: list[threading.Thread] = []

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Return the names of the channels over which an event is told.

        The process with the schedule knows its channels. Whoever else makes a health check (a person, in a shell without
        the settings) tells what it finds over that one's channels as well.
        """
        if self._sender == SCHEDULE_SENDER:
            return tuple(self._deliveries)
        return tuple(dict.fromkeys((*self._deliveries, *self._store.reads.channel_names())))

    @property
    def receivers(self) -> tuple[tuple[str, str], ...]:
        """Return the receivers of this outbox's channels: (channel, recipient) each."""
        return tuple(receiver for delivery in self._deliveries.values() for receiver in delivery.receivers)

    def start(self) -> None:
        """Begin to deliver in the background; only for the one process that has `sender` as its name."""
        kept = tuple(self._deliveries)
        self._store.run(lambda transaction: transaction.outbox.retire_channels(kept, self._clock()))
        for name, delivery in self._deliveries.items():
            delivery.take_over()
            thread = threading.Thread(target=delivery.serve, name=f"outbox-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Let the attempts that are under way end, for `timeout_s` seconds at most."""
        self._stopping.set()
        self.wake()
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def wake(self) -> None:
        """Say that there is something to deliver; returns at once."""
        for delivery in self._deliveries.values():
            delivery.wake.set()

    def deliver_due(self) -> None:
        """Deliver all that is due now, over all channels at once, and return when that is done or has failed."""
        calls = [Call(delivery.deliver_due, f"deliver-{name}") for name, delivery in self._deliveries.items()]
        for call in calls:
            call.result()

    def unreachable(self, now: datetime) -> tuple[str, ...]:
        """Return the channels, if nothing can be told over any of them at the moment, be it only since the last attempt."""
        known = self._store.reads.outbox_status()
        health = self.channel_health(now)
        is_down = [
            found.health is not Health.OK or (name in known and known[name].pending > 0 and known[name].failing_since is not None)
            for name, found in health.items()
        ]
        return tuple(health) if is_down and all(is_down) else ()

    def channel_health(self, now: datetime) -> dict[str, ChannelHealth]:
        """Return how each channel is doing, by name."""
        known = self._store.reads.outbox_status()
        failing_s = self._timing.failing_s
        return {
            name: replace(health_of(known.get(name, ChannelStatus(name)), self._began_at, failing_s, now), server=server)
            for name, server in self._servers.items()
        }
