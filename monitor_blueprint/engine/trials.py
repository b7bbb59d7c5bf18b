"""Sends one message over each channel when a person asks for it: from the process that sends the alerts, with its limits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from monitor_blueprint.alerts.attempt import Sent, send_to_all
from monitor_blueprint.domain.messages import Delivered, Message
from monitor_blueprint.domain.text import fill
from monitor_blueprint.log import Log
from monitor_blueprint.notifiers import Channel
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.trials import TrialAnswer
from monitor_blueprint.storage.writes import Transaction
from monitor_blueprint.text import messages, render

_log = Log(__name__)
# A person waits for it; nobody else ever asks.
_POLL_S = 2.0


class Trials:
    """Looks every few seconds whether somebody asks, in a thread of its own."""

    def __init__(self, store: Store, channels: Sequence[Channel], digest: str, on_done: Callable[[], object]) -> None:
        """Take where is asked, what to send over, the digest of the configuration in use, and what to call after a trial."""
        self._store = store
        self._channels = channels
        self._digest = digest
        self._on_done = on_done
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._serve, name="trials", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def _serve(self) -> None:
        while not self._stopping.wait(_POLL_S):
            try:
                self.serve_once(datetime.now(UTC))
            except Exception as error:  # noqa: BLE001 - the edge of a thread
                _log.error(fill("a trial of the channels failed"), error)

    def serve_once(self, now: datetime) -> None:
        """Do what is asked for, if anything is."""
        asked_at = self._store.reads.trials.asked(now)
        if asked_at is None or not self._store.run(lambda tx: tx.trials.take(asked_at, now), is_lasting=False):
            return
        sent = send_trial(self._channels, now)
        wake_accepted(self._store, sent)
        answer = TrialAnswer(self._digest, tuple(tell_trial(sent)))
        self._store.run(lambda tx: tx.trials.answer(asked_at, answer), is_lasting=False)
        self._on_done()


def send_trial(channels: Sequence[Channel], now: datetime) -> list[Sent]:
    """Send one test message over each channel; return how that went."""
    subject, body = messages.test(now)
    message = Message(f"nn-test-{now:%Y%m%dT%H%M%S%f}", subject, body, now, kind="test")
    return list(send_to_all(message, channels))


def wake_accepted(store: Store, sent: Sequence[Sent]) -> None:
    """Let go at once what waits for somebody who has accepted a trial."""

    def wake(tx: Transaction) -> None:
        for each in sent:
            tx.outbox.wake(each.channel, [name for name, how in each.outcomes.items() if isinstance(how, Delivered)])

    store.run(wake, is_lasting=False)


def tell_trial(sent: Sequence[Sent]) -> list[tuple[str, bool, str]]:
    """Return each channel's name, whether it was accepted by all, and what to say of it."""
    return [
        (name, is_fine, line)
        for each in sent
        for name, outcome in each.by_name()
        for is_fine, line in render.trial(name, outcome)
    ]
