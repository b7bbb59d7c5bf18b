"""What systemd is told about the service (the protocol of sd_notify(3)); nothing where systemd did not start it."""

import os
import socket
import time
from collections.abc import Mapping


def notify(state: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send assignments such as `READY=1`, one a line, to the socket that systemd named."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # the abstract namespace
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.sendto(state.encode(), address)


class Watchdog:
    """The keep-alive that `WatchdogSec=` asks for, sent at most once in half of that time."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._interval_s = int(environ.get("WATCHDOG_USEC", "0")) / 2e6
        self._next = 0.0

    def ping(self) -> None:
        """Say that the caller is alive."""
        now = time.monotonic()
        if self._interval_s and now >= self._next:
            self._next = now + self._interval_s
            notify("WATCHDOG=1", self._environ)
