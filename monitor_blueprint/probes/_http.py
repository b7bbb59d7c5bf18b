"""One HTTP GET with a deadline that holds against a server that drips its answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import requests

from monitor_blueprint.core.models import EMPTY

MAX_BODY_BYTES = 256 * 1024
_local = threading.local()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status 0 and a `failure` when nothing did."""

    status: int
    body: bytes = b""
    latency_ms: float = 0.0
    failure: str = ""


def _session() -> requests.Session:
    session: requests.Session | None = getattr(_local, "session", None)
    if session is None:
        session = _local.session = requests.Session()
        # The targets are this machine's own: no proxy and no .netrc from somebody's environment.
        session.trust_env = False
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
    try:
        with _session().request(
            method, url, data=body, headers=dict(headers), timeout=timeout_s, stream=True, allow_redirects=False, verify=verify
        ) as response:
            received = b""
            for chunk in response.iter_content(16 * 1024):
                received += chunk
                if len(received) > MAX_BODY_BYTES:
                    break
                if time.monotonic() - start > timeout_s:
                    return Answer(0, latency_ms=_ms_since(start), failure="timeout")
            return Answer(response.status_code, received[:MAX_BODY_BYTES], _ms_since(start))
    except requests.Timeout:
        return Answer(0, latency_ms=_ms_since(start), failure="timeout")
    except requests.RequestException as error:
        return Answer(0, latency_ms=_ms_since(start), failure=_reason(error))


def _ms_since(start: float) -> float:
    return (time.monotonic() - start) * 1000


def _reason(error: requests.RequestException) -> str:
    text = repr(error)
    for sign, reason in (("refused", "refused"), ("reset", "reset"), ("CERTIFICATE", "certificate"), ("Name or service", "name")):
        if sign in text:
            return reason
    return type(error).__name__
