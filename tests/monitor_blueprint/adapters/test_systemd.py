from __future__ import annotations

import time
from pathlib import Path

import pytest

from monitor_blueprint.adapters.systemd import SystemdUnavailableError, UnitState, full_name, read_units
from tests.monitor_blueprint.bus import Systemd


def test_all_units_are_read_as_systemctl_shows_them(systemd: Systemd) -> None:
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


def test_a_unit_that_systemd_does_not_know_is_said_to_be_unknown() -> None:
    assert not UnitState("x.service").is_known
    assert UnitState("x.service", "loaded").is_known
    assert UnitState("x.service", "masked").is_known


def test_a_unit_without_a_type_is_a_service() -> None:
    assert (full_name("nginx"), full_name("logrotate.timer")) == ("nginx.service", "logrotate.timer")


def test_without_a_bus_systemd_is_unavailable() -> None:
    with pytest.raises(SystemdUnavailableError, match=r"^no system bus: "):
        read_units(["nginx"])


def test_a_bus_without_systemd_says_so(bus: Path, systemd: Systemd) -> None:
    systemd.refuses = True
    with pytest.raises(SystemdUnavailableError, match=r"^systemd refused: .*not for you"):
        read_units(["nginx"])


def test_a_systemd_that_does_not_answer_is_waited_for_no_longer_than_asked(systemd: Systemd) -> None:
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
def test_a_unit_is_in_transition_while_it_may_be_on_its_way_up(active: str, job: str, is_in_transition: bool) -> None:
    assert UnitState("x.service", "loaded", active, job=job).is_in_transition is is_in_transition
