"""The failed requests of Nginx's access log: how many with which status, and of the last ones when and what."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from pathlib import Path

from monitor_blueprint.adapters import access_lines, tail
from monitor_blueprint.adapters.access_lines import AccessLine
from monitor_blueprint.domain.sanitize import MASK
from monitor_blueprint.engine.evidence_found import Found
from monitor_blueprint.probes.nginx_log import is_own
from monitor_blueprint.text import evidence

REQUESTS = 10
_MAX_BYTES = 1024 * 1024
_JSON_STATUS = re.compile(r'"status"\s*:\s*"?5\d\d\b')
_FIRST_LINE = re.compile(r"(?P<method>[A-Z]+) (?P<path>[^ ?]*)")
# A number, or a name in percent encoding, may be a patient.
_PERSONAL_SEGMENT = re.compile(r"[^/]*(?:%[0-9A-Fa-f]{2}|@|\d{3,})[^/]*")


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


def _failed(line: str) -> AccessLine | None:
    # The alert waits for it: most lines are about nothing that failed.
    is_one = _JSON_STATUS.search(line) if line.startswith("{") else '" 5' in line
    found = access_lines.parse(line) if is_one else None
    return found if found is not None and 500 <= found.status < 600 else None


def _request(line: str) -> str:
    match = _FIRST_LINE.match(line)
    return f"{match['method']} {_PERSONAL_SEGMENT.sub(MASK, match['path'])}" if match else MASK
