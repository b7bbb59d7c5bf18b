"""What a message says of single checks: what is the matter with each, and what is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor_blueprint.domain.models import CheckResult, Event, EventKind, Status
from monitor_blueprint.domain.readings import UNIT_ASPECT
from monitor_blueprint.domain.text import NOTHING, Public, fill
from monitor_blueprint.text import ko_messages, next_steps, render

# Slack cuts a text at 40,000 characters: so many lines about single checks.
MOST_DETAILS = 100
NO_RUNBOOKS: Mapping[str, Public] = {}
_CAN_STOP = ("service", "http")


@dataclass(frozen=True, slots=True)
class Recovery:
    """A check that recovered; it `was` "stopped", "failed", "unseen", "unstable", or "removed" from the configuration.

    `causes` are those because of which alone it was down.
    """

    name: str
    was: str
    lasted_s: float
    began_at: datetime
    ended_at: datetime
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Detail:
    """What is the matter with one check.

    Attributes:
        line: what its worst reading says.
        since: since when.
        causes: the failed dependencies that brought it about.
        changes: how often it has changed of late; 0 for one that does not flap.
        commands: what to type to see more; "" where its cause, or nothing, is to be looked at.
        runbook: what the operators themselves want to be done; "" where they say nothing, and where there are no commands.
    """

    line: Public
    since: datetime
    causes: tuple[str, ...]
    changes: int
    commands: Public
    runbook: Public = NOTHING


def causes_first(names: Iterable[str], consequences: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names, those last that something else has brought about: who reads one line reads what to look at."""
    return sorted(names, key=lambda name: name in consequences)


def recoveries(event: Event, results: Mapping[str, CheckResult]) -> list[Recovery]:
    """Return what is over with the event."""
    return [_recovery(name, event, results) for name in causes_first(event.lasted_s, event.due_to)]


def _recovery(name: str, event: Event, results: Mapping[str, CheckResult]) -> Recovery:
    # A disk does not stop, and what could not be seen may have been well.
    if name not in results:
        was = "removed"
    elif event.kind is EventKind.CALM:
        was = "unstable"
    elif name in event.blind:
        was = "unseen"
    else:
        was = "stopped" if results[name].kind in _CAN_STOP else "failed"
    lasted = event.lasted_s[name]
    began_at = event.since.get(name, event.at - timedelta(seconds=lasted))
    return Recovery(name, was, lasted, began_at, began_at + timedelta(seconds=lasted), event.due_to.get(name, ()))


def is_awaiting(name: str, event: Event, results: Mapping[str, CheckResult]) -> bool:
    """Tell whether one that has failed is up again, as far as is seen, and its answer, or that of others, is still awaited."""
    if name not in event.failing or name not in results or (name in event.checks and not event.lasted_s):
        return False
    readings = results[name].readings
    is_unit_up = not any(each.aspect == UNIT_ASPECT and (each.is_settling or each.status is not Status.OK) for each in readings)
    return is_unit_up and all(each.is_settling or each.status is Status.OK for each in readings)


def details(
    names: Sequence[str], event: Event, results: Mapping[str, CheckResult], runbooks: Mapping[str, Public] = NO_RUNBOOKS
) -> list[Detail]:
    """Return what is the matter with each; what two checks say in the same words (a mount that is gone) only once."""
    found = [_detail(name, event, results, runbooks) for name in causes_first(names, event.consequences)[:MOST_DETAILS]]
    return list({(each.line, each.commands): each for each in reversed(found)}.values())[::-1]


def _detail(name: str, event: Event, results: Mapping[str, CheckResult], runbooks: Mapping[str, Public]) -> Detail:
    causes = event.consequences.get(name, ())
    is_awaited = is_awaiting(name, event, results)
    is_to_be_looked_at = name in event.failing and not causes and not is_awaited
    line, is_withholding = render.worst_line(name, results)
    commands = next_steps.commands(results.get(name), event.incident, is_withholding=is_withholding)
    return Detail(
        line=fill(ko_messages.AWAITED, line=line) if is_awaited and results[name].status is Status.OK else line,
        since=event.since.get(name, event.at),
        causes=causes,
        changes=event.flapping.get(name, 0),
        commands=commands if is_to_be_looked_at else NOTHING,
        runbook=runbooks.get(name, NOTHING) if is_to_be_looked_at else NOTHING,
    )
