"""Exactly one process runs the schedule: an exclusive lock that the kernel releases when its holder ends."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


class ScheduleLock:
    """The right to run the schedule of one state directory.

    `wait` blocks a thread of its own until the right is had: at once, or when the process that has it is gone.
    """

    def __init__(self, directory: Path) -> None:
        """Use the file `monitor.lock` in the directory, which is made if it is missing."""
        self._path = directory / "monitor.lock"

    def start(self, acquired: Callable[[], None], waiting: Callable[[str], None]) -> None:
        """Call `acquired` once the lock is held; `waiting` before, with the other's process id, if another holds it.

        Raises:
            OSError: the lock file cannot be made or opened.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        threading.Thread(target=self._wait, args=(descriptor, acquired, waiting), name="lock", daemon=True).start()

    def holder(self) -> int:
        """Return the process id of the one who holds the lock; 0 when nobody does."""
        try:
            with self._path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(file.read() or b"0")
        except (OSError, ValueError):
            return 0
        return 0

    def _wait(self, descriptor: int, acquired: Callable[[], None], waiting: Callable[[str], None]) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting(os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "?")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # The number is for people only; a full disk must not keep the schedule from running.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        acquired()
