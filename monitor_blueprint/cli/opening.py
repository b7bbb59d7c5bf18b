"""What every command begins with: the configuration, and the database of the monitor that runs."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import click
import msgspec

from monitor_blueprint import config
from monitor_blueprint.config import Config, ConfigError
from monitor_blueprint.config.in_use import Watched, load_in_use
from monitor_blueprint.console.orders import Order
from monitor_blueprint.console.view import Answer, View, encode
from monitor_blueprint.domain.access import Role, Visitor
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.engine.leader import ScheduleLock
from monitor_blueprint.engine.monitor import make_outbox
from monitor_blueprint.engine.self_check import SelfCheck
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko, ko_config, render
from monitor_blueprint.text.health_log import HealthLog

# The Monitoring Plugins guidelines: 3 says "could not tell".
EXIT_UNKNOWN = 3
_MAX_NAME = 40
# Of a command that can print a document of the API.
json_option = click.option("--json", "as_json", is_flag=True, help=ko.HELP["json"])
_Answer = TypeVar("_Answer")


def load_config() -> Config:
    """Return the configuration; where it is wrong, say so first, and return what the monitor runs by."""
    opened = open_config()
    if opened.warning:
        click.echo(opened.warning, err=True)
    return opened.config


@dataclass(frozen=True, slots=True)
class Opened:
    """The configuration to work by.

    Attributes:
        config: what the file says, or what the monitor runs by where that cannot be used.
        watched: the file, held against what the monitor runs by.
        warning: that the file cannot be used, and why; "" when it can.
    """

    config: Config
    watched: Watched
    warning: str = ""


def open_config() -> Opened:
    """Return the configuration to work by, or end the command with what is wrong with it where no monitor has run by it yet."""
    try:
        return read_config()
    except ConfigError as error:
        click.echo(ko_config.fault(str(error)), err=True)
        sys.exit(EXIT_UNKNOWN)


def read_config() -> Opened:
    """Return the configuration to work by.

    Raises:
        ConfigError: it cannot be used, and no monitor has run by it yet.
    """
    loaded = load_in_use()
    is_running = ScheduleLock(loaded.config.state_dir).is_held()
    if not loaded.fault:
        in_use = loaded.kept.text if loaded.kept is not None and is_running else ""
        return Opened(loaded.config, Watched(loaded.config, in_use))
    form = ko_config.FAULT_RUNNING if is_running else ko_config.FAULT_STOPPED
    since = render.local(loaded.kept.since if loaded.kept is not None else None)
    warning = form.format(fault=ko_config.fault(loaded.fault), since=since)
    return Opened(loaded.config, Watched(loaded.config, fault=loaded.fault), warning)


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
        click.echo(not_read(store), err=True)
        sys.exit(EXIT_UNKNOWN)


def not_read(store: Store) -> str:
    """Return why nothing could be read, and where to look; "" where it could."""
    return ko.NOT_READ.format(reason=store.problem, look=_look()) if store.problem else ""


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


def view_of(opened: Opened, store: Store) -> View:
    """Return what the documents of `--json` are made of: whoever may run the command may see everything."""
    settings = opened.config
    outbox = make_outbox(settings, store)
    self_check = SelfCheck(settings, store, HealthLog(settings.log_dir), outbox, watched=opened.watched)
    return View(settings, store, self_check, Visitor(operator(), Role.OPERATE), datetime.now(UTC))


def print_json(document: Answer, warning: str = "") -> None:
    """Print a document as the API answers it, indented; with a "warning" before all else where there is one."""
    shown = (
        {"warning": warning, **msgspec.to_builtins(document, builtin_types=(datetime,), enc_hook=str)} if warning else document
    )
    click.echo(encode(shown, is_for_people=True), nl=False)


def user_name() -> str:
    """Return who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def operator() -> str:
    """Return who has typed the command: whoever became root for it, if that is known."""
    return clean(os.environ.get("SUDO_USER", ""), _MAX_NAME) or user_name()
