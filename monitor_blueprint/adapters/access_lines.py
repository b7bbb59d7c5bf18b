"""The lines of Nginx's access log: what was asked when, in the "combined" format or in JSON."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

_COMBINED = re.compile(r'\[(?P<at>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d{3}) ')


class AccessLine(NamedTuple):
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


def parse(line: str) -> AccessLine | None:
    """Return what a line says; None for one in another form, of its time too."""
    try:
        if line.startswith("{"):
            return _from_json(line)
        match = _COMBINED.search(line)
        return None if match is None else AccessLine(_moment(match["at"]), int(match["status"]), match["request"])
    except ValueError:
        return None


def _from_json(line: str) -> AccessLine:
    found = _JSON_LINE.decode(line)
    iso = found.time_iso8601 or found.time
    at = datetime.fromisoformat(iso) if iso else _moment(found.time_local)
    if at.tzinfo is None:
        at = at.astimezone()
    return AccessLine(at, int(found.status), found.request or f"{found.request_method} {found.request_uri or found.uri}")


@lru_cache(maxsize=1024)
def _moment(text: str) -> datetime:
    """Return the moment that Nginx's `$time_local` says; raises ValueError."""
    return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")
