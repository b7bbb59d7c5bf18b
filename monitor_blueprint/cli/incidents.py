"""Silences, and the open incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from monitor_blueprint.cli.opening import (
    change,
    json_option,
    load_config,
    open_store,
    operator,
    print_json,
    require_readable,
    view_of,
)
from monitor_blueprint.cli.parameters import NUMBER, Duration, Words
from monitor_blueprint.console.silences import silences as console_silences
from monitor_blueprint.domain.incidents import acknowledge
from monitor_blueprint.domain.models import Silence
from monitor_blueprint.domain.story import StoryEntry, StoryKind
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
    until = now + duration

    def silenced(transaction: Transaction) -> int:
        number = transaction.add_silence(Silence(check, now, until, why))
        facts = {"by": operator(), "number": str(number), "check": check, "until": until.isoformat(), "why": why}
        transaction.story.add(StoryEntry(now, StoryKind.SILENCED, facts))
        return number

    number = change(silenced)
    click.echo(ko.SILENCED.format(number=number, check=check, until=render.local(until)))


@click.command(help=ko.HELP["silences"])
@json_option
def silences(*, as_json: bool) -> None:
    """List the silences that have not ended."""
    settings = load_config()
    with open_store(settings) as store:
        found = store.reads.silences(datetime.now(UTC))
        document = console_silences(view_of(settings, store)) if as_json else None
        require_readable(store)
    if document is not None:
        print_json(document)
        return
    for each in found:
        click.echo(ko.SILENCE.format(number=each.number, check=each.check, until=render.local(each.ends_at), why=each.why))
    if not found:
        click.echo(ko.NO_SILENCE)


@click.command(help=ko.HELP["unsilence"])
@click.argument("number", type=NUMBER)
def unsilence(number: int) -> None:
    """End a silence."""

    def ended(transaction: Transaction) -> bool:
        now = datetime.now(UTC)
        is_ended = transaction.end_silence(number, now)
        if is_ended:
            transaction.story.add(StoryEntry(now, StoryKind.UNSILENCED, {"by": operator(), "number": str(number)}))
        return is_ended

    if not change(ended):
        raise click.ClickException(ko.NO_SUCH_SILENCE.format(number=number))
    click.echo(ko.UNSILENCED.format(number=number))


@click.command(help=ko.HELP["ack"])
@click.option("--by", type=Words(40), default=operator, help=ko.HELP["by"])
def ack(by: str) -> None:
    """Take care of the open incident: no more reminders until something new happens."""

    def acknowledged(transaction: Transaction) -> int:
        now = datetime.now(UTC)
        state = acknowledge(transaction.reads.state(), by, now)
        transaction.save_state(state, now)
        if state.incident is not None:
            facts = {"by": by, "number": str(state.incident.number)}
            transaction.story.add(StoryEntry(now, StoryKind.ACKED, facts))
        return state.incident.number if state.incident else 0

    number = change(acknowledged)
    if not number:
        raise click.ClickException(ko.NO_INCIDENT)
    click.echo(ko.ACKNOWLEDGED.format(number=number, by=by))
