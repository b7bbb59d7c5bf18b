"""Whether it is set up rightly: the configuration, the channels, and the monitor itself."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from monitor_blueprint import config, notifiers
from monitor_blueprint.alerts import deadman
from monitor_blueprint.cli.opening import EXIT_UNKNOWN, load_config, open_store
from monitor_blueprint.cli.parameters import Address
from monitor_blueprint.cli.trials import Trial, trials
from monitor_blueprint.config import SELF_CHECK, Config, ConfigError
from monitor_blueprint.config.digest import digest_of
from monitor_blueprint.engine.leader import ScheduleLock
from monitor_blueprint.engine.trials import send_trial, tell_trial, wake_accepted
from monitor_blueprint.storage.store import Store
from monitor_blueprint.text import ko, ko_config, ko_trials, render

# For so long the monitor may try before nobody waits for it any more, and so often it is asked.
_SEND_S = 60.0
_ASK_EVERY_S = 0.2


@click.command("check-config", help=ko.HELP["check-config"])
@click.option("--send", is_flag=True, help=ko.HELP["send"])
def check_config(*, send: bool) -> None:
    """Read and validate the configuration, and try out what it names; the exit code is 3 where it cannot be used."""
    settings = _load_strictly()
    names = [check.name for check in settings.checks]
    channels = notifiers.channels(settings.environ, settings.channel_options)
    click.echo(
        ko_trials.CONFIG_OK.format(
            source=settings.source,
            checks=", ".join([*names, SELF_CHECK]),
            channels=", ".join(channel.name for channel in channels) or ko.NEVER,
        )
    )
    for each in settings.replaced:
        click.echo(ko_trials.TRIED_PROBLEM.format(problem=render.replaced(each.kind, each.key, each.told)), err=True)
    for fault in settings.faults:
        click.echo(ko.CHANNEL_FAULT.format(reason=fault.whole), err=True)
    _say(list(trials(settings)))
    if send:
        sys.exit(_send(settings))


def _load_strictly() -> Config:
    """Return what the file says, or end the command with what is wrong with it, whatever a monitor runs by."""
    try:
        return config.load()
    except ConfigError as error:
        click.echo(ko_config.fault(str(error)), err=True)
        sys.exit(EXIT_UNKNOWN)


def _say(tried: Sequence[Trial]) -> None:
    fine = [trial for trial in tried if not trial.problem]
    if fine:
        click.echo(ko_trials.TRIED.format(count=len(fine)))
    for trial in tried:
        if trial.note:
            click.echo(ko_trials.TRIED_NOTE.format(note=trial.note))
        if trial.problem:
            # It may be down just now; that is for the checks to say.
            click.echo(ko_trials.TRIED_PROBLEM.format(problem=trial.problem), err=True)


def _send(settings: Config) -> int:
    """Have the monitor that runs send a message over each channel; return the exit code."""
    lock = ScheduleLock(settings.state_dir)
    if not lock.is_held():
        click.echo(ko_trials.SEND_NOT_RUNNING, err=True)
        return EXIT_UNKNOWN
    with open_store(settings) as store:
        # As the database keeps it.
        asked_at = datetime.now(UTC).replace(microsecond=0)
        store.run(lambda transaction: transaction.trials.ask(asked_at), is_lasting=False)
        until = time.monotonic() + _SEND_S
        while (answer := store.reads.trials.answer(asked_at)) is None:
            if time.monotonic() > until:
                click.echo(ko_trials.SEND_NO_ANSWER.format(seconds=round(_SEND_S)), err=True)
                return EXIT_UNKNOWN
            time.sleep(_ASK_EVERY_S)
    if answer.digest != digest_of(settings):
        click.echo(ko_trials.SEND_OLD, err=True)
    if not answer.channels:
        click.echo(ko.NO_CHANNEL, err=True)
        return 1
    click.echo(ko_trials.SEND_FROM.format(pid=lock.holder() or ko.NEVER))
    for _, _, line in answer.channels:
        click.echo(line)
    return 0 if all(is_fine for _, is_fine, _ in answer.channels) else 1


@click.command("test-alert", help=ko.HELP["test-alert"])
def test_alert() -> None:
    """Send one test message over each channel and say what it answered; the exit code is 1 if any failed."""
    settings = load_config()
    channels = notifiers.channels(settings.environ, settings.channel_options)
    if not channels:
        raise click.ClickException(ko.NO_CHANNEL)
    sent = send_trial(channels, datetime.now(UTC))
    if settings.database.exists() and os.access(settings.state_dir, os.W_OK):
        with Store(settings.database) as store:
            wake_accepted(store, sent)
    told = tell_trial(sent)
    for _, _, line in told:
        click.echo(line)
    sys.exit(0 if all(is_fine for _, is_fine, _ in told) else 1)


@click.command("deadman", help=ko.HELP["deadman"])
@click.option("--url", type=Address(), default=lambda: f"{config.own_url(os.environ)}/health", help=ko.HELP["url"])
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
        fault = ko_config.fault(str(error))
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
