"""gunicorn's threaded worker, which tells systemd that it is alive and never shows what a client sent."""

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


class Worker(ThreadWorker):  # type: ignore[misc]
    """``ThreadWorker`` with a watchdog, and with errors in the server's own envelope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watchdog = Watchdog()

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
