"""`history`: the incidents, and all about one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import click

from monitor_blueprint.cli.mistakes import Refusal
from monitor_blueprint.cli.opening import json_option, load_config, open_config, open_store, print_json, require_readable, view_of
from monitor_blueprint.cli.parameters import Number
from monitor_blueprint.console.incidents import incident, incidents
from monitor_blueprint.storage.channels import Delivery
from monitor_blueprint.storage.reads import EventRecord, IncidentDetail
from monitor_blueprint.storage.story import Told
from monitor_blueprint.text import ko, ko_commands, render, story

_MOST = 50


@click.command(help=ko.HELP["history"])
@click.argument("number", type=Number(), required=False)
@json_option
def history(number: int | None, *, as_json: bool) -> None:
    """List the incidents, or show all about one."""
    if as_json:
        _print_json(number)
        return
    with open_store(load_config()) as store:
        if number is None:
            found = store.reads.incidents()
            require_readable(store)
            for record in found:
                click.echo(render.incident_line(record.number, record.checks, record.opened_at, record.closed_at))
            if not found:
                click.echo(ko.NO_HISTORY)
            return
        detail = store.reads.incident(number)
        told = store.reads.story.told(number)
        found_entries = () if detail is None else store.reads.story.between(*story.span(detail.watched, datetime.now(UTC)))
        entries = [] if detail is None else story.of_incident(found_entries, number, detail.watched.opened_at)
        require_readable(store)
    if detail is None:
        raise Refusal(ko.NO_SUCH_INCIDENT.format(number=number), ko_commands.LOOK_INCIDENTS)
    of = detail.incident
    click.echo(render.incident_line(of.number, of.checks, of.opened_at, of.closed_at))
    if detail.incident.acked_by:
        click.echo(ko.ACKNOWLEDGED.format(number=number, by=detail.incident.acked_by))
    happened = [
        *((entry.at, [story.line(entry)]) for entry in entries),
        *((record.event.at, [*_event(record, detail, told)]) for record in detail.events),
    ]
    for _, lines in sorted(happened, key=lambda each: each[0]):
        for line in lines:
            click.echo(line)
    for item in detail.evidence:
        click.echo(f"\n[{render.evidence_title(item.title)}] {render.local(item.at)}\n{item.text.text}")


def _print_json(number: int | None) -> None:
    opened = open_config()
    with open_store(opened.config) as store:
        view = view_of(opened, store)
        document = incidents(view, _MOST) if number is None else incident(view, number)
        require_readable(store)
    if document is None:
        raise Refusal(ko.NO_SUCH_INCIDENT.format(number=number), ko_commands.LOOK_INCIDENTS)
    print_json(document, opened.warning)


def _delivered(found: Delivery, at: datetime) -> str:
    late_s = (found.settled_at - at).total_seconds() if found.settled_at is not None else 0.0
    return render.delivery(found.channel, found.state, found.answer, late_s, found.settled_at)


def _event(record: EventRecord, detail: IncidentDetail, told: Mapping[str, Told]) -> Iterator[str]:
    """Return what happened and how it was delivered; below it what was said, and what had been measured."""
    event = record.event
    deliveries = [each for each in detail.deliveries if each.event_id == record.id]
    delivered = ", ".join(_delivered(each, event.at) for each in deliveries)
    yield f"{render.local(event.at)} {ko.EVENT_KINDS[event.kind]} {' '.join(event.checks)} ({delivered or ko.NOT_SENT})"
    if record.id in told:
        yield from (f"    {line}" for line in told[record.id].text.splitlines())
        yield from (f"    {ko.MEASURED.format(line=line)}" for line in told[record.id].measured)
