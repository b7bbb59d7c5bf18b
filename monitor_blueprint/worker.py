"""gunicorn's threaded worker, which never shows or logs what a client sent that it could not read."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

_ANSWER = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
_BODY = b'{"ok":false,"error":"the request could not be read"}'


class Worker(ThreadWorker):  # type: ignore[misc]
    """`ThreadWorker` whose complaint about a broken request does not quote it: a token may be in it."""

    def handle_error(self, _req: Any, client: Any, _addr: Any, exc: BaseException) -> None:
        """Answer with JSON, and log the kind of mistake only."""
        self.log.warning("a request could not be read: %s", type(exc).__name__)
        with suppress(OSError):
            client.sendall(_ANSWER % (len(_BODY), _BODY))
