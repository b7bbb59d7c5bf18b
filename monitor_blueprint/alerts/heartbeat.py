"""Tells a dead man's switch elsewhere that the monitor lives (the conventions of healthchecks.io)."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import requests

from monitor_blueprint.adapters.deadline import Call
from monitor_blueprint.domain.text import NOTHING, Public, class_name, fill
from monitor_blueprint.log import Log

_log = Log(__name__)
_local = threading.local()
# Signals that wait behind a dead network are of no use to anybody once there are newer ones.
_MAX_WAITING = 8
_MAX_BODY = 10_000
# Each keeps a thread.
_MOST_HANGING = 3


logging.getLogger("urllib3.connection").addFilter(lambda _: not getattr(_local, "is_hushed", False))


class Heartbeat:
    """Sends signals from a thread of its own, in order; never raises and never makes anybody wait."""

    def __init__(self, url: str, timeout_s: float = 10.0, attempts: int = 2) -> None:
        """Take the ping URL, how long to wait for an answer in seconds, and how often to try each signal."""
        self._url = url
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._waiting: queue.Queue[tuple[str, Public] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._serve, name="heartbeat", daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Say that a health check has begun."""
        self._put("start", NOTHING)

    def success(self, body: Public = NOTHING) -> None:
        """Say that a health check was done."""
        self._put("", body)

    def fail(self, body: Public = NOTHING) -> None:
        """Say that a health check was done and found something CRITICAL, or could not be done."""
        self._put("fail", body)

    def stop(self, timeout_s: float = 5.0) -> None:
        """Send what waits, for `timeout_s` seconds at most, and end."""
        self._waiting.put(None)
        self._thread.join(timeout_s)

    def _put(self, signal: str, body: Public) -> None:
        while self._waiting.qsize() >= _MAX_WAITING:
            try:
                self._waiting.get_nowait()
            except queue.Empty:
                break
        self._waiting.put((signal, body))

    def _serve(self) -> None:
        hanging: list[Call[Public]] = []
        while (waiting := self._waiting.get()) is not None:
            signal, body = waiting
            for _ in range(self._attempts):
                hanging = [call for call in hanging if not call.wait(0.0)]
                failure = self._try(signal, body, hanging)
                if not failure:
                    break
            else:
                _log.warning(fill("heartbeat was not accepted: {reason}", reason=failure))

    def _try(self, signal: str, body: Public, hanging: list[Call[Public]]) -> Public:
        """Send one signal, within its time; return what went wrong, "" when nothing did."""
        if len(hanging) >= _MOST_HANGING:
            return fill("earlier signals have not come to an end")
        # The name server knows no time limit, and a server may drip its answer.
        call = Call(lambda: self._ping(signal, body), "heartbeat-signal")
        if call.wait(time.monotonic() + self._timeout_s):
            return call.result()
        hanging.append(call)
        return fill("no answer within {seconds:.0f} s", seconds=self._timeout_s)

    def _ping(self, signal: str, body: Public) -> Public:
        """Return what went wrong, without the URL, which is a secret of sorts; "" when nothing did."""
        # The library warns of header fields that it cannot read, and quotes them; nobody is to hear that of this thread.
        _local.is_hushed = True
        try:
            # What follows the status is not read: it may have no end.
            with requests.post(
                signal_url(self._url, signal), data=body.encode()[:_MAX_BODY], timeout=self._timeout_s, stream=True
            ) as answer:
                return NOTHING if answer.ok else fill("HTTP {status}", status=answer.status_code)
        except Exception as error:  # noqa: BLE001 - the edge of a channel
            return class_name(error)


def check(environ: Mapping[str, str]) -> list[str]:
    """Return what is wrong with HEARTBEAT_URL, if it is set; never its value."""
    url = environ.get("HEARTBEAT_URL", "").strip()
    try:
        parts = urlsplit(url)
        is_fine = not url or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0)
    except ValueError:
        is_fine = False
    return [] if is_fine else ["HEARTBEAT_URL must be an http:// or https:// URL"]


def signal_url(url: str, signal: str) -> str:
    """Return the URL of a signal ("start", "fail", or "" for success); a query stays where it belongs."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/") + (f"/{signal}" if signal else "")
    return urlunsplit(parts._replace(path=path))
