"""The Debian package on a server that lives: the monitor comes, and goes again without a trace."""

import json

import pytest

from tests.box import packages
from tests.box.box import Box
from tests.box.lived_in.conftest import KEPT, PROGRAMS, beside
from tests.box.lived_in.server import assert_answers, assert_lives
from tests.box.lived_in.test_01_install import TRUE_RESULTS
from tests.box.packages import APT, broken, install, status
from tests.box.snapshot import Camera, Snapshot, differences

pytestmark = pytest.mark.box

# What apt and dpkg keep of every package that has ever been there.
NOTES = r"/var/lib/(dpkg|apt)(/.*)?|/var/cache/(apt|debconf)(/.*)?|/var/log/(dpkg\.log|apt/.*)"
# What is unpacked, whether it is then installed or not.
FILES = (
    r"/usr/share/(neuronova|doc/neuronova)(/.*)?|/usr/share/man/man8(/neuronova-.*)?|/usr/sbin/neuronova-setup|"
    r"/etc/neuronova(/setup\.conf)?|/root/.*\.deb"
)
# A removal keeps what a purge works with.
PURGE = "/var/lib/neuronova-purge(/.*)?"


@pytest.fixture(scope="module", autouse=True)
def package(lived_in: Box, untouched: Snapshot) -> None:
    packages.put(lived_in)


def test_failed_installation_leaves_nothing(lived_in: Box, camera: Camera) -> None:
    """dpkg says so; of what it had unpacked, a purge leaves nothing."""
    path = broken(lived_in, "1.0.2")
    before = camera.take()
    result = install(lived_in, path, expect=100)
    assert "Everything is as it was before: what ran before runs, and nothing of ours is left." in result.output
    assert status(lived_in) == "half-configured"
    assert beside(f"{NOTES}|{FILES}", differences(before, camera.take())) == [], result.output
    assert_answers(lived_in)
    lived_in.run(f"{APT} purge neuronova", timeout_s=200)
    assert beside(NOTES, differences(before, camera.take())) == []


def test_package_leaves_others_alone(lived_in: Box, camera: Camera) -> None:
    """The monitor alone comes; every difference is of ours or of dpkg's."""
    before = camera.take()
    output = install(lived_in).output
    for line in TRUE_RESULTS:
        assert line in output, output
    assert status(lived_in) == "installed"
    assert beside(f"{NOTES}|{FILES}|{PROGRAMS}|{KEPT}", differences(before, camera.take())) == []
    assert json.loads(lived_in.output("neuronova-setup --dry-run --json"))["plan"]["ml_unit"] == ""
    assert_lives(lived_in)


def test_removal_puts_everything_back(lived_in: Box, camera: Camera, untouched: Snapshot) -> None:
    """The earlier script and its cron line as well; our settings, logs and history stay."""
    lived_in.run(f"{APT} remove neuronova", timeout_s=200)
    assert status(lived_in) == "config-files"
    assert "neuronova-health-check >>" in lived_in.output("crontab -l")
    found = differences(untouched, camera.take(), are_same_processes=False)
    assert beside(rf"{NOTES}|{KEPT}|{PURGE}|/root/.*\.deb", found) == []
    assert_lives(lived_in)


def test_purge_leaves_nothing(lived_in: Box, camera: Camera, untouched: Snapshot) -> None:
    """Only apt and dpkg remember."""
    lived_in.run(f"{APT} purge neuronova && rm /root/*.deb", timeout_s=200)
    assert beside(NOTES, differences(untouched, camera.take(), are_same_processes=False)) == []
    assert_lives(lived_in)
