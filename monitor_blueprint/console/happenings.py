"""What happened over a time beside what was measured: incidents, silences, and what befell the monitor and the services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor_blueprint.console import audit, incidents
from monitor_blueprint.console.audit import StoryDocument
from monitor_blueprint.console.incidents import IncidentDocument
from monitor_blueprint.console.view import View
from monitor_blueprint.domain.models import Silence
from monitor_blueprint.storage.hours import COVERS_S, DAY, HOUR
from monitor_blueprint.storage.reads import IncidentFilter
from monitor_blueprint.storage.results import Spell

_MOST_INCIDENTS = 300


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
    """Return how a check stood, and when nobody watched: result by result, or by days where these are not kept for so long."""
    if since >= view.now - timedelta(days=view.config.settings.keep_days, hours=1):
        return view.reads.results.spells(check, since, until, covers_s(view, check))
    return _days(view, check, since, until)


def covers_s(view: View, check: str) -> float:
    """Return for how many seconds a result says how things are: of a check that is seldom due, for longer."""
    interval_s = next((policy.interval_s for policy in view.config.policies if policy.name == check), 0.0)
    return max(COVERS_S, 1.5 * interval_s)


def _days(view: View, check: str, since: datetime, until: datetime) -> list[Spell]:
    """Return the days by the worst that was seen on them; an hour that nobody watched is not to be seen among so many days."""
    begin = since.replace(minute=0, second=0, microsecond=0)
    bounds = [begin + DAY * number for number in range(int((until - begin) / DAY) + 1)]
    if until - bounds[-1] >= HOUR or len(bounds) == 1:
        bounds.append(until)
    watched = view.reads.hours.watched([check], bounds, view.now)[check]
    return [Spell(begun, ended, each.worst) for begun, ended, each in zip(bounds, bounds[1:], watched, strict=False)]
