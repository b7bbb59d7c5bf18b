"""What every command begins with: the configuration, and the database of the monitor that runs."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import click

from monitor_blueprint import config
from monitor_blueprint.config import Config, ConfigError
from monitor_blueprint.console.orders import Order
from monitor_blueprint.console.view import Answer, View, encode
from monitor_blueprint.domain.access import Role, Visitor
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.engine.monitor import make_outbox
from monitor_blueprint.engine.self_check import SelfCheck
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko
from monitor_blueprint.text.health_log import HealthLog

# The Monitoring Plugins guidelines: 3 says "could not tell".
EXIT_UNKNOWN = 3
_MAX_NAME = 40
# Of a command that can print a document of the API.
json_option = click.option("--json", "as_json", is_flag=True, help=ko.HELP["json"])
_Answer = TypeVar("_Answer")


def load_config() -> Config:
    """Return the configuration, or end the command with what is wrong with it."""
    try:
        return config.load()
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_UNKNOWN)


def open_store(settings: Config) -> Store:
    """Return the database, or end the command where this user may not write beside it."""
    directory = settings.state_dir
    if directory.exists() and not os.access(directory, os.W_OK):
        click.echo(ko.NO_ACCESS.format(path=directory, user=user_name()), err=True)
        sys.exit(EXIT_UNKNOWN)
    store = Store(settings.database)
    for note in store.notes():
        click.echo(ko.NOTE.format(note=note), err=True)
    return store


def require_readable(store: Store) -> None:
    """Say that nothing could be read, rather than that there is nothing."""
    if store.problem:
        click.echo(ko.NOT_READ.format(reason=store.problem, look=_look()), err=True)
        sys.exit(EXIT_UNKNOWN)


def _look() -> str:
    """Return the command that shows how the monitor itself is."""
    where = config.bind_of(os.environ)
    return (
        f"curl --unix-socket {where[5:]} http://localhost/health" if where.startswith("unix:") else f"curl http://{where}/health"
    )


def order(do: Callable[[Order], _Answer], by: str | None = None) -> _Answer:
    """Do something that lasts; where the database cannot be written it would be gone with this command, so it fails."""
    visitor, now = Visitor(by or operator(), Role.OPERATE), datetime.now(UTC)
    with open_store(load_config()) as store:
        answer = store.run(lambda tx: do(Order(tx, visitor, now)))
        if store.problem:
            raise click.ClickException(ko.NOT_KEPT.format(reason=store.problem))
    return answer


def view_of(settings: Config, store: Store) -> View:
    """Return what the documents of `--json` are made of: whoever may run the command may see everything."""
    self_check = SelfCheck(settings, store, HealthLog(settings.log_dir), make_outbox(settings, store))
    return View(settings, store, self_check, Visitor(operator(), Role.OPERATE), datetime.now(UTC))


def print_json(document: Answer) -> None:
    """Print a document as the API answers it, indented."""
    click.echo(encode(document, is_for_people=True), nl=False)


def user_name() -> str:
    """Return who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def operator() -> str:
    """Return who has typed the command: whoever became root for it, if that is known."""
    return clean(os.environ.get("SUDO_USER", ""), _MAX_NAME) or user_name()
