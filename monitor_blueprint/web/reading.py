"""The API's questions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from monitor_blueprint.config.suggestions import unknown
from monitor_blueprint.console import audit, channels, checks, configuration, incidents, series, silences
from monitor_blueprint.console.view import Answer
from monitor_blueprint.domain.access import Role
from monitor_blueprint.domain.story import StoryKind
from monitor_blueprint.storage.reads import IncidentFilter
from monitor_blueprint.web import stats
from monitor_blueprint.web.answers import Problem, RefusedError, invalid
from monitor_blueprint.web.route import Asked, Route

NUMBER = "<int(max=9223372036854775807):number>"
LARGEST_NUMBER = 2**63 - 1
Moment = Annotated[datetime, Meta(tz=True, description="ISO 8601, with its time zone")]
Name = Annotated[str, Meta(min_length=1, max_length=40)]
_Limit = Annotated[int, Meta(ge=1, le=200)]
_Number = Annotated[int, Meta(ge=0, le=LARGEST_NUMBER)]
_DAY = timedelta(days=1)
_LONGEST = timedelta(days=3660)


class SeriesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which checks (all where none is named) and which aspect; the last day where nothing else is said."""

    check: Annotated[list[Name], Meta(max_length=200)] = []
    aspect: Annotated[str, Meta(max_length=40)] = ""
    since: Moment | None = None
    until: Moment | None = None
    step_s: Annotated[int, Meta(ge=60, le=31 * 86400)] | None = None


class AvailabilityQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which checks (all where none is named), and how many days."""

    check: Annotated[list[Name], Meta(max_length=200)] = []
    days: Annotated[int, Meta(ge=1, le=400)] = 30


class IncidentsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which incidents: of a check, open or closed, those that were open at some moment of a time, or that have a text in what was
    said of them; and the next page.
    """

    before: _Number = LARGEST_NUMBER
    limit: _Limit = 50
    check: Annotated[str, Meta(max_length=40)] = ""
    state: Literal["open", "closed"] | None = None
    since: Moment | None = None
    until: Moment | None = None
    text: Annotated[str, Meta(max_length=100)] = ""


class SilencesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whether those that are over are wanted, too."""

    past: bool = False


class StoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Of which time; the last 30 days where nothing else is said."""

    since: Moment | None = None
    until: Moment | None = None


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which changes: of some kinds; and the next page."""

    before: Moment | None = None
    limit: _Limit = 50
    kind: Annotated[list[StoryKind], Meta(max_length=20)] = []


class StatisticsAnswer(Answer, frozen=True, kw_only=True):
    """The figures of this machine: percentages, bytes, and the load of the last 1, 5 and 15 minutes."""

    cpu: dict[str, int | float | list[float]]
    memory: dict[str, int | float]
    disk: dict[str, int | float]


# By the thread that imports it: msgspec crashes where two learn a nested type at once.
msgspec.json.Decoder(StatisticsAnswer)


def known_checks(asked: Asked, names: Sequence[str], field: str = "check") -> list[str]:
    """Return the checks that are named, each once; all where none is.

    Raises:
        RefusedError: there is none of that name.
    """
    known = [policy.name for policy in asked.view.config.policies]
    wrong = [name for name in names if name not in known]
    if wrong:
        problems = [Problem(field=field, problem=unknown("check", name, known)) for name in wrong]
        raise RefusedError(422, "invalid", "the request cannot be used", *problems)
    return list(dict.fromkeys(names)) or known


def not_found(what: str) -> RefusedError:
    """Return that something is not there."""
    return RefusedError(404, "not_found", what)


def _status(asked: Asked) -> Answer:
    return checks.status(asked.view)


def _checks(asked: Asked) -> Answer:
    return checks.checks(asked.view)


def _check(asked: Asked) -> Answer:
    found = checks.check(asked.view, asked.places["name"])
    if found is None:
        raise not_found("there is no check of that name, or no result of it yet")
    return found


def _series(asked: Asked) -> Answer:
    query: SeriesQuery = asked.query
    until = query.until or asked.view.now
    since = query.since or until - _DAY
    if not timedelta() < until - since <= _LONGEST:
        raise invalid("since", f"must be before `until`, by {_LONGEST.days} days at most")
    step = timedelta(seconds=query.step_s or 60)
    return series.series(asked.view, known_checks(asked, query.check), query.aspect, (since, until), step)


def _availability(asked: Asked) -> Answer:
    query: AvailabilityQuery = asked.query
    try:
        return series.availability(asked.view, known_checks(asked, query.check), query.days)
    except series.TooMuchError as error:
        raise invalid("days", str(error)) from error


def _incidents(asked: Asked) -> Answer:
    query: IncidentsQuery = asked.query
    is_open = None if query.state is None else query.state == "open"
    where = IncidentFilter(query.before, query.check, is_open, query.since, query.until, query.text)
    return incidents.incidents(asked.view, query.limit, where)


def incident(asked: Asked) -> Answer:
    """Return all about the incident that the address names."""
    found = incidents.incident(asked.view, asked.places["number"])
    if found is None:
        raise not_found("there is no incident of that number")
    return found


def _silences(asked: Asked) -> Answer:
    return silences.silences(asked.view, is_past_wanted=asked.query.past)


def _maintenance(asked: Asked) -> Answer:
    return silences.maintenance(asked.view)


def _channels(asked: Asked) -> Answer:
    return channels.channels(asked.view, asked.monitor.outbox)


def _configuration(asked: Asked) -> Answer:
    return configuration.configuration(asked.view)


def _story(asked: Asked) -> Answer:
    query: StoryQuery = asked.query
    until = query.until or asked.view.now
    # At the earliest moment of all there is nothing before it.
    since = query.since or (until - 30 * _DAY if until.year > 1970 else until)
    return audit.story(asked.view, since, until)


def _audit(asked: Asked) -> Answer:
    query: AuditQuery = asked.query
    return audit.audit(asked.view, query.limit, query.before, query.kind)


def _statistics(_asked: Asked) -> Answer:
    return msgspec.convert(stats.read(), StatisticsAnswer)


_READ = Role.READ
ROUTES = (
    Route("GET", "/status", "status", _READ, "How everything is", checks.StatusAnswer, _status),
    Route("GET", "/checks", "checks", _READ, "Every check", checks.ChecksAnswer, _checks),
    Route(
        "GET",
        "/checks/<path:name>",
        "check",
        _READ,
        "One check, and how it is configured",
        checks.CheckAnswer,
        _check,
        refusals=(404,),
    ),
    Route("GET", "/series", "series", _READ, "What was measured over a time", series.SeriesAnswer, _series, SeriesQuery),
    Route(
        "GET",
        "/availability",
        "availability",
        _READ,
        "How long everything was up, day by day",
        series.AvailabilityAnswer,
        _availability,
        AvailabilityQuery,
    ),
    Route(
        "GET", "/incidents", "incidents", _READ, "Incidents, newest first", incidents.IncidentsAnswer, _incidents, IncidentsQuery
    ),
    Route(
        "GET",
        f"/incidents/{NUMBER}",
        "incident",
        _READ,
        "All about one incident",
        incidents.IncidentAnswer,
        incident,
        refusals=(404,),
    ),
    Route("GET", "/silences", "silences", _READ, "When nothing is told", silences.SilencesAnswer, _silences, SilencesQuery),
    Route("GET", "/maintenance", "maintenance", _READ, "Maintenance windows", silences.MaintenanceAnswer, _maintenance),
    Route("GET", "/channels", "channels", _READ, "How the alert channels fare", channels.ChannelsAnswer, _channels),
    Route(
        "GET",
        "/configuration",
        "configuration",
        _READ,
        "What was asked for, secrets left out",
        configuration.ConfigurationAnswer,
        _configuration,
    ),
    Route(
        "GET", "/story", "story", _READ, "When the monitor began, ended or was configured", audit.StoryAnswer, _story, StoryQuery
    ),
    Route("GET", "/audit", "audit", Role.OPERATE, "Who changed what", audit.AuditAnswer, _audit, AuditQuery),
    Route("GET", "/statistics", "statistics", Role.STATS, "The figures of this machine", StatisticsAnswer, _statistics),
)
