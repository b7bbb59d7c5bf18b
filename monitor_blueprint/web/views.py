"""The monitor's addresses but for the API, and the operators' pages. They read, and change nothing."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, request, send_from_directory, url_for
from jinja2 import Environment, FileSystemLoader
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from monitor_blueprint.console.evidence import found
from monitor_blueprint.domain import maintenance
from monitor_blueprint.domain.access import Role
from monitor_blueprint.domain.models import CheckResult, Status, worst
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.standing import in_order, standings
from monitor_blueprint.domain.story import StoryEntry
from monitor_blueprint.domain.text import configured, fill
from monitor_blueprint.log import Log
from monitor_blueprint.storage.hours import Watched
from monitor_blueprint.storage.reads import EventRecord
from monitor_blueprint.text import ko, render, rows, story
from monitor_blueprint.web import access, api, programs
from monitor_blueprint.web.answers import open_json, secure
from monitor_blueprint.web.mounted import monitor as monitor_of_app

_log = Log(__name__)
_DAY = timedelta(days=1)
_MONTH = timedelta(days=30)
_OPEN = ("health", "static")
# The pages show what came from outside.
_ROLES = {"system_stats": Role.STATS, "metrics_text": Role.READ}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_JSON_ERROR = {
    401: fill("the administrators' token is needed"),
    404: fill("there is no such address"),
    405: fill("this address is only read"),
    500: fill("it could not be answered"),
}
_STATIC = Path(__file__).with_name("static")
# Not the application's: that may have a `base.html` of its own, and other rules.
_templates = Environment(loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True, auto_reload=False)
_templates.globals["url_for"] = url_for


def make_blueprint(name: str, *, has_own_place: bool) -> Blueprint:
    """Return the pages as a blueprint for one application, which finds the monitor among its extensions.

    With a place of its own (a prefix, a sub-domain) the blueprint also answers for all that is no address there.
    """
    blueprint = Blueprint(name, __name__)
    blueprint.before_request(_guard)
    blueprint.after_request(secured)
    blueprint.get("/health")(programs.health)
    blueprint.get("/api/system/stats/")(programs.system_stats)
    blueprint.get("/metrics")(programs.metrics_text)
    blueprint.get("/")(page)
    blueprint.get("/incidents/<int(max=9223372036854775807):number>")(incident)
    api.register(blueprint)
    # By their names: at the root of an application everything else under "/static/" is its own.
    files = ", ".join(f"'{path.name}'" for path in sorted(_STATIC.iterdir()))
    blueprint.get(f"/static/<any({files}):filename>")(static)
    if has_own_place:
        blueprint.before_request(_options)
        for rule in ("/", "/<path:address>"):
            blueprint.add_url_rule(rule, view_func=no_such_address, methods=_METHODS)
    for code in (404, 405):
        blueprint.register_error_handler(code, refuse)
    blueprint.register_error_handler(Exception, fail)
    return blueprint


def _guard() -> Response | None:
    """Let in whoever may; the addresses of the API see to that themselves."""
    endpoint = (request.endpoint or "").rpartition(".")[2]
    if endpoint in _OPEN or (endpoint.startswith(api.ENDPOINT) and request.method != "OPTIONS"):
        return None
    return _refuse_strangers(_ROLES.get(endpoint, Role.OPERATE))


def _refuse_strangers(role: Role) -> Response | None:
    asker = access.asker()
    if asker.may(role):
        return None
    if asker.wait_s:
        response = open_json({"ok": False, "error": fill("too many wrong tokens: wait {seconds} s", seconds=asker.wait_s)}, 429)
        response.headers["Retry-After"] = str(asker.wait_s)
        return response
    response = open_json({"ok": False, "error": _JSON_ERROR[401]}, 401)
    response.headers["WWW-Authenticate"] = 'Basic realm="NeuroNova monitor", charset="UTF-8"'
    return response


def _options() -> Response | None:
    """Say how an address can be used; Flask would count in what `no_such_address` takes."""
    if request.method != "OPTIONS" or not (methods := _methods()):
        return None
    response = Response()
    response.allow.update(methods)
    return response


def no_such_address(address: str = "") -> Response:  # noqa: ARG001 - Flask passes it
    """Refuse what is no address, or one that cannot be used in this way."""
    if methods := _methods():
        abort(405, valid_methods=methods)
    abort(404)


def refuse(error: HTTPException) -> Response:
    """Answer 404 and 405 in JSON; only administrators get to know which of them it is."""
    if api.is_asked():
        return api.refuse(error)
    refusal = _refuse_strangers(Role.OPERATE)
    if refusal is not None:
        return refusal
    code = error.code or 500
    response = open_json({"ok": False, "error": _JSON_ERROR[code]}, code)
    if isinstance(error, MethodNotAllowed):
        response.allow.update(error.valid_methods or ())
    return response


def fail(error: Exception) -> Response | HTTPException:
    """Answer 500 where one of our own pages has failed: Flask would log what the exception says."""
    if isinstance(error, HTTPException):
        return api.refuse(error) if api.is_asked() else error
    _log.error(fill("{endpoint} could not be answered", endpoint=configured(request.endpoint)), error)
    if api.is_asked():
        return api.failed()
    return open_json({"ok": False, "error": _JSON_ERROR[500]}, 500)


def _methods() -> list[str]:
    """Return how the address that is asked for can be used."""
    addresses = current_app.create_url_adapter(request)
    nothing = f"{request.blueprint}.{no_such_address.__name__}"

    def is_there(method: str) -> bool:
        try:
            return addresses is not None and addresses.match(method=method)[0] != nothing
        except HTTPException:
            return False

    return [method for method in _METHODS if is_there(method)]


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
    return _html(
        "monitor.html",
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
        story=[(each.at, story.sentence(each)) for each in reversed(monitor.store.reads.story.between(now - _DAY, now, 10))],
        channels=[each for each in monitor.store.reads.outbox_status().values() if each.name in monitor.outbox.channel_names],
        last_seen=ko.LAST_SEEN,
        local=render.local,
        every_minutes=monitor.config.settings.every_minutes,
    )


def incident(number: int) -> Response:
    """Show all about one incident: what was told, what was found, and how it was delivered."""
    reads = monitor_of_app().store.reads
    detail = reads.incident(number)
    if detail is None:
        return _html("missing.html", 404, number=number)
    entries = story.of_incident(
        reads.story.between(*story.span(detail.watched, datetime.now(UTC))), number, detail.watched.opened_at
    )
    return _html(
        "incident.html",
        detail=detail,
        told=reads.story.told(number),
        timeline=_timeline(detail.events, entries),
        sentence=story.sentence,
        local=render.local,
        kinds=ko.EVENT_KINDS,
        title_of=render.evidence_title,
        delivery_text=render.delivery,
        no_channel=ko.NOT_SENT,
    )


def _timeline(events: Sequence[EventRecord], entries: Sequence[StoryEntry]) -> list[EventRecord | StoryEntry]:
    """Return what was told and what was done, in the order in which it happened."""
    timed: list[tuple[datetime, EventRecord | StoryEntry]] = [(record.event.at, record) for record in events]
    timed += [(entry.at, entry) for entry in entries]
    return [happened for _, happened in sorted(timed, key=lambda each: each[0])]


def static(filename: str) -> Response:
    """Return a file that the pages need."""
    return send_from_directory(_STATIC, filename)


def secured(response: Response) -> Response:
    """Give every answer its header fields, that of Flask itself too; what never changes between two versions may be kept."""
    return secure(response, is_kept=(request.endpoint or "").endswith(f".{static.__name__}"))


def _html(template: str, status: int = 200, **values: object) -> Response:
    return secure(Response(_templates.get_template(template).render(values), status, mimetype="text/html"))


def _availability(watched: Watched) -> str:
    return rows.availability(watched.availability, watched.known_s, _MONTH.total_seconds())


def _values(name: str, result: CheckResult, now: datetime) -> list[float]:
    """Return what the first measured reading of the check was in the last day."""
    aspect = next((reading.aspect for reading in result.readings if reading.value is not None), "")
    return [value for _, value in monitor_of_app().store.reads.trend(name, aspect, now - _DAY)] if aspect else []
