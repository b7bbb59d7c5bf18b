"""One attempt to hand a message to a channel, which may take as long as it likes: nobody has to wait for its end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from monitor_blueprint.adapters.deadline import Call
from monitor_blueprint.domain.messages import Message, Outcome, Retry
from monitor_blueprint.notifiers import Channel

# Limit of one network operation (connecting, waiting for an answer), and of a whole attempt; in seconds.
OPERATION_S = 10.0
ATTEMPT_S = 30.0


class Attempt:
    """An attempt, begun at once. The name server knows no time limit, and few libraries one for a whole answer."""

    def __init__(self, channel: Channel, message: Message, operation_s: float = OPERATION_S) -> None:
        """Begin; raises RuntimeError where the system has no thread to give, and then nothing was begun."""
        self._call = Call(lambda: _send(channel, message, operation_s), f"send-{channel.name}")
        self._began = time.monotonic()

    def outcome(self, until: float) -> Outcome | None:
        """Return how it ended; None where it has not by that moment (monotonic clock), and then one may ask again."""
        return self._call.result() if self._call.wait(until) else None

    def no_end(self) -> Retry:
        """Return the outcome of one that has not ended yet."""
        return Retry(f"no end after {time.monotonic() - self._began:.0f} s")


def send_to_all(message: Message, channels: Sequence[Channel]) -> Iterator[tuple[str, Outcome]]:
    """Send over all channels at once; yield each one's name and outcome, within the time of one attempt for all."""
    attempts = [(channel.name, Attempt(channel, message)) for channel in channels]
    until = time.monotonic() + ATTEMPT_S
    for name, attempt in attempts:
        yield name, attempt.outcome(until) or attempt.no_end()


def _send(channel: Channel, message: Message, operation_s: float) -> Outcome:
    try:
        return channel.send(message, operation_s)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the edge of a channel
        # Not its text, which may hold what must not be known.
        return Retry(f"unexpected {type(error).__name__}")
