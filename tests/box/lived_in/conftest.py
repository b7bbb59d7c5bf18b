"""One lived-in box for this folder, in the order of the file names; after each file it is again what it was."""

import os
import re
import time
from collections.abc import Iterator

import pytest

from tests.box import box as boxes
from tests.box.box import Box
from tests.box.faults import Faults, Step
from tests.box.lived_in import server
from tests.box.snapshot import Camera, Difference, Snapshot, differences

SETUP = "bash /home/ubuntu/NeuroNova/deploy/monitoring/setup_monitoring.sh"
# How many steps of each kind fail in turn, spread over all that there are; with more than there are, it is each of them.
STEPS = int(os.environ.get("BOX_STEPS") or 0)
# What an installation of the monitor may put there, or change.
PROGRAMS = (
    r"/opt/neuronova(/.*)?|/etc/systemd/system/((multi-user|timers)\.target\.wants/)?(gunicorn_monitor|neuronova-deadman)\.\w+|"
    r"/usr/local/bin/neuronova-(health-check|monitor)|/usr/share/bash-completion/completions(/neuronova-(health-check|monitor))?|"
    r"/usr/local/share/man/man8(/neuronova-.*)?|/etc/logrotate\.d/neuronova|/var/spool/cron/crontabs/root|"
    r"unit (gunicorn_monitor|neuronova-deadman)\.\w+"
)
# A release that was built stays, or does not: it is nobody else's.
RELEASES = r"/opt/neuronova/releases/.*"
# What it leaves when it is uninstalled, but not purged.
KEPT = (
    r"/etc/neuronova(/.*)?|/var/lib/neuronova(/.*)?|/var/log/neuronova/(health_check|cron)\.log|"
    r"/etc/(passwd|shadow|group|gshadow)"
)


def beside(allowed: str, found: list[Difference]) -> list[str]:
    """The differences that are not allowed."""
    return [str(difference) for difference in found if not re.fullmatch(allowed, difference.where)]


def sample(steps: list[Step], size: int) -> list[Step]:
    """Some of the steps, spread over all of them."""
    return [steps[index * len(steps) // size] for index in range(size)] if len(steps) > size else steps


def wait_until_as_before(camera: Camera, before: Snapshot, allowed: str = "-") -> None:
    """Whoever takes back what a killed run has changed does so in its own time."""
    end = time.monotonic() + 60
    while left := beside(allowed, differences(before, camera.take())):
        assert time.monotonic() < end, "\n".join(left)


def failures(log: str) -> list[str]:
    """What a health check calls CRITICAL, but for the load of the machine that the box shares with others."""
    return [line for line in log.splitlines() if "] ERROR: " in line and "CPU" not in line]


@pytest.fixture(scope="package")
def lived_in() -> Iterator[Box]:
    with boxes.boot("lived-in-box", server.system, "/home/ubuntu") as booted:
        booted.run("systemd-run --quiet --unit=stand-ins --collect /opt/stand-ins/venv/bin/python /opt/stand-ins/stand_ins.py")
        booted.wait_until("the stand-ins listen", lambda: booted.run("ss -Hltn | grep -q :8099", expect=None).code == 0)
        server.assert_lives(booted)
        yield booted


@pytest.fixture(scope="package")
def camera(lived_in: Box) -> Camera:
    return Camera(lived_in)


@pytest.fixture(scope="package")
def untouched(camera: Camera) -> Snapshot:
    """The box before we came."""
    return camera.take()


@pytest.fixture(scope="package")
def faults(lived_in: Box) -> Faults:
    return Faults(lived_in)
