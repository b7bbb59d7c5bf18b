"""Who tries tokens is turned away for a while, by the address that it comes from.

The right token is let in all the same: whoever could keep it out with wrong ones would blind the administrators, since all who
come by way of Nginx have one address. A token is too long to be found by trying, however fast.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

MOST_FAILURES = 20
WITHIN_S = 60.0
_MOST_ADDRESSES = 1000


@dataclass(slots=True)
class _Failures:
    at_s: deque[float] = field(default_factory=deque)
    is_told: bool = False


class Throttle:
    """Counts wrong tokens by address: so many within a minute, and the next ones are not looked at any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_address: OrderedDict[str, _Failures] = OrderedDict()

    def add(self, address: str, now_s: float) -> tuple[int, bool]:
        """Count a failure (monotonic clock); return for how many seconds to turn it away (0: not yet), and if that is news."""
        with self._lock:
            failures = self._by_address.setdefault(address, _Failures())
            self._by_address.move_to_end(address)
            while len(self._by_address) > _MOST_ADDRESSES:
                self._by_address.popitem(last=False)
            while failures.at_s and failures.at_s[0] <= now_s - WITHIN_S:
                failures.at_s.popleft()
                failures.is_told = False
            if len(failures.at_s) < MOST_FAILURES:
                failures.at_s.append(now_s)
                return 0, False
            is_news, failures.is_told = not failures.is_told, True
            return max(1, math.ceil(failures.at_s[0] + WITHIN_S - now_s)), is_news
