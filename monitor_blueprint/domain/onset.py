"""When a run of bad events began that a check counts over a time: the cumulative sum of E. S. Page (1954).

Every bad event adds one to the sum, and what is allowed takes away from it. A bad event now and then comes to nothing; the
run that is more than allowed began with the event that found the sum at zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Onset:
    """How much more there has been than is allowed, and since when (seconds since 1970; 0: since never)."""

    excess: float = 0.0
    since: float = 0.0

    def after(self, allowed: float, at: Callable[[], float] | None = None) -> Onset:
        """Return it once so much more was allowed, and after a bad event then; `at` says when that was, and is seldom asked."""
        left = max(0.0, self.excess - allowed)
        if at is None:
            return Onset(left, self.since)
        return Onset(left + 1.0, self.since if left else at())

    def within(self, count: int) -> Onset:
        """Return it where only so many bad events count still: of a run that is over nothing is left."""
        return Onset(min(self.excess, float(count)), self.since)
