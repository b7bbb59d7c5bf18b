from __future__ import annotations

import pytest

from monitor_blueprint.adapters.systemd import SystemdUnavailableError
from monitor_blueprint.adapters.unit_names import installed_units
from tests.monitor_blueprint.bus import Systemd


def test_installed_units_are_named(systemd: Systemd) -> None:
    systemd.has("nginx.service")
    systemd.has("backup.timer")
    assert installed_units() == ["backup.timer", "nginx.service"]


def test_without_systemd_nobody_knows(systemd: Systemd) -> None:
    systemd.refuses = True
    with pytest.raises(SystemdUnavailableError):
        installed_units()
