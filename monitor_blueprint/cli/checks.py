"""`health-check`: how everything is now."""

from __future__ import annotations

import io
import os
import sys
from datetime import UTC, datetime

import click
import msgspec

from monitor_blueprint.cli.opening import open_config, open_store
from monitor_blueprint.cli.version import version_option
from monitor_blueprint.domain.models import CheckResult, Reading
from monitor_blueprint.domain.text import Document, Private, configured, iso, label, member
from monitor_blueprint.engine.health_check import HealthCheck
from monitor_blueprint.engine.monitor import make_outbox
from monitor_blueprint.engine.round import HealthReport
from monitor_blueprint.engine.self_check import SelfCheck
from monitor_blueprint.storage.encoding import to_json
from monitor_blueprint.storage.reads import MANUAL
from monitor_blueprint.text import ko, render
from monitor_blueprint.text.health_log import HealthLog


@click.command("health-check", help=ko.HELP["health-check"])
@version_option
@click.option("--json", "as_json", is_flag=True, help=ko.HELP["json"])
def health_check(*, as_json: bool) -> None:
    """Run one health check; the exit code is 0, 1, 2 or 3 for OK, WARNING, CRITICAL or UNKNOWN."""
    opened = open_config()
    settings = opened.config
    if opened.warning and not as_json:
        click.echo(opened.warning, err=True)
    with open_store(settings) as store:
        log = HealthLog(settings.log_dir, io.StringIO() if as_json else sys.stdout)
        outbox = make_outbox(settings, store, sender=f"cli-{os.getpid()}")
        self_check = SelfCheck(settings, store, log, outbox, watched=opened.watched)
        report = HealthCheck(settings, store, log, outbox, self_check).run(datetime.now(UTC), MANUAL)
        log.close()
        if as_json:
            warning: dict[str, Document] = {"warning": configured(opened.warning)} if opened.warning else {}
            click.echo(msgspec.json.format(to_json({**warning, **_as_json(report)}), indent=2))
        # Whoever delivers first does it; with the service running that may be either. What is only a copy in memory
        # is not ours to deliver.
        if not store.problem:
            outbox.deliver_due()
    sys.exit(int(report.overall))


def _as_json(report: HealthReport) -> dict[str, Document]:
    """Return what everybody may read: a timer's output goes into the journal."""
    states = report.decision.state.checks
    return {
        "overall": member(report.overall),
        "started_at": iso(report.started_at),
        "duration_ms": round(report.duration_ms, 1),
        "checks": [
            {
                "name": configured(result.check),
                "kind": configured(result.kind),
                "status": member(states[result.check].status),
                "readings": [_reading_as_json(result, reading) for reading in result.readings],
            }
            for result in report.results
        ],
    }


def _reading_as_json(result: CheckResult, reading: Reading) -> dict[str, Document]:
    facts: dict[str, Document] = {label(key): fact for key, fact in reading.facts.items() if not isinstance(fact, Private)}
    return {
        "aspect": label(reading.aspect),
        "status": member(reading.status),
        "value": reading.value,
        "unit": label(reading.unit),
        "facts": facts,
        "text": render.line(result, reading),
    }
