"""The Debian package on a clean machine: installed, upgraded, broken, removed and purged, without a network."""

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.box import packages
from tests.box.box import Box
from tests.box.conftest import setting
from tests.box.packages import APT, PACKAGE, broken, changed, install, status

pytestmark = pytest.mark.box

SETUP = "bash ~/NeuroNova/deploy/monitoring/setup_monitoring.sh"
UNITS = ("gunicorn_flask", "gunicorn_monitor", "neuronova-deadman.timer")
# What dpkg, apt, systemd and logrotate note for themselves, what accounts leave behind, and the tests' own.
LEFT_OUT = re.compile(
    r"/(dev|proc|sys|run|tmp|root|var/(cache|log|stand-ins|tmp|lib/(apt|dpkg|systemd|logrotate))|opt/(wheels|stand-ins))"
    r"|/etc/((passwd|shadow|group|gshadow|subuid|subgid)-?|\.pwd\.lock)|.*/__pycache__"
)


@pytest.fixture(scope="module", autouse=True)
def clean(box: Box) -> Iterator[None]:
    """No trace of an earlier installation, no package index, and the package in root's home."""
    box.run(f"{SETUP} --uninstall --purge; mv /etc/pip.conf /root/")
    packages.put(box)
    yield
    box.run("mv /root/pip.conf /etc/")


def files(box: Box) -> dict[str, tuple[object, ...]]:
    """Everything on the disk: kind and mode, owner, content."""
    found: dict[str, tuple[object, ...]] = {}
    for above, folders, names in os.walk(box.tree):
        here = Path(above)
        inside = {name: f"/{(here / name).relative_to(box.tree)}" for name in [*folders, *names]}
        folders[:] = [name for name in folders if not LEFT_OUT.fullmatch(inside[name])]
        for name, path in inside.items():
            if LEFT_OUT.fullmatch(path):
                continue
            known = (here / name).lstat()
            content = b""
            if stat.S_ISLNK(known.st_mode):
                content = bytes((here / name).readlink())
            elif stat.S_ISREG(known.st_mode):
                content = hashlib.sha256((here / name).read_bytes()).digest()
            found[path] = (oct(known.st_mode), known.st_uid, known.st_gid, content)
    return found


def release(box: Box) -> str:
    return box.output("basename $(readlink /opt/neuronova/current)")


def pids(box: Box) -> str:
    return box.output("systemctl show -p MainPID gunicorn_flask gunicorn_monitor")


@pytest.fixture(scope="module")
def before(box: Box, clean: None) -> dict[str, tuple[object, ...]]:
    return files(box)


def test_wrong_setting_installs_nothing(box: Box, before: dict[str, tuple[object, ...]]) -> None:
    """A setting that makes no sense is refused before anything is changed."""
    box.run("mkdir /etc/neuronova && echo ML_SERVER=perhaps > /etc/neuronova/setup.conf")
    result = box.run(f"{APT} -o Dpkg::Options::=--force-confold install {PACKAGE}", expect=100)
    assert 'setup.conf: ML_SERVER is "perhaps"; it may be auto, none' in result.output
    assert status(box) == "half-configured"
    assert box.run("ls /opt/neuronova", expect=None).code != 0
    box.run(f"{APT} purge neuronova")
    assert files(box) == before


def test_package_installs_everything(box: Box) -> None:
    result = install(box)
    # It shows what it has found, as the script does.
    assert "Running release of ours: none" in result.output
    assert status(box) == "installed"
    for unit in UNITS:
        assert box.is_active(unit)
        box.run(f"systemctl is-enabled {unit}")
    assert json.loads(box.output("curl -s http://127.0.0.1:9000/health"))["ok"]
    assert box.run("neuronova-health-check", expect=None).code in {0, 1, 2}
    assert setting(box, "ml_server.env", "ML_API_KEY") == setting(box, "monitor.env", "ML_API_KEY")
    assert box.output("dpkg --verify neuronova") == ""
    assert box.output("find /usr/share/neuronova -name __pycache__") == ""


def test_script_over_package_changes_nothing(box: Box) -> None:
    """It is the same release, so that no library is fetched."""
    before = box.output("md5sum /etc/neuronova/*; readlink /opt/neuronova/current"), pids(box)
    assert "is there already" in box.run(SETUP).output
    assert (box.output("md5sum /etc/neuronova/*; readlink /opt/neuronova/current"), pids(box)) == before


@pytest.fixture
def set_up(box: Box) -> Iterator[Callable[[str], None]]:
    """Writes setup.conf; afterwards it is what it was."""
    box.run("cp -p /etc/neuronova/setup.conf /root/")
    yield lambda lines: box.write("/etc/neuronova/setup.conf", f"{lines}\n")
    box.run("cp -p /root/setup.conf /etc/neuronova/")


@pytest.mark.parametrize(
    ("lines", "key", "value"),
    [
        ("ML_SERVER=none", "ml_unit", ""),
        ("ML_SERVER=only", "has_monitor", False),
        ("ML_SERVER=replace", "ml_unit", "gunicorn_flask.service"),
        ("", "ml_unit", "gunicorn_flask.service"),
    ],
)
def test_settings_become_options(box: Box, set_up: Callable[[str], None], lines: str, key: str, value: object) -> None:
    set_up(lines)
    plan = json.loads(box.run("neuronova-setup --dry-run --json", expect=None).output)["plan"]
    assert plan[key] == value
    # What is said on the command line counts instead.
    plan = json.loads(box.run("neuronova-setup --monitor-only --dry-run --json", expect=None).output)["plan"]
    assert (plan["ml_unit"], plan["has_monitor"]) == ("", True)


@pytest.mark.parametrize(
    ("lines", "name"),
    [("ML_SERVER=beside\nML_PORT=9123", "ML_BIND"), ("MONITOR_PORT=9124", "MONITOR_BIND")],
    ids=["ml", "monitor"],
)
def test_ports_are_of_the_settings(box: Box, set_up: Callable[[str], None], lines: str, name: str) -> None:
    """Where the programs' own settings are there already, it is they that say where to listen."""
    set_up(lines)
    assert f'Change {name}="127.0.0.1:912' in box.run("neuronova-setup --dry-run", expect=1).output


def test_upgrade_keeps_settings(box: Box) -> None:
    box.run("echo '# 우리 병원' | tee -a /etc/neuronova/setup.conf >> /etc/neuronova/monitor.toml")
    key, old = setting(box, "ml_server.env", "ML_API_KEY"), release(box)
    install(box, changed(box, "next", "1.0.1"))
    assert release(box).startswith("1.0.1-")
    assert old in box.output("ls /opt/neuronova/releases").split()
    assert setting(box, "ml_server.env", "ML_API_KEY") == key
    for file in ("setup.conf", "monitor.toml"):
        assert "# 우리 병원" in box.output(f"cat /etc/neuronova/{file}")
    assert box.output("dpkg-query -W -f '${Version}' neuronova") == "1.0.1"
    assert box.is_active("gunicorn_flask")


def test_broken_upgrade_goes_back(box: Box) -> None:
    """dpkg says that it failed, and what ran before runs; the next one that is whole mends it."""
    before = release(box)
    result = install(box, broken(box, "1.0.2"), expect=100)
    assert "FAILED: " in result.output
    assert "What to do: " in result.output
    assert status(box) == "half-configured"
    assert release(box) == before
    assert box.is_active("gunicorn_flask")
    assert box.is_active("gunicorn_monitor")
    install(box, "/root/next.deb")
    assert status(box) == "installed"
    assert release(box) == before


def test_another_python_makes_another_release(box: Box) -> None:
    """What a new release of the system does: /usr/bin/python3 is another one. Here it is the same, so nothing is built."""
    before = release(box), pids(box)
    result = box.run("dpkg-trigger --by-package=python3 /usr/bin/python3 && dpkg --triggers-only neuronova", timeout_s=300)
    assert f"{before[0]} is there already" in result.output
    assert (release(box), pids(box)) == before


def test_removal_keeps_settings(box: Box) -> None:
    result = box.run(f"{APT} remove neuronova", timeout_s=200)
    assert "Kept: /etc/neuronova" in result.output
    assert status(box) == "config-files"
    for path in ("/opt/neuronova", "/usr/share/neuronova", "/usr/local/bin/neuronova-monitor", "/etc/logrotate.d/neuronova"):
        assert box.run(f"test -e {path}", expect=None).code == 1, path
    for unit in UNITS:
        assert not box.is_active(unit)
    assert "# 우리 병원" in box.output("cat /etc/neuronova/setup.conf")
    assert box.output("stat -c '%a %U' /var/lib/neuronova-purge") == "700 root"


def test_package_over_script(box: Box) -> None:
    """After an installation by the script, with an index of its own."""
    box.run(f"PIP_CONFIG_FILE=/root/pip.conf {SETUP}", timeout_s=300)
    before = box.output("readlink /opt/neuronova/current"), pids(box), setting(box, "ml_server.env", "ML_API_KEY")
    assert "is there already" in install(box).output
    assert (box.output("readlink /opt/neuronova/current"), pids(box), setting(box, "ml_server.env", "ML_API_KEY")) == before


def test_purge_leaves_nothing(box: Box, before: dict[str, tuple[object, ...]]) -> None:
    box.run(f"{APT} remove neuronova", timeout_s=200)
    box.run(f"{APT} purge neuronova")
    box.run("dpkg-query -W neuronova", expect=1)
    for user in ("neuronova", "neuronova-ml"):
        box.run(f"id {user}", expect=1)
    assert files(box) == before
    assert "neuronova" not in box.output("ls /var/log /var/lib").split()


def test_purge_in_one_go(box: Box, before: dict[str, tuple[object, ...]]) -> None:
    """Neither does one without a removal before it."""
    install(box)
    box.run(f"{APT} purge neuronova", timeout_s=200)
    assert files(box) == before
