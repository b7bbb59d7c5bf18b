"""The monitor's addresses: its own health, the system's figures, and the operators' page. They read, and change nothing."""

from __future__ import annotations

import hmac
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from monitor_blueprint.domain.models import CheckResult, Status, worst
from monitor_blueprint.engine.leader import ScheduleLock
from monitor_blueprint.text import ko, render, rows
from monitor_blueprint.web import stats

if TYPE_CHECKING:
    from monitor_blueprint.engine.monitor import Monitor

blueprint = Blueprint("monitor", __name__, template_folder="templates", static_folder="static", static_url_path="/static")
_MONTH = timedelta(days=30)
_JSON_ERROR = {401: "the administrators' token is needed", 404: "there is no such address", 405: "this address is only read"}


def _monitor() -> Monitor:
    return cast("Monitor", current_app.extensions["neuronova_monitor"])


def _is_administrator() -> bool:
    """Tell whether the request carries the token, as a bearer token or as the password of HTTP basic authentication."""
    token = _monitor().admin_token
    given = ""
    if request.authorization is not None:
        given = request.authorization.token or request.authorization.password or ""
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


@blueprint.before_app_request
def _only_for_administrators() -> Response | None:
    if request.endpoint in ("monitor.health", "monitor.static") or _is_administrator():
        return None
    response = jsonify(ok=False, error=_JSON_ERROR[401])
    response.status_code = 401
    response.headers["WWW-Authenticate"] = 'Basic realm="NeuroNova monitor", charset="UTF-8"'
    return response


@blueprint.get("/health")
def health() -> tuple[Response, int]:
    """Say how the monitor itself is: 200 "alive" or "degraded" (and why), 503 when no health check comes to its end."""
    monitor = _monitor()
    now = datetime.now(UTC)
    last = monitor.store.reads.last_scheduled_cycle()
    holder = ScheduleLock(monitor.config.state_dir).holder()
    is_stalled = monitor.self_check.is_stalled(last, now)
    problems = monitor.self_check.problems(now)
    body = {
        "ok": not is_stalled,
        "status": "stalled" if is_stalled else "degraded" if problems else "alive",
        "last_check_at": last.started_at.isoformat() if last else None,
        "last_check": last.overall.name if last else None,
        "last_check_ms": last.duration_ms if last else None,
        "next_check_at": _iso(monitor.schedule.next_run_at()),
        "scheduler": {"running": monitor.schedule.is_running, "pid": holder or os.getpid()},
        "problems": [problem.text for problem in problems],
    }
    return jsonify(body), 503 if is_stalled else 200


@blueprint.get("/api/system/stats/")
def system_stats() -> Response:
    """Return the guide's figures of processor, memory and disk."""
    return jsonify(stats.read())


@blueprint.get("/metrics")
def metrics_text() -> Response:
    """Return the newest results for Prometheus."""
    # Imported when it is first asked for: most servers have no Prometheus, and the memory is wanted elsewhere.
    from monitor_blueprint.web import metrics  # noqa: PLC0415

    return Response(metrics.render(_monitor().store), content_type="text/plain; version=0.0.4; charset=utf-8")


@blueprint.get("/")
def page() -> str:
    """Show how everything is: what an operator opens at three in the morning."""
    monitor = _monitor()
    now = datetime.now(UTC)
    results = monitor.store.reads.latest_results()
    state = monitor.store.reads.state()
    names = [policy.name for policy in monitor.config.policies if policy.name in results]
    last = monitor.store.reads.last_scheduled_cycle()
    is_stale = monitor.self_check.is_stalled(last, now)
    overall = worst([state.checks[name].status for name in names if name in state.checks])
    return render_template(
        "monitor.html",
        problems=[problem.sentence for problem in monitor.self_check.problems(now)],
        overall=Status.UNKNOWN if is_stale else overall,
        is_stale=is_stale,
        last=last,
        rows=[rows.row(results[name], state.checks.get(name), now) for name in names],
        ranges={name: rows.value_range(results[name], _values(name, results[name], now)) for name in names},
        availabilities={name: rows.share(monitor.store.reads.availability(name, now - _MONTH, now)) for name in names},
        incident=state.incident,
        incidents=monitor.store.reads.incidents(20),
        silences=monitor.store.reads.silences(now),
        channels=[each for each in monitor.store.reads.outbox_status().values() if each.name in monitor.outbox.channel_names],
        local=render.local,
        every_minutes=monitor.config.settings.every_minutes,
    )


@blueprint.get("/incidents/<int(max=9223372036854775807):number>")
def incident(number: int) -> str | tuple[str, int]:
    """Show all about one incident: what was told, what was found, and how it was delivered."""
    found = _monitor().store.reads.incident(number)
    if found is None:
        return render_template("missing.html", number=number), 404
    return render_template(
        "incident.html",
        detail=found,
        local=render.local,
        kinds=ko.EVENT_KINDS,
        title_of=render.evidence_title,
        delivery_text=render.delivery,
        no_channel=ko.NOT_SENT,
    )


@blueprint.app_errorhandler(404)
@blueprint.app_errorhandler(405)
def _refused(error: Exception) -> tuple[Response, int]:
    code = getattr(error, "code", 404)
    return jsonify(ok=False, error=_JSON_ERROR[code]), code


def _values(name: str, result: CheckResult, now: datetime) -> list[float]:
    """Return what the first measured reading of the check was in the last day."""
    aspect = next((reading.aspect for reading in result.readings if reading.value is not None), "")
    return [value for _, value in _monitor().store.reads.trend(name, aspect, now - timedelta(days=1))] if aspect else []


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
