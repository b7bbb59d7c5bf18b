"""The decision of one health check: from what is known and what was seen to what is believed and what is to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor_blueprint.domain import maintenance
from monitor_blueprint.domain.counted import without_told_outages
from monitor_blueprint.domain.incidents import ROUND_S, IncidentRules, advance, left_to_wait_s
from monitor_blueprint.domain.maintenance import Window
from monitor_blueprint.domain.models import (
    NEW_FAILURES,
    CheckPolicy,
    CheckResult,
    CheckState,
    Event,
    Silence,
    State,
    Status,
    worst,
)
from monitor_blueprint.domain.thresholds import grace_of, judge


@dataclass(frozen=True, slots=True)
class Rules:
    """What a decision goes by.

    Attributes:
        policies: of every check, in the order of the configuration.
        incidents: the numbers of the incident rules.
        windows: weekly maintenance windows.
        grace_s: how long a check may be in transition that has no grace time of its own.
    """

    policies: tuple[CheckPolicy, ...]
    incidents: IncidentRules
    windows: tuple[Window, ...] = ()
    grace_s: float = 10.0

    def grace_by_check(self, results: Sequence[CheckResult]) -> dict[str, float]:
        """Return how long the check of each result may be in transition."""
        own_s = {policy.name: policy.grace_s for policy in self.policies}
        return {result.check: grace_of(result, own_s.get(result.check), self.grace_s) for result in results}


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from what was seen.

    Attributes:
        state: what is to be remembered.
        events: what is to be told.
        results: the judged results; one that is older than the state says nothing new, and is left out.
        transitions: of each check that is in transition, or whose recovery waits for one, for how many seconds it still may.
        silences: those that cover a check now, maintenance windows included.
    """

    state: State
    events: tuple[Event, ...]
    results: tuple[CheckResult, ...]
    transitions: Mapping[str, float] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()

    @property
    def overall(self) -> Status:
        """Return the worst status of all checks."""
        return worst([check.status for check in self.state.checks.values()])

    @property
    def failed(self) -> frozenset[str]:
        """Return the checks of which a failure is to be told."""
        return frozenset(name for event in self.events if is_news(event) for name in event.checks)


def decide(
    state: State, seen: Sequence[CheckResult], silences: Sequence[Silence], now: datetime, rules: Rules, *, is_complete: bool
) -> Decision:
    """Judge what was seen, and hold it against what the operator was last notified of.

    With `is_complete=False` only some checks were looked at: see `incidents.advance`.
    """
    # Another round may have been quicker (a unit has just changed): what is older than the state says nothing new.
    fresh = [result for result in seen if not _is_outdated(result, state)]
    grace_s = rules.grace_by_check(fresh)
    judged = tuple(judge(result, state.checks.get(result.check, CheckState()), now, grace_s[result.check]) for result in fresh)
    judged = without_told_outages(judged, state.checks, rules.policies, now)
    active = [*silences, *maintenance.active(rules.windows, now)]
    covering = tuple(each for each in active if each.starts_at <= now < each.ends_at)
    after, events = advance(state, judged, rules.policies, covering, now, rules.incidents, is_complete=is_complete)
    waiting = {name: left_s for name, each in after.checks.items() if (left_s := left_to_wait_s(each, now, rules.incidents))}
    return Decision(after, events, judged, waiting | _transitions(after, judged, now, grace_s), covering)


def is_news(event: Event) -> bool:
    """Tell whether the event says that something has failed."""
    return event.kind in NEW_FAILURES


def seconds_since_seen(state: State, check: str, now: datetime) -> float:
    """Return how long ago the last result of the check came; infinity where there was none."""
    seen_at = state.checks[check].seen_at if check in state.checks else None
    return (now - seen_at).total_seconds() if seen_at is not None else float("inf")


def _is_outdated(result: CheckResult, state: State) -> bool:
    # A state from far in the future comes of a clock that was set back, and must not make the monitor deaf until then.
    return -ROUND_S <= seconds_since_seen(state, result.check, result.at) < 0


def _transitions(after: State, judged: Sequence[CheckResult], now: datetime, grace_s: Mapping[str, float]) -> dict[str, float]:
    found = {}
    for result in judged:
        since = after.checks[result.check].settling_since
        if since is not None and 0 <= (now - since).total_seconds() < grace_s[result.check]:
            found[result.check] = grace_s[result.check] - (now - since).total_seconds()
    return found
