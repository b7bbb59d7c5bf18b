"""How long something takes, as it was measured."""

from collections import deque


class Pace:
    """The median of the last five durations, in seconds; 0 before the first.

    A mean would take one run that the machine had no time for as the model's own slowness.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._last: deque[float] = deque(maxlen=5)

    def add(self, seconds: float) -> None:
        """Take one more duration into account."""
        self._last.append(seconds)
        ordered = sorted(self._last)
        self.seconds = ordered[len(ordered) // 2]
