"""The ML server's gunicorn worker: `/predict` and `/health` are answered in its event loop, the rest by Flask."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from http import HTTPStatus
from typing import Any

import uvloop

from ml_server.endpoint import HEALTH_PATHS, PREDICT_PATHS, Endpoint, refusal
from ml_server.head import Head, request_id_of
from ml_server.oip.address import LIVE_PATHS, READY_PATHS, target_of
from ml_server.systemd import Watchdog
from serving.messages import Reply, Request
from serving.worker import Worker as ServingWorker


class Worker(ServingWorker):
    """The worker, with a watchdog, and with errors in the server's own envelope."""

    new_loop = staticmethod(uvloop.new_event_loop)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._watchdog = Watchdog(self.log)

    def load_wsgi(self) -> None:
        """Have the application, and its way past WSGI."""
        super().load_wsgi()
        self._endpoint: Endpoint = self.wsgi.extensions["ml_endpoint"]
        self._state: dict[str, Callable[[str], Reply]] = {
            **dict.fromkeys(HEALTH_PATHS, self._endpoint.health),
            **dict.fromkeys(LIVE_PATHS, self._endpoint.live),
            **dict.fromkeys(READY_PATHS, self._endpoint.ready),
        }
        self.max_body_bytes = self.wsgi.extensions["ml_settings"].max_body_bytes

    def notify(self) -> None:
        """Tell gunicorn and systemd that the loop turns: a hung worker falls silent."""
        super().notify()
        self._watchdog.ping(time.monotonic())

    def refuse(self, request: Request) -> Reply | None:
        """Refuse a prediction that cannot be made, or anything that is too long."""
        path = request.path.decode("latin-1")
        target = None
        if request.method == "POST" and (path in PREDICT_PATHS or (target := target_of(path)) is not None):
            field = partial(_field, request.headers)
            if request.state is None:
                request.state = Head(field, request.length, request_id_of(field("x-request-id")), request.client, target)
            request.state.length = request.length
            return self._endpoint.refuse(request.state)
        return super().refuse(request)

    def answer(self, request: Request) -> "Reply | Future[Reply]":
        """Answer what is asked all the time here, and have Flask answer the rest."""
        if request.state is not None:
            return self._endpoint.answer(request.state, request.body)
        tell = self._state.get(request.path.decode("latin-1")) if request.method == "GET" else None
        if tell is not None:
            return tell(request_id_of(_field(request.headers, "x-request-id")))
        return super().answer(request)

    def refusal(self, status: int, why: str) -> Reply:
        """Answer what is no request, and log the kind of mistake: a message might quote it."""
        request_id = request_id_of("")
        self.log.warning("request_id=%s refused with %d: %s", request_id, status, why)
        phrase = HTTPStatus(status).phrase
        return refusal(status, phrase.lower().replace(" ", "_").replace("-", "_"), phrase, request_id)


def _field(headers: dict[bytes, bytes], name: str) -> str:
    return headers.get(name.encode(), b"").decode("latin-1")
