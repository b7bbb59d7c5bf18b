"""A gunicorn worker: one event loop for all connections, the application in a few threads beside it."""

import asyncio
import errno
import mmap
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from email.utils import formatdate
from functools import partial
from typing import Any

from gunicorn.workers.base import Worker as BaseWorker

from serving import wsgi
from serving.connection import Connection
from serving.messages import Reply, Request

_TICK_S = 0.5
# One that already has more connections than another worker leaves the next one to that, for so long at most.
_COURTESY_S = 0.002
_NO_FILES_S = 0.1
# How many requests may wait for each thread of the application.
_WAITING = 16
_CONNECTIONS = memoryview(mmap.mmap(-1, 4 * 256)).cast("I")


def forget(worker: BaseWorker) -> None:
    """Let the others no longer count with a worker that is gone; for gunicorn's `child_exit`."""
    _CONNECTIONS[worker.age % len(_CONNECTIONS)] = 0


class Worker(BaseWorker):  # type: ignore[misc]
    """The worker; the programs say by their own subclasses how a refusal looks, and what is answered without WSGI."""

    max_body_bytes = 1024 * 1024
    new_loop: Callable[[], asyncio.AbstractEventLoop] = staticmethod(asyncio.new_event_loop)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.connections: set[Connection] = set()
        self.keep_alive_s: float = self.cfg.keepalive
        self.is_ending = False
        self._accepting: set[asyncio.Task[Any]] = set()
        self._pool = ThreadPoolExecutor(self.cfg.threads, "application")
        self._in_pool = 0

    def refusal(self, status: int, why: str) -> Reply:
        """Return the answer to what is no request; `why` is for the log."""
        raise NotImplementedError

    def refuse(self, request: Request) -> Reply | None:
        """Return an answer that needs no body; here to a body that is too long."""
        return self.refusal(413, "a body of too many bytes") if request.length > self.max_body_bytes else None

    def answer(self, request: Request) -> "Reply | Future[Reply]":
        """Have the application answer, in a thread."""
        if self._in_pool >= self.cfg.threads * (1 + _WAITING):
            return self.refusal(503, "too many requests wait")
        self._in_pool += 1
        future = self._pool.submit(self._call, request)
        future.add_done_callback(lambda _: self.loop.call_soon_threadsafe(self._leave_pool))
        return future

    def _call(self, request: Request) -> Reply:
        try:
            return wsgi.call(self.wsgi, request, self._server)
        except BaseException as error:  # noqa: BLE001
            return self.refusal(500, type(error).__name__)

    def _leave_pool(self) -> None:
        self._in_pool -= 1

    def count(self) -> None:
        """Let the other workers know how many connections there are."""
        _CONNECTIONS[self.age % len(_CONNECTIONS)] = 0 if self.is_ending else len(self.connections) + len(self._accepting) + 1

    def init_signals(self) -> None:
        """Have the signals until there is a loop that takes them."""
        super().init_signals()
        signal.set_wakeup_fd(-1)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End at once."""
        signal.alarm(1)  # what the application is doing is not waited for
        super().handle_quit(sig, frame)

    def run(self) -> None:
        """Serve until gunicorn, or the end of gunicorn, says that it is enough."""
        with asyncio.Runner(loop_factory=self.new_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        stopped = asyncio.Event()
        self.loop.add_signal_handler(signal.SIGTERM, stopped.set)
        for number in (signal.SIGINT, signal.SIGQUIT):
            self.loop.add_signal_handler(number, self.handle_quit, number, None)
        self.loop.add_signal_handler(signal.SIGUSR1, self.log.reopen_files)
        address = self.sockets[0].getsockname()
        self._server = (str(address[0]), str(address[1])) if isinstance(address, tuple) else ("localhost", "80")
        self._tick()
        self.count()
        for listener in self.sockets:
            self.loop.add_reader(listener.fileno(), self._accept, listener)
        while self.alive and not stopped.is_set() and self.ppid == os.getppid():
            try:
                await asyncio.wait_for(stopped.wait(), _TICK_S)
            except TimeoutError:
                self._tick()
        await self._end()

    async def _end(self) -> None:
        self.is_ending = True
        for listener in self.sockets:
            self.loop.remove_reader(listener.fileno())
            listener.close()
        for connection in self.connections:
            connection.end()
        self.count()
        end = self.loop.time() + self.cfg.graceful_timeout
        while (self.connections or self._accepting) and self.loop.time() < end:
            await asyncio.sleep(0.05)
            self._tick()

    def _tick(self) -> None:
        self.notify()
        self.date = formatdate(usegmt=True)
        now = self.loop.time()
        for connection in [each for each in self.connections if each.deadline <= now]:
            connection.expire()

    def _accept(self, listener: Any, *, is_courteous: bool = True) -> None:
        fewest = min(filter(None, _CONNECTIONS), default=0)
        # Among few connections one more is much; among many it is not worth the wait.
        if is_courteous and len(self.connections) + len(self._accepting) + 1 > fewest + fewest // 8:
            self._pause(listener, _COURTESY_S)
            return
        try:
            client, _address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            self.log.warning("a connection could not be accepted: %s", errno.errorcode.get(error.errno or 0, ""))
            self._make_room()
            self._pause(listener, _NO_FILES_S)
            return
        if len(self.connections) >= self.cfg.worker_connections:
            self._make_room()
        client.setblocking(False)
        task = self.loop.create_task(self.loop.connect_accepted_socket(partial(Connection, self), client))
        self._accepting.add(task)
        self.count()
        task.add_done_callback(self._accepted)

    def _accepted(self, task: "asyncio.Task[Any]") -> None:
        self._accepting.discard(task)
        self.count()

    def _pause(self, listener: Any, seconds: float) -> None:
        self.loop.remove_reader(listener.fileno())
        self.loop.call_later(seconds, self._resume, listener)

    def _resume(self, listener: Any) -> None:
        if not self.is_ending:
            self.loop.add_reader(listener.fileno(), self._accept, listener)
            self._accept(listener, is_courteous=False)

    def _make_room(self) -> None:
        """Close the connection that has been idle longest: those who ask shall not suffer from those who do not."""
        idle = [connection for connection in self.connections if connection.is_idle]
        if idle:
            min(idle, key=lambda connection: connection.deadline).abort()
