"""Processes that the kernel killed because memory ran out, counted over the last hour."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from monitor_blueprint.adapters import journal
from monitor_blueprint.domain.models import ProbeError, Reading, Scalar, Thresholds
from monitor_blueprint.domain.text import Private, Public, configured, fill, joined, private, word
from monitor_blueprint.domain.vocabulary import PROGRAMS
from monitor_blueprint.faults import detail_of, reason_of
from monitor_blueprint.options import Count, Positive
from monitor_blueprint.probes import Observation, ProbeContext

# mm/oom_kill.c: "Out of memory: Killed process 812 (python) ...", "Memory cgroup out of memory: Killed process ...".
_KILLED = re.compile(r"Killed process \d+ \((?P<name>.*?)\)(?:,| total-vm)")
MOST_REMEMBERED = 100
# What fails of memory, swap space and the kernel's kills has one cause.
SHARES = ("memory",)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "oom" may say; `warning` and `critical` are kills within `window_s`.

    One kill may be an accident; the third within the hour is a server without enough memory. `directory` is where
    the journal lies if it is not this machine's own.
    """

    warning: Count = 1
    critical: Count = 3
    window_s: Positive = 3600.0
    counter: str = "/proc/vmstat"
    directory: str = ""


def is_possible(options: Options) -> bool:
    """Tell whether the kernel counts its kills here (Linux 4.13 and later)."""
    try:
        return _counter(options) >= 0
    except ProbeError:
        return False


def probe(options: Options, context: ProbeContext) -> Observation:
    """Read the counter, and ask the kernel's log for names when it has grown."""
    now, counter = context.now.timestamp(), _counter(options)
    before = context.checkpoint.get("counter")
    # What happened before the first look is history. A smaller counter: rebooted, all of it is new.
    grown = 0 if before is None else counter - before if counter >= before else counter
    kills = [at for at in context.checkpoint.get("kills", ()) if now - options.window_s < at <= now]
    killed = _killed(options.directory, context.checkpoint.get("at", now - options.window_s), context.deadline) if grown else []
    kills = (kills + [now] * min(grown, MOST_REMEMBERED))[-MOST_REMEMBERED:]
    moments = _moments(context.checkpoint.get("moments", ()), killed, min(grown, MOST_REMEMBERED), now)[-len(kills) or None :]
    names = str(context.checkpoint.get("names", "")) if kills else ""
    if grown:
        names = private(", ".join(dict.fromkeys(each.name for each in killed))).text
    facts: dict[str, Scalar] = {"kills": len(kills), "names": _public_names(names), "minutes": round(options.window_s / 60)}
    if names:
        facts["names_text"] = private(names)
    # No hysteresis: this is a count that falls by time alone.
    limits = Thresholds(options.warning, options.critical, clear=0)
    began_at = datetime.fromtimestamp(min(moments), UTC) if kills and moments else None
    reading = Reading("kills", value=len(kills), thresholds=limits, facts=facts, began_at=began_at, is_counted=True)
    remembered = {"counter": counter, "kills": kills, "moments": moments if kills else [], "names": names, "at": now}
    return Observation((reading,), remembered)


class _Kill(NamedTuple):
    at: datetime
    name: str


def _killed(directory: str, since: float, deadline: float) -> list[_Kill]:
    """Return the killed processes from the kernel's log, oldest first; none where that may not be read."""
    try:
        entries = journal.read([f"--since=@{since:.0f}", "_TRANSPORT=kernel"], deadline, directory=directory)
    except ProbeError:
        # The count is what matters, and it is known.
        return []
    return [_Kill(each.at, match["name"]) for each in entries if (match := _KILLED.search(each.message))]


def _moments(before: Sequence[float], killed: Sequence[_Kill], grown: int, now: float) -> list[float]:
    """Return when the processes were killed that the counter tells of; of those that the log does not know it is now."""
    known = [min(each.at.timestamp(), now) for each in killed[-grown:]] if grown else []
    return [*before, *known, *([now] * (grown - len(known)))]


def _public_names(names: str) -> Public | Private:
    """Return those of the names that are known programs'; anybody can call a process anything."""
    known = [known for name in names.split(", ") if (known := word(name, PROGRAMS)) is not None]
    return joined(", ", known) if known or not names else private(names)


def _counter(options: Options) -> int:
    try:
        lines = Path(options.counter).read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    except StopIteration:
        raise ProbeError(fill("{path} has no oom_kill", path=configured(options.counter))) from None
    except (OSError, ValueError, IndexError) as error:
        told = fill("{path} could not be read: {reason}", path=configured(options.counter), reason=reason_of(error))
        raise ProbeError(told, detail_of(error)) from error
