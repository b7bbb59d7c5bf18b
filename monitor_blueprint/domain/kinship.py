"""What belongs together: what a check depends on, and which of several failures have something in common.

All that fails at one time is one incident and one message, whatever it has in common: a machine that fails as a whole must not
send one message for each of its services, and three services that are stopped at once are one alert and one recovery.
(Alertmanager puts together in the same way what one `group_by` does not tell apart; Uptime Kuma, which sends one message for each
monitor, is known for its floods.) What has nothing known in common is said to be so in that message: whoever repairs the one has
not repaired the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor_blueprint.domain.counted import watchers_of
from monitor_blueprint.domain.models import CheckPolicy, CheckState, Status
from monitor_blueprint.domain.readings import UNIT_ASPECT

Dependencies = Mapping[str, frozenset[str]]


def dependencies_of(policies: Sequence[CheckPolicy], checks: Mapping[str, CheckState]) -> dict[str, frozenset[str]]:
    """Return all that each check depends on, directly or not; a circle does no harm.

    While a target says of itself that it is not well, the check that reads that depends on none of those that it explains,
    but those on it: it has been answered. What is counted of a unit depends on the checks that look at the unit itself.
    """
    direct = {policy.name: set(policy.depends_on) for policy in policies}
    for policy in policies:
        for reader in policy.explained_by:
            if reader in direct and _speaks(checks[reader]):
                direct[policy.name].add(reader)
                direct[reader].discard(policy.name)
    for name, others in direct.items():
        if checks[name].is_symptom and UNIT_ASPECT not in checks[name].aspects:
            others |= {watcher for unit in checks[name].about for watcher in watchers_of(unit, policies, checks)}
    return {name: _reachable(name, direct) for name in direct}


def kin_of(policies: Sequence[CheckPolicy], dependencies: Dependencies, checks: Mapping[str, CheckState]) -> Dependencies:
    """Return which checks each has something in common with: one depends on the other, or they are about the same thing."""
    things = {policy.name: policy.shares | _units(checks[policy.name]) for policy in policies}
    return {
        name: frozenset(
            other
            for other, theirs in things.items()
            if other in dependencies[name] or name in dependencies[other] or not theirs.isdisjoint(own)
        )
        for name, own in things.items()
    }


def apart(failing: Sequence[str], kin: Dependencies) -> tuple[tuple[str, ...], ...]:
    """Return the failures that have nothing in common, each with what belongs to it; nothing where there is one only."""
    groups: list[list[str]] = []
    for name in failing:
        own = [group for group in groups if not kin.get(name, frozenset()).isdisjoint(group)]
        groups = [group for group in groups if group not in own] + [[*(each for group in own for each in group), name]]
    order = list(failing)
    found = sorted((sorted(group, key=order.index) for group in groups), key=lambda group: order.index(group[0]))
    return tuple(map(tuple, found)) if len(found) > 1 else ()


def _speaks(check: CheckState) -> bool:
    is_in_doubt = check.settling_since is not None or check.streak_of is Status.CRITICAL
    return check.is_self_report and (check.is_down or is_in_doubt)


def _units(check: CheckState) -> frozenset[str]:
    return frozenset(f"unit {name.removesuffix('.service')}" for name in check.about)


def _reachable(name: str, direct: Mapping[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(direct[name])
    while waiting:
        dependency = waiting.pop()
        if dependency in direct and dependency not in found and dependency != name:
            found.add(dependency)
            waiting.extend(direct[dependency])
    return frozenset(found)
