"""Which address of a service answers that it is well."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

DJANGO_PATHS = ("/api/health/", "/api/v1/health/", "/api/health", "/api/v1/health", "/health/", "/health", "/healthz")
ML_PATHS = ("/health", "/api/health", "/health/", "/healthz", "/v2/health/ready")
_MOST_BYTES = 64 * 1024
_OK = 200
_UNAVAILABLE = 503  # how a site says that it is not well, as the guide's does


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address answered.

    Attributes:
        status: HTTP status; 0: nothing came back.
        is_health_body: the body is JSON and says how it is in `status`, as the guide's does.
    """

    url: str
    status: int
    is_health_body: bool = False


def url_of(address: str, path: str) -> str:
    """Return the URL of a path at a listener's address, from this machine."""
    if address.startswith("unix:"):
        return f"http+unix://{quote(address.removeprefix('unix:'), safe='')}{path}"
    host, _, port = address.rpartition(":")
    here = {"0.0.0.0": "127.0.0.1", "[::]": "127.0.0.1", "*": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"http://{here}:{port}{path}"


def best(answers: Iterable[Answer]) -> Answer | None:
    """Return the health address among those that answered.

    A page that says how the site is, even that it is not well, before one that is merely there: some sites show one and the
    same page at every address.
    """
    known = tuple(answers)
    ranked = (
        [each for each in known if each.is_health_body and each.status == _OK],
        [each for each in known if each.is_health_body and each.status == _UNAVAILABLE],
        [each for each in known if each.status == _OK],
    )
    return next((found[0] for found in ranked if found), None)


def all_answers(addresses: Iterable[str], paths: Iterable[str], timeout_s: float = 3.0) -> tuple[Answer, ...]:
    """Ask each path in turn, until one says that all is well; an address where nobody answers is not asked again."""
    paths, answers = tuple(paths), []
    for address in addresses:
        for path in paths:
            answer = ask(address, path, timeout_s)
            answers.append(answer)
            if answer.status == _OK and answer.is_health_body:
                return tuple(answers)
            if answer.status == 0:
                break
    return tuple(answers)


def ask(address: str, path: str, timeout_s: float = 3.0) -> Answer:
    """GET a path once; redirects are not followed and no proxy is asked."""
    url = url_of(address, path)
    connection = _connection(address, timeout_s)
    try:
        connection.request("GET", path, headers={"User-Agent": "neuronova-setup", "Connection": "close"})
        response = connection.getresponse()
        body = response.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException, ValueError):
        return Answer(url, 0)
    finally:
        connection.close()
    return Answer(url, response.status, _is_health_body(body))


def _is_health_body(body: bytes) -> bool:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get("status"), str) and isinstance(found.get("checks", {}), dict)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection(address: str, timeout_s: float) -> http.client.HTTPConnection:
    if address.startswith("unix:"):
        return _UnixConnection(address.removeprefix("unix:"), timeout_s)
    host, _, port = address.rpartition(":")
    here = "127.0.0.1" if host in ("0.0.0.0", "[::]") else host.strip("[]")  # noqa: S104
    return http.client.HTTPConnection(here, int(port), timeout=timeout_s)
