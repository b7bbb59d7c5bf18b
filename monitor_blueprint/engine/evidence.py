"""What helps to understand an incident, collected at the moment it opens: bounded in time and size, and redacted."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import psutil

from monitor_blueprint.adapters import command, tail
from monitor_blueprint.adapters.systemd import full_name
from monitor_blueprint.domain.models import ProbeError
from monitor_blueprint.domain.sanitize import MASK, clean, redact
from monitor_blueprint.engine.evidence_processes import described
from monitor_blueprint.text import ko

_logger = logging.getLogger(__name__)
# The alert waits for it.
MOST_S = 2.0
JOURNAL_LINES = 20
# So many lines go into the message; all that was found is in the history.
PUBLIC_LINES = 5
PROCESSES = 5
REQUESTS = 10
MAX_TEXT = 4000
ACCESS_LOG = Path("/var/log/nginx/access.log")
# CPU shares are measured over this time; psutil advises at least 0.1 s between two looks.
_CPU_SPAN_S = 0.2
_KERNEL_SINCE_S = 3600
_EXCEPTION = re.compile(r"\b(?:[a-z_]+\.)*([A-Z][A-Za-z]+(?:Error|Exception|Exit|Interrupt))\b")
_REQUEST = re.compile(r'\[(?P<at>[^\]]+)\] "(?P<method>[A-Z]+) (?P<path>[^ "?]*)[^"]*" (?P<status>5\d\d) ')
# A number, or a name in percent encoding, may be a patient.
_PERSONAL_SEGMENT = re.compile(r"[^/]*(?:%[0-9A-Fa-f]{2}|@|\d{3,})[^/]*")


def collect(
    units: Sequence[str],
    now: datetime,
    deadline: float,
    *,
    access_log: Path = ACCESS_LOG,
    journal_directory: str = "",
    more: Iterable[tuple[str, Callable[[], str]]] = (),
) -> list[tuple[str, str]]:
    """Return what was found, as (key of the title and its object, text); never raises.

    Args:
        units: systemd units that fail; their last journal lines are kept.
        now: the moment of the incident.
        deadline: `time.monotonic()` value that ends the collection.
        access_log: Nginx's access log, for the recent 5xx.
        journal_directory: where the journal lies if it is not this machine's own.
        more: what else is to be looked at, each with its key.
    """
    journal = [f"--directory={journal_directory}"] if journal_directory else []
    since = f"--since=@{now.timestamp() - _KERNEL_SINCE_S:.0f}"
    sections: list[tuple[str, Callable[[], str]]] = [
        *((f"journal {unit}", partial(_journal, unit, journal, deadline)) for unit in units),
        ("oom", partial(_oom, [*journal, since], deadline)),
        ("nginx_5xx", partial(failed_requests, access_log)),
        *more,
    ]
    before = _cpu_times()
    began = time.monotonic()
    texts = [(key, _tried(key, look)) for key, look in sections if time.monotonic() < deadline]
    # The commands above usually took part of the time that a share of CPU is measured over.
    time.sleep(max(0.0, min(began + _CPU_SPAN_S, deadline) - time.monotonic()))
    texts.append(("processes_cpu", _tried("processes_cpu", partial(_by_cpu, before, began))))
    texts.append(("processes_memory", _tried("processes_memory", _by_memory)))
    return [(key, text) for key, text in texts if text]


def public_lines(found: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what may leave the server: systemd's and the kernel's own lines, and the names of exceptions.

    What programs print can hold anything about a patient, in any form; it stays in the history.
    """
    public = []
    for title, text in found:
        lines = text.splitlines()
        if title.partition(" ")[0] == "journal":
            own = [line for line in lines if " systemd[1]: " in line][-PUBLIC_LINES:]
            names = dict.fromkeys(name for line in lines for name in _EXCEPTION.findall(line))
            public.append((title, "\n".join([*own, *([ko.EXCEPTIONS.format(names=", ".join(names))] if names else [])])))
        elif title == "oom":
            public.append((title, "\n".join(lines[-PUBLIC_LINES:])))
    return [(title, text) for title, text in public if text]


def failed_requests(access_log: Path) -> str:
    """Return the last 5xx lines of the log: when, what, which status; without query string, client or agent."""
    try:
        lines = tail.read_end(access_log, 256 * 1024)
    except OSError:
        return ""
    matches = [match for match in map(_REQUEST.search, lines) if match]
    return "\n".join(
        f"{match['at']} {match['status']} {match['method']} {_PERSONAL_SEGMENT.sub(MASK, match['path'])}"
        for match in matches[-REQUESTS:]
    )


def _tried(key: str, look: Callable[[], str]) -> str:
    try:
        return _bounded(redact(look()))
    except ProbeError as error:
        _logger.info("no evidence %s: %s", key, error)
    except Exception:  # as above
        _logger.warning("no evidence %s", key, exc_info=True)
    return ""


def _bounded(text: str) -> str:
    lines = [clean(line, 500) for line in text.splitlines()]
    while lines and sum(map(len, lines)) > MAX_TEXT:
        # The newest lines are the ones that tell why.
        lines.pop(0)
    return "\n".join(lines)


def _journal(unit: str, where: Sequence[str], deadline: float) -> str:
    name = full_name(unit)
    argv = ["journalctl", "--no-pager", "-q", "-o", "short", f"--lines={JOURNAL_LINES}", f"--unit={name}", *where]
    return command.run(argv, deadline, max_bytes=64 * 1024).text


def _oom(where: Sequence[str], deadline: float) -> str:
    argv = ["journalctl", "--no-pager", "-q", "-o", "short", *where, "_TRANSPORT=kernel"]
    lines = command.run(argv, deadline).text.splitlines()
    return "\n".join([line for line in lines if "Killed process" in line][-PROCESSES:])


def _cpu_times() -> dict[int, float]:
    """Return the CPU seconds of every process so far."""
    try:
        return {process.pid: _cpu_seconds(process) for process in psutil.process_iter(["cpu_times"])}
    except (OSError, psutil.Error):
        return {}


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.info["cpu_times"]
    return float(times.user + times.system) if times else 0.0


def _by_cpu(before: Mapping[int, float], began: float) -> str:
    span_s = max(time.monotonic() - began, 0.01)
    # A process that has just begun has spent all of its time since then.
    rows = [
        (100 * (_cpu_seconds(process) - before.get(process.pid, 0.0)) / span_s, process)
        for process in psutil.process_iter(["cpu_times", "name"])
    ]
    return _table(rows)


def _by_memory() -> str:
    return _table(
        [(process.info["memory_percent"] or 0.0, process) for process in psutil.process_iter(["memory_percent", "name"])]
    )


def _table(rows: Sequence[tuple[float, psutil.Process]]) -> str:
    """Return the five largest, by their units and command lines."""
    top = sorted(rows, key=lambda row: row[0], reverse=True)[:PROCESSES]
    return "\n".join(f"{share:5.1f}%  {process.pid:>7}  {described(process)}" for share, process in top)
