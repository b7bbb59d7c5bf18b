"""The incident rules: (state, results, now) -> (state, events).

The one idea: the state holds, for each check, what the operator was last *notified* of; from the results the rules work
out what the operator should *believe*; an event is the difference. What must not be told now (a silenced check, one in
transition, one that flaps) stays as it was notified, and the difference is told once the reason is gone. So nothing is
told twice and nothing is lost, whatever the order of failures, silences and restarts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor_blueprint.domain.confirmation import count_absence, count_result
from monitor_blueprint.domain.events import UNNOTIFIED, notify
from monitor_blueprint.domain.flapping import FlapRules, is_flapping, with_flip
from monitor_blueprint.domain.kinship import dependencies_of, kin_of
from monitor_blueprint.domain.models import Belief, CheckPolicy, CheckResult, CheckState, Event, Silence, State, Status

_NOTIFIED_FAILED = (Belief.CRITICAL, Belief.CONSEQUENCE)
_NEW = CheckState()
# The probes of one round have so long, in seconds. Another round that began later may thus have ended earlier by as much.
ROUND_S = 27.0


@dataclass(frozen=True, slots=True)
class IncidentRules:
    """Numbers of the rules.

    Attributes:
        reminder_s: time between reminders while an incident is open and nobody has acknowledged it; 0: never.
        blind_after: UNKNOWN results in a row before the operator is told that the monitor cannot see.
        stale_intervals: a check without a result for so many of its intervals counts as UNKNOWN.
        together_s: so long at most a recovery waits for others that are just starting, so that one message says it all.
        flapping: when a check flaps.
    """

    reminder_s: float = 3600.0
    blind_after: int = 3
    stale_intervals: float = 2.0
    together_s: float = 10.0
    flapping: FlapRules = field(default_factory=FlapRules)


_CONSEQUENCES = (Belief.CONSEQUENCE, Belief.HIDDEN)


@dataclass(frozen=True, slots=True)
class _Picture:
    """The checks as they are counted now, and what the beliefs depend on.

    Attributes:
        checks: all checks; those that have just left the configuration, but were told of, come last.
        dependencies: of each configured check, all that it depends on, directly or not.
        origins: the checks that are down for a reason of their own, as far as can be told.
        silenced: nothing is told of these now.
        unseen: of these nothing new is known: in a round of some checks only the others; consequences in transition.
    """

    checks: Mapping[str, CheckState]
    dependencies: Mapping[str, frozenset[str]]
    origins: frozenset[str]
    silenced: frozenset[str]
    unseen: frozenset[str]
    now: datetime
    rules: IncidentRules


def advance(  # noqa: PLR0917
    state: State,
    results: Sequence[CheckResult],
    policies: Sequence[CheckPolicy],
    silences: Iterable[Silence],
    now: datetime,
    rules: IncidentRules,
    *,
    is_complete: bool = True,
) -> tuple[State, tuple[Event, ...]]:
    """Take in the judged results of one round; return the new state and what is to be told.

    With `is_complete=False` the results are of some checks only (a unit has just changed): the others keep their state,
    none goes stale, and a recovery waits for the complete round where consequences have yet to be looked at again.
    """
    covering = tuple(silences)
    unseen = frozenset() if is_complete else frozenset(policy.name for policy in policies) - {each.check for each in results}
    counted = _count(state, results, policies, unseen=unseen, now=now, rules=rules)
    dependencies = dependencies_of(policies, counted)
    # A consequence on its way up has not been looked at either, as far as its cause's recovery is concerned.
    unseen |= {name for name, check in counted.items() if check.settling_since is not None and check.notified in _CONSEQUENCES}
    origins = _origins(counted, dependencies)
    explained = {
        name: check if name in unseen else _explain(name, check, origins, dependencies) for name, check in counted.items()
    }
    checks = {
        name: replace(check, flips=with_flip(state.checks.get(name, _NEW), check, now, rules.flapping))
        for name, check in explained.items()
    }
    checks |= {name: check for name, check in state.checks.items() if name not in counted and check.notified not in UNNOTIFIED}
    picture = _Picture(
        checks=checks,
        dependencies=dependencies,
        origins=origins,
        silenced=frozenset(name for name in checks if any(silence.covers(name, now) for silence in covering)),
        unseen=unseen,
        now=now,
        rules=rules,
    )
    wanted = _beliefs(picture)
    kin = kin_of(policies, dependencies, checks)
    told_at = _told_at(state, checks, now)
    notified, events = notify(state, checks, wanted, kin, silenced=picture.silenced, now=told_at, reminder_s=rules.reminder_s)
    kept = {name: check for name, check in notified.checks.items() if name in counted or check.notified is not Belief.FINE}
    return replace(notified, checks=kept), events


def _told_at(state: State, checks: Mapping[str, CheckState], now: datetime) -> datetime:
    """Return when it is told what a round finds that began at `now`, but that others which began later were quicker than.

    What was told, or has come to be, before it cannot come after it.
    """
    known = [check.since for check in checks.values()]
    known += [state.incident.last_notified_at] if state.incident is not None else []
    # What is further ahead comes of a clock that was set back.
    return max([now, *(at for at in known if at is not None and (at - now).total_seconds() <= ROUND_S)])


def acknowledge(state: State, who: str, now: datetime) -> State:
    """Return the state with the open incident taken care of: no more reminders until something new happens."""
    if state.incident is None:
        return state
    return replace(state, incident=replace(state.incident, acked_by=who, acked_at=now))


def release(state: State) -> State:
    """Return the state with nobody taking care of the open incident: there are reminders again."""
    if state.incident is None:
        return state
    return replace(state, incident=replace(state.incident, acked_by="", acked_at=None))


def _count(
    state: State,
    results: Sequence[CheckResult],
    policies: Sequence[CheckPolicy],
    *,
    unseen: frozenset[str],
    now: datetime,
    rules: IncidentRules,
) -> dict[str, CheckState]:
    by_name = {result.check: result for result in results}
    counted = {}
    for policy in policies:
        before = state.checks.get(policy.name, _NEW)
        if policy.name in by_name:
            counted[policy.name] = count_result(before, by_name[policy.name], policy, now)
        elif policy.name in unseen:
            counted[policy.name] = before
        else:
            stale_after_s = rules.stale_intervals * policy.interval_s
            counted[policy.name] = count_absence(before, now, stale_after_s, rules.blind_after)
    return counted


def _origins(checks: Mapping[str, CheckState], dependencies: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return the checks that are down and that no other failure explains."""
    # What the operator was told nobody can see is nobody's cause.
    down = {name for name, check in checks.items() if check.is_down and not _is_notified_blind(check)}
    return frozenset(name for name in down if not checks[name].is_symptom or down.isdisjoint(dependencies[name]))


def _is_notified_blind(check: CheckState) -> bool:
    return check.status is Status.UNKNOWN and check.notified is Belief.BLIND


def _explain(name: str, check: CheckState, origins: frozenset[str], dependencies: Mapping[str, frozenset[str]]) -> CheckState:
    found = tuple(sorted(origins & dependencies[name]))
    causes = found if check.is_down and check.is_symptom else ()
    likely = found if not check.is_down and check.doubtful_since is not None else ()
    # What is down without a cause is down by itself, whatever brought it about at first.
    return replace(check, causes=causes, likely_causes=likely, blamed=causes if check.is_down else check.blamed)


def _beliefs(picture: _Picture) -> dict[str, Belief]:
    """Return what the operator should believe of each check once this round is told."""
    beliefs: dict[str, Belief] = {}
    # Whether a consequence may be hidden depends on what is believed of its cause.
    for name in sorted(picture.checks, key=lambda name: name not in picture.origins):
        beliefs[name] = _belief(name, picture, beliefs)
    failing = {name for name, belief in beliefs.items() if belief in (*_NOTIFIED_FAILED, Belief.HIDDEN)}
    awaited = {name for name, belief in beliefs.items() if belief is Belief.FINE and _is_awaited(name, picture)}
    for name, belief in beliefs.items():
        if belief is Belief.FINE and (name in awaited or _waits_for_others(name, picture, failing, awaited)):
            beliefs[name] = picture.checks[name].notified
    return beliefs


def _belief(name: str, picture: _Picture, beliefs: Mapping[str, Belief]) -> Belief:
    check = picture.checks[name]
    if name in picture.silenced:
        return Belief.FINE if check.notified is Belief.HIDDEN else check.notified
    if name not in picture.dependencies:
        # It has left the configuration: nobody looks at it any longer.
        return Belief.FINE
    if name in picture.unseen:
        return Belief.FINE if left_to_wait_s(check, picture.now, picture.rules) else check.notified
    held = _put_down_to_a_cause(name, picture, beliefs)
    if held is not None:
        return held
    if is_flapping(check, picture.now, picture.rules.flapping):
        return Belief.FLAPPING
    return _plain_belief(check, picture.rules)


def _plain_belief(check: CheckState, rules: IncidentRules) -> Belief:
    if check.status is Status.CRITICAL:
        return Belief.CRITICAL
    if check.status is Status.UNKNOWN:
        is_blind = check.streak_of is Status.UNKNOWN and check.streak >= rules.blind_after
        return Belief.BLIND if is_blind and check.notified not in _NOTIFIED_FAILED else check.notified
    if check.status is Status.WARNING and check.notified in _NOTIFIED_FAILED:
        # Better, but not well: the incident goes on, quietly.
        return check.notified
    return Belief.FINE


def _put_down_to_a_cause(name: str, picture: _Picture, beliefs: Mapping[str, Belief]) -> Belief | None:
    """Return the belief of a check that fails because of another one, or that may do so; None: it fails by itself."""
    check = picture.checks[name]
    if check.status is not Status.CRITICAL or not check.is_symptom or check.notified in (Belief.CRITICAL, Belief.FLAPPING):
        return None
    dependencies = picture.dependencies[name]
    causes = dependencies & picture.origins
    if any(beliefs[cause] in (*_NOTIFIED_FAILED, Belief.FLAPPING) for cause in causes):
        return Belief.HIDDEN if check.notified is Belief.FINE else check.notified
    if any(cause in picture.silenced or beliefs[cause] in UNNOTIFIED for cause in causes):
        return check.notified
    if any(_is_suspect(picture.checks[dependency]) for dependency in dependencies):
        return check.notified
    return None


def _is_suspect(check: CheckState) -> bool:
    """Tell whether the check may be about to be down: it is in transition, or its failure is not yet confirmed."""
    return not check.is_down and (check.settling_since is not None or check.streak_of is Status.CRITICAL)


def _is_awaited(name: str, picture: _Picture) -> bool:
    """Tell whether consequences of the check have yet to be looked at again, so that one message says it all."""
    if picture.checks[name].notified not in _NOTIFIED_FAILED or name in picture.silenced:
        return False
    return any(
        name in picture.dependencies[other]
        and picture.checks[other].notified in (*_NOTIFIED_FAILED, Belief.HIDDEN)
        and not left_to_wait_s(picture.checks[other], picture.now, picture.rules)
        for other in picture.unseen
    )


def _waits_for_others(name: str, picture: _Picture, failing: Collection[str], awaited: Collection[str]) -> bool:
    """Tell whether others are just starting, or well and awaiting their consequences: what comes back together is told once."""
    if name not in picture.dependencies or not left_to_wait_s(picture.checks[name], picture.now, picture.rules):
        return False
    return bool(awaited) or any(
        picture.checks[other].settling_since is not None
        and picture.checks[other].notified in (*_NOTIFIED_FAILED, Belief.HIDDEN)
        and other not in picture.silenced
        for other in failing
    )


def left_to_wait_s(check: CheckState, now: datetime, rules: IncidentRules) -> float:
    """Return for how many seconds the recovery of a check may still wait; 0 for one that has not just recovered."""
    is_well = check.status is Status.OK and check.doubtful_since is None and check.settling_since is None
    if check.notified not in _NOTIFIED_FAILED or not is_well or check.since is None:
        return 0.0
    age_s = (now - check.since).total_seconds()
    return max(0.0, rules.together_s - age_s) if age_s >= 0 else 0.0
