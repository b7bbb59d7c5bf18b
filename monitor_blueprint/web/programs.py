"""What programs ask besides the API: the monitor's own health, the system's figures, and the metrics."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from flask import Response

from monitor_blueprint.domain import maintenance
from monitor_blueprint.domain.text import Document, Public, configured, fill, iso, member
from monitor_blueprint.engine.leader import ScheduleLock
from monitor_blueprint.web import stats
from monitor_blueprint.web.answers import open_json
from monitor_blueprint.web.mounted import monitor as monitor_of_app


def health() -> Response:
    """Say how the monitor itself is: 200 "alive", "starting" (its first health check is under way) or "degraded" (and why).

    503 "stalled" when no health check comes to its end.
    """
    monitor = monitor_of_app()
    now = datetime.now(UTC)
    last = monitor.store.reads.last_scheduled_round()
    holder = ScheduleLock(monitor.config.state_dir).holder()
    is_stalled = monitor.self_check.is_stalled(last, now)
    is_first = monitor.self_check.is_first_under_way(last, now)
    problems = monitor.self_check.problems(now)
    body: dict[str, Document] = {
        "ok": not is_stalled,
        "status": fill("stalled" if is_stalled else "starting" if is_first else "degraded" if problems else "alive"),
        "last_check_at": _iso(last.started_at) if last else None,
        "last_check": member(last.overall) if last else None,
        "last_check_ms": last.duration_ms if last else None,
        "next_check_at": _iso(monitor.schedule.next_run_at()),
        "scheduler": {"running": monitor.schedule.is_running, "pid": holder or os.getpid()},
        "problems": [problem.text for problem in problems],
    }
    return open_json(body, 503 if is_stalled else 200)


def system_stats() -> Response:
    """Return the guide's figures of processor, memory and disk; where something is silenced, also what, and until when."""
    monitor = monitor_of_app()
    now = datetime.now(UTC)
    silences = [*monitor.store.reads.silences(now), *maintenance.active(monitor.config.windows, now)]
    shown: list[Document] = [{"check": configured(each.check), "until": iso(each.ends_at)} for each in silences]
    return open_json({**stats.read(), **({"silences": shown} if shown else {})})


def metrics_text() -> Response:
    """Return the newest results for Prometheus."""
    # Imported when it is first asked for: most servers have no Prometheus, and the memory is wanted elsewhere.
    from monitor_blueprint.web import metrics  # noqa: PLC0415

    monitor = monitor_of_app()
    text = metrics.render(monitor.store, monitor.config.windows, datetime.now(UTC))
    return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _iso(at: datetime | None) -> Public | None:
    return iso(at) if at else None
