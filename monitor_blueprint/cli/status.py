"""`status`: how everything was when it was last looked at, and whether anybody still looks."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import click

from monitor_blueprint.cli.opening import json_option, load_config, open_store, print_json, require_readable, view_of
from monitor_blueprint.config import Config
from monitor_blueprint.console.checks import status as console_status
from monitor_blueprint.console.evidence import found
from monitor_blueprint.domain import maintenance
from monitor_blueprint.domain.models import Silence, State, Status, worst
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.standing import Standing, in_order, standings
from monitor_blueprint.engine.leader import ScheduleLock
from monitor_blueprint.engine.monitor import make_outbox
from monitor_blueprint.engine.self_check import SelfCheck
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko, render, rows
from monitor_blueprint.text.health_log import HealthLog


@click.command(help=ko.HELP["status"])
@json_option
def status(*, as_json: bool) -> None:
    """Show what is known of every check, without checking; the exit code is the overall status, 3 where nobody looks."""
    settings = load_config()
    if as_json:
        with open_store(settings) as store:
            document = console_status(view_of(settings, store))
            require_readable(store)
        print_json(document)
        sys.exit(Status[document.overall])
    now = datetime.now(UTC)
    with open_store(settings) as store:
        self_check = SelfCheck(settings, store, HealthLog(settings.log_dir), make_outbox(settings, store))
        problems = [problem.sentence for problem in self_check.problems(now)]
        state = store.reads.state()
        stored = store.reads.silences(now)
        lines = list(_checks(settings, store, state, stored, now))
        last = store.reads.last_round()
        lock = ScheduleLock(settings.state_dir)
        is_running, pid = lock.is_held(), lock.holder()
        scheduled = store.reads.last_scheduled_round()
        is_first, is_stalled = self_check.is_first_under_way(scheduled, now), self_check.is_stalled(scheduled, now)
        require_readable(store)
    policies = [policy.name for policy in settings.policies if policy.name in state.checks]
    seen = overall = worst([state.checks[name].status for name in policies])
    stale = ko.STOPPED if not is_running else ko.FIRST if is_first else ko.STALLED if is_stalled else ""
    if stale:
        overall = Status.UNKNOWN
    standing = _standings(state, stored, settings, now)
    what = rows.not_well(in_order(standing[name] for name in policies if state.checks[name].status is seen))
    click.echo(_head(overall, stale, what))
    if stale and seen is not Status.OK:
        click.echo(ko.LAST_SEEN.format(overall=seen.name, what=what))
    click.echo(ko.STATUS_LAST.format(at=render.local(last.started_at if last else None), pid=pid or ko.NEVER))
    for problem in problems:
        click.echo(ko.NOTE.format(note=problem))
    for line in (*lines, *_incident(state, stored, settings, now), *_silences(stored)):
        click.echo(line)
    sys.exit(int(overall))


def _head(overall: Status, stale: str, what: str) -> str:
    server = clean(socket.gethostname())
    if stale == ko.FIRST:
        return ko.STATUS_FIRST.format(overall=overall.name, why=stale, server=server)
    if stale:
        return ko.STATUS_OLD.format(overall=overall.name, why=stale, server=server)
    if overall is not Status.OK:
        return ko.STATUS_BAD.format(overall=overall.name, what=what, server=server)
    return ko.STATUS_HEAD.format(overall=overall.name, server=server)


def _checks(settings: Config, store: Store, state: State, silences: Sequence[Silence], now: datetime) -> Iterator[str]:
    results = store.reads.latest_results()
    standing = _standings(state, silences, settings, now)
    number = state.incident.number if state.incident is not None else 0
    evidence = found(settings, store.reads, state, results, standing)
    for name in [policy.name for policy in settings.policies if policy.name in results]:
        row = rows.row(results[name], state.checks.get(name), now, standing.get(name), number, found=evidence.get(name, ()))
        head = f"{row.status.name:<8} {row.name:<14} {row.since:<12} "
        yield head + " / ".join(line.text for line in row.lines) + (f" [{row.note}]" if row.note else "")
        yield from (ko.STATUS_FOUND.format(indent=" " * 9, line=line.text) for line in row.found)
        if row.commands:
            yield ko.STATUS_COMMANDS.format(indent=" " * 9, commands=row.commands)


def _incident(state: State, silences: Sequence[Silence], settings: Config, now: datetime) -> Iterator[str]:
    """Return the open incident, and what it consists of: it may be open while every check is well."""
    incident = state.incident
    if incident is None:
        return
    parts = in_order(each for each in _standings(state, silences, settings, now).values() if each.is_told)
    yield ko.STATUS_INCIDENT.format(
        number=incident.number,
        at=render.local(incident.opened_at),
        remaining=rows.remaining(incident, parts),
        owner=rows.owner(incident),
    )
    for each in parts:
        yield ko.STATUS_PART.format(name=each.check, note=rows.note(each))


def _standings(state: State, silences: Sequence[Silence], settings: Config, now: datetime) -> dict[str, Standing]:
    return standings(state, [*silences, *maintenance.active(settings.windows, now)], now)


def _silences(silences: Sequence[Silence]) -> Iterator[str]:
    for each in silences:
        yield ko.STATUS_SILENCE.format(
            silence=ko.SILENCE.format(number=each.number, check=each.check, until=render.local(each.ends_at), why=each.why)
        )
