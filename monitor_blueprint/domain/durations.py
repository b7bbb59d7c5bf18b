"""How long something lasted: one rule for the messages, the status, the page and the history."""

from __future__ import annotations

import math
from datetime import datetime


def lasted_s(begin: datetime, end: datetime) -> float:
    """Return how long it lasted from `begin` to `end`, in whole seconds; 0 where the clock was set back in between.

    It is the difference of both moments as they are shown, so that who subtracts the one from the other finds the same.
    """
    return float(max(0, math.floor(end.timestamp()) - math.floor(begin.timestamp())))
