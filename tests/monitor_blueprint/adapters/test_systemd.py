from __future__ import annotations

import time
from pathlib import Path

import pytest

from monitor_blueprint.adapters.systemd import SystemdUnavailableError, UnitState, full_name, read_units
from tests.monitor_blueprint.bus import Systemd


def test_units_are_read_like_systemctl(systemd: Systemd) -> None:
    """All units are read as systemctl shows them."""
    began_us = int((time.monotonic() - 100) * 1e6)
    systemd.has("gunicorn_flask.service", NRestarts=3, MainPID=4711, ActiveEnterTimestampMonotonic=began_us)
    systemd.has("nginx.service", active="failed", sub="failed", MainPID=0, Result="oom-kill")
    systemd.has("logrotate.timer", sub="waiting")
    before = time.monotonic()
    found = read_units(["gunicorn_flask", "nginx.service", "logrotate.timer", "unknown", "nginx"])
    took_s = time.monotonic() - before
    flask = found["gunicorn_flask.service"]
    assert 100 <= flask.active_for_s <= 101 + took_s
    assert (flask.load_state, flask.active_state, flask.sub_state) == ("loaded", "active", "running")
    assert (flask.restarts, flask.main_pid, flask.result) == (3, 4711, "success")
    assert found["nginx.service"] == UnitState("nginx.service", "loaded", "failed", "failed", result="oom-kill")
    assert found["logrotate.timer"] == UnitState("logrotate.timer", "loaded", "active", "waiting")
    assert found["unknown.service"] == UnitState("unknown.service")
    assert len(found) == 4


def test_unloaded_unit_is_unknown() -> None:
    """A unit that systemd does not know is said to be unknown."""
    assert not UnitState("x.service").is_known
    assert UnitState("x.service", "loaded").is_known
    assert UnitState("x.service", "masked").is_known


def test_untyped_unit_is_a_service() -> None:
    """A unit without a type is a service."""
    assert (full_name("nginx"), full_name("logrotate.timer")) == ("nginx.service", "logrotate.timer")


def test_without_a_bus_systemd_is_unavailable() -> None:
    with pytest.raises(SystemdUnavailableError, match=r"^no system bus: "):
        read_units(["nginx"])


def test_a_bus_without_systemd_says_so(bus: Path, systemd: Systemd) -> None:
    systemd.refuses = True
    with pytest.raises(SystemdUnavailableError, match=r"^systemd refused: .*not for you"):
        read_units(["nginx"])


def test_silent_systemd_costs_its_timeout(systemd: Systemd) -> None:
    """A systemd that does not answer is waited for no longer than asked."""
    systemd.is_silent = True
    with pytest.raises(SystemdUnavailableError, match=r"^systemd did not answer: TimeoutError"):
        read_units(["nginx"], timeout_s=0.1)


@pytest.mark.parametrize(
    ("active", "job", "is_in_transition"),
    [
        ("active", "", False),
        ("inactive", "", False),
        ("failed", "", False),
        # `Restart=` is at work, or somebody restarts it.
        ("activating", "", True),
        ("deactivating", "", True),
        ("deactivating", "restart", True),
        ("inactive", "start", True),
        ("failed", "restart", True),
        ("reloading", "", True),
        # Somebody stops it for good.
        ("deactivating", "stop", False),
        ("activating", "stop", False),
    ],
)
def test_starting_unit_is_in_transition(active: str, job: str, is_in_transition: bool) -> None:
    """A unit is in transition while it may be on its way up."""
    assert UnitState("x.service", "loaded", active, job=job).is_in_transition is is_in_transition
