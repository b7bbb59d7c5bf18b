"""Fills the catalogue's lines: what a reading says, when, and for how long."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor_blueprint.domain.messages import Delivered, Single
from monitor_blueprint.domain.models import ABSENT, CheckResult, CheckState, Event, Reading, Silence, Status
from monitor_blueprint.text import ko


def local(moment: datetime | None) -> str:
    """Return a moment in local time, as the guide writes it."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else ko.NEVER


def duration(seconds: float) -> str:
    """Return a duration in words, at most two units."""
    whole = int(seconds)
    parts = []
    for size, name in ko.UNITS:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts[:2]) or f"0{ko.UNITS[-1][1]}"


def title(name: str, kind: str) -> str:
    """Return what a check's step is called."""
    return (ko.TITLES.get(name) or ko.TITLES.get(kind) or "{name}").format(name=name)


def step(number: int, name: str, kind: str) -> str:
    """Return the line that opens a check's step."""
    return ko.STEP.format(number=number, title=title(name, kind))


def line(result: CheckResult, reading: Reading) -> str:
    """Return what one reading says, in one line."""
    return _text(result.kind, reading).format_map(_facts(result, reading))


def _text(kind: str, reading: Reading) -> str:
    texts = ko.LINES.get((kind, reading.aspect), ko.ABSENT if reading.aspect == ABSENT else ko.GENERAL)
    if reading.is_settling:
        return ko.SETTLING if "state" in reading.facts else ko.WARMING_UP
    if reading.status is Status.OK:
        return texts.ok or ko.GENERAL.ok
    if reading.status is Status.UNKNOWN:
        return ko.UNKNOWN
    if reading.status is Status.WARNING and texts.warning:
        return texts.warning
    return texts.bad or ko.GENERAL.bad


def _facts(result: CheckResult, reading: Reading) -> _Facts:
    facts = _Facts(reading.facts)
    state = str(facts["state"])
    facts["state"] = ko.STATES[state].format_map(facts) if state in ko.STATES else facts["state"]
    # Of a name that means another unit, or others: which.
    facts["real_unit"], facts["real_state"] = (f" ({facts['real']})", f", {facts['unit']}") if "real" in facts else ("", "")
    facts.update(name=result.check, aspect=reading.aspect, value=_number(reading.value), shown=_shown(reading))
    # Which disk, where it is not the one that the guide means; of a device, where it is mounted.
    places = [str(facts[key]) for key in ("path", "mounted_at") if key in facts]
    facts["disk"] = f" ({', '.join(places)})" if places not in ([], ["/"]) else ""
    reason = str(facts["reason"])
    facts["reason"] = ko.REASONS.get(reason, "{raw}").format_map(_Facts(facts, raw=reason))
    return facts


class _Facts(dict[str, object]):
    """Facts of a reading; one that the text asks for and the probe did not give shows as "?"."""

    def __missing__(self, key: str) -> _Unknown:
        return _Unknown()


class _Unknown:
    """Shows as "?", whatever format the text asks for."""

    def __format__(self, spec: str) -> str:
        return "?"

    def __str__(self) -> str:
        return "?"


def _number(value: float | None) -> str:
    """Return the number as `df` shows it: whole, rounded down, so that 79.9 is never shown as a limit it has not met."""
    return "?" if value is None or not math.isfinite(value) else str(math.floor(value))


def _shown(reading: Reading) -> str:
    value = "" if reading.value is None else f"{reading.value:g}{reading.unit}"
    reason = str(reading.facts.get("reason", ""))
    text = ", ".join(part for part in (value, reason) if part)
    return f" ({text})" if text else ""


def worst_line(name: str, results: Mapping[str, CheckResult]) -> str:
    """Return what the worst reading of a check says; of equal ones, what is not ready yet."""
    result = results.get(name)
    if result is None:
        return ko.NOTHING_SEEN.format(name=name)
    return line(result, max(result.readings, key=lambda reading: (reading.status.severity, reading.is_settling)))


def names(many: Sequence[str], most_chars: int = 100) -> str:
    """Return the names in one line; of more than fit, the first ones and how many there are beside them."""
    line = " ".join(many)
    if len(line) <= most_chars:
        return line
    count = max(1, sum(end <= most_chars for end in itertools.accumulate(len(name) + 1 for name in many)))
    first = " ".join(many[:count])[:most_chars]
    return ko.MORE_NAMES.format(names=first, count=len(many) - count) if count < len(many) else first


def incident_line(number: int, checks: Sequence[str], opened_at: datetime, closed_at: datetime | None) -> str:
    """Return one line of the list of incidents."""
    closed = local(closed_at) if closed_at else ko.ONGOING
    return ko.INCIDENT_LINE.format(number=number, opened=local(opened_at), closed=closed, names=" ".join(checks))


def evidence_title(key: str) -> str:
    """Return what a piece of evidence is called, with what it is of ("journal nginx")."""
    kind, space, of = key.partition(" ")
    return f"{ko.EVIDENCE_TITLES.get(kind, kind)}{space}{of}"


def delivery(channel: str, state: str, answer: str) -> str:
    """Return how a message fared on a channel; what it answered only where that is a reason."""
    reason = f" ({answer})" if answer and state != "delivered" else ""
    return f"{channel}: {ko.DELIVERIES[state]}{reason}"


def channel_problem(health: str, reason: str) -> str:
    """Return what is wrong with a channel."""
    return f"{ko.CHANNEL_HEALTH[health]}: {reason or ko.NO_ANSWER}"


def silence_line(silence: Silence) -> str:
    """Return that nothing is told of a check, or of any."""
    return ko.SILENCED_LINE.format(check=silence.check, until=local(silence.ends_at), why=silence.why or ko.NO_REASON)


def event_line(event: Event, channels: Sequence[str]) -> str:
    """Return the log line that says what is being sent, and over which channels."""
    return ko.EVENT.format(
        incident=event.incident,
        kind=ko.EVENT_KINDS[event.kind],
        names=names(event.checks),
        channels=", ".join(channels) or ko.NEVER,
    )


def systemd_status(overall: Status, at: datetime, checks: Mapping[str, CheckState]) -> str:
    """Return the line that `systemctl status` shows of the monitor."""
    bad = [name for name, check in checks.items() if check.status not in (Status.OK, Status.WARNING)]
    text = ko.SYSTEMD_STATUS.format(overall=overall.name, count=len(checks), at=local(at))
    return text + (ko.UNCHANGED_BAD.format(names=" ".join(bad)) if bad else "")


def trial(channel: str, outcome: Single) -> list[tuple[bool, str]]:
    """Return how a trial of a channel went: for each line whether it is good news."""
    if not isinstance(outcome, Delivered):
        return [(False, ko.TEST_FAILED.format(channel=channel, reason=outcome.reason))]
    lines = [(True, ko.TEST_DELIVERED.format(channel=channel, answer=outcome.answer or "OK"))]
    if outcome.remark:
        lines.append((True, ko.TRIED_NOTE.format(note=f"{channel}: {outcome.remark}")))
    return lines
