"""gunicorn's threaded worker, which tells systemd that it is alive, has little to lose, and never shows what a client sent."""

import select
import selectors
import socket
import struct
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import Any
from uuid import uuid4

import msgspec
from gunicorn.http import errors as http_errors
from gunicorn.workers.gthread import _DEFER, ThreadWorker  # noqa: PLC2701 - what a thread returns to give a connection back

from ml_server.schemas import render_error
from ml_server.systemd import Watchdog

# Refusals by gunicorn itself, before there is a request for the application. Any other broken request is a 400.
_STATUS = {
    http_errors.LimitRequestLine: (414, "URI Too Long"),
    http_errors.ExpectationFailed: (417, "Expectation Failed"),
    http_errors.LimitRequestHeaders: (431, "Request Header Fields Too Large"),
    http_errors.UnsupportedTransferCoding: (501, "Not Implemented"),
}
_BAD_REQUEST = (400, "Bad Request")
_SERVER_ERROR = (500, "Internal Server Error")

# How long a request keeps the next connection waiting, in seconds: many times what a prediction of the bundled model
# takes, and little beside what a client waits. A slower one goes on beside the next, which is why there are threads.
TURN_S = 0.25
# How long a kept connection does, after an answer: a client that asks without a pause has asked again by then.
_REST_S = 0.01

# How long a client may stop in the middle of its request, or of taking its answer, in seconds: it has a thread.
_STALL_S = 10
_STALL = struct.pack("ll", _STALL_S, 0)
# How long a client has to close its connection after the last answer, in seconds.
_LINGER_S = 2.0
# What gunicorn reads of a body that was refused unread, so that the next request can follow it, in bytes.
_UNREAD_BYTES = 64 * 1024


class Worker(ThreadWorker):  # type: ignore[misc]
    """`ThreadWorker` with a watchdog, with errors in the server's own envelope, and with little to lose.

    A `ThreadWorker` accepts whatever comes and queues it in its own memory, and clients that keep their connection
    stay with it, however many: all of them lose what they asked when the process is killed. Here what no thread can
    serve yet waits in the listening socket, which all workers share, and a worker keeps a connection only while it is
    its only one and nobody waits; otherwise its client comes back by way of that socket (`Connection: close`). So a
    worker that is killed under load takes one request with it, besides those that run for longer than `TURN_S`, and
    no worker has all the clients while another has none.

    Nor does a client have a thread that does nothing with it: one that has not asked yet and one that does not close
    its connection are waited for in the main loop, and one that stops in the middle is given up after `_STALL_S`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watchdog = Watchdog(self.log)
        self._active = 0
        self._newest: Any = None
        self._turn_ends = 0.0
        self._lingering: deque[Any] = deque()

    def enqueue_req(self, conn: Any) -> None:
        """Hand a connection on which there is something to do to a thread; its turn begins."""
        self._active += 1
        self._newest = conn
        self._turn_ends = time.monotonic() + TURN_S
        super().enqueue_req(conn)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept nothing while every thread is taken, or before the newest connection's turn is over."""
        is_free = self._active < self.cfg.threads and time.monotonic() >= self._turn_ends
        super().set_accept_enabled(enabled and is_free)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Stop accepting where that is due (the main loop sees to the start), and wait no longer than the turn."""
        if self._accepting:
            self.set_accept_enabled(True)
        left = self._turn_ends - time.monotonic()
        super().wait_for_and_dispatch_events(min(timeout, left) if left > 0 else timeout)

    def handle(self, conn: Any) -> Any:
        """Serve a connection, in a thread; a client that says nothing gives it back."""
        if not conn.initialized:
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _STALL)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _STALL)
            if not conn.wait_for_data(TURN_S) and self.alive:
                return _DEFER
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer one request, and end its connection if there are others, or if its body might stay in the way."""
        body_bytes = getattr(req.body.reader, "length", None)  # None: in chunks
        if body_bytes is None or body_bytes >= _UNREAD_BYTES:
            req.force_close()
        is_alone = self.nr_conns - len(self._lingering) <= 1
        if self.alive and not (is_alone and not select.select(self.sockets, (), (), 0)[0]):
            req.force_close()
        return bool(super().handle_request(req, conn))

    def finish_request(self, conn: Any, fs: "Future[Any]") -> None:
        """Go on in the main loop with a connection that a thread is done with."""
        self._active -= 1
        result = None if fs.cancelled() or fs.exception() else fs.result()
        if conn is self._newest:
            self._turn_ends = time.monotonic() + _REST_S if result is True else 0.0
        if result is False:
            self._linger(conn)
        else:
            super().finish_request(conn, fs)

    def _linger(self, conn: Any) -> None:
        """Tell a client that this was all, and wait for its end: closed earlier, what it sends could undo the answer."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + _LINGER_S
        self._lingering.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))

    def _drain(self, conn: Any, client: Any) -> None:
        """Throw away what a client still sends, and close the connection at its end."""
        try:
            is_over = not client.recv(65536)
        except BlockingIOError:
            is_over = False
        except OSError:
            is_over = True
        if is_over:
            self._close(conn)

    def _close(self, conn: Any) -> None:
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1  # and only then the list: a thread that looks in between must not take it for another's
        self._lingering.remove(conn)
        conn.close()

    def murder_pending(self) -> None:
        """Close the connections of those who have not asked, or have not closed theirs, for too long."""
        super().murder_pending()
        while self._lingering and self._lingering[0].timeout <= time.monotonic():
            self._close(self._lingering[0])

    def _cap_keepalive(self, deadline: float) -> None:
        """Wait no longer, once the worker stops, for those who have not asked than for those who may ask again."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)

    def notify(self) -> None:
        """Tell gunicorn and systemd that the main loop turns, at least once a second: a hung worker falls silent."""
        super().notify()
        self._watchdog.ping(time.monotonic())

    def handle_error(self, _req: Any, client: Any, _addr: Any, exc: BaseException) -> None:
        """Answer what gunicorn could not read, and log the kind of mistake: its message quotes the request."""
        refused = _BAD_REQUEST if isinstance(exc, http_errors.ParseException) else _SERVER_ERROR
        status, reason = _STATUS.get(type(exc), refused)
        request_id = uuid4().hex
        self.log.warning("request_id=%s refused with %d: %s", request_id, status, type(exc).__name__)
        code = reason.lower().replace(" ", "_")
        body = msgspec.json.encode({**render_error(code, reason, ()), "request_id": request_id})
        head = (
            f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
            f"X-Request-ID: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            client.sendall(head.encode() + body)
        except OSError as error:
            self.log.debug("request_id=%s: the client had gone (%s)", request_id, type(error).__name__)
