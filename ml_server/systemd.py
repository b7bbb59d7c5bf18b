"""What gunicorn has not of systemd's protocol (sd_notify(3)): the watchdog."""

import os
from typing import Any

from gunicorn.systemd import sd_notify


class Watchdog:
    """The keep-alive that `WatchdogSec=` asks for, sent at most once in half of that time."""

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._interval_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 2e6
        self._next = 0.0

    def ping(self, now: float) -> None:
        """Say that the caller is alive; `now` is that of a clock that only goes forward, in seconds."""
        if self._interval_s and now >= self._next:
            self._next = now + self._interval_s
            sd_notify("WATCHDOG=1", self._logger)
