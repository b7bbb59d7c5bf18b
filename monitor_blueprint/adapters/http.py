"""One HTTP request with a deadline that holds against a server that drips its answer.

`http+unix://%2Frun%2Fsite.sock/health` is an address behind a unix socket, whose path has %2F for each /.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError

from monitor_blueprint.adapters.deadline import cut_after
from monitor_blueprint.adapters.shortage import raise_if_short
from monitor_blueprint.domain.models import EMPTY

MAX_BODY_BYTES = 256 * 1024
# Of `Answer.failure`: the monitor's own user may not use the socket. That says nothing of who is behind it.
NO_PERMISSION = "permission"
UNIX = "http+unix"
_SIGNS = (
    ("NameResolutionError", "name"),
    ("CERTIFICATE", "certificate"),
    ("Connection refused", "refused"),
    ("Connection reset", "reset"),
    ("closed connection", "reset"),
    ("Permission denied", NO_PERMISSION),
    ("No such file or directory", "no_socket"),
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


class _UnixConnection(_Attached, HTTPConnection):
    def __init__(self, *args: Any, socket_path: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._socket_path = socket_path

    def connect(self) -> None:
        timeout_s = float(self.timeout or 0.0)
        connecting = connect_unix(self._socket_path, timeout_s)
        if connecting is None:
            raise ConnectTimeoutError(self, f"no place in the queue of {self._socket_path}")
        connecting.settimeout(timeout_s)
        self.sock = connecting


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _UnixPool(HTTPConnectionPool):
    ConnectionCls = _UnixConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class _UnixAdapter(HTTPAdapter):
    def get_connection_with_tls_context(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> HTTPConnectionPool:
        # The pool's name is what the Host header says. A connection ends with its request, and so its pool may.
        return _UnixPool("localhost", socket_path=socket_path(request.url or ""))


def socket_path(url: str) -> str:
    """Return the path of the unix socket that the address names; "" where it names none."""
    parts = urlsplit(url)
    return unquote(parts.netloc) if parts.scheme == UNIX else ""


def connect_unix(path: str, timeout_s: float) -> socket.socket | None:
    """Return a connection to the socket; None where its server takes none in all that time. Raises OSError."""
    connecting = socket.socket(socket.AF_UNIX)
    try:
        # A time limit of Python's own would not wait for a place in a full queue at all.
        whole_s, part_s = divmod(timeout_s, 1)
        connecting.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(whole_s), int(part_s * 1e6)))
        connecting.connect(path)
    except BlockingIOError:
        connecting.close()
        return None
    except OSError:
        connecting.close()
        raise
    return connecting


def is_served(url: str, timeout_s: float = 0.5) -> bool:
    """Tell whether somebody listens at the address, without asking anything; a socket that one may not use is somebody's.

    Raises ShortageError where we had not what we need to find out.
    """
    address = urlsplit(url)
    try:
        if path := socket_path(url):
            connected = connect_unix(path, timeout_s)
            # Whose queue is full is there.
            if connected is None:
                return True
        else:
            port = address.port or (443 if address.scheme == "https" else 80)
            connected = socket.create_connection((address.hostname, port), timeout_s)
    except PermissionError:
        return True
    except (OSError, ValueError) as error:
        raise_if_short(error)
        return False
    connected.close()
    return True


def _session() -> requests.Session:
    session: requests.Session | None = getattr(_local, "session", None)
    if session is None:
        session = _local.session = requests.Session()
        # The targets are this machine's own: no proxy and no .netrc from somebody's environment.
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter())
        session.mount(f"{UNIX}://", _UnixAdapter())
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
    """Ask once, following no redirect; at most `timeout_s` seconds for the whole answer, MAX_BODY_BYTES of it.

    Raises ShortageError where we had not what we need to ask.
    """
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
            raise_if_short(error)
            failure = _reason(error)
        latency_ms = (time.monotonic() - start) * 1000
        if wire.is_cut:
            failure = "timeout"
    return Answer(0, b"", latency_ms, failure) if failure else Answer(status, received[:MAX_BODY_BYTES], latency_ms)


def _reason(error: requests.RequestException) -> str:
    text = repr(error)
    return next((reason for sign, reason in _SIGNS if sign in text), type(error).__name__)
