"""What is to be kept, written in groups by a thread of its own: whoever has it goes on at once."""

import atexit
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from ml_server.storage.database import StorageError

_logger = logging.getLogger("ml_server")
_T = TypeVar("_T")
# How long the first of a group waits for others, in seconds: what a process that is killed loses is not older than this and
# the time that one group takes.
HOLD_S = 0.08
# After a failure.
_RETRY_S = 1.0
# A thread that has had nothing to do for so long ends, and with it what it has opened; the next to come starts another.
_IDLE_S = 10.0


class Groups(Generic[_T]):
    """Hands what it is given to `write`, in groups and in order; the thread is started by what comes first, after any fork."""

    def __init__(
        self, name: str, write: Callable[[list[_T]], None], most: int, on_lost: Callable[[int], None], hold_s: float = HOLD_S
    ) -> None:
        """Use `write`, which may raise `StorageError`: its group is tried again. The first of a group waits for `hold_s` seconds.

        Of more than `most` that wait, the new ones are lost, and of a group at which `write` fails otherwise all: `on_lost` is
        told how much that is.
        """
        self._name = name
        self._write = write
        self._most = most
        self._on_lost = on_lost
        self._hold_s = hold_s
        self._waiting: deque[tuple[_T, int]] = deque()
        self._size = 0
        self._wake = threading.Event()
        self._writing = threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._has_failed = False
        self._is_over = threading.Event()

    def add(self, item: _T, size: int = 1) -> None:
        """Take something; `size` is how much of `most` it is. Neither waits nor raises."""
        if self._size >= self._most:
            self._on_lost(size)
            return
        self._size += size
        self._waiting.append((item, size))
        if not self._wake.is_set():
            self._wake.set()
            if self._thread is None:
                self._start()

    def flush(self) -> None:
        """Write now what waits, in the thread of the caller; what fails goes on waiting."""
        with self._writing:
            self._drain()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
                atexit.register(self._end)

    def _is_left(self) -> bool:
        """Tell whether the thread may end: nothing came, and whatever comes from now on starts another."""
        with self._starting:
            running, self._thread = self._thread, None
            if self._wake.is_set():
                self._thread = running
                return False
            atexit.unregister(self._end)
            return True

    def _run(self) -> None:
        while not self._is_over.is_set():
            if not self._wake.wait(_IDLE_S):
                if self._is_left():
                    return
                continue
            self._is_over.wait(self._hold_s)
            self._wake.clear()
            with self._writing:
                is_done = self._drain()
            if not is_done:
                self._wake.set()
                self._is_over.wait(_RETRY_S)

    def _end(self) -> None:
        self._is_over.set()
        self._wake.set()
        self.flush()

    def _drain(self) -> bool:
        taken: list[tuple[_T, int]] = []
        with contextlib.suppress(IndexError):
            while len(taken) < self._most:
                taken.append(self._waiting.popleft())
        if not taken:
            return True
        try:
            self._write([item for item, _ in taken])
        except StorageError as error:
            self._waiting.extendleft(reversed(taken))
            if not self._has_failed:
                _logger.error("%s: %s: it is tried again", self._name, error)
            self._has_failed = True
            return False
        except Exception as error:  # noqa: BLE001 - the next group may be right; the text may have values of this one
            _logger.error("%s failed: %s", self._name, type(error).__name__)
            self._on_lost(sum(size for _, size in taken))
        self._has_failed = False
        self._size = sum(size for _, size in list(self._waiting))
        return True
