"""What helps to understand an incident, collected at the moment it opens: bounded in time and size, and redacted."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import psutil

from monitor_blueprint.adapters import journal
from monitor_blueprint.adapters.systemd import full_name
from monitor_blueprint.domain.models import ProbeError
from monitor_blueprint.domain.sanitize import clean, redact_lines
from monitor_blueprint.domain.text import NOTHING, Private, Public, configured, fill, joined
from monitor_blueprint.engine.evidence_found import Found, Subject
from monitor_blueprint.engine.evidence_nginx import failed_requests
from monitor_blueprint.engine.evidence_processes import described, unit_of
from monitor_blueprint.engine.evidence_units import UnitEvidence, shown
from monitor_blueprint.log import Log
from monitor_blueprint.text import evidence

_log = Log(__name__)
# The alert waits for it.
MOST_S = 2.0
PUBLIC_LINES = 5
PROCESSES = 5
MAX_TEXT = 4000
ACCESS_LOG = Path("/var/log/nginx/access.log")
# CPU shares are measured over this time; psutil advises at least 0.1 s between two looks.
_CPU_SPAN_S = 0.2
# What is less is shown as 0.0%.
_LEAST_PERCENT = 0.05


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that was found; `key` is of its title and its object, `public` what of it may leave the machine."""

    key: str
    text: Private
    public: Public = NOTHING


def collect(
    subjects: Sequence[Subject],
    begin: datetime,
    now: datetime,
    deadline: float,
    *,
    requests_begin: datetime | None = None,
    is_of_memory: bool = False,
    known_units: Collection[str] = (),
    access_log: Path = ACCESS_LOG,
    journal_directory: str = "",
    more: Iterable[tuple[str, Callable[[], str]]] = (),
) -> list[Piece]:
    """Return what was found, what is closest to the failure first; never raises.

    Args:
        subjects: the systemd units that take part, those that fail first, each with when its failure may have begun.
        begin: when the failure may have begun; what happened before is not of it.
        now: the moment of the incident.
        deadline: `time.monotonic()` value that ends the collection.
        requests_begin: when the first of the failed requests may have been, where that is not `begin`.
        is_of_memory: memory is short; who uses most of it is told, then.
        known_units: all units of the configuration, which may be named.
        access_log: Nginx's access log, for the 5xx.
        journal_directory: where the journal lies if it is not this machine's own.
        more: what else is to be looked at, each with its key; for this machine's administrators.
    """
    known = {full_name(unit) for unit in (*(each.unit for each in subjects), *known_units)}
    units = {each.unit: UnitEvidence(each, deadline, journal_directory) for each in subjects}
    sections: list[tuple[str, Callable[[], Found]]] = [
        *(
            section
            for name, unit in units.items()
            for section in (
                (f"exception {name}", unit.exceptions),
                (f"unit {name}", unit.ending),
                (f"journal {name}", unit.journal),
            )
        ),
        ("oom", partial(_oom, known, begin, journal_directory, deadline)),
        ("nginx_5xx", partial(failed_requests, access_log, requests_begin or begin, now)),
        *((key, partial(_hidden, look)) for key, look in more),
    ]
    before = _cpu_times()
    began = time.monotonic()
    found = [_tried(key, look) for key, look in sections if time.monotonic() < deadline]
    # The commands above usually took part of the time that a share of CPU is measured over.
    time.sleep(max(0.0, min(began + _CPU_SPAN_S, deadline) - time.monotonic()))
    found.append(_tried("processes_cpu", partial(_hidden, partial(_by_cpu, before, began))))
    found.append(_tried("processes_memory", partial(_by_memory, known if is_of_memory else None)))
    return [piece for piece in found if piece.text.text]


def _hidden(look: Callable[[], str]) -> Found:
    return Found(look())


def _tried(key: str, look: Callable[[], Found]) -> Piece:
    # The key is of ours, with a unit of the configuration.
    told = configured(key)
    try:
        text, public = look()
        return Piece(key, Private(_bounded(redact_lines(text))), public)
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


def _oom(units: Collection[str], begin: datetime, directory: str, deadline: float) -> Found:
    since = f"--since=@{begin.timestamp():.6f}"
    entries = [each for each in journal.read([since, "_TRANSPORT=kernel"], deadline, directory=directory) if each.is_kernels]
    killed = [each for each in entries if "Killed process" in each.message]
    said = evidence.of_kernel([(each.at, each.message) for each in entries], units)
    return Found("\n".join(map(shown, killed[-PROCESSES:])), joined("\n", said[-PUBLIC_LINES:]))


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
    # Who has done nothing takes no part; the busiest of an idle machine says that it is idle.
    busy = [row for row in rows if row[0] >= _LEAST_PERCENT]
    return _table(busy or sorted(rows, key=lambda row: row[0])[-1:])


def _by_memory(told: Collection[str] | None) -> Found:
    """Return the largest processes; where units are given, which may be `told`, the first line is for everybody."""
    rows = [(process.info["memory_percent"] or 0.0, process) for process in psutil.process_iter(["memory_percent", "name"])]
    if told is None or not rows:
        return Found(_table(rows))
    share, first = max(rows, key=lambda row: row[0])
    public = evidence.largest(share, first.pid, first.info["name"] or "", unit_of(first.pid), told)
    return Found(f"{public}\n{_table(rows)}", public)


def _table(rows: Sequence[tuple[float, psutil.Process]]) -> str:
    """Return the five largest, by their units and command lines."""
    top = sorted(rows, key=lambda row: row[0], reverse=True)[:PROCESSES]
    return "\n".join(f"{share:5.1f}%  {process.pid:>7}  {described(process)}" for share, process in top)
