"""What happened over a time beside what was measured: incidents, silences, and what befell the monitor and the services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor_blueprint.console import audit, incidents
from monitor_blueprint.console.audit import StoryDocument
from monitor_blueprint.console.incidents import IncidentDocument
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.models import Silence, Status
from monitor_blueprint.storage.hours import COVERS_S, DAY, HOUR
from monitor_blueprint.storage.reads import IncidentFilter
from monitor_blueprint.storage.results import Spell

_MOST_INCIDENTS = 300
_RESULT_BY_RESULT = timedelta(days=7)
_HOUR_BY_HOUR = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Happenings:
    """What happened from one moment to another: of some checks, and of the monitor."""

    incidents: Sequence[IncidentDocument]
    silences: Sequence[Silence]
    story: Sequence[StoryDocument]


def happenings(view: View, checks: Sequence[str], since: datetime, until: datetime) -> Happenings:
    """Return what happened; of very much the newest. The windows are those that are configured today."""
    found = incidents.incidents(view, _MOST_INCIDENTS, IncidentFilter(since=since, until=until)).incidents
    quiet = [*view.reads.all_silences(), *(each for window in view.config.windows for each in window.between(since, until))]
    return Happenings(
        incidents=[each for each in found if not checks or set(each.checks) & set(checks)],
        silences=[
            each
            for each in quiet
            if each.starts_at < until and each.ends_at > since and (not checks or each.check == "*" or each.check in checks)
        ],
        story=audit.story(view, since, until).story,
    )


def spells(view: View, check: str, since: datetime, until: datetime) -> Sequence[Spell]:
    """Return how a check stood, and when nobody watched.

    A week is told result by result; of more time each hour, then each day, is told by the worst that was seen in it.
    """
    length = until - since
    if length <= _RESULT_BY_RESULT and length < timedelta(days=view.config.settings.keep_days):
        return view.reads.results.spells(check, since, until, covers_s(view, check))
    step = HOUR if length <= _HOUR_BY_HOUR else DAY
    parts = sorted(view.reads.hours.parts(check, since - step, until, step).items())
    covers = timedelta(seconds=covers_s(view, check))
    found: list[Spell] = []
    begin = since
    for at, watched in parts:
        # What is seldom due was watched meanwhile.
        _add(found, begin, at, found[-1].status if found and at - begin <= covers else None)
        _add(found, max(at, since), min(at + step, until), watched.worst)
        begin = max(begin, at + step)
    newest = view.reads.latest_results().get(check)
    if newest is not None:
        # It is in no hour yet.
        _add(found, begin, min(newest.at, until), None)
        _add(found, max(begin, newest.at), min(newest.at + covers, until), newest.status)
        begin = max(begin, min(newest.at + covers, until))
    _add(found, begin, until, None)
    return found


def _add(found: list[Spell], since: datetime, until: datetime, status: Status | None) -> None:
    if since >= until:
        return
    if found and found[-1].status is status:
        found[-1] = replace(found[-1], until=until)
    else:
        found.append(Spell(since, until, status))


def covers_s(view: View, check: str) -> float:
    """Return for how many seconds a result says how things are: of a check that is seldom due, for longer."""
    interval_s = next((policy.interval_s for policy in view.config.policies if policy.name == check), 0.0)
    return max(COVERS_S, 1.5 * interval_s)
