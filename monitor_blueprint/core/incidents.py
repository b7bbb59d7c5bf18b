"""The incident rules: (state, results, now) -> (state, events).

The one idea: the state holds, for each check, what the operator was last *told*; from the results the rules work out
what the operator should *believe*; an event is the difference. What must not be told now (a silenced check, one in
transition, one that flaps) keeps what was told, and the difference is told once the reason is gone. So nothing is
told twice and nothing is lost, whatever the order of failures, silences and restarts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor_blueprint.core.counting import count_absence, count_result
from monitor_blueprint.core.models import CheckPolicy, CheckResult, CheckState, Event, Silence, State, Status, Told
from monitor_blueprint.core.telling import tell

_FAILED = (Told.CRITICAL, Told.CONSEQUENCE, Told.HIDDEN)


@dataclass(frozen=True, slots=True)
class IncidentRules:
    """Numbers of the rules.

    Attributes:
        reminder_s: time between reminders while an incident is open and nobody has acknowledged it; 0: never.
        blind_after: UNKNOWN results in a row before the operator is told that the monitor cannot see.
        stale_intervals: a check without a result for so many of its intervals counts as UNKNOWN.
        flap_changes: changes between good and CRITICAL within `flap_window_s` that make a check flap.
        flap_window_s: see `flap_changes`.
        calm_s: a flapping check that has not changed for so long is calm again.
    """

    reminder_s: float = 3600.0
    blind_after: int = 3
    stale_intervals: float = 2.0
    flap_changes: int = 5
    flap_window_s: float = 1800.0
    calm_s: float = 900.0


@dataclass(frozen=True, slots=True)
class _Picture:
    """The checks as they are counted now, and what the beliefs depend on."""

    checks: Mapping[str, CheckState]
    dependencies: Mapping[str, frozenset[str]]
    silenced: frozenset[str]
    now: datetime
    rules: IncidentRules


def advance(
    state: State,
    results: Sequence[CheckResult],
    policies: Sequence[CheckPolicy],
    silences: Iterable[Silence],
    now: datetime,
    rules: IncidentRules,
    *,
    is_complete: bool = True,
) -> tuple[State, tuple[Event, ...]]:
    """Take in the judged results of one cycle; return the new state and what is to be told.

    With `is_complete=False` the results are of some checks only (a unit has just changed): the others keep their state,
    none goes stale, and a recovery waits for the complete cycle where consequences have yet to be looked at again.
    """
    covering = tuple(silences)
    dependencies = {policy.name: _dependencies(policy.name, policies) for policy in policies}
    picture = _Picture(
        checks=_count(state, results, policies, dependencies, now, rules, is_complete=is_complete),
        dependencies=dependencies,
        silenced=frozenset(p.name for p in policies if any(silence.covers(p.name, now) for silence in covering)),
        now=now,
        rules=rules,
    )
    wanted = {name: _belief(name, picture) for name in picture.checks}
    if not is_complete:
        _wait_for_consequences(wanted, picture, {result.check for result in results})
    return tell(state, picture.checks, wanted, picture.silenced, now, rules.reminder_s)


def acknowledge(state: State, who: str) -> State:
    """Return the state with the open incident taken care of: no more reminders until something new happens."""
    if state.incident is None:
        return state
    return replace(state, incident=replace(state.incident, acked_by=who))


def _count(
    state: State,
    results: Sequence[CheckResult],
    policies: Sequence[CheckPolicy],
    dependencies: Mapping[str, frozenset[str]],
    now: datetime,
    rules: IncidentRules,
    *,
    is_complete: bool,
) -> dict[str, CheckState]:
    by_name = {result.check: result for result in results}
    counted = {}
    for policy in policies:
        before = state.checks.get(policy.name, CheckState())
        if policy.name in by_name:
            counted[policy.name] = count_result(before, by_name[policy.name], policy, now)
        elif is_complete:
            stale_after_s = rules.stale_intervals * policy.interval_s
            counted[policy.name] = count_absence(before, now, stale_after_s, rules.blind_after)
        else:
            counted[policy.name] = before
    down = {name for name, check in counted.items() if check.is_down}
    return {
        name: _with_flips(
            state.checks.get(name, CheckState()),
            replace(check, is_consequence=check.is_down and check.is_symptom and not down.isdisjoint(dependencies[name])),
            now,
            rules,
        )
        for name, check in counted.items()
    }


def _with_flips(before: CheckState, after: CheckState, now: datetime, rules: IncidentRules) -> CheckState:
    oldest = now - timedelta(seconds=rules.flap_window_s)
    flips = tuple(flip for flip in after.flips if flip >= oldest)
    # What a dependency brings about is the dependency's flapping, and a first look is no change.
    is_own = not (before.is_consequence or after.is_consequence)
    if before.since is not None and before.is_down is not after.is_down and is_own:
        flips = (*flips, now)
    return replace(after, flips=flips)


def _dependencies(name: str, policies: Sequence[CheckPolicy]) -> frozenset[str]:
    """Return all that the check depends on, directly or not; a circle does no harm."""
    direct = {policy.name: policy.depends_on for policy in policies}
    found: set[str] = set()
    waiting = list(direct[name])
    while waiting:
        dependency = waiting.pop()
        if dependency in direct and dependency not in found and dependency != name:
            found.add(dependency)
            waiting.extend(direct[dependency])
    return frozenset(found)


def _belief(name: str, picture: _Picture) -> Told:
    """Return what the operator should believe of the check once this cycle is told."""
    check = picture.checks[name]
    if name in picture.silenced:
        return check.told
    held = _put_down_to_a_cause(name, picture)
    if held is not None:
        return held
    if _is_flapping(check, picture.now, picture.rules):
        return Told.FLAPPING
    if check.status is Status.CRITICAL:
        return Told.CRITICAL
    if check.status is Status.UNKNOWN:
        is_news = check.told not in (Told.CRITICAL, Told.CONSEQUENCE) and check.streak >= picture.rules.blind_after
        return Told.BLIND if is_news else check.told
    if check.status is Status.WARNING and check.told in _FAILED:
        # Better, but not well: the incident goes on, quietly.
        return check.told
    return Told.FINE


def _put_down_to_a_cause(name: str, picture: _Picture) -> Told | None:
    check = picture.checks[name]
    if check.status is not Status.CRITICAL or not check.is_symptom or check.told in (Told.CRITICAL, Told.FLAPPING):
        return None
    causes = {cause: picture.checks[cause] for cause in picture.dependencies[name]}
    if any(cause.is_down and other not in picture.silenced for other, cause in causes.items()):
        return Told.HIDDEN if check.told in (Told.FINE, Told.HIDDEN) else Told.CONSEQUENCE
    if any(_may_be_down(cause) for cause in causes.values()):
        return check.told
    return None


def _may_be_down(cause: CheckState) -> bool:
    """Tell whether the cause is down but silenced, in transition, or not yet confirmed."""
    return cause.is_down or cause.settling_since is not None or cause.streak_of is Status.CRITICAL


def _is_flapping(check: CheckState, now: datetime, rules: IncidentRules) -> bool:
    if not check.flips or (check.told is not Told.FLAPPING and len(check.flips) < rules.flap_changes):
        return False
    return (now - check.flips[-1]).total_seconds() < rules.calm_s


def _wait_for_consequences(wanted: dict[str, Told], picture: _Picture, seen: set[str]) -> None:
    """Keep the recovery of a cause back until its consequences were looked at again, so that one message says it all."""
    unseen_failed = [name for name, check in picture.checks.items() if name not in seen and check.told in _FAILED]
    for name, belief in wanted.items():
        told = picture.checks[name].told
        if belief is Told.FINE and told in _FAILED and any(name in picture.dependencies[other] for other in unseen_failed):
            wanted[name] = told
