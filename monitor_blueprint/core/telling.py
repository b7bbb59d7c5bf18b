"""From what is told and what should be believed to the events: the difference, one event for all that goes together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from monitor_blueprint.core.models import CheckState, Event, EventKind, Incident, State, Status, Told

_UNTOLD = (Told.FINE, Told.HIDDEN)
_TOLD_BAD = (Told.CRITICAL, Told.CONSEQUENCE, Told.BLIND)
_BAD = (Status.CRITICAL, Status.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Change:
    told: Told
    wanted: Told


def tell(
    state: State,
    checks: Mapping[str, CheckState],
    wanted: Mapping[str, Told],
    silenced: frozenset[str],
    now: datetime,
    reminder_s: float,
) -> tuple[State, tuple[Event, ...]]:
    """Return the state in which `wanted` has been told, and the events that tell it.

    A check that is in the state but not in `checks` any more (it left the configuration) is told as recovered if it was
    told as failed: nobody looks at it any longer.
    """
    known = {name: check for name, check in state.checks.items() if name not in checks and check.told in _TOLD_BAD} | dict(checks)
    changes = {name: _Change(check.told, wanted.get(name, Told.FINE)) for name, check in known.items()}
    kinds = _kinds(changes, is_open=state.incident is not None)
    if not kinds and _is_reminder_due(state.incident, known, silenced, now, reminder_s):
        kinds = {EventKind.REMINDER: tuple(n for n, c in known.items() if n not in silenced and c.told in _TOLD_BAD)}

    incident = state.incident
    if kinds and incident is None:
        incident = Incident(state.last_incident_number + 1, opened_at=now, last_told_at=now)
    failing = tuple(n for n in checks if n not in silenced and _is_failing(checks[n], changes[n].wanted))
    told = {name: replace(check, told=_told_after(name, changes[name], failing if kinds else ())) for name, check in checks.items()}
    is_over = all(check.told is Told.FINE for check in told.values())
    events = []
    if incident is not None:
        for kind, names in kinds.items():
            last = EventKind.RECOVERED if kind is EventKind.PARTLY_RECOVERED and is_over else kind
            events.append(_event(last, names, failing, known, incident, now))
        incident = _after(incident, kinds, now)
    return (
        State(
            checks={name: _forget_failure(check) for name, check in told.items()},
            incident=None if is_over else incident,
            last_incident_number=max(state.last_incident_number, incident.number if incident else 0),
        ),
        tuple(events),
    )


def _kinds(changes: Mapping[str, _Change], *, is_open: bool) -> dict[EventKind, tuple[str, ...]]:
    """Sort the changes into events, in the order in which they are to be told; recoveries first."""

    def names(rule: Callable[[_Change], bool]) -> tuple[str, ...]:
        return tuple(name for name, change in changes.items() if rule(change))

    recovered = names(lambda c: c.told in _TOLD_BAD and c.wanted is Told.FINE)
    # A consequence that outlives its cause is named by the very message that says that the cause has recovered.
    outlived = (Told.HIDDEN, Told.CONSEQUENCE) if recovered else ()
    kinds = {
        EventKind.PARTLY_RECOVERED: recovered,
        EventKind.CALM: names(lambda c: c.told is Told.FLAPPING and c.wanted is not Told.FLAPPING),
        EventKind.JOINED if is_open else EventKind.OPENED: names(
            lambda c: c.told in _UNTOLD and c.wanted is Told.CRITICAL and c.told not in outlived
        ),
        EventKind.WORSENED: names(
            lambda c: c.told in (Told.CONSEQUENCE, Told.BLIND) and c.wanted is Told.CRITICAL and c.told not in outlived
        ),
        EventKind.BLIND: names(lambda c: c.told in _UNTOLD and c.wanted is Told.BLIND),
        EventKind.FLAPPING: names(lambda c: c.told is not Told.FLAPPING and c.wanted is Told.FLAPPING),
    }
    return {kind: checks for kind, checks in kinds.items() if checks}


def _is_failing(check: CheckState, wanted: Told) -> bool:
    if wanted is Told.FLAPPING:
        return check.status in _BAD
    return wanted is not Told.FINE


def _told_after(name: str, change: _Change, mentioned: Iterable[str]) -> Told:
    """A hidden consequence is no longer hidden once a message has named it."""
    return Told.CONSEQUENCE if change.wanted is Told.HIDDEN and name in mentioned else change.wanted


def _event(
    kind: EventKind,
    names: tuple[str, ...],
    failing: tuple[str, ...],
    known: Mapping[str, CheckState],
    incident: Incident,
    now: datetime,
) -> Event:
    return Event(
        kind=kind,
        at=now,
        incident=incident.number,
        opened_at=incident.opened_at,
        checks=names,
        failing=failing,
        consequences=tuple(name for name in failing if known[name].is_consequence),
        since={name: known[name].failing_since or now for name in dict.fromkeys((*names, *failing))},
        lasted_s={name: _lasted_s(known[name], now) for name in names} if kind in _RECOVERIES else {},
    )


_RECOVERIES = (EventKind.RECOVERED, EventKind.PARTLY_RECOVERED)


def _lasted_s(check: CheckState, now: datetime) -> float:
    # A recovery that could only be told later (after a silence) lasted until the check was well, not until it was told.
    end = check.since if check.status not in _BAD and check.since is not None else now
    return max(0.0, (end - (check.failing_since or end)).total_seconds())


def _after(incident: Incident, kinds: Mapping[EventKind, tuple[str, ...]], now: datetime) -> Incident:
    if not kinds:
        return incident
    is_news = any(kind in kinds for kind in (EventKind.OPENED, EventKind.JOINED, EventKind.WORSENED, EventKind.BLIND))
    return replace(incident, last_told_at=now, acked_by="" if is_news else incident.acked_by)


def _is_reminder_due(
    incident: Incident | None, checks: Mapping[str, CheckState], silenced: frozenset[str], now: datetime, reminder_s: float
) -> bool:
    if incident is None or incident.acked_by or reminder_s <= 0:
        return False
    if (now - incident.last_told_at).total_seconds() < reminder_s:
        return False
    return any(check.told in _TOLD_BAD and check.status in _BAD for name, check in checks.items() if name not in silenced)


def _forget_failure(check: CheckState) -> CheckState:
    is_well = check.told is Told.FINE and check.status not in _BAD
    return replace(check, failing_since=None) if is_well else check
