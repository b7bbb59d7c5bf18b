"""A few threads for predictions, and how many may wait for them: known before the work is looked at."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from ml_server.deadlines import DeadlineWatch
from ml_server.pace import Pace

# How long a prediction may wait for a thread, in seconds: who is told earlier can still ask another server, or later.
MAX_WAIT_S = 1.0
_Result = TypeVar("_Result")


class Slots:
    """Runs work in `count` threads at a time."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.pace = Pace()
        self._inside = 0
        self._counting = threading.Lock()
        self._threads = ThreadPoolExecutor(count, "prediction")
        self._deadlines = DeadlineWatch()

    def start(self) -> None:
        """Start the threads, after any fork: where the system gives none, that shall not be found out by a request.

        Raises:
            RuntimeError: it gives none.
        """
        together = threading.Barrier(self._count + 1)
        for _ in range(self._count):
            self._threads.submit(together.wait)
        together.wait()

    @property
    def is_full(self) -> bool:
        """Tell, by how long the work before took, whether one more would have to wait for longer than `MAX_WAIT_S`."""
        ahead = self._inside - self._count + 1
        return ahead > 0 and ahead * self.pace.seconds / self._count > MAX_WAIT_S

    def submit(self, work: Callable[[], _Result], give_up: Callable[[], _Result]) -> "Future[_Result]":
        """Return the promise of what `work` returns or raises; or `give_up`, where it has waited for too long nevertheless."""
        promise: Future[_Result] = Future()
        with self._counting:
            self._inside += 1
        key = self._deadlines.begin(MAX_WAIT_S, lambda: promise.set_result(give_up()))
        self._threads.submit(self._run, work, promise, key)
        return promise

    def _run(self, work: Callable[[], _Result], promise: "Future[_Result]", key: object) -> None:
        try:
            if not self._deadlines.end(key):
                return  # it has waited for too long, and that has been said
            begun = time.monotonic()
            try:
                promise.set_result(work())
            except BaseException as error:  # noqa: BLE001 - whoever waits is told
                promise.set_exception(error)
            self.pace.add(time.monotonic() - begun)
        finally:
            with self._counting:
                self._inside -= 1
