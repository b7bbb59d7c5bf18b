"""Silences, and the open incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from monitor_blueprint.cli.mistakes import Refusal, near
from monitor_blueprint.cli.opening import (
    json_option,
    load_config,
    open_config,
    open_store,
    operator,
    order,
    print_json,
    require_readable,
    view_of,
)
from monitor_blueprint.cli.parameters import Duration, Number, Words
from monitor_blueprint.console import orders
from monitor_blueprint.console.orders import Order
from monitor_blueprint.console.silences import silences as console_silences
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.text import ko, ko_access, ko_commands, render


@click.command(help=ko.HELP["silence"])
@click.argument("check")
@click.argument("duration", type=Duration())
@click.option("--why", type=Words(200), required=True, help=ko.HELP["why"])
def silence(check: str, duration: timedelta, why: str) -> None:
    """Send nothing about a check for a while; "*" is every check."""
    settings = load_config()
    names = [policy.name for policy in settings.policies]
    if check not in (*names, "*"):
        told = ko.UNKNOWN_CHECK.format(check=clean(check, 60), names=", ".join([*names, "*"]))
        raise click.BadParameter(told + near(check, names), param_hint="CHECK")
    now = datetime.now(UTC)
    until = now + duration

    (number,) = order(lambda order: orders.silence(order, [check], now, until, why))
    click.echo(ko.SILENCED.format(number=number, check=check, until=render.local(until)))


@click.command(help=ko.HELP["silences"])
@json_option
def silences(*, as_json: bool) -> None:
    """List the silences that have not ended."""
    opened = open_config()
    with open_store(opened.config) as store:
        found = store.reads.silences(datetime.now(UTC))
        document = console_silences(view_of(opened, store)) if as_json else None
        require_readable(store)
    if document is not None:
        print_json(document, opened.warning)
        return
    if opened.warning:
        click.echo(opened.warning, err=True)
    for each in found:
        click.echo(ko.SILENCE.format(number=each.number, check=each.check, until=render.local(each.ends_at), why=each.why))
    if not found:
        click.echo(ko.NO_SILENCE)


@click.command(help=ko.HELP["unsilence"])
@click.argument("number", type=Number())
def unsilence(number: int) -> None:
    """End a silence."""
    if not order(lambda order: orders.unsilence(order, number)):
        raise Refusal(ko.NO_SUCH_SILENCE.format(number=number), ko_commands.LOOK_SILENCES)
    click.echo(ko.UNSILENCED.format(number=number))


@click.command(help=ko.HELP["ack"])
@click.argument("number", type=Number(), required=False)
@click.option("--by", type=Words(40), default=operator, help=ko.HELP["by"])
def ack(number: int | None, by: str) -> None:
    """Take care of the open incident: no more reminders until something new happens."""
    found = order(lambda order: orders.acknowledge(order, number) or _why_not(order, number, "ack"), by)
    if isinstance(found, Refusal):
        raise found
    click.echo(ko.ACKNOWLEDGED.format(number=found, by=by))


@click.command(help=ko.HELP["unack"])
@click.argument("number", type=Number(), required=False)
def unack(number: int | None) -> None:
    """Let go of the open incident: there are reminders again."""
    found = order(lambda order: orders.release(order, number) or _why_not(order, number, "unack"))
    if isinstance(found, Refusal):
        raise found
    click.echo(ko_access.RELEASED.format(number=found))


def _why_not(order: Order, number: int | None, command: str) -> Refusal:
    """Return why nobody can take care of an incident: there is none of that number, or it is over."""
    is_open = order.tx.reads.state().incident
    if number is None:
        return Refusal(ko.NO_INCIDENT, ko_commands.LOOK_BACK)
    known = order.tx.reads.incident(number)
    remedy = ko_commands.OPEN_NOW.format(number=is_open.number, command=command) if is_open else ko_commands.NONE_OPEN
    if known is None:
        return Refusal(ko.NO_SUCH_INCIDENT.format(number=number), remedy)
    return Refusal(ko_commands.INCIDENT_OVER.format(number=number, at=render.local(known.incident.closed_at)), remedy)


@click.command(help=ko.HELP["note"])
@click.argument("number", type=Number())
@click.argument("words", type=Words(orders.LONGEST_NOTE))
def note(number: int, words: str) -> None:
    """Note something on an incident."""
    if order(lambda order: orders.note(order, number, words)) is None:
        raise Refusal(ko.NO_SUCH_INCIDENT.format(number=number), ko_commands.LOOK_INCIDENTS)
    click.echo(ko_access.NOTED.format(number=number))
