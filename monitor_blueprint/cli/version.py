"""`--version`."""

from __future__ import annotations

import tomllib
from importlib import metadata, resources
from pathlib import Path

import click


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


version_option = click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version and exit."
)
