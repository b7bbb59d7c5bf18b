"""One HTTP GET with a deadline that holds against a server that drips its answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from monitor_blueprint.domain.models import EMPTY

MAX_BODY_BYTES = 256 * 1024
_SIGNS = (
    ("NameResolutionError", "name"),
    ("CERTIFICATE", "certificate"),
    ("Connection refused", "refused"),
    ("Connection reset", "reset"),
    ("closed connection", "reset"),
)
_local = threading.local()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status 0 and a `failure` when nothing did."""

    status: int
    body: bytes = b""
    latency_ms: float = 0.0
    failure: str = ""


class _Wire:
    """The connection of one request: cut at the deadline, since a time limit of single reads stops no dripping server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.is_cut = False

    def attach(self, connected: socket.socket) -> None:
        with self._lock:
            # A copy of one's own: TLS takes the original over.
            self._socket = connected.dup()
            if self.is_cut:
                self._shut_down()

    def cut(self) -> None:
        with self._lock:
            self.is_cut = True
            self._shut_down()

    def close(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        _local.wire.attach(connected)
        return connected


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        _local.wire.attach(connected)
        return connected


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


@contextmanager
def _within(timeout_s: float) -> Iterator[_Wire]:
    """Let the connection that this thread opens live for so long."""
    wire = _local.wire = _Wire()
    timer = threading.Timer(timeout_s, wire.cut)
    timer.daemon = True
    timer.start()
    try:
        yield wire
    finally:
        timer.cancel()
        wire.close()


def _session() -> requests.Session:
    session: requests.Session | None = getattr(_local, "session", None)
    if session is None:
        session = _local.session = requests.Session()
        # The targets are this machine's own: no proxy and no .netrc from somebody's environment.
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter())
        session.headers.update({"User-Agent": "neuronova-monitor", "Connection": "close"})
    return session


def fetch(
    url: str,
    timeout_s: float,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] = EMPTY,
    verify: bool = True,
) -> Answer:
    """Ask once, following no redirect; at most `timeout_s` seconds for the whole answer, MAX_BODY_BYTES of it."""
    start = time.monotonic()
    status, received, failure = 0, b"", ""
    with _within(timeout_s) as wire:
        try:
            with _session().request(
                method,
                url,
                data=body,
                headers=dict(headers),
                timeout=timeout_s,
                stream=True,
                allow_redirects=False,
                verify=verify,
            ) as response:
                for chunk in response.iter_content(16 * 1024):
                    received += chunk
                    if len(received) > MAX_BODY_BYTES:
                        break
                status = response.status_code
        except requests.Timeout:
            failure = "timeout"
        except requests.RequestException as error:
            failure = _reason(error)
        latency_ms = (time.monotonic() - start) * 1000
        if wire.is_cut:
            failure = "timeout"
    return Answer(0, b"", latency_ms, failure) if failure else Answer(status, received[:MAX_BODY_BYTES], latency_ms)


def _reason(error: requests.RequestException) -> str:
    text = repr(error)
    return next((reason for sign, reason in _SIGNS if sign in text), type(error).__name__)
