"""Fills the catalogue's lines: what a reading says, when, and for how long."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from monitor_blueprint.domain.durations import lasted_s
from monitor_blueprint.domain.language import said
from monitor_blueprint.domain.messages import Delivered, Single
from monitor_blueprint.domain.models import ABSENT, CheckResult, Event, Reading, Silence, State, Status
from monitor_blueprint.domain.text import NOTHING, Private, Public, configured, fill, joined, label, member, moment
from monitor_blueprint.text import ko, ko_channels, ko_config, ko_evidence, ko_services, ko_trials, limits
from monitor_blueprint.text.places import AllPlaces, Places

# What may be on its way up itself; what depends on another one knows nothing of that.
_STARTING = ("service", "http")
# These say that something is wrong; what it is, a reading beside them says.
# A mail server may take its time; later than that something was in the way.
_LATE_S = 10.0
_SUMMARIES = (("health_body", "status"),)


def local(at: datetime | None) -> Public:
    """Return a moment in local time, with its zone, as `date` on the machine says it now."""
    return _shown_at(at, "%Y-%m-%d %H:%M:%S %Z") if at else fill(ko.NEVER)


def spanned(began_at: datetime, ended_at: datetime) -> Public:
    """Return both moments in local time with the zone, the day of the second where it is another one."""
    began, zone_ = _shown_at(began_at, "%Y-%m-%d %H:%M:%S"), _shown_at(ended_at, "%Z")
    if _shown_at(began_at, "%Y-%m-%d %Z") == _shown_at(ended_at, "%Y-%m-%d %Z"):
        return fill("{began} ~ {ended} {zone}", began=began, ended=_shown_at(ended_at, "%H:%M:%S"), zone=zone_)
    return fill("{began} ~ {ended}", began=local(began_at), ended=local(ended_at))


def guide_time(at: datetime) -> Public:
    """Return a moment in local time, as the guide writes it: to the letter, without its zone."""
    return _shown_at(at, "%Y-%m-%d %H:%M:%S")


def zone(at: datetime) -> Public:
    """Return the zone of a moment's local time, by name and by its distance from UTC: "KST (UTC+09:00)"."""
    name, offset = _shown_at(at, "%Z"), _shown_at(at, "%z")
    return fill("{name} (UTC{hours}:{minutes})", name=name, hours=Public(offset[:3]), minutes=Public(offset[3:5]))


def _shown_at(at: datetime, form: str) -> Public:
    # The machine's zone may have been changed; the C library looks again only when it is told to.
    time.tzset()
    return moment(at.astimezone(), form)


def named(names: Iterable[str], separator: str = " ") -> Public:
    """Return the names of checks, units or channels, which the configuration has given them."""
    return joined(separator, map(configured, names))


def duration(seconds: float) -> Public:
    """Return a duration in words, at most two units."""
    # The clock may have been set back.
    whole = max(0, int(seconds))
    parts = []
    for size, name in ko.UNITS:
        count, whole = divmod(whole, size)
        if count:
            parts.append(fill("{count}{unit}", count=count, unit=fill(name)))
    return joined(" ", parts[:2]) or fill("0{unit}", unit=fill(ko.UNITS[-1][1]))


def title(name: str, kind: str) -> Public:
    """Return what a check's step is called."""
    return fill(ko.TITLES.get(name) or ko.TITLES.get(kind) or "{name}", name=configured(name))


def step(number: int, name: str, kind: str, *, is_shared: bool = False) -> Public:
    """Return the line that opens a check's step; where another one is called the same, with its name."""
    called = title(name, kind)
    return fill(ko.STEP, number=number, title=fill(ko.SHARED_TITLE, title=called, name=configured(name)) if is_shared else called)


def run_reason(reason: str) -> Public:
    """Return why a health check runs, or not, in words."""
    return fill(ko_services.RUN_REASONS[reason]) if reason in ko_services.RUN_REASONS else label(reason)


def line(result: CheckResult, reading: Reading) -> Public:
    """Return what one reading says to everybody, in one line; what is withheld of it is said to be, and where it is."""
    text, is_withholding = short_line(result, reading)
    return fill(ko.LOOK, line=text) if is_withholding else text


def short_line(result: CheckResult, reading: Reading) -> tuple[Public, bool]:
    """Return what one reading says to everybody, and whether something of it is withheld."""
    places = Places(result, reading)
    text = said(_text(result.kind, reading)).format_map(places)
    return Public(text + limits.limit(result.kind, reading)), places.is_withholding


def full_line(result: CheckResult, reading: Reading) -> Private:
    """Return what one reading says to this machine's administrators: with what came from outside, redacted."""
    places = AllPlaces(result, reading)
    text = said(_text(result.kind, reading)).format_map(places) + (limits.limit(result.kind, reading) or limits.both(reading))
    more = said(_more(result.kind, reading)).format_map(places)
    return Private(" ".join([text, *(f"[{each}]" for each in places.unsaid(text)), *([f"({more})"] if more else [])]))


def _text(kind: str, reading: Reading) -> str:
    texts = ko.LINES.get((kind, reading.aspect), ko.ABSENT if reading.aspect == ABSENT else ko.GENERAL)
    if reading.is_settling:
        return _settling(kind, reading, texts.bad or ko.GENERAL.bad)
    if reading.status is Status.OK:
        return texts.ok or ko.GENERAL.ok
    if reading.status is Status.UNKNOWN:
        return ko.UNKNOWN
    if reading.status is Status.WARNING and texts.warning:
        return texts.warning
    return texts.bad or ko.GENERAL.bad


def _settling(kind: str, reading: Reading, bad: str) -> str:
    if "state" in reading.facts:
        # Of one that has been told to be down, nobody is to read that it will be told.
        return bad if reading.status is Status.CRITICAL else ko.SETTLING
    if kind in _STARTING and "reason" in reading.facts:
        return ko.NOT_READY if reading.status is Status.CRITICAL else ko.WARMING_UP
    return bad if reading.status is Status.CRITICAL else f"{said(bad)}{said(ko.LOOKED_AT_AGAIN)}"


def _more(kind: str, reading: Reading) -> str:
    texts = ko.LINES.get((kind, reading.aspect))
    return texts.more if texts is not None and reading.status is Status.CRITICAL else ""


def worst_line(name: str, results: Mapping[str, CheckResult]) -> tuple[Public, bool]:
    """Return what the worst reading of a check says, and whether something of it is withheld.

    Of equal ones it is what is not ready yet, then what names the fault.
    """
    result = results.get(name)
    if result is None:
        return fill(ko.NOTHING_SEEN, name=configured(name)), False
    return short_line(result, max(result.readings, key=lambda reading: _rank(result.kind, reading)))


def _rank(kind: str, reading: Reading) -> tuple[int, bool, bool]:
    return reading.status.severity, reading.is_settling, (kind, reading.aspect) not in _SUMMARIES


def names(many: Sequence[str], most_chars: int = 100) -> Public:
    """Return the names in one line; of more than fit, the first ones and how many there are beside them."""
    line = named(many)
    if len(line) <= most_chars:
        return line
    count = max(1, sum(end <= most_chars for end in itertools.accumulate(len(name) + 1 for name in many)))
    first = Public(named(many[:count])[:most_chars])
    return fill(ko.MORE_NAMES, names=first, count=len(many) - count) if count < len(many) else first


def incident_line(number: int, checks: Sequence[str], opened_at: datetime, closed_at: datetime | None) -> Public:
    """Return one line of the list of incidents."""
    closed = fill(ko.ONGOING)
    if closed_at:
        closed = fill(ko.LASTED, closed=local(closed_at), lasted=duration(lasted_s(opened_at, closed_at)))
    return fill(ko.INCIDENT_LINE, number=number, opened=local(opened_at), closed=closed, names=named(checks))


def evidence_title(key: str) -> Public:
    """Return what a piece of evidence is called, with what it is of ("journal nginx")."""
    kind, _, of = key.partition(" ")
    titled = fill(ko_evidence.TITLES[kind]) if kind in ko_evidence.TITLES else label(kind)
    return joined(" ", [titled, configured(of)] if of else [titled])


def delivery(channel: str, state: str, answer: str, late_s: float = 0.0, settled_at: datetime | None = None) -> str:
    """Return how a message fared on a channel, for administrators; what it answered only where that is a reason.

    Of one that was delivered much later than it was to be, when that was.
    """
    if state == "delivered" and settled_at is not None and late_s > _LATE_S:
        return ko.DELIVERED_LATE.format(channel=channel, at=local(settled_at), late=duration(late_s))
    reason = f" ({answer})" if answer and state != "delivered" else ""
    return f"{channel}: {said(ko.DELIVERIES[state])}{reason}"


def channel_problem(health: str, reason: Public) -> Public:
    """Return what is wrong with a channel."""
    return fill("{health}: {reason}", health=fill(ko.CHANNEL_HEALTH[health]), reason=channel_reason(reason))


def channel_reason(reason: Public) -> Public:
    """Return why a channel has not taken a message; `reason` is what everybody may know of its answer."""
    return Public(ko_channels.reason(reason)) or fill(ko.NO_ANSWER)


class Ailing(Protocol):
    """A channel that fails."""

    @property
    def server(self) -> str:
        """Return where it sends to, as far as that is no secret."""

    @property
    def since(self) -> datetime | None:
        """Return since when it fails."""

    @property
    def next_at(self) -> datetime | None:
        """Return when the next attempt is due; None where only news is worth one."""

    @property
    def pending(self) -> int:
        """Return how many events wait."""


def channel_trouble(channel: Ailing, reason: Public, now: datetime | None) -> Public:
    """Return what there is to know of a channel that fails: where, why, since when, what comes next, and what to type.

    For a result that is kept (`now` is None) without what is soon otherwise.
    """
    told = {
        "where": fill(ko_channels.WHERE, server=configured(channel.server)) if channel.server else NOTHING,
        "reason": channel_reason(reason),
        "since": local(channel.since),
    }
    if now is None:
        return fill(ko_channels.TROUBLE_KEPT, **told)
    next_at = channel.next_at
    if next_at is not None and next_at > now:
        following = fill(ko_channels.NEXT, at=local(next_at))
    else:
        # Where no attempt has failed, the first one has not come to its end.
        following = fill(ko_channels.NO_NEXT if next_at is None and reason else ko_channels.NEXT_NOW)
    return fill(ko_channels.TROUBLE, **told, pending=channel.pending, next=following)


def config_fault(fault: str) -> Public:
    """Return that the file cannot be used, and why; values in it that may be secrets are masked where it was read."""
    return fill(ko_config.NOT_USABLE, fault=configured(ko_config.fault(fault)))


def config_unused(path: Public) -> Public:
    """Return that the file was changed and is not in use yet."""
    return fill(ko_config.NOT_APPLIED, path=path)


def replaced(kind: str, key: str, told: Public) -> Public:
    """Return that the file has a key of an earlier version, and what has replaced it; `told` where there is no better word."""
    remedy = ko_services.REPLACED.get((kind, key))
    if remedy is None:
        return told
    return fill(ko.REPLACED_KEY, kind=configured(kind), key=configured(key), remedy=fill(remedy))


def silence_line(silence: Silence) -> Public:
    """Return that nothing is told of a check, or of any; why a person says so is for this machine's administrators."""
    return fill(ko.SILENCED_LINE, check=configured(silence.check), until=local(silence.ends_at))


def event_line(event: Event, channels: Sequence[str]) -> Public:
    """Return the log line that says what is being sent, and over which channels."""
    return fill(
        ko.EVENT,
        incident=event.incident,
        kind=fill(ko.EVENT_KINDS[event.kind]),
        names=names(event.checks),
        channels=named(channels, ", ") or fill(ko.NEVER),
    )


def systemd_status(overall: Status, at: datetime, state: State) -> Public:
    """Return the line that `systemctl status` shows of the monitor."""
    head = fill(ko.SYSTEMD_STATUS, overall=member(overall), count=len(state.checks), at=local(at))
    return joined("", [head, left_over(state)])


def left_over(state: State) -> Public:
    """Return what is not well, for the end of a line; where all seems so, the incident that is open all the same."""
    bad = [name for name, check in state.checks.items() if check.status not in (Status.OK, Status.WARNING)]
    if bad:
        return fill(ko.UNCHANGED_BAD, names=named(bad))
    return fill(ko.UNCHANGED_OPEN, number=state.incident.number) if state.incident is not None else NOTHING


def trial(channel: str, outcome: Single) -> list[tuple[bool, str]]:
    """Return how a trial of a channel went, for the person who asked: for each line whether it is good news."""
    if not isinstance(outcome, Delivered):
        return [(False, said(ko_trials.TEST_FAILED).format(channel=channel, reason=outcome.reason))]
    lines = [(True, said(ko_trials.TEST_DELIVERED).format(channel=channel, answer=outcome.answer or "OK"))]
    if outcome.remark:
        lines.append((True, said(ko_trials.TRIED_NOTE).format(note=f"{channel}: {outcome.remark}")))
    return lines
