"""What helps to understand an incident, collected at the moment it opens: bounded in time and size, and redacted."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import psutil

from monitor_blueprint.adapters import journal, tail
from monitor_blueprint.adapters.systemd import full_name
from monitor_blueprint.domain.models import ProbeError
from monitor_blueprint.domain.sanitize import MASK, clean, redact
from monitor_blueprint.domain.text import NOTHING, Private, Public, configured, fill, joined
from monitor_blueprint.engine.evidence_processes import described
from monitor_blueprint.log import Log
from monitor_blueprint.probes.nginx_log import is_own
from monitor_blueprint.text import evidence

_log = Log(__name__)
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
_REQUEST = re.compile(r'\[(?P<at>[^\]]+)\] "(?P<method>[A-Z]+) (?P<path>[^ "?]*)[^"]*" (?P<status>5\d\d) ')
# A number, or a name in percent encoding, may be a patient.
_PERSONAL_SEGMENT = re.compile(r"[^/]*(?:%[0-9A-Fa-f]{2}|@|\d{3,})[^/]*")
# What was found, and what of it may leave the machine.
Found = tuple[str, Public]


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that was found; `key` is of its title and its object, `public` what of it may leave the machine."""

    key: str
    text: Private
    public: Public = NOTHING


def collect(
    units: Sequence[str],
    now: datetime,
    deadline: float,
    *,
    known_units: Collection[str] = (),
    access_log: Path = ACCESS_LOG,
    journal_directory: str = "",
    more: Iterable[tuple[str, Callable[[], str]]] = (),
) -> list[Piece]:
    """Return what was found; never raises.

    Args:
        units: systemd units that fail; their last journal lines are kept.
        now: the moment of the incident.
        deadline: `time.monotonic()` value that ends the collection.
        known_units: all units of the configuration, which may be named.
        access_log: Nginx's access log, for the recent 5xx.
        journal_directory: where the journal lies if it is not this machine's own.
        more: what else is to be looked at, each with its key; for this machine's administrators.
    """
    journal_options = [f"--directory={journal_directory}"] if journal_directory else []
    since = f"--since=@{now.timestamp() - _KERNEL_SINCE_S:.0f}"
    known = {full_name(unit) for unit in (*units, *known_units)}
    sections: list[tuple[str, Callable[[], Found]]] = [
        *((f"journal {unit}", partial(_journal, full_name(unit), journal_options, deadline)) for unit in units),
        ("oom", partial(_oom, known, [*journal_options, since], deadline)),
        ("nginx_5xx", partial(_hidden, partial(failed_requests, access_log))),
        *((key, partial(_hidden, look)) for key, look in more),
    ]
    before = _cpu_times()
    began = time.monotonic()
    found = [_tried(key, look) for key, look in sections if time.monotonic() < deadline]
    # The commands above usually took part of the time that a share of CPU is measured over.
    time.sleep(max(0.0, min(began + _CPU_SPAN_S, deadline) - time.monotonic()))
    found.append(_tried("processes_cpu", partial(_hidden, partial(_by_cpu, before, began))))
    found.append(_tried("processes_memory", partial(_hidden, _by_memory)))
    return [piece for piece in found if piece.text.text]


def failed_requests(access_log: Path) -> str:
    """Return the last 5xx lines of the log: when, what, which status; without query string, client or agent."""
    try:
        lines = tail.read_end(access_log, 256 * 1024)
    except OSError:
        return ""
    matches = [match for line in lines if not is_own(line) and (match := _REQUEST.search(line))]
    return "\n".join(
        f"{match['at']} {match['status']} {match['method']} {_PERSONAL_SEGMENT.sub(MASK, match['path'])}"
        for match in matches[-REQUESTS:]
    )


def _hidden(look: Callable[[], str]) -> Found:
    return look(), NOTHING


def _tried(key: str, look: Callable[[], Found]) -> Piece:
    # The key is of ours, with a unit of the configuration.
    told = configured(key)
    try:
        text, public = look()
        return Piece(key, Private(_bounded(redact(text))), public)
    except ProbeError as error:
        _log.info(fill("no evidence {key}: {reason}", key=told, reason=error.told))
    except Exception as error:  # noqa: BLE001 - what helps to understand an outage must not keep it from being told
        _log.warning(fill("no evidence {key}", key=told), error)
    return Piece(key, Private(""))


def _bounded(text: str) -> str:
    lines = [clean(line, 500) for line in text.splitlines()]
    while lines and sum(map(len, lines)) > MAX_TEXT:
        # The newest lines are the ones that tell why.
        lines.pop(0)
    return "\n".join(lines)


def _journal(unit: str, where: Sequence[str], deadline: float) -> Found:
    """Return the unit's last lines, and of them what systemd says and which exceptions the programs name."""
    entries = journal.read([f"--lines={JOURNAL_LINES}", f"--unit={unit}", *where], deadline)
    said = [line for each in entries if each.is_systemds and (line := evidence.of_systemd(each.at, each.fields, (unit,)))]
    names = evidence.exceptions([each.message for each in entries if not each.is_systemds])
    return "\n".join(map(_line, entries)), joined("\n", [*said[-PUBLIC_LINES:], *([names] if names else [])])


def _oom(units: Collection[str], where: Sequence[str], deadline: float) -> Found:
    entries = [each for each in journal.read([*where, "_TRANSPORT=kernel"], deadline) if each.is_kernels]
    killed = [each for each in entries if "Killed process" in each.message]
    said = evidence.of_kernel([(each.at, each.message) for each in entries], units)
    return "\n".join(map(_line, killed[-PROCESSES:])), joined("\n", said[-PUBLIC_LINES:])


def _line(entry: journal.Entry) -> str:
    """Return the entry as `journalctl` shows it, on one line."""
    at = entry.at.astimezone().strftime("%b %d %H:%M:%S")
    pid = f"[{entry.fields['_PID']}]" if "_PID" in entry.fields else ""
    who = f"{entry.fields.get('SYSLOG_IDENTIFIER', 'unknown')}{pid}"
    return clean(f"{at} {entry.fields.get('_HOSTNAME', '-')} {who}: {entry.message}", 2000)


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
