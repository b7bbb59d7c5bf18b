"""gunicorn's threaded worker, which tells systemd that it is alive, has little to lose, and never shows what a client sent."""

import select
import time
from concurrent.futures import Future
from typing import Any
from uuid import uuid4

import msgspec
from gunicorn.http import errors as http_errors
from gunicorn.workers.gthread import ThreadWorker

from ml_server.schemas import render_error
from ml_server.systemd import Watchdog

# Refusals by gunicorn itself, before there is a request for the application. Any other broken request is a 400.
STATUS = {
    http_errors.LimitRequestLine: (414, "URI Too Long"),
    http_errors.ExpectationFailed: (417, "Expectation Failed"),
    http_errors.LimitRequestHeaders: (431, "Request Header Fields Too Large"),
    http_errors.UnsupportedTransferCoding: (501, "Not Implemented"),
}
BAD_REQUEST = (400, "Bad Request")
SERVER_ERROR = (500, "Internal Server Error")

# How long a request keeps the next connection waiting, in seconds: many times what a prediction of the bundled model
# takes, and little beside what a client waits. A slower one goes on beside the next, which is why there are threads.
TURN_S = 0.25
# How long a kept connection does, after an answer: a client that asks without a pause has asked again by then.
REST_S = 0.01


class Worker(ThreadWorker):  # type: ignore[misc]
    """``ThreadWorker`` with a watchdog, with errors in the server's own envelope, and with little to lose.

    A ``ThreadWorker`` accepts whatever comes and queues it in its own memory, and clients that keep their connection
    stay with it, however many: all of them lose what they asked when the process is killed. Here what no thread can
    serve yet waits in the listening socket, which all workers share, and a worker keeps a connection only while it is
    its only one and nobody waits; otherwise its client comes back by way of that socket (``Connection: close``). So a
    worker that is killed under load takes one request with it, besides those that run for longer than ``TURN_S``, and
    no worker has all the clients while another has none.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watchdog = Watchdog()
        self._in_hand = 0
        self._newest: Any = None
        self._turn_ends = 0.0

    def enqueue_req(self, conn: Any) -> None:
        """Hand a connection on which there is something to do to a thread; its turn begins."""
        self._in_hand += 1
        self._newest = conn
        self._turn_ends = time.monotonic() + TURN_S
        super().enqueue_req(conn)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept nothing while every thread is taken, or before the newest connection's turn is over."""
        is_free = self._in_hand < self.cfg.threads and time.monotonic() >= self._turn_ends
        super().set_accept_enabled(enabled and is_free)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Stop accepting where that is due (the main loop sees to the start), and wait no longer than the turn."""
        if self._accepting:
            self.set_accept_enabled(True)
        left = self._turn_ends - time.monotonic()
        super().wait_for_and_dispatch_events(min(timeout, left) if left > 0 else timeout)

    def handle(self, conn: Any) -> Any:
        """Serve a connection, in a thread; one that ends is closed here too, as that waits for the client's end."""
        result = super().handle(conn)
        if result is False:
            conn.close(graceful=True)
        return result

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer one request, and end its connection if there are others."""
        if self.alive and (self.nr_conns > 1 or select.select(self.sockets, (), (), 0)[0]):
            req.force_close()
        return bool(super().handle_request(req, conn))

    def finish_request(self, conn: Any, fs: "Future[Any]") -> None:
        """Go on in the main loop with a connection that a thread is done with."""
        self._in_hand -= 1
        result = None if fs.cancelled() or fs.exception() else fs.result()
        if conn is self._newest:
            self._turn_ends = time.monotonic() + REST_S if result is True else 0.0
        if result is False:
            self.nr_conns -= 1
            return
        super().finish_request(conn, fs)

    def notify(self) -> None:
        """Called by the worker's main loop at least once a second, so a hung worker falls silent."""
        super().notify()
        self._watchdog.ping()

    def handle_error(self, _req: Any, client: Any, _addr: Any, exc: BaseException) -> None:
        """Answer what gunicorn could not read, and log the kind of mistake: its message quotes the request."""
        refused = BAD_REQUEST if isinstance(exc, http_errors.ParseException) else SERVER_ERROR
        status, reason = STATUS.get(type(exc), refused)
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
