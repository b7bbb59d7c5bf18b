"""Nginx's own words: the share of 5xx answers in its access log, and what its error log complains about."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from monitor_blueprint.adapters import access_lines, tail
from monitor_blueprint.domain.models import Reading, Scalar, Status
from monitor_blueprint.domain.onset import Onset
from monitor_blueprint.domain.text import NOTHING, Private, fill, joined, private, word
from monitor_blueprint.options import Count, LimitOptions, NotNegative, Positive, Text
from monitor_blueprint.probes import Observation, ProbeContext

# The "combined" format of ngx_http_log_module, whose quotes inside a request are written \x22; or a JSON log.
_STATUS = re.compile(r'\] "[^"]*" (?P<combined>\d{3}) |"status"\s*:\s*"?(?P<json>\d{3})\b')
# What the monitor of this machine has asked itself: it introduces itself, and comes from nowhere else.
_OWN_AGENT = '"neuronova-monitor"'
_FROM_HERE = re.compile(r'^(?:127\.[\d.]+|::1|unix:) |"(?:127\.[\d.]+|::1|unix:)"')
# ngx_core_module, error_log: debug, info, notice, warn, error, crit, alert, emerg.
_ERROR = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(?P<level>error|crit|alert|emerg)\] (?:\d+#\d+: )?(?P<text>.*)")
_WORST_FIRST = ("emerg", "alert", "crit", "error")
_AT_ONCE = ("emerg", "alert")
# The schedule may look every half hour, and late.
_LONGEST_PAUSE_S = 2700.0
_MOST_CODES = 4
# Who asked is nobody's business but the log's.
_CLIENT = re.compile(r", client: [^,]*")


class Options(LimitOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "nginx_log" may say.

    Attributes:
        access, error: the two logs.
        warning, critical, clear: limits of the share of 5xx in percent. More than 5 % is where the collected
            Prometheus rules ("NginxHighHttp5xxErrorRate") begin; one request in five is an outage for the users.
        least_requests: with fewer requests within `window_s` the share says nothing and is not judged.
        window_s: time over which requests and errors are counted; since the last look where that is longer ago.
        error_lines: as many lines of level error or crit within `window_s`, on average, are a WARNING; alert and emerg
            are at once.
    """

    access: Text = "/var/log/nginx/access.log"
    error: Text = "/var/log/nginx/error.log"
    warning: Positive = 5.0
    critical: Positive = 20.0
    clear: NotNegative = 2.0
    least_requests: Count = 20
    window_s: Positive = 300.0
    error_lines: Count = 5


def is_possible(options: Options) -> bool:
    """Tell whether both logs are there and may be read."""
    return os.access(options.access, os.R_OK) and os.access(options.error, os.R_OK)


def probe(options: Options, context: ProbeContext) -> Observation:
    """Read what both logs have got since the last look."""
    now, checkpoint = context.now.timestamp(), context.checkpoint
    pause_s = now - checkpoint.get("at", 0)
    # After a long absence the share of an hour ago is not news.
    is_fresh = 0 <= pause_s <= max(2 * options.window_s, _LONGEST_PAUSE_S)
    span_s = max(options.window_s, pause_s) if is_fresh else options.window_s
    access = tail.read_new(Path(options.access), checkpoint.get("access") if is_fresh else None)
    error = tail.read_new(Path(options.error), checkpoint.get("error") if is_fresh else None)
    asked = list(_visits(access.lines))
    statuses = [code for _, code in asked]
    failed = Counter(str(code) for code in statuses if code >= 500)
    requests = _counted(checkpoint.get("requests", ()), [len(statuses), failed.total(), failed], now, options)
    found = [match for match in map(_ERROR.match, error.lines) if match]
    levels = [match["level"] for match in found]
    at_once = sum(level in _AT_ONCE for level in levels)
    errors = _counted(checkpoint.get("errors", ()), [len(levels), at_once, _worst(levels)], now, options)
    last = _line_text(found[-1]["text"]) if found else Private(str(checkpoint.get("last", "")) if errors else "")
    before = Onset(*checkpoint.get("onset", ())) if is_fresh else Onset()
    bad = sum(row[2] for row in requests)
    onset = _onset(before.within(bad - failed.total()), asked, now, options).within(bad)
    readings = (_share(requests, span_s, options, onset), _complaints(errors, span_s, last, options))
    remembered = {"requests": requests, "errors": errors, "last": last.text, "at": now, "onset": [onset.excess, onset.since]}
    return Observation(readings, remembered | {"access": dict(access.position), "error": dict(error.position)})


def status_codes(lines: Iterable[str]) -> list[int]:
    """Return the HTTP status of every line that has one, of a visitor's request."""
    return [code for _, code in _visits(lines)]


def _visits(lines: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield every line about a visitor's request, with its status."""
    for line in lines:
        match = None if is_own(line) else _STATUS.search(line)
        if match:
            yield line, int(match["combined"] or match["json"])


def _onset(onset: Onset, asked: Iterable[tuple[str, int]], now: float, options: Options) -> Onset:
    """Return since when more has failed than is bearable."""
    # Between the limits: what is just above one of them has to add up, too.
    allowed = (options.warning + options.critical) / 200
    for line, code in asked:
        onset = onset.after(allowed, partial(_moment, line, now) if code >= 500 else None)
    return onset


def _moment(line: str, now: float) -> float:
    """Return when a line was written; now where it does not say so."""
    found = access_lines.parse(line)
    return now if found is None else found.at.timestamp()


def is_own(line: str) -> bool:
    """Tell whether a line of the access log is about a request of the monitor itself, which is no visitor."""
    return _OWN_AGENT in line and _FROM_HERE.search(line) is not None


def _counted(before: Iterable[Sequence[Any]], counts: list[Any], now: float, options: Options) -> list[list[Any]]:
    """Return what was counted within the window: rows of [moment, all, bad], for errors with the worst level."""
    rows = [list(row) for row in before if now - options.window_s < row[0] <= now]
    return [*rows, [now, *counts]] if counts[0] else rows


def _share(rows: Sequence[Sequence[Any]], span_s: float, options: Options, onset: Onset) -> Reading:
    requests, failed = sum(row[1] for row in rows), sum(row[2] for row in rows)
    facts: dict[str, Scalar] = {"requests": requests, "failed": failed, "minutes": round(span_s / 60)}
    # A row of a version before has no codes.
    codes = sum((Counter(each) for row in rows for each in row[3:]), Counter[str]())
    if codes:
        counts = [fill("{code} ×{count}", code=int(code), count=count) for code, count in codes.most_common(_MOST_CODES)]
        facts["codes"] = joined(", ", counts)
    if requests < options.least_requests:
        return Reading("quiet", facts=facts, is_symptom=True)
    percent = round(100 * failed / requests, 1)
    # A 502 is said by Nginx about the one behind it.
    began_at = datetime.fromtimestamp(onset.since, UTC) if onset.excess else None
    return Reading(
        aspect="share",
        value=percent,
        unit="%",
        thresholds=options.thresholds,
        facts=facts,
        is_symptom=True,
        began_at=began_at,
        is_counted=True,
    )


def _complaints(rows: Sequence[Sequence[Any]], span_s: float, last: Private, options: Options) -> Reading:
    lines, at_once = sum(row[1] for row in rows), sum(row[2] for row in rows)
    # A row of a version before has no level.
    level = _worst([level for row in rows for level in row[3:]])
    facts: dict[str, Scalar] = {
        "lines": lines,
        "level": word(level, _WORST_FIRST) or NOTHING,
        "last_text": last,
        "minutes": round(span_s / 60),
        "most": options.error_lines,
        "limit_min": options.window_s / 60,
    }
    is_bad = bool(at_once) or lines * options.window_s / span_s >= options.error_lines
    return Reading("errors", Status.WARNING if is_bad else Status.OK, value=float(lines), facts=facts)


def _worst(levels: Sequence[str]) -> str:
    return next((each for each in _WORST_FIRST if each in levels), "")


def _line_text(text: str) -> Private:
    return private(_CLIENT.sub("", text))
