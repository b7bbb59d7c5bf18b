"""Deadlines for work that blocks its thread and can only be told to stop from another one."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class DeadlineWatch:
    """One thread that calls `cancel` of every piece of work that is still running at its deadline.

    A timer thread for each prediction would cost more than the prediction of a small model does; here it is an
    entry in a dictionary. The thread starts with the first piece of work, so after any fork.
    """

    def __init__(self) -> None:
        self._running: dict[object, tuple[float, Callable[[], None]]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._next_wakeup = float("inf")

    @contextmanager
    def limit(self, timeout_s: float, cancel: Callable[[], None]) -> Iterator[None]:
        """Call `cancel` from the watching thread if the block runs for longer than `timeout_s` seconds."""
        key = object()
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._running[key] = (deadline, cancel)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            if deadline < self._next_wakeup:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._running.pop(key, None)

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for key, (deadline, cancel) in list(self._running.items()):
                    if deadline <= now:
                        del self._running[key]
                        cancel()
                self._next_wakeup = min((deadline for deadline, _ in self._running.values()), default=float("inf"))
                self._changed.wait(max(0.0, self._next_wakeup - now) if self._running else None)
