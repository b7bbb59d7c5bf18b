"""The failed requests of Nginx's access log: how many with which status, and of the last ones when and what."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from monitor_blueprint.adapters import tail
from monitor_blueprint.domain.sanitize import MASK
from monitor_blueprint.engine.evidence_found import Found
from monitor_blueprint.probes.nginx_log import is_own
from monitor_blueprint.text import evidence

REQUESTS = 10
_MAX_BYTES = 1024 * 1024
_REQUEST = re.compile(r'\[(?P<at>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>5\d\d) ')
_JSON_STATUS = re.compile(r'"status"\s*:\s*"?5\d\d\b')
_FIRST_LINE = re.compile(r"(?P<method>[A-Z]+) (?P<path>[^ ?]*)")
# A number, or a name in percent encoding, may be a patient.
_PERSONAL_SEGMENT = re.compile(r"[^/]*(?:%[0-9A-Fa-f]{2}|@|\d{3,})[^/]*")


class _Failed(NamedTuple):
    """When what was asked and answered so; `request` is what the client has written."""

    at: datetime
    status: int
    request: str


class _JsonLine(msgspec.Struct):
    """What a log in JSON may call these things (ngx_http_core_module's variables)."""

    status: int | str = 0
    time_iso8601: str = ""
    time_local: str = ""
    time: str = ""
    request: str = ""
    request_method: str = ""
    request_uri: str = ""
    uri: str = ""


_JSON_LINE = msgspec.json.Decoder(_JsonLine, strict=False)


def failed_requests(access_log: Path, begin: datetime, now: datetime) -> Found:
    """Return the last 5xx of that time: when, what, which status, without query string, client or agent.

    What may leave is how many there were of each status.
    """
    try:
        lines = tail.read_end(access_log, _MAX_BYTES)
    except OSError:
        return Found("")
    failed = [(line, each) for line in lines if (each := _failed(line)) is not None]
    found = [each for line, each in failed if begin <= each.at <= now and not is_own(line)]
    if not found:
        return Found("")
    counts = sorted(Counter(each.status for each in found).items())
    shown = [f"{each.at.astimezone():%Y-%m-%d %H:%M:%S %Z} {each.status} {_request(each.request)}" for each in found[-REQUESTS:]]
    public = evidence.statuses(counts, found[0].at, found[-1].at)
    return Found("\n".join([public, *shown]), public)


def _failed(line: str) -> _Failed | None:
    try:
        # The alert waits for it: most lines are about nothing that failed.
        if line.startswith("{"):
            return _from_json(line) if _JSON_STATUS.search(line) else None
        match = _REQUEST.search(line) if '" 5' in line else None
        return None if match is None else _Failed(_moment(match["at"]), int(match["status"]), match["request"])
    except ValueError:
        # Another form of time, or no JSON.
        return None


def _from_json(line: str) -> _Failed:
    found = _JSON_LINE.decode(line)
    iso = found.time_iso8601 or found.time
    at = datetime.fromisoformat(iso) if iso else _moment(found.time_local)
    if at.tzinfo is None:
        at = at.astimezone()
    return _Failed(at, int(found.status), found.request or f"{found.request_method} {found.request_uri or found.uri}")


@lru_cache(maxsize=1024)
def _moment(text: str) -> datetime:
    """Return the moment that Nginx's `$time_local` says; raises ValueError."""
    return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")


def _request(line: str) -> str:
    match = _FIRST_LINE.match(line)
    return f"{match['method']} {_PERSONAL_SEGMENT.sub(MASK, match['path'])}" if match else MASK
