"""Whether it is set up rightly: the configuration, the channels, and the monitor itself."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from monitor_blueprint import config, notifiers
from monitor_blueprint.alerts import deadman
from monitor_blueprint.alerts.attempt import send_to_all
from monitor_blueprint.cli.opening import EXIT_UNKNOWN, load_config
from monitor_blueprint.config import SELF_CHECK, ConfigError
from monitor_blueprint.domain.messages import Delivered, Message
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko, messages


@click.command("check-config", help=ko.HELP["check-config"])
def check_config() -> None:
    """Read and validate the configuration; the exit code is 3 where it cannot be used."""
    settings = load_config()
    names = [check.name for check in settings.checks]
    channels = notifiers.channels(settings.environ, settings.channel_options)
    click.echo(
        ko.CONFIG_OK.format(
            source=settings.source,
            checks=", ".join([*names, SELF_CHECK]),
            channels=", ".join(channel.name for channel in channels) or ko.NEVER,
        )
    )
    for fault in settings.faults:
        click.echo(ko.CHANNEL_FAULT.format(reason=fault), err=True)


@click.command("test-alert", help=ko.HELP["test-alert"])
def test_alert() -> None:
    """Send one test message over each channel and say what it answered; the exit code is 1 if any failed."""
    settings = load_config()
    channels = notifiers.channels(settings.environ, settings.channel_options)
    if not channels:
        raise click.ClickException(ko.NO_CHANNEL)
    now = datetime.now(UTC)
    subject, body = messages.test(now)
    message = Message(f"nn-test-{now:%Y%m%dT%H%M%S%f}", subject, body, now, kind="test")
    has_failed = False
    for name, outcome in send_to_all(message, channels):
        if isinstance(outcome, Delivered):
            click.echo(ko.TEST_DELIVERED.format(channel=name, answer=outcome.answer or "OK"))
            if outcome.problem:
                click.echo(ko.TEST_FAILED.format(channel=name, reason=outcome.problem))
                has_failed = True
        else:
            click.echo(ko.TEST_FAILED.format(channel=name, reason=outcome.reason))
            has_failed = True
    sys.exit(1 if has_failed else 0)


@click.command("deadman", help=ko.HELP["deadman"])
@click.option("--url", default=lambda: f"{config.own_url(os.environ)}/health", help=ko.HELP["url"])
def deadman_command(url: str) -> None:
    """Look whether the monitor itself is alive, and tell once when it is not, over the channels directly.

    A configuration that is wrong does not stop it, as that may be what has stopped the monitor: it tells over those
    channels that the environment alone configures rightly.
    """
    fault, options = "", {}
    try:
        settings = config.load()
        state_dir = settings.state_dir
        options = settings.channel_options
    except ConfigError as error:
        fault = str(error)
        click.echo(fault, err=True)
        state_dir = Path(os.environ.get("STATE_DIRECTORY", "var/lib"))  # its unit names it
    with Store(state_dir / config.DATABASE) as store:
        last = store.reads.last_scheduled_round()
    channels = notifiers.channels(os.environ, options)
    path = state_dir / "deadman.json"
    lines, is_done = deadman.check(url, path, last.started_at if last else None, channels, datetime.now(UTC))
    for text in lines:
        click.echo(text)
    if fault:
        sys.exit(EXIT_UNKNOWN)
    sys.exit(0 if is_done else 1)
