"""The command `neuronova-model`: packs, verifies and installs models.

Each module of this package has a group of commands in `COMMANDS`; a new one need not be told here.
"""

import importlib
import pkgutil

import click

from ml_server.errors import MlServerError


class Commands(click.Group):
    """All commands; what is refused on purpose is told in one line, without a stack trace."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except MlServerError as error:
            raise click.ClickException(error.message) from error


def program() -> click.Group:
    """Return the command with everything that the modules of this package offer."""
    found = Commands("neuronova-model", help="Pack, verify and install models. Results: 0 done, 1 refused, 2 asked wrongly.")
    for name in (module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")):
        for command in importlib.import_module(f"{__name__}.{name}").COMMANDS:
            found.add_command(command)
    return found


def run() -> None:
    """Run the command line."""
    program().main(prog_name="neuronova-model")
