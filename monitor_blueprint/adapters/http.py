"""One HTTP request with a deadline that holds whatever the server does.

`http+unix://%2Frun%2Fsite.sock/health` is an address behind a unix socket, whose path has %2F for each /.
"""

from __future__ import annotations

import functools
import io
import re
import socket
import ssl
import time
import zlib
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING, cast
from urllib.parse import SplitResult, unquote, urlsplit

import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from monitor_blueprint.adapters.connect import NO_PERMISSION, TIMEOUT, connect, connect_unix, failure_of, left
from monitor_blueprint.adapters.shortage import raise_if_short
from monitor_blueprint.domain.models import EMPTY
from monitor_blueprint.domain.text import NOTHING, Public, class_name, fill

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_BODY_BYTES = 256 * 1024
UNIX = "http+unix"
# Of an HTML page whose head says it only here.
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_SWITCHING = 101


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: of the answer's first line; 0 when there was none.
        body: what followed; nothing where it did not come whole.
        latency_ms: how long all of it took.
        failure: what went wrong before the answer was complete; "" when nothing did.
        charset: what the answer says that its text is written in.
        timeout_s: how long the whole was waited for at most.
    """

    status: int
    body: bytes = b""
    latency_ms: float = 0.0
    failure: Public = NOTHING
    charset: str = ""
    timeout_s: float = 0.0

    @property
    def within(self) -> Mapping[str, float]:
        """Return as a fact in how many seconds there was no answer, where that is what went wrong."""
        return {"within_s": round(self.timeout_s, 1)} if self.failure == TIMEOUT else EMPTY

    @property
    def is_blind(self) -> bool:
        """Tell whether the monitor itself could not look: that says nothing of who was asked."""
        return self.failure == NO_PERMISSION

    @property
    def text(self) -> str:
        """Return the body as text, in the charset that the answer or its page names, or else in UTF-8."""
        meta = None if self.charset else _META.search(self.body, 0, 2048)
        name = meta[1].decode() if meta else self.charset
        # As browsers do it: what calls itself EUC-KR has the characters of its extension.
        name = {"euc-kr": "cp949", "ks_c_5601-1987": "cp949"}.get(name.lower(), name)
        with suppress(LookupError, ValueError):
            return self.body.decode(name or "utf-8", "replace")
        return self.body.decode("utf-8", "replace")


class _Timed(io.RawIOBase):
    """Reads from a socket until the deadline, however often it is asked."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        super().__init__()
        self._socket = connected
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._socket.settimeout(left(self._deadline))
        return self._socket.recv_into(buffer)


class _Line:
    """As much of a socket as the HTTP library uses."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        for begin in range(0, len(data), 16 * 1024):
            self._socket.settimeout(left(self._deadline))
            self._socket.sendall(data[begin : begin + 16 * 1024])

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 - it is only read
        return io.BufferedReader(_Timed(self._socket, self._deadline), 16 * 1024)

    def close(self) -> None:
        self._socket.close()


class _Response(HTTPResponse):
    """The answer proper: what a server says before it (100, 102, 103) is passed over."""

    def begin(self) -> None:
        super().begin()
        while self.status // 100 == 1 and self.status != _SWITCHING:
            # With none, the library reads on.
            self.headers = cast("HTTPMessage", None)
            super().begin()

    @property
    def status_code(self) -> int:
        """Return the status as far as it is known: 0 before the answer's first line."""
        is_known = isinstance(self.status, int) and (self.status // 100 != 1 or self.status == _SWITCHING)
        return self.status if is_known else 0


def socket_path(url: str) -> str:
    """Return the path of the unix socket that the address names; "" where it names none."""
    parts = urlsplit(url)
    return unquote(parts.netloc) if parts.scheme == UNIX else ""


def is_served(url: str, timeout_s: float = 0.5) -> bool:
    """Tell whether somebody listens at the address, without asking anything; a socket that one may not use is somebody's.

    Raises ShortageError where we had not what we need to find out.
    """
    deadline = time.monotonic() + timeout_s
    path = socket_path(url)
    try:
        connected = connect_unix(path, deadline) if path else _connect_tcp(urlsplit(url), deadline)
    except PermissionError:
        return True
    except TimeoutError:
        # Whose queue is full is there.
        return bool(path)
    except (OSError, ValueError) as error:
        raise_if_short(error)
        return False
    connected.close()
    return True


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
    deadline = start + timeout_s
    status, received, failure, charset = 0, b"", NOTHING, ""
    response: _Response | None = None
    try:
        with closing(_connected(url, deadline, verify=verify)) as connected:
            line = cast("socket.socket", _Line(connected, deadline))
            # Who answers before it has read all may have said why.
            with suppress(BrokenPipeError):
                _send(line, url, method, body, headers)
            with closing(_Response(line, method=method)) as response:
                response.begin()
                charset = response.headers.get_content_charset("")
                received = _body(response)
    except (OSError, HTTPException, ValueError) as error:
        raise_if_short(error)
        failure = _reason(error)
    if response is not None:
        status = response.status_code
    return Answer(status, received, (time.monotonic() - start) * 1000, failure, charset, timeout_s)


def _connected(url: str, deadline: float, *, verify: bool) -> socket.socket:
    if path := socket_path(url):
        return connect_unix(path, deadline)
    parts = urlsplit(url)
    plain = _connect_tcp(parts, deadline)
    if parts.scheme != "https":
        return plain
    with closing(plain):
        secure = _trust(verify=verify).wrap_socket(plain, server_hostname=parts.hostname, do_handshake_on_connect=False)
    try:
        secure.settimeout(left(deadline))
        secure.do_handshake()
    except BaseException:
        secure.close()
        raise
    return secure


def _connect_tcp(parts: SplitResult, deadline: float) -> socket.socket:
    # The zone of a link-local address is escaped.
    return connect(unquote(parts.hostname or ""), parts.port or (443 if parts.scheme == "https" else 80), deadline)


@functools.cache
def _trust(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if verify:
        # A machine may have no authorities of its own.
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _send(line: socket.socket, url: str, method: str, body: bytes | None, headers: Mapping[str, str]) -> None:
    asked = requests.Request(method, url, headers=dict(headers), data=body).prepare()
    host = "localhost" if socket_path(url) else urlsplit(asked.url or "").netloc
    ours = {"Host": host, "User-Agent": "neuronova-monitor", "Accept": "*/*", "Connection": "close"}
    connection = HTTPConnection("localhost")
    connection.sock = line
    fields = {name: value for name, value in ours.items() if name not in asked.headers} | dict(asked.headers)
    connection.request(method, asked.path_url, body=body, headers=fields)


def _body(response: HTTPResponse) -> bytes:
    received = response.read(MAX_BODY_BYTES + 1)
    if len(received) <= MAX_BODY_BYTES and response.length:
        raise IncompleteRead(received, response.length)
    if response.headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip", "deflate"):
        # It was not asked for, and some send it all the same.
        with suppress(zlib.error):
            received = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(received, MAX_BODY_BYTES)
    return received[:MAX_BODY_BYTES]


def _reason(error: Exception) -> Public:
    if isinstance(error, IncompleteRead | RemoteDisconnected):
        return fill("reset")
    if isinstance(error, OSError):
        return failure_of(error)
    return fill("no_http") if isinstance(error, HTTPException) else class_name(error)
