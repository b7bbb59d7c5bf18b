"""From what was notified and what should be believed to the events: the difference, one event for all that goes together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from monitor_blueprint.domain.durations import lasted_s
from monitor_blueprint.domain.kinship import apart
from monitor_blueprint.domain.models import (
    NEW_FAILURES,
    Belief,
    CheckState,
    Event,
    EventKind,
    Incident,
    State,
    Status,
    failing_since,
)

UNNOTIFIED = (Belief.FINE, Belief.HIDDEN)
_NOTIFIED_BAD = (Belief.CRITICAL, Belief.CONSEQUENCE, Belief.BLIND)
_NOT_PLAINLY_FAILED = (Belief.CONSEQUENCE, Belief.BLIND, Belief.FLAPPING)
_BAD = (Status.CRITICAL, Status.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Change:
    notified: Belief
    wanted: Belief
    is_symptom: bool = False


@dataclass(frozen=True, slots=True)
class _Picture:
    """What every message of the round says besides its own news: see `Event`."""

    failing: tuple[str, ...]
    blind: tuple[str, ...]
    flapping: Mapping[str, int]
    silenced: tuple[str, ...]
    apart: tuple[tuple[str, ...], ...]


def notify(
    state: State,
    checks: Mapping[str, CheckState],
    wanted: Mapping[str, Belief],
    kin: Mapping[str, frozenset[str]],
    *,
    silenced: frozenset[str],
    now: datetime,
    reminder_s: float,
) -> tuple[State, tuple[Event, ...]]:
    """Return the state in which the operator is notified of `wanted`, and the events that do it.

    `kin` says which checks have something in common with which: see `kinship`.
    """
    checks = {name: _with_outage(check, wanted[name]) for name, check in checks.items()}
    changes = {name: _Change(check.notified, wanted[name], check.is_symptom) for name, check in checks.items()}
    incident = _with_clock_set_back(state.incident, now)
    kinds = _kinds(changes, is_open=incident is not None)
    if not kinds and incident is not None and _is_reminder_due(incident, now, reminder_s):
        kinds = _reminder(checks, silenced)
    if kinds and incident is None:
        incident = Incident(state.last_incident_number + 1, opened_at=now, last_notified_at=now)
    picture = _picture(checks, wanted, silenced, kin)
    if incident is not None:
        told = [name for names in kinds.values() for name in names]
        incident = replace(incident, opened_at=_earliest(incident.opened_at, dict.fromkeys((*told, *picture.failing)), checks))
    named = frozenset(picture.failing if kinds else ())
    notified = {n: replace(check, notified=_belief_after(check, wanted[n], is_named=n in named)) for n, check in checks.items()}
    is_over = all(check.notified in UNNOTIFIED for check in notified.values())
    events: list[Event] = []
    if incident is not None:
        news = {name for kind, names in kinds.items() if kind in _NEWS for name in names}
        for kind, names in kinds.items():
            last = EventKind.RECOVERED if kind is EventKind.PARTLY_RECOVERED and is_over else kind
            event = _event(last, names, checks, incident=incident, picture=picture, now=now)
            others = tuple(name for name in event.failing if name in news) if last in _ENDS else ()
            is_opening = state.incident is None and not events
            ended_at = _ended_at(checks, now) if is_over else None
            events.append(replace(event, told_apart=others, is_opening=is_opening, ended_at=ended_at))
        incident = _after(incident, changes, now) if kinds else incident
    return (
        State(
            checks={name: _forget_failure(check) for name, check in notified.items()},
            incident=None if is_over else incident,
            last_incident_number=max(state.last_incident_number, incident.number if incident else 0),
        ),
        tuple(events),
    )


def _ended_at(checks: Mapping[str, CheckState], now: datetime) -> datetime:
    """Return since when all is well that the operator believed to be failing."""
    return max((_well_since(check, now) for check in checks.values() if check.notified not in UNNOTIFIED), default=now)


def _earliest(opened_at: datetime, names: Iterable[str], checks: Mapping[str, CheckState]) -> datetime:
    """Return since when the first of these has failed: what has joined an incident may be older than what has opened it."""
    return min([opened_at, *(since for name in names if (since := failing_since(name, checks)) is not None)])


def _with_outage(check: CheckState, wanted: Belief) -> CheckState:
    """Return the check whose flapping has ended in an outage as one that fails since that began."""
    is_outage = check.notified is Belief.FLAPPING and wanted in (Belief.CRITICAL, Belief.BLIND)
    return replace(check, failing_since=check.since) if is_outage else check


def _with_clock_set_back(incident: Incident | None, now: datetime) -> Incident | None:
    return incident and replace(incident, last_notified_at=min(incident.last_notified_at, now))


def _kinds(changes: Mapping[str, _Change], *, is_open: bool) -> dict[EventKind, tuple[str, ...]]:
    """Sort the changes into events, in the order in which they are to be told; what is better comes first."""

    def names(rule: Callable[[_Change], bool]) -> tuple[str, ...]:
        return tuple(name for name, change in changes.items() if rule(change))

    recovered = names(lambda c: c.notified in _NOTIFIED_BAD and c.wanted is Belief.FINE)

    def is_named_by_recovery(change: _Change) -> bool:
        # A consequence that outlives its cause is named by the very message that says that the cause has recovered.
        return bool(recovered) and change.is_symptom and change.notified in (Belief.HIDDEN, Belief.CONSEQUENCE)

    failed = {
        name: change for name, change in changes.items() if change.wanted is Belief.CRITICAL and not is_named_by_recovery(change)
    }
    kinds = {
        EventKind.CALM: names(lambda c: c.notified is Belief.FLAPPING and c.wanted in UNNOTIFIED),
        EventKind.PARTLY_RECOVERED: recovered,
        EventKind.JOINED if is_open else EventKind.OPENED: tuple(n for n, c in failed.items() if c.notified in UNNOTIFIED),
        EventKind.WORSENED: tuple(n for n, c in failed.items() if c.notified in _NOT_PLAINLY_FAILED),
        EventKind.BLIND: names(lambda c: c.notified in (*UNNOTIFIED, Belief.FLAPPING) and c.wanted is Belief.BLIND),
        EventKind.FLAPPING: names(lambda c: c.notified is not Belief.FLAPPING and c.wanted is Belief.FLAPPING),
    }
    return {kind: checks for kind, checks in kinds.items() if checks}


def _is_reminder_due(incident: Incident, now: datetime, reminder_s: float) -> bool:
    if incident.acked_by or reminder_s <= 0:
        return False
    return (now - incident.last_notified_at).total_seconds() >= reminder_s


def _reminder(checks: Mapping[str, CheckState], silenced: frozenset[str]) -> dict[EventKind, tuple[str, ...]]:
    names = tuple(
        n
        for n, c in checks.items()
        if n not in silenced and ((c.notified in _NOTIFIED_BAD and c.status in _BAD) or c.notified is Belief.FLAPPING)
    )
    return {EventKind.REMINDER: names} if names else {}


def _picture(
    checks: Mapping[str, CheckState], wanted: Mapping[str, Belief], silenced: frozenset[str], kin: Mapping[str, frozenset[str]]
) -> _Picture:
    failing = tuple(n for n in checks if n not in silenced and _is_failing(checks[n], wanted[n]))
    blind = tuple(n for n in failing if _is_blind(checks[n], wanted[n]))
    return _Picture(
        failing=failing,
        blind=blind,
        # Nobody knows what those have in common that cannot be seen.
        apart=apart([n for n in failing if n not in blind], kin),
        flapping={n: len(checks[n].flips) for n in checks if n not in silenced and wanted[n] is Belief.FLAPPING},
        silenced=tuple(n for n in checks if n in silenced and wanted[n] not in UNNOTIFIED),
    )


def _is_failing(check: CheckState, wanted: Belief) -> bool:
    if wanted is Belief.FLAPPING:
        return check.status in _BAD
    return wanted is not Belief.FINE


def _belief_after(check: CheckState, wanted: Belief, *, is_named: bool) -> Belief:
    """Return what is believed after the messages: what one has named, as it says it (a consequence, or a failure of its own)."""
    is_blind = wanted is Belief.BLIND and check.status is Status.UNKNOWN
    if not is_named or is_blind or wanted is Belief.FLAPPING:
        return wanted
    return Belief.CONSEQUENCE if check.causes else Belief.CRITICAL


def _event(
    kind: EventKind,
    names: tuple[str, ...],
    checks: Mapping[str, CheckState],
    *,
    incident: Incident,
    picture: _Picture,
    now: datetime,
) -> Event:
    is_end = kind in _ENDS
    seen_again = tuple(name for name in names if is_end and checks[name].notified is Belief.BLIND)
    failing = picture.failing
    said_as_it_is = {*picture.flapping, *picture.silenced}
    return Event(
        kind=kind,
        at=now,
        incident=incident.number,
        opened_at=incident.opened_at,
        checks=names,
        failing=failing,
        consequences={name: checks[name].causes for name in failing if checks[name].causes and name not in picture.blind},
        blind=(*picture.blind, *seen_again),
        since={
            name: (checks[name].since if name in said_as_it_is else failing_since(name, checks)) or now
            for name in dict.fromkeys((*names, *failing, *picture.flapping, *picture.silenced))
        },
        lasted_s={name: _lasted_s(name, checks, now) for name in names} if is_end else {},
        due_to={name: checks[name].blamed for name in names if is_end and checks[name].blamed},
        flapping=picture.flapping,
        silenced=picture.silenced,
        apart=picture.apart,
    )


_ENDS = (EventKind.RECOVERED, EventKind.PARTLY_RECOVERED, EventKind.CALM)
_NEWS = (*NEW_FAILURES, EventKind.BLIND, EventKind.FLAPPING)


def _is_blind(check: CheckState, wanted: Belief) -> bool:
    return check.status is Status.UNKNOWN and wanted in (Belief.BLIND, Belief.FLAPPING)


def _well_since(check: CheckState, now: datetime) -> datetime:
    # A recovery that could only be told later (after a silence) lasted until the check was well, not until it was told.
    return check.since if check.status not in _BAD and check.since is not None else now


def _lasted_s(name: str, checks: Mapping[str, CheckState], now: datetime) -> float:
    end = _well_since(checks[name], now)
    return lasted_s(failing_since(name, checks) or end, end)


def _after(incident: Incident, changes: Mapping[str, _Change], now: datetime) -> Incident:
    is_news = any(c.notified is not c.wanted and c.wanted in _NEW_BELIEFS for c in changes.values())
    told = replace(incident, last_notified_at=now)
    return replace(told, acked_by="", acked_at=None) if is_news else told


# What nobody can have meant yet who acknowledged the incident before.
_NEW_BELIEFS = (Belief.CRITICAL, Belief.BLIND, Belief.FLAPPING)


def _forget_failure(check: CheckState) -> CheckState:
    is_well = check.notified is Belief.FINE and check.status not in _BAD
    return replace(check, failing_since=None, blamed=()) if is_well else check
