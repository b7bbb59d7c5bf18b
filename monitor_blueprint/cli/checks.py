"""`health-check` and `status`: how everything is."""

from __future__ import annotations

import io
import os
import sys
from datetime import UTC, datetime

import click
import msgspec

from monitor_blueprint.cli.opening import load_config, open_store, require_readable
from monitor_blueprint.cli.version import version_option
from monitor_blueprint.engine.health_check import HealthCheck
from monitor_blueprint.engine.leader import ScheduleLock
from monitor_blueprint.engine.monitor import make_outbox
from monitor_blueprint.engine.round import HealthReport
from monitor_blueprint.engine.self_check import SelfCheck
from monitor_blueprint.storage.reads import MANUAL
from monitor_blueprint.text import ko, render, rows
from monitor_blueprint.text.health_log import HealthLog


@click.command("health-check", help=ko.HELP["health-check"])
@version_option
@click.option("--json", "as_json", is_flag=True, help=ko.HELP["json"])
def health_check(*, as_json: bool) -> None:
    """Run one health check; the exit code is 0, 1, 2 or 3 for OK, WARNING, CRITICAL or UNKNOWN."""
    settings = load_config()
    with open_store(settings) as store:
        log = HealthLog(settings.log_dir, io.StringIO() if as_json else sys.stdout)
        outbox = make_outbox(settings, store, sender=f"cli-{os.getpid()}")
        self_check = SelfCheck(settings, store, log, outbox)
        report = HealthCheck(settings, store, log, outbox, self_check).run(datetime.now(UTC), MANUAL)
        log.close()
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(_as_json(report)), indent=2).decode())
        # Whoever delivers first does it; with the service running that may be either. What is only a copy in memory
        # is not ours to deliver.
        if not store.problem:
            outbox.deliver_due()
    sys.exit(int(report.overall))


def _as_json(report: HealthReport) -> dict[str, object]:
    return {
        "overall": report.overall.name,
        "started_at": report.started_at,
        "duration_ms": round(report.duration_ms, 1),
        "checks": [
            {
                "name": result.check,
                "kind": result.kind,
                "status": report.decision.state.checks[result.check].status.name,
                "readings": [
                    {
                        "aspect": reading.aspect,
                        "status": reading.status.name,
                        "value": reading.value,
                        "unit": reading.unit,
                        "facts": reading.facts,
                        "text": render.line(result, reading),
                    }
                    for reading in result.readings
                ],
            }
            for result in report.results
        ],
    }


@click.command(help=ko.HELP["status"])
def status() -> None:
    """Show what is known of every check, without checking."""
    settings = load_config()
    now = datetime.now(UTC)
    with open_store(settings) as store:
        state = store.reads.state()
        results = store.reads.latest_results()
        last = store.reads.last_round()
        self_check = SelfCheck(settings, store, HealthLog(settings.log_dir), make_outbox(settings, store))
        problems = [problem.sentence for problem in self_check.problems(now)]
        if self_check.is_stalled(store.reads.last_scheduled_round(), now):
            problems.append(ko.STALLED)
        require_readable(store)
        holder = ScheduleLock(settings.state_dir).holder()
        click.echo(ko.STATUS_LAST.format(at=render.local(last.started_at if last else None), pid=holder or ko.NEVER))
        for problem in problems:
            click.echo(ko.NOTE.format(note=problem))
        for policy in settings.policies:
            if policy.name not in results:
                continue
            row = rows.row(results[policy.name], state.checks.get(policy.name), now)
            click.echo(f"{row.status.name:<8} {row.name:<14} {row.since:<12} {' / '.join(row.lines)}")
        if state.incident is not None:
            click.echo(ko.STATUS_INCIDENT.format(number=state.incident.number, at=render.local(state.incident.opened_at)))
