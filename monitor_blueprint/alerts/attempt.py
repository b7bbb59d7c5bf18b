"""One attempt to hand a message to a channel, which may take as long as it likes: nobody has to wait for its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor_blueprint.adapters.deadline import Call
from monitor_blueprint.alerts.presentation import presented
from monitor_blueprint.domain.messages import (
    SHORT_WAITS,
    Handover,
    Message,
    Outcome,
    Single,
    Waits,
    outcomes_by_receiver,
)
from monitor_blueprint.notifiers import Channel

# Somebody waits for the end of `send_to_all`: a person, or a program that the timer starts.
TOGETHER_S = 60.0


class Attempt:
    """An attempt, begun at once. The name server knows no time limit, and few libraries one for a whole answer."""

    def __init__(
        self, channel: Channel, message: Message, waits: Waits | None = None, on_end: Callable[[], object] | None = None
    ) -> None:
        """Begin; `on_end` is called at the end, from another thread.

        Raises RuntimeError where the system has no thread to give, and then nothing was begun.
        """
        self.message = message
        self._handover = Handover(waits or Waits())
        self._began = time.monotonic()
        self._call = Call(lambda: self._send(channel), f"send-{channel.name}", on_end)

    @property
    def age_s(self) -> float:
        """Return how long ago it was begun."""
        return time.monotonic() - self._began

    @property
    def is_out(self) -> bool:
        """Tell whether the message may have arrived."""
        return self._handover.is_out

    def outcome(self, until: float = 0.0) -> Outcome | None:
        """Return how it ended; None where it has not by that moment (monotonic clock), and then one may ask again."""
        return self._call.result() if self._call.wait(until) else None

    def no_end(self) -> Single:
        """Return the outcome of one that has not ended yet."""
        return self._handover.failed(f"no end after {self.age_s:.0f} s")

    def _send(self, channel: Channel) -> Outcome:
        try:
            return channel.send(presented(self.message, channel.console_url), self._handover)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the edge of a channel
            # Not its text, which may hold what must not be known.
            return self._handover.failed(f"unexpected {type(error).__name__}")


@dataclass(frozen=True, slots=True)
class Sent:
    """How one message fared on a channel, by the names of its receivers ("" for a channel that knows none)."""

    channel: str
    outcomes: Mapping[str, Single]

    def by_name(self) -> Iterator[tuple[str, Single]]:
        """Yield the channel's name and the outcome; where its receivers fared differently, each one's."""
        if len(set(map(repr, self.outcomes.values()))) == 1:
            yield self.channel, next(iter(self.outcomes.values()))
            return
        for name, each in self.outcomes.items():
            yield f"{self.channel} {name}", each


def send_to_all(message: Message, channels: Sequence[Channel]) -> Iterator[Sent]:
    """Send over all channels at once; yield how each has fared, in a limited time for all."""
    attempts = [(channel, Attempt(channel, message, SHORT_WAITS)) for channel in channels]
    until = time.monotonic() + TOGETHER_S
    for channel, attempt in attempts:
        outcome = attempt.outcome(until) or attempt.no_end()
        yield Sent(channel.name, outcomes_by_receiver(outcome, channel.receivers))
