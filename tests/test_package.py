"""The wheel, installed beside the libraries and used from an empty directory: nothing of the checkout is in reach."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.e2e.programs import DEADLINE_S, ROOT, clean_environ, environment, install, kill_all, procfile

pytestmark = pytest.mark.slow

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
PACKAGES = ("ml_server", "monitor_blueprint", "serving")
FEATURES = {"tau": 5.57, "p_tau": 3.87, "Ab_42": 12.85, "age": 0.9858, "male": 0}
TOKEN = "token-of-the-administrators"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", directory, ROOT], check=True, timeout=DEADLINE_S)
    (made,) = directory.iterdir()
    return made


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment in which the wheel is installed."""
    found = environment(tmp_path_factory.mktemp("installed") / "venv")
    install(found, wheel)
    return found


def run(directory: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=directory, env=clean_environ({}), capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )


@contextmanager
def serving(programs: Path, directory: Path, name: str, **environ: str) -> Iterator[str]:
    """Start a program of the Procfile; yields its address."""
    command = [str(programs / "python"), *procfile(name)[1:], "--bind", "127.0.0.1:0", "--log-level", "info"]
    with subprocess.Popen(command, cwd=directory, env=clean_environ(environ), stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            listening = next(filter(None, (re.search(rb"Listening at: (http://\S+)", line) for line in process.stderr)))
            yield listening[1].decode()
            process.terminate()
            process.communicate(timeout=DEADLINE_S)
        finally:
            kill_all(process)


def built_from(copy: Path, *, umask: int, mode: int, mtime: int) -> tuple[str, bytes]:
    """Copy the tree, each file with another mode and time, and build the wheel there as `make wheel` does."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
        (copy / name).chmod(mode)
        os.utime(copy / name, (mtime, mtime))
    (copy / "ml_server" / "__pycache__").mkdir()
    (copy / "ml_server" / "__pycache__" / "card.pyc").write_bytes(os.urandom(8))
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", "built"]
    environ = clean_environ({"SOURCE_DATE_EPOCH": "1700000000"})
    subprocess.run(command, cwd=copy, env=environ, umask=umask, capture_output=True, timeout=DEADLINE_S, check=True)
    (made,) = (copy / "built").iterdir()
    return made.name, made.read_bytes()


def test_wheel_is_the_same_anywhere(tmp_path: Path) -> None:
    """From another directory, with another umask, other modes and at another time."""
    one = built_from(tmp_path / "one", umask=0o022, mode=0o644, mtime=1_000_000_000)
    assert one == built_from(tmp_path / "elsewhere" / "two", umask=0o077, mode=0o600, mtime=1_600_000_000)


def test_wheel_holds_all_of_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    wanted = {str(path.relative_to(ROOT)) for path in files if path.suffix != ".pyc"}
    assert held == wanted | {"app.py", "wsgi.py"}


@pytest.mark.parametrize("command", ["neuronova-monitor", "neuronova-health-check"])
def test_command_tells_its_version(programs: Path, tmp_path: Path, command: str) -> None:
    done = run(tmp_path, programs / command, "--version")
    assert (done.returncode, done.stdout) == (0, f"neuronova {VERSION}\n")


@pytest.mark.parametrize("command", ["neuronova-monitor", "neuronova-health-check"])
def test_command_refuses_unknown_option(programs: Path, tmp_path: Path, command: str) -> None:
    """3 says "could not tell": click's own 2 would be taken for CRITICAL."""
    done = run(tmp_path, programs / command, "--no-such-option")
    assert done.returncode == 3
    assert "--no-such-option" in done.stderr


def test_models_are_verified_where_installed(programs: Path, tmp_path: Path) -> None:
    """By the command, in a process of its own, from any directory."""
    done = run(tmp_path, programs / "neuronova-model", "verify", "alzheimer_biomarkers/1.0.0")
    assert (done.returncode, done.stderr) == (0, "")
    assert "may be served" in done.stdout


def test_version_of_a_copied_tree(tmp_path: Path) -> None:
    """The installer copies the code to a server and installs no package."""
    code, programs = tmp_path / "code", environment(tmp_path / "venv")
    code.mkdir()
    for name in ("monitor_blueprint", "pyproject.toml"):
        (code / name).symlink_to(ROOT / name)
    done = run(code, programs / "python", "-m", "monitor_blueprint.cli", "--version")
    assert (done.returncode, done.stdout) == (0, f"neuronova {VERSION}\n")


def test_health_check_writes_its_log(programs: Path, tmp_path: Path) -> None:
    done = run(tmp_path, programs / "neuronova-health-check")
    # What it finds on this machine is no matter here.
    assert done.returncode in (0, 1, 2), done.stderr
    assert (tmp_path / "var" / "log" / "health_check.log").read_text(encoding="utf-8") == done.stdout


def test_ml_server_predicts(programs: Path, tmp_path: Path) -> None:
    with serving(programs, tmp_path, "ml") as url:
        assert requests.get(f"{url}/health", timeout=DEADLINE_S).json()["status"] == "alive"
        answer = requests.post(f"{url}/predict", json={"features": FEATURES}, timeout=DEADLINE_S)
        assert answer.json()["ok"], answer.text


def test_monitor_page_has_style_sheet(programs: Path, tmp_path: Path) -> None:
    with serving(programs, tmp_path, "monitor", MONITOR_ADMIN_TOKEN=TOKEN) as url:
        page = requests.get(url, auth=("admin", TOKEN), timeout=DEADLINE_S)
        assert page.status_code == 200
        links = re.findall(r'rel="stylesheet" href="(.*?)"', page.text)
        sheets = [requests.get(url + link, timeout=DEADLINE_S) for link in links]
        assert sheets
        assert {(each.status_code, each.headers["Content-Type"]) for each in sheets} == {(200, "text/css; charset=utf-8")}
        assert ".badge" in sheets[0].text
