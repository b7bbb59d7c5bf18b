"""What `make` says before it installs or starts anything."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.programs import ROOT, clean_environ, environment, kill_all

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=clean_environ({}), capture_output=True, text=True, timeout=60, check=False
    )


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("arguments", [[], ["help"]])
def test_help_lists_every_target(arguments: list[str]) -> None:
    done = make(*arguments)
    assert done.returncode == 0, done.stderr
    (targets,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    listed = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert [name for name, _ in listed] == targets.split()
    # All texts begin in the same column.
    assert len({line.index(text) for line, (_, text) in zip(done.stdout.splitlines(), listed, strict=True)}) == 1


@pytest.mark.parametrize("target", ["run", "test"])
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("python3.9", "echo Python 3.9.2", "is Python 3.9.2; Python 3.11 or newer is needed"),
        ("python3.10", 'echo "Python 3.10.12"; exit 1', "is Python 3.10.12; Python 3.11 or newer is needed"),
        ("no-python", "exit 0", "Python 3.11 or newer is needed"),
        (
            "python3",
            f'PYTHONPATH=$(dirname "$0")/lacking exec {sys.executable} "$@"',
            f"sudo apt install python{sys.version_info.major}.{sys.version_info.minor}-venv",
        ),
    ],
)
def test_unfit_python_installs_nothing(tmp_path: Path, target: str, name: str, text: str, said: str) -> None:
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "ensurepip.py").write_text("")
    done = make(target, f"PYTHON={script(tmp_path / name, text)}", f"VENV={tmp_path / 'venv'}")
    assert done.returncode != 0
    assert said in done.stderr
    assert "==>" not in done.stdout
    assert not (tmp_path / "venv").exists()
    # One or two lines, and make's own.
    assert len(done.stderr.splitlines()) <= 3


def test_absent_python_is_named(tmp_path: Path) -> None:
    done = make("run", "PYTHON=python3.99", f"VENV={tmp_path / 'venv'}")
    assert done.returncode != 0
    assert "There is no python3.99. Install Python 3.11 or newer" in done.stderr
    assert not (tmp_path / "venv").exists()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that needs no installing."""
    directory = tmp_path_factory.mktemp("make") / "venv"
    environment(directory)
    (directory / ".installed").touch()
    return directory


@pytest.fixture
def taken() -> Iterator[tuple[int, int]]:
    """A port of another program, and its process."""
    program = (
        "import socket; server = socket.create_server(('127.0.0.1', 0)); print(server.getsockname()[1], flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
        kill_all(process)


@pytest.mark.parametrize("variable", ["ML_BIND", "MONITOR_BIND"])
def test_taken_port_starts_nothing(installed: Path, taken: tuple[int, int], variable: str) -> None:
    port, pid = taken
    binds = {"ML_BIND": "127.0.0.1:0", "MONITOR_BIND": "127.0.0.1:0", variable: f"127.0.0.1:{port}"}
    done = make("run", f"VENV={installed}", *(f"{name}={address}" for name, address in binds.items()))
    assert done.returncode != 0
    assert f"127.0.0.1:{port} is taken by python" in done.stderr
    assert f"process {pid}: " in done.stderr
    assert "Nothing was started." in done.stderr
    assert "honcho" not in done.stdout + done.stderr
    assert done.stdout == ""


def complaint(address: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tools/check_addresses.py", address], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_free_addresses_are_no_complaint() -> None:
    for address in ("127.0.0.1:0", "[::1]:0", "localhost:0", "unix:/nowhere/socket"):
        assert complaint(address).returncode == 0, address


def test_holder_on_every_interface_is_found() -> None:
    with socket.create_server(("", 0)) as server:
        done = complaint(f"127.0.0.1:{server.getsockname()[1]}")
    assert done.returncode == 1
    assert f"process {os.getpid()}: " in done.stderr
