"""What the monitor's tests share: no settings of the developer, the time zone of the guide, and scripted checks."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, cast

import pytest

from monitor_blueprint import probes
from monitor_blueprint.probes import Observation, ProbeContext
from tests.monitor_blueprint.bus import bus, systemd
from tests.monitor_blueprint.running import SCRIPTED, Running, configure

__all__ = ["bus", "systemd"]

KINDS = Path(__file__).with_name("scripted_probes")
SETTINGS = (
    "ALERT_EMAIL",
    "HEARTBEAT_URL",
    "MONITOR_ADMIN_TOKEN",
    "MONITOR_STATS_TOKEN",
    "MONITOR_BIND",
    "MONITOR_URL",
    "NEURONOVA_CONFIG",
    "NOTIFY_SOCKET",
    "SLACK_WEBHOOK",
)
Script = dict[str, Callable[[ProbeContext], Observation]]


@pytest.fixture(autouse=True)
def _no_settings_and_no_systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name in SETTINGS or name.startswith("SMTP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """What the checks of kind "scripted" do, by their `line`."""
    monkeypatch.setattr(probes, "__path__", [*probes.__path__, str(KINDS)])
    lines: Script = cast("Any", probes.load("scripted")).SCRIPT
    yield lines
    lines.clear()


@pytest.fixture
def seoul() -> Iterator[None]:
    """Local time is Korea's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Seoul")
        time.tzset()
        yield
    time.tzset()


class Reports:
    """What a program tells systemd, on the socket that NOTIFY_SOCKET names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(60)

    def next(self) -> str:
        return self._socket.recv(4096).decode()

    def until_ready(self) -> str:
        """Wait until the program says that it is ready, and return what else it says."""
        while "READY=1" not in (report := self.next()):
            pass
        return report

    def until_checked(self) -> None:
        """Wait until a complete health check has come to its end."""
        while self.next() != "WATCHDOG=1":
            pass

    def is_silent(self) -> bool:
        """Whether nothing has been said that has not been read."""
        return not wait([self._socket], 0)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reports]:
    reports = Reports(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(reports.path))
    yield reports
    reports.close()


StartMonitor = Callable[..., Running]


@pytest.fixture
def start_monitor(tmp_path: Path, script: Script, reports: Reports) -> Iterator[StartMonitor]:
    """Starts monitors, and returns each once its first health check has come to its end."""
    monitors: list[Running] = []

    def start(checks: str = SCRIPTED, settings: str = "", **environ: str) -> Running:
        monitors.append(Running(configure(tmp_path, checks, settings), environ))
        reports.until_checked()
        return monitors[-1]

    yield start
    for monitor in monitors:
        monitor.close()
