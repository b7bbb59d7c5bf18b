"""One HTTP GET with a deadline that holds against a server that drips its answer."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from monitor_blueprint.adapters.deadline import cut_after
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


class _Attached:
    """Attaches a connection's socket to this thread's wire as soon as there is one: TLS shakes hands only after that."""

    _sock: socket.socket | None = None

    @property
    def sock(self) -> socket.socket | None:
        return self._sock

    @sock.setter
    def sock(self, sock: socket.socket | None) -> None:
        self._sock = sock
        # The one that TLS then puts in its place is the same connection.
        if sock is not None and not isinstance(sock, ssl.SSLSocket):
            _local.wire.attach(sock)


class _Connection(_Attached, HTTPConnection):
    pass


class _TlsConnection(_Attached, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


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
    with cut_after(timeout_s) as wire:
        _local.wire = wire
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
