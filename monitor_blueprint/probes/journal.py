"""Errors per minute in the journal of the watched units, over the last five minutes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from monitor_blueprint.adapters import command
from monitor_blueprint.adapters.journal import has_files
from monitor_blueprint.adapters.systemd import full_name
from monitor_blueprint.domain.models import EMPTY, ProbeError, Reading, Scalar
from monitor_blueprint.domain.onset import Onset
from monitor_blueprint.domain.text import Private, fill, private, word
from monitor_blueprint.options import STACK_UNITS, LimitOptions, NotNegative, Positive, Units
from monitor_blueprint.probes import Observation, ProbeContext

MAX_BYTES = 4 * 1024 * 1024
ERR = 3  # syslog(3): emerg 0, alert 1, crit 2, err 3
# What programs print carries systemd's priority "info"; Python's and gunicorn's level names tell.
# Near the beginning, and no part of an address: what a visitor asks for is no level.
_LEVEL = re.compile(r"^.{0,60}?(?<![\w/.?=&%-])(?:ERROR|CRITICAL|FATAL)(?![\w/.?=&%-])")
# How Django logs an answer of 5xx: its reason phrase and the path.
_REFUSED = re.compile(r"(?:Service Unavailable|Internal Server Error|Bad Gateway|Gateway Timeout): (?P<path>/\S*)")
_FIELDS = "MESSAGE,PRIORITY,_PID,_SYSTEMD_UNIT,UNIT"


class Options(LimitOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "journal" may say; the limits are errors per minute, averaged over `window_s`.

    One error a minute may be one broken page; every second or so is a service that does not work. `directory` is where
    the journal lies if it is not this machine's own.
    """

    units: Units = STACK_UNITS
    warning: Positive = 5.0
    critical: Positive = 30.0
    clear: NotNegative = 1.0
    window_s: Positive = 300.0
    directory: str = ""


class Entry(NamedTuple):
    """One line of the journal."""

    cursor: str
    at: float
    unit: str
    is_error: bool
    message: str


def is_possible(options: Options) -> bool:
    """Tell whether there is a journal to read."""
    return command.is_installed("journalctl") and has_files(options.directory)


def probe(options: Options, context: ProbeContext) -> Observation:
    """Read what is new in the journal of all units with one command, and count the errors by minute."""
    now = context.now.timestamp()
    begin = now - options.window_s
    checkpoint = context.checkpoint
    # A position from before the window (or from after now: a clock was set back) is of no use: count afresh.
    cursor = str(checkpoint.get("cursor", "")) if begin <= checkpoint.get("at", 0) <= now else ""
    output = _read(options, context, f"--after-cursor={cursor}") if cursor else None
    if output is None:
        cursor, output = "", _read(options, context, f"--since=@{begin:.0f}")
    if output is None:
        raise ProbeError(fill("the journal could not be read"))
    counts: Counter[tuple[int, str]] = Counter()
    if cursor:
        counts.update({(minute, unit): count for minute, unit, count in checkpoint.get("counts", ())})
    last = str(checkpoint.get("last", "")) if cursor else ""
    onset, last_at = _remembered(checkpoint if cursor else EMPTY)
    onset = onset.within(_in_window(counts, begin).total())
    # Between the limits: what is just above one of them has to add up, too.
    allowed_per_s = (options.warning + options.critical) / 120
    for entry in parse(output.text.split("\n"), context.asked_paths):
        cursor = entry.cursor
        if entry.is_error:
            counts[int(entry.at // 60), entry.unit] += 1
            onset = onset.after(allowed_per_s * max(0.0, entry.at - last_at), partial(float, entry.at))
            last, last_at = entry.message, entry.at
    counts = _in_window(counts, begin)
    kept_last = private(last)
    onset = onset.within(counts.total())
    reading = _reading(options, context, counts, kept_last, is_cut=output.is_cut)
    reading = replace(reading, began_at=datetime.fromtimestamp(onset.since, UTC) if onset.excess else None)
    # After more than could be read, the rest would be old before it is reached: begin at the window the next time.
    kept = [[minute, unit, count] for (minute, unit), count in counts.items()]
    remembered = {"cursor": "" if output.is_cut else cursor, "at": now, "counts": kept, "last": kept_last.text}
    return Observation((reading,), remembered | {"onset": [onset.excess, onset.since, last_at]})


def _in_window(counts: Counter[tuple[int, str]], begin: float) -> Counter[tuple[int, str]]:
    return Counter({key: count for key, count in counts.items() if key[0] * 60 + 60 > begin})


def _remembered(checkpoint: Mapping[str, Any]) -> tuple[Onset, float]:
    """Return since when there are more errors than are bearable, and when the last one was."""
    excess, since, last_at = checkpoint.get("onset", (0.0, 0.0, 0.0))
    return Onset(excess, since), last_at


def parse(lines: Iterable[str], asked_paths: Collection[str] = ()) -> Iterator[Entry]:
    """Read the lines of `journalctl -o json`; a line that was cut off is left out.

    What Django says of a request for one of `asked_paths` is no error: the check that asks there tells it.
    """
    for line in lines:
        try:
            fields: dict[str, Any] = json.loads(line)
            at = int(fields["__REALTIME_TIMESTAMP"]) / 1e6
            priority = int(fields.get("PRIORITY") or 6)
        except (ValueError, KeyError, TypeError):
            continue
        message = _text(fields.get("MESSAGE"))
        # Whatever begins with "_" journald has found out by itself. `UNIT` any program may write; systemd is process 1.
        unit = str((fields.get("_PID") == "1" and fields.get("UNIT")) or fields.get("_SYSTEMD_UNIT") or "")
        is_error = (priority <= ERR or _LEVEL.search(message) is not None) and not _is_own(message, asked_paths)
        yield Entry(str(fields.get("__CURSOR", "")), at, unit.removesuffix(".service"), is_error, message)


def _is_own(message: str, asked_paths: Collection[str]) -> bool:
    found = _REFUSED.search(message)
    return found is not None and found["path"] in asked_paths


def _text(message: object) -> str:
    # systemd.journal-fields(7): bytes that are no UTF-8 come as a list of numbers, what is too long as null.
    if isinstance(message, list):
        return bytes(part for part in message if isinstance(part, int) and 0 <= part < 256).decode("utf-8", "replace")
    return message if isinstance(message, str) else ""


def _read(options: Options, context: ProbeContext, position: str) -> command.Output | None:
    argv = ["journalctl", "-o", "json", "--no-pager", f"--output-fields={_FIELDS}", position]
    argv += [f"--unit={name}" for unit in options.units for name in _real_names(unit, context)]
    if options.directory:
        argv.append(f"--directory={options.directory}")
    output = command.run(argv, context.deadline, max_bytes=MAX_BYTES)
    if "seek to cursor" in output.errors:
        return None
    # journalctl is content with nothing at all, which must not look like "no errors".
    if "not seeing messages" in output.errors or "insufficient permissions" in output.errors:
        raise ProbeError(fill("the journal may not be read"), private(output.errors))
    if not output.text and not has_files(options.directory):
        raise ProbeError(fill("there is no journal"))
    if output.code and not output.is_cut:
        raise ProbeError(fill("journalctl: exit code {code}", code=output.code), private(output.errors))
    return output


def _real_names(unit: str, context: ProbeContext) -> list[str]:
    """Return whose lines are meant: the journal knows no aliases, and nothing of units that only stand for others."""
    try:
        state = context.units(unit)
    except ProbeError:
        return [full_name(unit)]
    return [state.name, *(member.name for member in state.all_members)]


def _reading(
    options: Options, context: ProbeContext, counts: Counter[tuple[int, str]], last: Private, *, is_cut: bool
) -> Reading:
    by_unit: Counter[str] = Counter()
    for (_, unit), count in counts.items():
        by_unit[unit] += count
    errors = by_unit.total()
    rate = round(errors / (options.window_s / 60), 1)
    facts: dict[str, Scalar] = {"errors": errors, "rate": rate, "minutes": round(options.window_s / 60), "is_cut": is_cut}
    if errors:
        unit, _ = by_unit.most_common(1)[0]
        known = [name.removesuffix(".service") for each in options.units for name in _real_names(each, context)]
        facts |= {"unit": word(unit, known) or private(unit), "last_text": last}
    return Reading(
        aspect="errors",
        value=rate,
        unit="/min",
        thresholds=options.thresholds,
        facts=facts,
        is_symptom=True,
        is_counted=True,
    )
