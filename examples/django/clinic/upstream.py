"""Calls of the two neighbours, the ML server and the monitor, over kept connections.

Every way in which a neighbour can fail is one `UpstreamError`, which knows the HTTP status of the answer to our own
caller: 503 it is gone or not ready, 504 it is too slow, 502 it answers with something it should not.
"""

from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter

# What the caller did wrong is the caller's to hear, in the ML server's own words.
CALLERS_MISTAKES = frozenset({400, 413, 415, 422})


class UpstreamError(Exception):
    """A neighbour did not give a usable answer."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class Upstream:
    """One neighbour: its address, its time-outs and its connection, which is kept between calls."""

    def __init__(self, name: str, url: str, *, timeout_s: tuple[float, float], headers: dict[str, str]) -> None:
        self.name = name
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment has no business between two local programs
        self._session.headers.update(headers)
        self._session.mount(self._url, HTTPAdapter(pool_connections=1, pool_maxsize=8))

    def call(self, method: str, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
        """Return status and JSON object of the answer, or raise `UpstreamError`."""
        response = self._send(method, path, options)
        try:
            body = response.json()
        except requests.JSONDecodeError:
            body = None
        status = response.status_code
        if status == 503:
            raise UpstreamError(503, "not_ready", f"{self.name} is not ready")
        if status == 504:
            raise UpstreamError(504, "too_slow", f"{self.name} took too long")
        if not isinstance(body, dict) or not (status == 200 or _is_callers_mistake(status, body)):
            raise UpstreamError(502, "bad_answer", f"{self.name} gave no usable answer (HTTP {status})")
        return status, body

    def _send(self, method: str, path: str, options: dict[str, Any]) -> requests.Response:
        # Twice, because a kept connection may have been closed by a reload at the very moment it was used again.
        # Nothing that is called here changes anything, so that asking again is harmless.
        for is_last_try in (False, True):
            try:
                return self._session.request(method, self._url + path, timeout=self._timeout_s, **options)
            except requests.ConnectionError as error:
                if is_last_try:
                    raise UpstreamError(503, "unreachable", f"{self.name} cannot be reached") from error
            except requests.Timeout as error:
                raise UpstreamError(504, "too_slow", f"{self.name} took too long") from error
            except requests.RequestException as error:
                raise UpstreamError(502, "bad_answer", f"{self.name} gave no usable answer") from error
        raise AssertionError("the last try returns or raises")


def _is_callers_mistake(status: int, body: dict[str, Any]) -> bool:
    # Any other 404 says that this site asks at a wrong address.
    return status in CALLERS_MISTAKES or (status == 404 and body.get("code") == "unknown_model")


def ml_server() -> Upstream:
    """Return the ML server as the settings describe it."""
    return Upstream(
        "ML server",
        settings.ML_SERVER_URL,
        timeout_s=(settings.ML_CONNECT_TIMEOUT_S, settings.ML_READ_TIMEOUT_S),
        headers={"X-API-Key": settings.ML_API_KEY} if settings.ML_API_KEY else {},
    )


def monitor() -> Upstream:
    """Return the monitor as the settings describe it."""
    return Upstream(
        "monitor",
        settings.MONITOR_URL,
        timeout_s=(settings.MONITOR_TIMEOUT_S, settings.MONITOR_TIMEOUT_S),
        headers={"Authorization": f"Bearer {settings.MONITOR_STATS_TOKEN}"},
    )
