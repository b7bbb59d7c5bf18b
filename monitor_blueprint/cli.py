"""The operators' commands: `neuronova-health-check` and `neuronova-monitor`."""

from __future__ import annotations

import getpass
import io
import logging
import os
import re
import sys
import tomllib
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import metadata, resources
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from monitor_blueprint import config, notifiers
from monitor_blueprint.alerts import deadman
from monitor_blueprint.config import SELF_CHECK, Config, ConfigError
from monitor_blueprint.domain.incidents import acknowledge
from monitor_blueprint.domain.messages import Delivered, Message
from monitor_blueprint.domain.models import Silence
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.engine.health_check import HealthCheck
from monitor_blueprint.engine.leader import ScheduleLock
from monitor_blueprint.engine.monitor import make_outbox
from monitor_blueprint.engine.round import HealthReport
from monitor_blueprint.engine.self_check import SelfCheck
from monitor_blueprint.storage.reads import MANUAL
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.writes import Transaction
from monitor_blueprint.text import ko, messages, render
from monitor_blueprint.text.health_log import HealthLog

# The Monitoring Plugins guidelines: 3 says "could not tell".
EXIT_UNKNOWN = 3
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# As large as SQLite's integers are.
_NUMBER = click.IntRange(1, 2**63 - 1)
_Answer = TypeVar("_Answer")
_LONGEST_SILENCE = timedelta(days=30)


class _Duration(click.ParamType[timedelta]):
    """A duration such as "30m", "2h" or "1h30m"."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        text = str(value)
        if not re.fullmatch(r"(\d+[smhd])+", text):
            self.fail(ko.BAD_DURATION.format(value=text), param, ctx)
        seconds = sum(int(count) * _UNITS_S[unit] for count, unit in re.findall(r"(\d+)([smhd])", text))
        if not 0 < seconds <= _LONGEST_SILENCE.total_seconds():
            self.fail(ko.BAD_DURATION.format(value=text), param, ctx)
        return timedelta(seconds=seconds)


class _Words(click.ParamType[str]):
    """What a person says, in one line without control characters; nothing at all is refused."""

    name = "text"

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        words = clean(str(value), self._limit)
        if not words:
            self.fail(ko.NO_WORDS, param, ctx)
        return words


def _load() -> Config:
    try:
        return config.load()
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_UNKNOWN)


def _open_store(settings: Config) -> Store:
    directory = settings.state_dir
    if directory.exists() and not os.access(directory, os.W_OK):
        click.echo(ko.NO_ACCESS.format(path=directory, user=_user()), err=True)
        sys.exit(EXIT_UNKNOWN)
    store = Store(settings.database)
    for note in store.notes():
        click.echo(ko.NOTE.format(note=note), err=True)
    return store


def _must_have_read(store: Store) -> None:
    """Say that nothing could be read, rather than that there is nothing."""
    if store.problem:
        click.echo(ko.NOT_READ.format(reason=store.problem), err=True)
        sys.exit(EXIT_UNKNOWN)


def _change(work: Callable[[Transaction], _Answer]) -> _Answer:
    """Do something that lasts; where the database cannot be written it would be gone with this command, so it fails."""
    with _open_store(_load()) as store:
        answer = store.run(work)
        if store.problem:
            raise click.ClickException(ko.NOT_KEPT.format(reason=store.problem))
    return answer


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _version() -> str:
    """Return the version of the package, or of the tree that the installer copies to a server without installing it."""
    try:
        return metadata.version("neuronova")
    except metadata.PackageNotFoundError:
        project = Path(str(resources.files("monitor_blueprint"))).with_name("pyproject.toml")
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


def _show_version(context: click.Context, _param: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        click.echo(f"neuronova {_version()}")
        context.exit()


_version_option = click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version and exit."
)


@click.group(help=ko.HELP["monitor"])
@_version_option
def main() -> None:
    """Gather the commands."""
    # Problems of the delivery are told by the commands themselves.
    logging.basicConfig(level=logging.CRITICAL)


@main.command("health-check", help=ko.HELP["health-check"])
@_version_option
@click.option("--json", "as_json", is_flag=True, help=ko.HELP["json"])
def health_check(*, as_json: bool) -> None:
    """Run one health check; the exit code is 0, 1, 2 or 3 for OK, WARNING, CRITICAL or UNKNOWN."""
    settings = _load()
    with _open_store(settings) as store:
        log = HealthLog(settings.log_dir, io.StringIO() if as_json else sys.stdout)
        outbox = make_outbox(settings, store, sender=f"cli-{os.getpid()}")
        self_check = SelfCheck(settings, store, log, outbox)
        report = HealthCheck(settings, store, log, outbox, self_check).run(datetime.now(UTC), MANUAL)
        log.close()
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(_as_json(report)), indent=2).decode())
        # Whoever delivers first does it; with the service running that may be either. What is only a copy in memory
        # is not ours to deliver.
        if not store.problem:
            outbox.deliver_due()
    sys.exit(int(report.overall))


def _as_json(report: HealthReport) -> dict[str, object]:
    return {
        "overall": report.overall.name,
        "started_at": report.started_at,
        "duration_ms": round(report.duration_ms, 1),
        "checks": [
            {
                "name": result.check,
                "kind": result.kind,
                "status": report.decision.state.checks[result.check].status.name,
                "readings": [
                    {
                        "aspect": reading.aspect,
                        "status": reading.status.name,
                        "value": reading.value,
                        "unit": reading.unit,
                        "facts": reading.facts,
                        "text": render.line(result, reading),
                    }
                    for reading in result.readings
                ],
            }
            for result in report.results
        ],
    }


@main.command(help=ko.HELP["status"])
def status() -> None:
    """Show what is known of every check, without checking."""
    settings = _load()
    now = datetime.now(UTC)
    with _open_store(settings) as store:
        state = store.reads.state()
        results = store.reads.latest_results()
        last = store.reads.last_cycle()
        self_check = SelfCheck(settings, store, HealthLog(settings.log_dir), make_outbox(settings, store))
        problems = [problem.sentence for problem in self_check.problems(now)]
        if self_check.is_stalled(store.reads.last_scheduled_cycle(), now):
            problems.append(ko.STALLED)
        _must_have_read(store)
        holder = ScheduleLock(settings.state_dir).holder()
        click.echo(ko.STATUS_LAST.format(at=render.local(last.started_at if last else None), pid=holder or ko.NEVER))
        for problem in problems:
            click.echo(ko.NOTE.format(note=problem))
        for policy in settings.policies:
            if policy.name not in results:
                continue
            row = render.row(results[policy.name], state.checks.get(policy.name), now)
            click.echo(f"{row.status.name:<8} {row.name:<14} {row.since:<12} {' / '.join(row.lines)}")
        if state.incident is not None:
            click.echo(ko.STATUS_INCIDENT.format(number=state.incident.number, at=render.local(state.incident.opened_at)))


@main.command(help=ko.HELP["silence"])
@click.argument("check")
@click.argument("duration", type=_Duration())
@click.option("--why", type=_Words(200), required=True, help=ko.HELP["why"])
def silence(check: str, duration: timedelta, why: str) -> None:
    """Send nothing about a check for a while; "*" is every check."""
    settings = _load()
    names = [policy.name for policy in settings.policies]
    if check not in (*names, "*"):
        raise click.BadParameter(ko.UNKNOWN_CHECK.format(check=check, names=", ".join([*names, "*"])))
    now = datetime.now(UTC)
    number = _change(lambda transaction: transaction.add_silence(Silence(check, now, now + duration, why)))
    click.echo(ko.SILENCED.format(number=number, check=check, until=render.local(now + duration)))


@main.command(help=ko.HELP["silences"])
def silences() -> None:
    """List the silences that have not ended."""
    with _open_store(_load()) as store:
        found = store.reads.silences(datetime.now(UTC))
        _must_have_read(store)
    for each in found:
        click.echo(ko.SILENCE.format(number=each.number, check=each.check, until=render.local(each.ends_at), why=each.why))
    if not found:
        click.echo(ko.NO_SILENCE)


@main.command(help=ko.HELP["unsilence"])
@click.argument("number", type=_NUMBER)
def unsilence(number: int) -> None:
    """End a silence."""
    if not _change(lambda transaction: transaction.end_silence(number, datetime.now(UTC))):
        raise click.ClickException(ko.NO_SUCH_SILENCE.format(number=number))
    click.echo(ko.UNSILENCED.format(number=number))


@main.command(help=ko.HELP["ack"])
@click.option("--by", type=_Words(40), default=lambda: os.environ.get("SUDO_USER") or _user(), help=ko.HELP["by"])
def ack(by: str) -> None:
    """Take care of the open incident: no more reminders until something new happens."""

    def acknowledged(transaction: Transaction) -> int:
        state = acknowledge(transaction.reads.state(), by)
        transaction.save_state(state, datetime.now(UTC))
        return state.incident.number if state.incident else 0

    number = _change(acknowledged)
    if not number:
        raise click.ClickException(ko.NO_INCIDENT)
    click.echo(ko.ACKNOWLEDGED.format(number=number, by=by))


@main.command(help=ko.HELP["history"])
@click.argument("number", type=_NUMBER, required=False)
def history(number: int | None) -> None:
    """List the incidents, or show all about one."""
    with _open_store(_load()) as store:
        if number is None:
            found = store.reads.incidents()
            _must_have_read(store)
            for record in found:
                click.echo(render.incident_line(record.number, record.checks, record.opened_at, record.closed_at))
            if not found:
                click.echo(ko.NO_HISTORY)
            return
        detail = store.reads.incident(number)
        _must_have_read(store)
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


@main.command("check-config", help=ko.HELP["check-config"])
def check_config() -> None:
    """Read and validate the configuration; the exit code is 3 where it cannot be used."""
    settings = _load()
    names = [check.name for check in settings.checks]
    channels = notifiers.channels(settings.environ, {channel.kind: channel.options for channel in settings.channels})
    click.echo(
        ko.CONFIG_OK.format(
            source=settings.source,
            checks=", ".join([*names, SELF_CHECK]),
            channels=", ".join(channel.name for channel in channels) or ko.NEVER,
        )
    )
    for fault in settings.faults:
        click.echo(ko.CHANNEL_FAULT.format(reason=fault), err=True)


@main.command("test-alert", help=ko.HELP["test-alert"])
def test_alert() -> None:
    """Send one test message over each channel and say what it answered; the exit code is 1 if any failed."""
    settings = _load()
    channels = notifiers.channels(settings.environ, {channel.kind: channel.options for channel in settings.channels})
    if not channels:
        raise click.ClickException(ko.NO_CHANNEL)
    now = datetime.now(UTC)
    subject, body = messages.test(now)
    message = Message(f"nn-test-{now:%Y%m%dT%H%M%S%f}", subject, body, now, kind="test")
    has_failed = False
    for channel in channels:
        outcome = channel.send(message, 10.0)
        if isinstance(outcome, Delivered):
            click.echo(ko.TEST_DELIVERED.format(channel=channel.name, answer=outcome.answer or "OK"))
            if outcome.problem:
                click.echo(ko.TEST_FAILED.format(channel=channel.name, reason=outcome.problem))
                has_failed = True
        else:
            click.echo(ko.TEST_FAILED.format(channel=channel.name, reason=outcome.reason))
            has_failed = True
    sys.exit(1 if has_failed else 0)


@main.command("deadman", help=ko.HELP["deadman"])
@click.option("--url", default="http://127.0.0.1:9001/health", show_default=True, help=ko.HELP["url"])
def deadman_command(url: str) -> None:
    """Look whether the monitor itself is alive, and tell once when it is not, over the channels directly.

    A configuration that is wrong does not stop it, as that may be what has stopped the monitor: it tells over those
    channels that the environment alone configures rightly.
    """
    fault, options = "", {}
    try:
        settings = config.load()
        state_dir = settings.state_dir
        options = {channel.kind: channel.options for channel in settings.channels}
    except ConfigError as error:
        fault = str(error)
        click.echo(fault, err=True)
        state_dir = Path(os.environ.get("STATE_DIRECTORY", "var/lib"))  # systemd names it
    with Store(state_dir / config.DATABASE) as store:
        last = store.reads.last_scheduled_cycle()
    channels = notifiers.channels(os.environ, options)
    checkpoint = state_dir / "deadman.json"
    lines, is_done = deadman.look(url, checkpoint, last.started_at if last else None, channels, datetime.now(UTC))
    for text in lines:
        click.echo(text)
    if fault:
        sys.exit(EXIT_UNKNOWN)
    sys.exit(0 if is_done else 1)


def run_health_check() -> None:
    """Run `neuronova-monitor health-check`, by its name of its own."""
    run(["health-check", *sys.argv[1:]])


def run(arguments: list[str] | None = None) -> None:
    """Run the command; whatever keeps it from finding out ends with 3, so that no caller takes it for a result."""
    try:
        main(arguments, prog_name="neuronova-monitor", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(EXIT_UNKNOWN)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(EXIT_UNKNOWN)
    except Exception:  # noqa: BLE001 - the edge of a program
        traceback.print_exc()
        sys.exit(EXIT_UNKNOWN)


if __name__ == "__main__":
    run()
