from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitor_blueprint.adapters import command
from monitor_blueprint.domain.models import ProbeError, Status
from monitor_blueprint.probes import updates
from tests.monitor_blueprint.probes.looking import NOW, looking

# Printed by `apt-get -s -qq dist-upgrade` on Debian 12 and Ubuntu 22.04.
DEBIAN = """\
Inst openssl [3.0.19-1~deb12u2] (3.0.22-1~deb12u2 Debian-Security:12/oldstable-security [amd64])
Inst tzdata [2025b-0+deb12u1] (2025b-0+deb12u2 Debian:12.12/oldstable [all])
Inst libssl3 [3.0.19-1~deb12u2] (3.0.22-1~deb12u2 Debian-Security:12/oldstable-security [amd64]) []
Inst new-one (1.0 Debian-Security:12/oldstable-security [amd64])
Conf openssl (3.0.22-1~deb12u2 Debian-Security:12/oldstable-security [amd64])
Remv old-one [1.0]
"""
UBUNTU = """\
Inst curl [7.81.0-1] (7.81.0-2 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64])
Inst vim [8] (9 Ubuntu:22.04/jammy-updates [amd64])
"""


@pytest.mark.parametrize(("printed", "names"), [(DEBIAN, ["openssl", "libssl3", "new-one"]), (UBUNTU, ["curl"]), ("", [])])
def test_security_updates_are_counted(printed: str, names: list[str]) -> None:
    """Updates from a security archive are counted."""
    assert updates.security_updates(printed.splitlines()) == names


@pytest.mark.slow
@pytest.mark.skipif(not command.is_installed("apt-get"), reason="apt is not the package manager here")
def test_this_machine_can_be_asked(tmp_path: Path) -> None:
    (tmp_path / "partial").mkdir()
    fetched_at = NOW.timestamp() - 3 * 86400
    for folder in (tmp_path / "partial", tmp_path):
        os.utime(folder, (fetched_at, fetched_at))
    pending, lists = updates.probe(updates.Options(lists=str(tmp_path)), looking(deadline_s=100)).readings
    assert pending.value is not None
    assert pending.status is (Status.WARNING if pending.value else Status.OK)
    assert (lists.status, lists.facts["days"]) == (Status.OK, 3)


@pytest.mark.slow
@pytest.mark.skipif(not command.is_installed("apt-get"), reason="apt is not the package manager here")
def test_old_package_lists_are_a_warning(tmp_path: Path) -> None:
    fetched_at = NOW.timestamp() - 8 * 86400
    os.utime(tmp_path, (fetched_at, fetched_at))
    _, lists = updates.probe(updates.Options(lists=str(tmp_path)), looking(deadline_s=100)).readings
    assert (lists.status, lists.facts["days"]) == (Status.WARNING, 8)


@pytest.mark.parametrize(
    ("days_ago", "status", "days"), [(6.9, Status.OK, 6), (7, Status.WARNING, 7), (0, Status.OK, 0), (-1, Status.OK, -1)]
)
def test_lists_on_the_limit_are_old(tmp_path: Path, days_ago: float, status: Status, days: int) -> None:
    fetched_at = NOW.timestamp() - days_ago * updates.DAY_S
    os.utime(tmp_path, (fetched_at, fetched_at))
    reading = updates._lists(updates.Options(lists=str(tmp_path)), NOW.timestamp())
    assert (reading.status, reading.facts["days"]) == (status, days)
    assert reading.value is not None
    assert reading.value >= 0


def test_no_lists_are_a_probe_error(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="nowhere"):
        updates._lists(updates.Options(lists=str(tmp_path / "nowhere")), NOW.timestamp())


def test_it_runs_weekly() -> None:
    assert updates.DEFAULT_INTERVAL_S == 7 * 24 * 3600
