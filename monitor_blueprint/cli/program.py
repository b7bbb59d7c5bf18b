"""The two programs: their commands, and how they end."""

from __future__ import annotations

import logging
import sys

import click
from click.exceptions import NoArgsIsHelpError

from monitor_blueprint.cli import checks, history, incidents, mistakes, setup, status, tokens, watch
from monitor_blueprint.cli.opening import EXIT_UNKNOWN
from monitor_blueprint.cli.version import version_option
from monitor_blueprint.domain.text import fault_of
from monitor_blueprint.text import ko, ko_commands


@click.group(help=ko.HELP["monitor"])
@version_option
def main() -> None:
    """Gather the commands."""
    # Problems of the delivery are told by the commands themselves.
    logging.basicConfig(level=logging.CRITICAL)


for _command in (
    checks.health_check,
    status.status,
    watch.watch,
    incidents.silence,
    incidents.silences,
    incidents.unsilence,
    incidents.ack,
    incidents.unack,
    incidents.note,
    tokens.token,
    history.history,
    setup.check_config,
    setup.test_alert,
    setup.deadman_command,
):
    main.add_command(_command)


def run_health_check() -> None:
    """Run `neuronova-monitor health-check`, by its name of its own."""
    run(["health-check", *sys.argv[1:]])


def run(arguments: list[str] | None = None) -> None:
    """Run the command; whatever keeps it from finding out ends with 3, so that no caller takes it for a result."""
    try:
        main(arguments, prog_name="neuronova-monitor", standalone_mode=False)
    except NoArgsIsHelpError as error:
        error.show()
        sys.exit(EXIT_UNKNOWN)
    except click.ClickException as error:
        for line in mistakes.told(error):
            click.echo(line, err=True)
        sys.exit(EXIT_UNKNOWN if isinstance(error, click.UsageError) else error.exit_code)
    except click.Abort:
        sys.exit(EXIT_UNKNOWN)
    except Exception as error:  # noqa: BLE001 - the edge of a program, whose output a timer puts into the journal
        click.echo(ko_commands.FAULT.format(what=fault_of(error)), err=True)
        sys.exit(EXIT_UNKNOWN)
