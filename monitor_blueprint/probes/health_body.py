"""What Django says of itself: its health body's `status`, and every entry of `checks`."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from monitor_blueprint.adapters.http import Answer, fetch
from monitor_blueprint.adapters.systemd import full_name
from monitor_blueprint.domain.models import Reading, Scalar, Status
from monitor_blueprint.domain.sanitize import clean, redact
from monitor_blueprint.options import Address, Positive
from monitor_blueprint.probes import Observation, ProbeContext

HTTP_OK = 200
# What may go into a log that everybody reads: a word. Anything else could be about a patient.
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,40}")


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "health_body" may say.

    Attributes:
        url: address of the health body.
        unit: systemd unit behind it; when that changes, it is asked again at once.
        blames: which entries are about a service that has a check of its own; name that check in `depends_on` too.
        timeout_s: how long to wait for the answer.
    """

    url: Address = "http://127.0.0.1:8000/api/health/"
    unit: str = ""
    blames: dict[str, str] = msgspec.field(default_factory=lambda: {"ml_server": "Flask"})
    timeout_s: Annotated[Positive, Meta(le=20)] = 5.0


def is_possible(options: Options) -> bool:
    """Tell whether there is such a site: its unit is installed, or somebody listens at its address."""
    folders = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
    if options.unit and any((Path(folder) / full_name(options.unit)).exists() for folder in folders):
        return True
    address = urlsplit(options.url)
    try:
        socket.create_connection((address.hostname, address.port or 80), timeout=0.5).close()
    except (OSError, ValueError):
        return False
    return True


def probe(options: Options, context: ProbeContext) -> Observation:
    """Ask once; whether Django answers at all is the service's own check, so silence is a symptom here."""
    timeout_s = max(0.1, min(options.timeout_s, context.deadline - time.monotonic()))
    answer = fetch(options.url, timeout_s)
    body = _body(answer)
    if body is None:
        # A wrong body behind HTTP 200 is nobody else's fault and nobody else's finding.
        reason = answer.failure or ("status" if answer.status != HTTP_OK else "body")
        facts: dict[str, Scalar] = {"reason": reason, "http_status": answer.status}
        is_away = answer.status != HTTP_OK
        # Nobody there may be a restart: that counts only when it lasts.
        return Observation((Reading("answer", Status.CRITICAL, facts=facts, is_symptom=is_away, is_settling=is_away),))
    # No mapping: names that may not be shown are all the same.
    entries = [(_name(name), _entry_text(value)) for name, value in _checks(body).items()]
    bad = [(name, text) for name, text in entries if not is_good(text)]
    own = [(name, text) for name, text in bad if name not in options.blames]
    blamed = [(name, text) for name, text in bad if name in options.blames]
    # With nothing of its own, what it says of others may be their restart. What is its own counts at once.
    is_explained = bool(blamed) and not own
    readings = [_status(body, is_explained=is_explained)]
    readings.append(_entries("entries", own, len(entries), is_symptom=False))
    if blamed:
        readings.append(_entries("blamed", blamed, len(entries), is_symptom=True))
    return Observation(tuple(replace(each, is_settling=is_explained and each.status is not Status.OK) for each in readings))


def is_good(text: str) -> bool:
    """Tell whether an entry is in order: `ok`, or `ok: ` and something about it."""
    return text.strip().lower().split(":")[0] == "ok"


def _body(answer: Answer) -> Mapping[str, Any] | None:
    try:
        body = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    # Whatever the HTTP status: an unhealthy site says why with a 503.
    return body if isinstance(body, dict) and "status" in body else None


def _checks(body: Mapping[str, Any]) -> Mapping[str, Any]:
    checks = body.get("checks")
    return checks if isinstance(checks, dict) else {}


def _name(name: str) -> str:
    return name if _WORD.fullmatch(name) else "?"


def _entry_text(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("status", "")
    if isinstance(value, bool):
        return "ok" if value else "false"
    return clean(redact(str(value)), 100)


def _status(body: Mapping[str, Any], *, is_explained: bool) -> Reading:
    text = str(body["status"]) if _WORD.fullmatch(str(body["status"])) else "other"
    is_healthy = text.lower() == "healthy"
    status = Status.OK if is_healthy else Status.CRITICAL
    return Reading("status", status, facts={"body_status": text, "reason": text}, is_symptom=not is_healthy and is_explained)


def _entries(aspect: str, bad: Sequence[tuple[str, str]], count: int, *, is_symptom: bool) -> Reading:
    listed = clean(", ".join(f"{name} ({text})" for name, text in bad))
    status = Status.CRITICAL if bad else Status.OK
    return Reading(aspect, status, facts={"entries": listed, "count": count, "reason": listed}, is_symptom=is_symptom)
