"""Named tokens: who is let in to the pages and the API besides whoever has the administrators' token."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from monitor_blueprint.cli.mistakes import Refusal
from monitor_blueprint.cli.opening import load_config, open_store, operator, order, require_readable
from monitor_blueprint.cli.parameters import OneOf
from monitor_blueprint.console import orders
from monitor_blueprint.console.gate import MOST_TOKENS, is_token_name, new_token
from monitor_blueprint.domain.access import Role
from monitor_blueprint.text import ko, ko_access, ko_commands, render

_ROLES: dict[str, Role] = {role.word: role for role in Role}


@click.group(help=ko.HELP["token"])
def token() -> None:
    """Gather what can be done with tokens."""


@token.command("add", help=ko.HELP["token add"])
@click.argument("name")
@click.option("--role", type=OneOf(list(_ROLES)), required=True, help=ko.HELP["role"])
def add(name: str, role: str) -> None:
    """Make a token and show it, this once."""
    if not is_token_name(name):
        raise click.BadParameter(ko_access.BAD_NAME.format(name=name), param_hint="NAME")
    shown, record = new_token(name, _ROLES[role], operator(), datetime.now(UTC))
    if not order(lambda order: orders.add_token(order, record)):
        raise click.ClickException(ko_access.NAME_TAKEN.format(name=name, most=MOST_TOKENS))
    click.echo(ko_access.ADMITTED.format(name=name, role=role), err=True)
    click.echo(shown)


@token.command("list", help=ko.HELP["token list"])
def list_all() -> None:
    """Show the tokens by name: what each opens, by whom it was made, and when it was used last."""
    with open_store(load_config()) as store:
        found = store.reads.access.tokens()
        require_readable(store)
    for each in found:
        made, used = render.local(each.made_at), render.local(each.used_at)
        click.echo(ko_access.ENTRY.format(name=each.name, role=each.role.word, made=made, by=each.made_by, used=used))
    if not found:
        click.echo(ko_access.NOBODY)


@token.command("revoke", help=ko.HELP["token revoke"])
@click.argument("name")
def revoke(name: str) -> None:
    """Let nobody in with a token any more."""
    if not order(lambda order: orders.revoke_token(order, name)):
        raise Refusal(ko_access.NO_SUCH_NAME.format(name=name), ko_commands.LOOK_TOKENS)
    click.echo(ko_access.DISMISSED.format(name=name))
