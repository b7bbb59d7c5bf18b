"""Deadlines for work that can only be told to stop from another thread."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# How often the thread looks for itself while work comes and goes, in seconds: whose deadline is not nearer need not wake it.
_LOOK_S = 0.05

_logger = logging.getLogger(__name__)


class DeadlineWatch:
    """One thread that calls `cancel` of every piece of work that is still running at its deadline.

    A timer thread for each prediction would cost more than the prediction of a small model does; here it is an
    entry in a dictionary. The thread starts with the first piece of work, so after any fork.
    """

    def __init__(self) -> None:
        self._running: dict[object, tuple[float, Callable[[], object]]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._next_wakeup = float("inf")
        self._has_begun = False

    def begin(self, timeout_s: float, cancel: Callable[[], object]) -> object:
        """Call `cancel` from the watching thread in `timeout_s` seconds, unless `end` is called with what is returned."""
        key = object()
        deadline = time.monotonic() + timeout_s
        # Known to the thread without a lock, unless it has to be woken for it.
        self._running[key] = (deadline, cancel)
        self._has_begun = True
        if deadline < self._next_wakeup or self._thread is None:
            with self._changed:
                if self._thread is None:
                    thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                    try:
                        thread.start()
                    except RuntimeError:
                        del self._running[key]  # the system gives no thread; the next one tries again
                        raise
                    self._thread = thread
                self._changed.notify()
        return key

    def end(self, key: object) -> bool:
        """Forget a piece of work; tell whether it was in time."""
        return self._running.pop(key, None) is not None

    @contextmanager
    def limit(self, timeout_s: float, cancel: Callable[[], object]) -> Iterator[None]:
        """Call `cancel` from the watching thread if the block runs for longer than `timeout_s` seconds."""
        key = self.begin(timeout_s, cancel)
        try:
            yield
        finally:
            self.end(key)

    def _watch(self) -> None:
        with self._changed:
            while True:
                # Whoever begins from here on either is seen below, or sees this and notifies.
                self._next_wakeup = float("inf")
                now = time.monotonic()
                self._cancel_late(now)
                begun, self._has_begun = self._has_begun, False
                # Where work comes and goes, one look now and then is cheaper than to be woken for each.
                rest = [now + _LOOK_S] if begun else []
                self._next_wakeup = min([deadline for deadline, _ in list(self._running.values())] + rest, default=float("inf"))
                self._changed.wait(max(0.0, self._next_wakeup - now) if self._next_wakeup < float("inf") else None)

    def _cancel_late(self, now: float) -> None:
        """Cancel what is late; a frame of its own keeps nothing of the last piece of work while the thread waits."""
        for key, (deadline, cancel) in list(self._running.items()):
            if deadline <= now and self.end(key):
                try:
                    cancel()
                except Exception:  # the others have deadlines, too
                    _logger.exception("a piece of work could not be told to stop")
