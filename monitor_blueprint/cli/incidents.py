"""Silences, the open incident, and the history."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import click

from monitor_blueprint.cli.opening import change, load_config, open_store, require_readable, user_name
from monitor_blueprint.cli.parameters import NUMBER, Duration, Words
from monitor_blueprint.domain.incidents import acknowledge
from monitor_blueprint.domain.models import Silence
from monitor_blueprint.storage.writes import Transaction
from monitor_blueprint.text import ko, render


@click.command(help=ko.HELP["silence"])
@click.argument("check")
@click.argument("duration", type=Duration())
@click.option("--why", type=Words(200), required=True, help=ko.HELP["why"])
def silence(check: str, duration: timedelta, why: str) -> None:
    """Send nothing about a check for a while; "*" is every check."""
    settings = load_config()
    names = [policy.name for policy in settings.policies]
    if check not in (*names, "*"):
        raise click.BadParameter(ko.UNKNOWN_CHECK.format(check=check, names=", ".join([*names, "*"])))
    now = datetime.now(UTC)
    number = change(lambda transaction: transaction.add_silence(Silence(check, now, now + duration, why)))
    click.echo(ko.SILENCED.format(number=number, check=check, until=render.local(now + duration)))


@click.command(help=ko.HELP["silences"])
def silences() -> None:
    """List the silences that have not ended."""
    with open_store(load_config()) as store:
        found = store.reads.silences(datetime.now(UTC))
        require_readable(store)
    for each in found:
        click.echo(ko.SILENCE.format(number=each.number, check=each.check, until=render.local(each.ends_at), why=each.why))
    if not found:
        click.echo(ko.NO_SILENCE)


@click.command(help=ko.HELP["unsilence"])
@click.argument("number", type=NUMBER)
def unsilence(number: int) -> None:
    """End a silence."""
    if not change(lambda transaction: transaction.end_silence(number, datetime.now(UTC))):
        raise click.ClickException(ko.NO_SUCH_SILENCE.format(number=number))
    click.echo(ko.UNSILENCED.format(number=number))


@click.command(help=ko.HELP["ack"])
@click.option("--by", type=Words(40), default=lambda: os.environ.get("SUDO_USER") or user_name(), help=ko.HELP["by"])
def ack(by: str) -> None:
    """Take care of the open incident: no more reminders until something new happens."""

    def acknowledged(transaction: Transaction) -> int:
        now = datetime.now(UTC)
        state = acknowledge(transaction.reads.state(), by, now)
        transaction.save_state(state, now)
        return state.incident.number if state.incident else 0

    number = change(acknowledged)
    if not number:
        raise click.ClickException(ko.NO_INCIDENT)
    click.echo(ko.ACKNOWLEDGED.format(number=number, by=by))


@click.command(help=ko.HELP["history"])
@click.argument("number", type=NUMBER, required=False)
def history(number: int | None) -> None:
    """List the incidents, or show all about one."""
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
        require_readable(store)
    if detail is None:
        raise click.ClickException(ko.NO_SUCH_INCIDENT.format(number=number))
    if detail.incident.acked_by:
        click.echo(ko.ACKNOWLEDGED.format(number=number, by=detail.incident.acked_by))
    for entry in detail.events:
        deliveries = [each for each in detail.deliveries if each.event_id == entry.id]
        delivered = ", ".join(render.delivery(each.channel, each.state, each.answer) for each in deliveries)
        click.echo(
            f"{render.local(entry.event.at)} {ko.EVENT_KINDS[entry.event.kind]} {' '.join(entry.event.checks)}"
            f" ({delivered or ko.NOT_SENT})"
        )
    for item in detail.evidence:
        click.echo(f"\n[{render.evidence_title(item.title)}]\n{item.text}")
