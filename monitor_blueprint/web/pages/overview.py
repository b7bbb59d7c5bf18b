"""The overview: what an operator opens at three in the morning."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta

from flask import Response

from monitor_blueprint.console.evidence import found
from monitor_blueprint.domain import maintenance
from monitor_blueprint.domain.models import CheckResult, Status, worst
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.standing import in_order, standings
from monitor_blueprint.domain.story import with_restarts
from monitor_blueprint.storage.hours import Watched
from monitor_blueprint.text import ko, render, rows, story
from monitor_blueprint.web.mounted import monitor as monitor_of_app
from monitor_blueprint.web.pages.page import html

_DAY = timedelta(days=1)
_MOST_TOLD = 10
_MONTH = timedelta(days=30)


def page() -> Response:
    """Show how everything is: what an operator opens at three in the morning."""
    monitor = monitor_of_app()
    now = datetime.now(UTC)
    results = monitor.store.reads.latest_results()
    state = monitor.store.reads.state()
    names = [policy.name for policy in monitor.config.policies if policy.name in results]
    silences = monitor.store.reads.silences(now)
    standing = standings(state, [*silences, *maintenance.active(monitor.config.windows, now)], now)
    number = state.incident.number if state.incident is not None else 0
    scheduled = monitor.store.reads.last_scheduled_round()
    month = monitor.store.reads.hours.over(names, now - _MONTH, now)
    is_first = monitor.self_check.is_first_under_way(scheduled, now)
    is_stale = is_first or monitor.self_check.is_stalled(scheduled, now)
    overall = worst([state.checks[name].status for name in names if name in state.checks])
    told = in_order(each for each in standing.values() if each.is_told)
    evidence = found(monitor.config, monitor.store.reads, state, results, standing)
    shown = {
        name: rows.row(results[name], state.checks.get(name), now, standing.get(name), number, found=evidence.get(name, ()))
        for name in names
    }
    return html(
        "overview.html",
        problems=[problem.sentence for problem in monitor.self_check.problems(now)],
        overall=Status.UNKNOWN if is_stale else overall,
        is_stale=is_stale,
        is_first=is_first,
        # One by hand, too: the rows show what that has seen.
        last=monitor.store.reads.last_round(),
        server=clean(socket.gethostname()),
        rows=list(shown.values()),
        ranges={name: rows.value_range(results[name], _values(name, results[name], now)) for name in names},
        availabilities={name: _availability(each) for name, each in month.items()},
        incident=state.incident,
        owner=rows.owner(state.incident) if state.incident is not None else "",
        # What follows from another is not to be looked at itself.
        parts=[(each, rows.note(each), None if each.causes else shown.get(each.check)) for each in told],
        remaining=rows.remaining(state.incident, told) if state.incident is not None else "",
        seen=overall,
        what=rows.not_well(
            in_order(standing[name] for name in names if name in standing and state.checks[name].status is overall)
        ),
        incidents=monitor.store.reads.incidents(20),
        silences=silences,
        story=[
            (each.at, story.sentence(each))
            for each in with_restarts(monitor.store.reads.story.between(now - _DAY, now, 30))[: -_MOST_TOLD - 1 : -1]
        ],
        channels=[each for each in monitor.store.reads.outbox_status().values() if each.name in monitor.outbox.channel_names],
        last_seen=ko.LAST_SEEN,
        local=render.local,
        every_minutes=monitor.config.settings.every_minutes,
    )


def _availability(watched: Watched) -> str:
    return rows.availability(watched.availability, watched.known_s, _MONTH.total_seconds())


def _values(name: str, result: CheckResult, now: datetime) -> list[float]:
    """Return what the first measured reading of the check was in the last day."""
    aspect = next((reading.aspect for reading in result.readings if reading.value is not None), "")
    return [value for _, value in monitor_of_app().store.reads.trend(name, aspect, now - _DAY)] if aspect else []
