"""`watch`: the page's picture, live in a terminal."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from monitor_blueprint.cli.opening import EXIT_UNKNOWN, open_config
from monitor_blueprint.cli.parameters import Seconds
from monitor_blueprint.domain.models import Status
from monitor_blueprint.text import ko, ko_watch

if TYPE_CHECKING:
    from monitor_blueprint.cli.looking import Seen

_DUMB = ("", "dumb", "unknown")
# What a shell says of a program that SIGTERM has ended.
_TERMINATED = 128 + signal.SIGTERM


@click.command(help=ko_watch.HELP["watch"])
@click.option("--interval", type=Seconds(0.5, 3600), default=2.0, show_default=True, help=ko_watch.HELP["interval"])
def watch(interval: float) -> None:
    """Show how everything is until `q` is pressed; the exit code is that of `status`, and 0 after Ctrl-C."""
    _refuse_latin()
    try:
        last = _run(interval)
    except KeyboardInterrupt:
        last = None
    sys.exit(_exit_code(last) if last is not None else 0)


def _run(interval_s: float) -> Seen | None:
    """Show the picture, once or live; return what was seen last, None where Ctrl-C has ended it."""
    opened = open_config()
    # What it is drawn with is of no use to the other commands, and takes a while.
    from monitor_blueprint.cli import screen  # noqa: PLC0415
    from monitor_blueprint.cli.looking import Looking  # noqa: PLC0415

    console = screen.make_console()
    why_once = _why_once()
    with Looking(opened) as looking:
        if not why_once:
            signal.signal(signal.SIGTERM, _end)
            return screen.show(console, looking, interval_s)
        seen = looking.look()
    screen.show_once(console, seen)
    click.echo(why_once, err=True)
    return seen


def _why_once() -> str:
    """Return why it cannot be live here; "" where it can."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return ko_watch.NOT_A_TERMINAL
    name = os.environ.get("TERM", "")
    return ko_watch.DUMB_TERMINAL.format(name=f"TERM={name}") if name in _DUMB else ""


def _refuse_latin() -> None:
    """End the command where not a word of it could be read."""
    encoding = sys.stdout.encoding or "ascii"
    try:
        ko.NEVER.encode(encoding)
    except UnicodeEncodeError:
        remedy = "LC_ALL=C.UTF-8 neuronova-monitor watch"
        click.echo(f"this locale's encoding ({encoding}) has no Korean letters. In a terminal of UTF-8: {remedy}", err=True)
        sys.exit(EXIT_UNKNOWN)


def _exit_code(seen: Seen) -> int:
    return Status[seen.status.overall] if seen.is_read else EXIT_UNKNOWN


def _end(_signal: int, _frame: object) -> None:
    # What is left on the way out gives the terminal back.
    sys.exit(_TERMINATED)
