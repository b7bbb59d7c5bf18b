"""What the monitor's tests share: no settings of the developer, the time zone of the guide, and scripted checks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor_blueprint import probes
from monitor_blueprint.probes import Observation, ProbeContext
from tests.monitor_blueprint.bus import bus, systemd

__all__ = ["bus", "systemd"]

KINDS = Path(__file__).with_name("kinds")
SETTINGS = ("ALERT_EMAIL", "HEARTBEAT_URL", "MONITOR_ADMIN_TOKEN", "NEURONOVA_CONFIG", "NOTIFY_SOCKET", "SLACK_WEBHOOK")
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
    lines: Script = probes.load("scripted").SCRIPT
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
