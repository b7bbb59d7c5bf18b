"""The one deadline for what blocks its thread: wait for it only so long, or end it by shutting its connection down.

All moments are of the monotonic clock: setting the machine's clock moves no deadline.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from monitor_blueprint.domain.text import fill
from monitor_blueprint.log import Log

_log = Log(__name__)
Result = TypeVar("Result")


class Call(Generic[Result]):
    """A blocking function in a daemon thread of its own, begun at once.

    One may wait for it until a moment, and again later: a late result still counts. To give it up is not to wait any more;
    its thread keeps no process from ending. Several are waited for together by waiting for each until the same moment.
    """

    def __init__(self, function: Callable[[], Result], name: str, on_return: Callable[[], object] | None = None) -> None:
        """Begin; `on_return` is called from the function's thread once there is a result.

        Raises RuntimeError where the system has no thread to give, and then nothing was begun.
        """
        self._function = function
        self._on_return = on_return
        self._returned = threading.Event()
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def wait(self, until: float = math.inf) -> bool:
        """Wait until the function has returned, but not beyond the moment; tell whether it has."""
        return self._returned.wait(min(max(0.0, until - time.monotonic()), threading.TIMEOUT_MAX))

    def result(self) -> Result:
        """Return what the function returned, or raise what it raised, once it has."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._function()
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits for the result
            self._error = error
        finally:
            self._returned.set()
            if self._on_return is not None:
                self._on_return()


class _Watch:
    """Calls `cancel` of every block that still runs at its deadline: one thread for all, where a timer for each costs more."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin afresh: after a fork there is no thread, and its lock may be held by nobody for ever."""
        self._changed = threading.Condition()
        self._running: dict[object, tuple[float, Callable[[], None]]] = {}
        self._thread: threading.Thread | None = None
        self._next_look = math.inf

    def add(self, deadline: float, cancel: Callable[[], None]) -> object:
        key = object()
        with self._changed:
            # Begun by the first who needs it; where there is no thread to be had, the next one tries again.
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                thread.start()
                self._thread = thread
            self._running[key] = (deadline, cancel)
            if deadline < self._next_look:
                self._changed.notify()
        return key

    def remove(self, key: object) -> None:
        with self._changed:
            self._running.pop(key, None)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for key in [key for key, (deadline, _) in self._running.items() if deadline <= now]:
                    _, cancel = self._running.pop(key)
                    try:
                        # With the lock held: once a block has ended, nothing of it is cancelled any more.
                        cancel()
                    except Exception as error:  # noqa: BLE001 - the others are still to be watched
                        _log.error(fill("what ran over its deadline could not be cancelled"), error)
                self._next_look = min((deadline for deadline, _ in self._running.values()), default=math.inf)
                self._changed.wait(min(max(0.0, self._next_look - now), threading.TIMEOUT_MAX))


_watch = _Watch()
os.register_at_fork(after_in_child=_watch.reset)


@contextmanager
def cancel_after(timeout_s: float, cancel: Callable[[], None]) -> Iterator[None]:
    """Call `cancel`, which must not block, from another thread if the block still runs after `timeout_s` seconds."""
    key = _watch.add(time.monotonic() + timeout_s, cancel)
    try:
        yield
    finally:
        _watch.remove(key)


class Wire:
    """A connection that another thread can cut: a time limit of single reads stops no server that drips its answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.is_cut = False

    def attach(self, connected: socket.socket) -> None:
        """Take a plain socket before anything is read from it; one that comes after the deadline is cut at once."""
        with self._lock:
            # A copy of one's own: TLS takes the original over.
            self._socket = connected.dup()
            if self.is_cut:
                self._shut_down()

    def cut(self) -> None:
        """End what is going on over the connection, and over one that is attached later."""
        with self._lock:
            self.is_cut = True
            self._shut_down()

    def close(self) -> None:
        """Let go of the connection; nobody can use it again, as nobody would watch over it."""
        with self._lock:
            if self._socket is not None:
                self._shut_down()
                self._socket.close()
                self._socket = None

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


@contextmanager
def cut_after(timeout_s: float) -> Iterator[Wire]:
    """Let the connection that the block attaches to the wire live for `timeout_s` seconds, and not beyond the block."""
    wire = Wire()
    try:
        with cancel_after(timeout_s, wire.cut):
            yield wire
    finally:
        wire.close()
