"""The manual pages: they say everything that the programs can do, and no viewer complains of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from deploy.installer.__main__ import parser
from ml_server.cli import program
from monitor_blueprint.cli import main
from tests.e2e.programs import ROOT

PAGES = sorted((ROOT / "deploy" / "man").glob("*.8"))
HEALTH_CHECK, MODEL, MONITOR, SETUP = PAGES


def words(page: str) -> str:
    """The text of a page without its mark-up."""
    return re.sub(r"\\f[A-Z]|\\&|\"", "", page.replace(r"\-", "-"))


def options(command: click.Command) -> set[str]:
    return {name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts}


def test_monitor_page_names_every_command() -> None:
    text = words(MONITOR.read_text("utf-8"))
    described = re.findall(r"\.TP\n\.BR? ([a-z-]+)", text.partition(".SH COMMANDS")[2].partition(".SH OPTIONS")[0])
    assert sorted(described) == sorted(main.commands)
    for name, command in main.commands.items():
        (synopsis,) = re.findall(rf"(?m)^\.BR? {name}(?: .*)?$", text.partition(".SH COMMANDS")[2].partition(".SH OPTIONS")[0])
        arguments = {str(each.name).upper() for each in command.params if isinstance(each, click.Argument)}
        assert arguments == set(re.findall(r"\b(CHECK|DURATION|NUMBER|WORDS)\b", synopsis)), name
        assert set(re.findall(r"--[a-z]+", synopsis)) == options(command) - {"--version"}, name


def test_model_page_names_every_command() -> None:
    commands = program().commands
    text = MODEL.read_text("utf-8").partition(".SH COMMANDS")[2].partition(".SH EXIT STATUS")[0]
    described = {name: words(rest) for name, rest in re.findall(r"(?m)^\.TP\n\.B ([a-z-]+)(.*)$", text)}
    assert sorted(described) == sorted(commands)
    for name, command in commands.items():
        assert set(re.findall(r"--[a-z-]+", described[name])) == options(command), name


def test_health_check_page_names_every_option() -> None:
    text = words(HEALTH_CHECK.read_text("utf-8"))
    assert set(re.findall(r"\.TP\n\.B (--[a-z]+)", text)) == options(main.commands["health-check"]) | {"--help"}


def test_setup_page_names_every_option() -> None:
    text = words(SETUP.read_text("utf-8"))
    shown = re.findall(r"--[a-z-]+", parser().format_help().partition("options:")[2])
    assert set(re.findall(r"\.TP\n\.BI? (--[a-z-]+)", text)) == {each for each in shown if not each.endswith("-")}


def test_setup_page_names_package_settings() -> None:
    names = re.findall(r"(?m)^([A-Z_]+)=", (ROOT / "deploy/debian/setup.conf").read_text("utf-8"))
    text = SETUP.read_text("utf-8")
    assert names
    assert [name for name in names if name not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("viewer", ["mandoc -T lint", "groff -man -wall -z -K utf8"])
def test_no_viewer_complains(page: Path, viewer: str) -> None:
    program, *options = viewer.split()
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt-get install mandoc groff-base")
    done = subprocess.run([program, *options, page], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
