"""The durations of the delivery."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor_blueprint.domain.messages import Waits
from monitor_blueprint.domain.receivers import DoubtWaits


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations of the delivery, in seconds.

    Attributes:
        waits: how long a channel waits for the other side.
        patience_s: what is out and not acknowledged for so long holds up nothing that is newer.
        first_wait_s: until the second attempt; doubled each time.
        longest_wait_s: between attempts, unless the other side asks for longer.
        first_refused_s, longest_refused_s: the same after a refusal: somebody has to do something about it first.
        first_doubt_s, first_owed_s: see `DoubtWaits`.
        failing_s: a channel that fails for so long is reported.
        poll_s: how often to look for messages of other processes.
        keep_s: an incident that is over for so long is not told to those who never heard of it.
    """

    waits: Waits = field(default_factory=Waits)
    patience_s: float = 30.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0
    first_refused_s: float = 60.0
    longest_refused_s: float = 3600.0
    first_doubt_s: float = 30.0
    first_owed_s: float = 3600.0
    failing_s: float = 900.0
    poll_s: float = 30.0
    keep_s: float = 86400.0

    @property
    def doubt_waits(self) -> DoubtWaits:
        """Return how long to wait after a doubt."""
        return DoubtWaits(self.first_doubt_s, self.first_owed_s)
