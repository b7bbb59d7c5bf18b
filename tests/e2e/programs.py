"""The monitor as it runs in production: a real gunicorn, started as the Procfile says, and the commands beside it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from tests.monitor_blueprint.conftest import Reports

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60


def procfile(name: str) -> list[str]:
    """The command of a program, with this interpreter."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    command = shlex.split(lines[name])
    assert command[0] == "python"
    return [sys.executable, *command[1:]]


def environment(directory: Path) -> Path:
    """Make an environment that has our libraries and not the project itself; return its folder of programs."""
    venv.create(directory, symlinks=True)
    (packages,) = directory.glob("lib/python3*/site-packages")
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if "neuronova" not in each.name:
            (packages / each.name).symlink_to(each)
    return directory / "bin"


def install(programs: Path, *arguments: str | Path) -> None:
    """Install with pip into an environment; what that needs is there, so that no network is asked."""
    offline = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    pip = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *offline, *arguments], check=True, timeout=DEADLINE_S)


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kill a program and all that it has started, in whatever session."""
    with suppress(psutil.NoSuchProcess):
        for each in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.kill()
    process.wait()


def clean_environ(extra: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere", **extra}


class Program:
    """One monitor. Its output goes to files, its reports to systemd are awaited in `reports`."""

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        directory.mkdir()
        self.stdout, self.stderr = directory / "stdout", directory / "stderr"
        self.reports = Reports(directory / "notify")
        # What the command line says would overrule the setting.
        address = [] if "MONITOR_BIND" in environ else ["--bind", "127.0.0.1:0"]
        with self.stdout.open("wb") as out, self.stderr.open("wb") as err:
            self.process = subprocess.Popen(
                [*procfile("monitor"), *address, "--log-level", "info"],
                cwd=ROOT,
                env=clean_environ({"NOTIFY_SOCKET": str(self.reports.path), **environ}),
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def url(self) -> str:
        found = re.search(r"Listening at: (http://\S+)", self.stderr.read_text())
        assert found, self.stderr.read_text()
        return found[1]

    def worker(self) -> int:
        """The process id of the one worker."""
        pid = self.process.pid
        (worker,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(worker)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the program and whatever it started; with SIGKILL all at once, as a power cut does."""
        if number is signal.SIGKILL:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.send_signal(number)
        self.process.wait(DEADLINE_S)

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reports.close()


def command(*arguments: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of `neuronova-monitor` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "monitor_blueprint.cli", *arguments],
        cwd=ROOT,
        env=clean_environ(environ),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
