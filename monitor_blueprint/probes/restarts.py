"""Restarts between two looks: a service that systemd brings back each time is up whenever anyone looks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psutil

from monitor_blueprint.adapters import journal
from monitor_blueprint.adapters.journal import EXITED, WILL_RESTART, Entry
from monitor_blueprint.adapters.systemd import SystemdUnavailableError, UnitState
from monitor_blueprint.adapters.unit_runs import read_run
from monitor_blueprint.domain.models import ProbeError, Reading, Scalar, Status
from monitor_blueprint.domain.text import Public, configured, fill, joined
from monitor_blueprint.options import STACK_UNITS, Count, Positive, Units
from monitor_blueprint.probes import Observation, ProbeContext

MOST_REMEMBERED = 50
_ASK_S = 1.0


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "restarts" may say: more than `most` restarts within `window_s` are CRITICAL.

    `directory` is where the journal lies if it is not this machine's own.
    """

    units: Units = STACK_UNITS
    most: Count = 2
    window_s: Positive = 300.0
    directory: str = ""


def is_possible(options: Options) -> bool:  # noqa: ARG001
    """Tell whether systemd runs this machine; the sign is sd_booted(3)'s."""
    return Path("/run/systemd/system").is_dir()


def probe(options: Options, context: ProbeContext) -> Observation:
    """Compare every unit's restart counter and process ids with those of the last look."""
    now = context.now.timestamp()
    units = {name: context.units(name) for name in options.units}
    known = {name: unit for name, unit in units.items() if unit.is_known}
    if not known:
        units_named = joined(", ", map(configured, options.units))
        raise ProbeError(fill("systemd knows none of the units {units}", units=units_named))
    before = context.checkpoint.get("units", {})
    since = float(context.checkpoint.get("at", now))
    remembered = {name: _look(unit, before.get(name), since, now, options) for name, unit in known.items()}
    renewed = [name for name, unit in remembered.items() if unit["renewed"]]
    readings = (*_readings(remembered, options), *_renewed(renewed, known, context))
    if readings[0].status is not Status.CRITICAL:
        return Observation(readings, {"units": remembered, "at": now})
    # One storm has one beginning, however long it goes on.
    began = context.checkpoint.get("began") or _first_fall(remembered, units, context, options)
    over = [unit["times"] for unit in remembered.values() if len(unit["times"]) > options.most]
    # What is counted of one unit may follow from an outage of that one.
    last_at = datetime.fromtimestamp(max(over[0]), UTC) if len(over) == 1 else None
    first = replace(readings[0], began_at=datetime.fromtimestamp(began, UTC), last_at=last_at, is_symptom=last_at is not None)
    return Observation((first, *readings[1:]), {"units": remembered, "at": now, "began": began})


def _first_fall(
    remembered: Mapping[str, Mapping[str, Any]], units: Mapping[str, UnitState], context: ProbeContext, options: Options
) -> float:
    """Return when the first of the restarted units fell, as systemd has written it; else when it may have been restarted."""
    fallen = {name: min(unit["times"]) for name, unit in remembered.items() if len(unit["times"]) > options.most}
    supposed = float(min(fallen.values()))
    since = f"--since=@{context.now.timestamp() - options.window_s:.6f}"
    matches = [f"MESSAGE_ID={each}" for each in (EXITED, WILL_RESTART)]
    try:
        entries = journal.read([since, "_PID=1", *matches], context.deadline, directory=options.directory)
    except ProbeError:
        return supposed
    counts = {units[name].name: len(remembered[name]["times"]) for name in fallen}
    begun = []
    for name, count in counts.items():
        own = [each for each in entries if each.is_systemds and each.fields.get("UNIT") == name and each.at <= context.now]
        begun += _beginning(own, count)
    return min(begun).timestamp() if begun else supposed


def _beginning(entries: Sequence[Entry], count: int) -> list[datetime]:
    """Return when the first of the last `count` restarts began, with the end of the process: what came before is not counted."""
    restarted = sorted(each.at for each in entries if each.fields.get("MESSAGE_ID") == WILL_RESTART)
    fallen = sorted(each.at for each in entries if each.fields.get("MESSAGE_ID") == EXITED)
    if not restarted:
        return fallen[-count:][:1]
    first = restarted[-count:][0]
    return [at for at in fallen if at <= first][-1:] or [first]


def restarts_since(unit: UnitState, before: Mapping[str, Any]) -> int:
    """Return how often systemd restarted the unit on its own since it was remembered.

    `NRestarts` counts just that, and begins at zero with a manual start (systemd.service(5), Restart=). What an operator
    restarts by hand is no outage, however often it is done.
    """
    before_restarts = int(before["restarts"])
    return unit.restarts - before_restarts if unit.restarts >= before_restarts else unit.restarts


def _look(unit: UnitState, before: Mapping[str, Any] | None, since: float, now: float, options: Options) -> dict[str, Any]:
    workers = _workers(unit.main_pid)
    if before is None:
        return {"restarts": unit.restarts, "pid": unit.main_pid, "workers": workers, "times": [], "replaced": 0, "renewed": False}
    count = restarts_since(unit, before)
    # Spread over the time in which they happened: five in the three hours that the monitor was away are no storm.
    # None of them was later than the beginning of what runs now.
    end = max(since, now - unit.active_for_s)
    spread = [since + (end - since) * part / count for part in range(1, count + 1)] if since <= now else [now] * count
    times = [at for at in [*before["times"], *spread] if now - options.window_s < at <= now]
    is_same = unit.main_pid == before["pid"]
    return {
        "restarts": unit.restarts,
        # A unit that is down has no process id; the last one is what the next is compared with.
        "pid": unit.main_pid or before["pid"],
        "workers": workers,
        "times": times[-MOST_REMEMBERED:],
        "replaced": len(set(before["workers"]) - set(workers)) if is_same else 0,
        "renewed": bool(unit.main_pid and before["pid"] and not is_same and not count),
    }


def _workers(main_pid: int) -> list[int]:
    if not main_pid:
        return []
    try:
        return sorted(child.pid for child in psutil.Process(main_pid).children())
    except psutil.Error:
        # It ended in this moment, or may not be looked at.
        return []


def _readings(remembered: Mapping[str, Mapping[str, Any]], options: Options) -> tuple[Reading, ...]:
    counts = {name: len(unit["times"]) for name, unit in remembered.items()}
    replaced = {name: unit["replaced"] for name, unit in remembered.items() if unit["replaced"]}
    worst = max(counts.values())
    facts: dict[str, Scalar] = {
        "units": _listed({name: count for name, count in counts.items() if count}),
        "restarts": worst,
        "unit": configured(max(counts, key=lambda name: counts[name])),
        "minutes": round(options.window_s / 60),
        "most": options.most,
    }
    status = Status.CRITICAL if worst > options.most else Status.OK
    readings = [Reading("restarts" if worst else "steady", status, value=worst, facts=facts, is_counted=True)]
    if replaced:
        # A reload and `max_requests` replace workers, too: told, not judged.
        readings.append(Reading("workers", facts={"workers": _listed(replaced)}))
    return tuple(readings)


def _renewed(names: Sequence[str], known: Mapping[str, UnitState], context: ProbeContext) -> list[Reading]:
    """Return which services somebody has restarted, and when the first of them was, as systemd knows it."""
    if not names:
        return []
    moments = []
    for name in names:
        with suppress(SystemdUnavailableError):
            moments.append(read_run(known[name].name, max(0.1, min(_ASK_S, context.deadline - time.monotonic()))).asked_at)
    began_at = min((each for each in moments if each is not None and each <= context.now), default=None)
    return [Reading("renewed", facts={"units": joined(", ", map(configured, names))}, began_at=began_at)]


def _listed(counts: Mapping[str, int]) -> Public:
    return joined(", ", [fill("{name} ×{count}", name=configured(name), count=count) for name, count in counts.items()])
