from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from monitor_blueprint.adapters.systemd import SystemdUnavailableError, UnitState, full_name, read_units
from tests.monitor_blueprint.bus import Systemd
from tests.monitor_blueprint.probes.looking import private


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


@pytest.mark.parametrize(
    ("active", "went_down_s", "began_s", "has_failed_to_start"),
    [("failed", 60, 90, False), ("failed", 60, 5, True), ("activating", 60, 5, False), ("inactive", 60, 90, False)],
)
def test_since_when_a_unit_is_down(
    systemd: Systemd, active: str, went_down_s: int, began_s: int, has_failed_to_start: bool
) -> None:
    """And whether its last start failed, or what ran has ended."""
    now_us = int(time.monotonic() * 1e6)
    times = {
        "ActiveExitTimestampMonotonic": now_us - went_down_s * 10**6,
        "InactiveExitTimestampMonotonic": now_us - began_s * 10**6,
    }
    systemd.has("nginx.service", active=active, sub="x", **times)
    systemd.has("new.service", active="failed", sub="failed")
    found = read_units(["nginx", "new"])
    unit = found["nginx.service"]
    assert unit.down_for_s is not None
    assert went_down_s <= unit.down_for_s < went_down_s + 60
    assert unit.has_failed_to_start is has_failed_to_start
    assert found["new.service"].down_for_s is None


def test_alias_is_the_unit_it_means(systemd: Systemd) -> None:
    systemd.has("mariadb.service", MainPID=7)
    systemd.aliases = {"mysql.service": "mariadb.service", "mysqld.service": "mariadb.service"}
    found = read_units(["mysql", "mysqld", "nginx"])
    for name in ("mysql.service", "mysqld.service"):
        assert (found[name].name, found[name].main_pid) == ("mariadb.service", 7)
    assert not found["nginx.service"].is_known


def members(systemd: Systemd, unit: str) -> dict[str, str]:
    (state,) = read_units([unit]).values()
    return {member.name: member.active_state for member in state.members}


def postgresql(systemd: Systemd, **clusters: str) -> None:
    """Debian's PostgreSQL: a unit that runs /bin/true, and one for each cluster."""
    names = [f"postgresql@{version}-main.service" for version in clusters]
    systemd.has("postgresql.service", sub="exited", MainPID=0, ConsistsOf=names, Wants=names[:2])
    for name, active in zip(names, clusters.values(), strict=True):
        systemd.has(name, active=active, sub="x", Type="forking")


def test_wrapper_stands_for_its_parts(systemd: Systemd) -> None:
    """A cluster that is started at boot is missed when it does not run; any other only when it has failed."""
    postgresql(systemd, **{"15": "active", "14": "inactive", "13": "inactive", "12": "failed"})
    assert members(systemd, "postgresql") == {
        "postgresql@15-main.service": "active",
        "postgresql@14-main.service": "inactive",
        "postgresql@12-main.service": "failed",
    }


def test_running_unit_is_its_own_proof(systemd: Systemd) -> None:
    """Who has processes of its own is not judged by what is part of it."""
    systemd.has("nginx.service", ConsistsOf=["nginx-helper.service"])
    systemd.has("nginx-helper.service", active="failed")
    assert members(systemd, "nginx") == {}
    assert "GetAll" not in systemd.asked


def test_nothing_behind_a_oneshot(systemd: Systemd) -> None:
    """What a one-time job wants is its own affair, unless it has failed; what is not there, or was not asked for, is no loss."""
    systemd.has("networking.service", sub="exited", Wants=["network.target", "pre.service", "gone.service", "bad.service"])
    systemd.has("pre.service", active="inactive", sub="dead")
    assert members(systemd, "networking") == {}
    systemd.has("bad.service", active="failed", sub="failed")
    assert members(systemd, "networking") == {"bad.service": "failed"}


@pytest.mark.parametrize(
    "state", [{"Type": "oneshot"}, {"ConditionResult": False, "ConditionTimestampMonotonic": 5}, {"load": "masked"}]
)
def test_idle_part_is_no_loss(state: dict[str, object], systemd: Systemd) -> None:
    """A job that is done, one whose conditions are not met, one that an operator has masked."""
    postgresql(systemd, **{"15": "active", "14": "inactive"})
    systemd.has("postgresql@14-main.service", **state)
    assert members(systemd, "postgresql") == {"postgresql@15-main.service": "active"}


def test_target_stands_for_its_services(systemd: Systemd) -> None:
    """Through a service that only stands for others, too; and a circle has an end."""
    systemd.has("clinic.target", sub="active", Wants=["gunicorn_flask.service", "postgresql.service"])
    systemd.has("gunicorn_flask.service", active="failed", sub="failed")
    postgresql(systemd, **{"15": "failed"})
    systemd.has("postgresql@15-main.service", sub="exited", Wants=["postgresql.service"])
    (target,) = read_units(["clinic.target"]).values()
    assert [member.name for member in target.members] == ["gunicorn_flask.service", "postgresql.service"]
    assert [member.active_state for member in target.members[1].members] == ["failed"]
    postgresql(systemd, **{"15": "active"})
    systemd.has("postgresql@15-main.service", sub="exited", ConsistsOf=["postgresql.service"])
    assert members(systemd, "clinic.target")


@pytest.mark.parametrize(
    ("sub", "timeout_us", "expected"),
    [("start", 120_000_000, 120), ("start-pre", 2**64 - 1, math.inf), ("auto-restart", 120_000_000, 0)],
)
def test_start_has_its_own_time(sub: str, timeout_us: int, expected: float, systemd: Systemd) -> None:
    """As long as systemd waits; what waits for the next attempt has failed at the last."""
    systemd.has("gunicorn_flask.service", active="activating", sub=sub, TimeoutStartUSec=timeout_us)
    (state,) = read_units(["gunicorn_flask"]).values()
    assert state.start_timeout_s == expected


def test_start_that_took_long_is_told(systemd: Systemd) -> None:
    now_us = int(time.monotonic() * 1e6)
    systemd.has(
        "db.service", ActiveEnterTimestampMonotonic=now_us - 1_000_000, InactiveExitTimestampMonotonic=now_us - 61_000_000
    )
    assert read_units(["db"])["db.service"].start_took_s == 60


def test_unloaded_unit_is_unknown() -> None:
    """A unit that systemd does not know is said to be unknown."""
    assert not UnitState("x.service").is_known
    assert UnitState("x.service", "loaded").is_known
    assert UnitState("x.service", "masked").is_known


def test_untyped_unit_is_a_service() -> None:
    """A unit without a type is a service."""
    assert (full_name("nginx"), full_name("logrotate.timer")) == ("nginx.service", "logrotate.timer")
    assert (full_name("postgresql@9.6-main"), full_name("a@b")) == ("postgresql@9.6-main.service", "a@b.service")
    assert (full_name("service"), full_name("foo.socket"), full_name("my.app.service")) == (
        "service.service",
        "foo.socket",
        "my.app.service",
    )


def test_without_a_bus_systemd_is_unavailable() -> None:
    with pytest.raises(SystemdUnavailableError, match=r"^no system bus: "):
        read_units(["nginx"])


def test_a_bus_without_systemd_says_so(bus: Path, systemd: Systemd) -> None:
    systemd.refuses = True
    with pytest.raises(SystemdUnavailableError, match=r"^systemd refused: org.freedesktop.DBus.Error.AccessDenied$") as caught:
        read_units(["nginx"])
    # Its own words are for the administrators.
    assert "not for you" in private(caught.value.detail)


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
