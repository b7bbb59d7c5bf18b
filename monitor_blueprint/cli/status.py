"""`status`: how everything was when it was last looked at, and whether anybody still looks."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import click

from monitor_blueprint.cli.opening import json_option, open_config, open_store, print_json, require_readable, view_of
from monitor_blueprint.config import Config
from monitor_blueprint.console.checks import status as console_status
from monitor_blueprint.console.evidence import found
from monitor_blueprint.domain import maintenance
from monitor_blueprint.domain.models import Silence, State, Status, worst
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.standing import Standing, in_order, standings
from monitor_blueprint.engine.leader import ScheduleLock
from monitor_blueprint.engine.monitor import make_outbox
from monitor_blueprint.engine.self_check import SelfCheck, whole
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko, render, rows
from monitor_blueprint.text.health_log import HealthLog


@click.command(help=ko.HELP["status"])
@json_option
def status(*, as_json: bool) -> None:
    """Show what is known of every check, without checking; the exit code is the overall status, 3 where nobody looks."""
    opened = open_config()
    settings = opened.config
    if as_json:
        with open_store(settings) as store:
            document = console_status(view_of(opened, store))
            require_readable(store)
        print_json(document, opened.warning)
        sys.exit(Status[document.overall])
    if opened.warning:
        click.echo(opened.warning)
    now = datetime.now(UTC)
    with open_store(settings) as store:
        outbox = make_outbox(settings, store)
        self_check = SelfCheck(settings, store, HealthLog(settings.log_dir), outbox, watched=opened.watched)
        problems = self_check.problems(now)
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
    seen = worst([state.checks[name].status for name in policies])
    overall = whole(seen, problems)
    stale = ko.STOPPED if not is_running else ko.FIRST if is_first else ko.STALLED if is_stalled else ""
    if stale:
        overall = Status.UNKNOWN
    standing = _standings(state, stored, settings, now)
    what = _what(state, standing, policies, seen)
    if overall is not seen and not stale:
        what = " · ".join(part for part in (ko.OWN_TROUBLE, what) if part)
    click.echo(_head(overall, stale, what))
    if stale and what:
        click.echo(ko.LAST_SEEN.format(overall=seen.name, what=what))
    click.echo(ko.STATUS_LAST.format(at=render.local(last.started_at if last else None), pid=pid or ko.NEVER))
    for problem in problems:
        # What the first line has said is not said again.
        if not opened.warning or problem.aspect != "config":
            click.echo(ko.NOTE.format(note=problem.sentence))
    for line in (*lines, *_incident(state, stored, settings, now), *_silences(stored)):
        click.echo(line)
    sys.exit(int(overall))


def _what(state: State, standing: Mapping[str, Standing], names: Sequence[str], seen: Status) -> str:
    """Return what is not well, and the incident that is open though nothing is critical any more; "" where all is well."""
    bad = () if seen is Status.OK else in_order(standing[name] for name in names if state.checks[name].status is seen)
    parts = [rows.not_well(bad)]
    if state.incident is not None and seen is not Status.CRITICAL:
        parts.append(rows.still_open(state.incident, in_order(each for each in standing.values() if each.is_told)))
    return " · ".join(part for part in parts if part)


def _head(overall: Status, stale: str, what: str) -> str:
    server = clean(socket.gethostname())
    if stale == ko.FIRST:
        return ko.STATUS_FIRST.format(overall=overall.name, why=stale, server=server)
    if stale:
        return ko.STATUS_OLD.format(overall=overall.name, why=stale, server=server)
    if what:
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
            # Each on a line of its own, as it is pasted.
            yield from (ko.STATUS_COMMANDS.format(indent=" " * 9, command=each) for each in row.commands.split(" · "))
            if runbook := settings.runbooks.get(row.name):
                yield ko.STATUS_RUNBOOK.format(indent=" " * 9, runbook=runbook)


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
