"""The Debian package of this tree, in a box: built, changed, installed with apt."""

import fcntl
import os
import shutil
import subprocess
import sys

from tests.box import box as boxes
from tests.box.box import Box, Result

APT = "DEBIAN_FRONTEND=noninteractive apt-get -y -q"
PACKAGE = "/root/neuronova.deb"


def put(box: Box) -> None:
    """Build the package and put it into root's home; two boxes may want it at the same time."""
    boxes.CACHE.mkdir(parents=True, exist_ok=True)
    with (boxes.CACHE / "deb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wheels = _made("tools.wheels", str(boxes.CACHE), timeout_s=500)
        told = _made("tools.deb", wheels, str(boxes.CACHE / "deb"), timeout_s=100)
        shutil.copyfile(told.rpartition(" (")[0], box.path(PACKAGE))


def _made(module: str, *arguments: str, timeout_s: float) -> str:
    environ = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=boxes.ROOT, env=environ, check=True, stdout=subprocess.PIPE, text=True, timeout=timeout_s)
    return done.stdout.strip()


def changed(box: Box, name: str, version: str, script: str = "true") -> str:
    """Make another package, of this one by a script that is run in its tree; return its path inside."""
    box.run(
        f"cd /root && rm -rf {name} && dpkg-deb --raw-extract {PACKAGE} {name} && "
        f"sed -i 's/^Version: .*/Version: {version}/' {name}/DEBIAN/control && cd {name}/usr/share/neuronova && "
        f"sed -i 's/^version = .*/version = \"{version}\"/' pyproject.toml && {script} && cd /root && "
        f"dpkg-deb --root-owner-group -Znone --build {name} {name}.deb && rm -rf {name}"
    )
    return f"/root/{name}.deb"


def broken(box: Box, version: str) -> str:
    """Make one whose monitor does not start."""
    return changed(box, "broken", version, "echo 'raise RuntimeError(1)' >> monitor_blueprint/gunicorn_conf.py")


def install(box: Box, path: str = PACKAGE, *, expect: int = 0) -> Result:
    """Install a package, or upgrade to it."""
    return box.run(f"{APT} --allow-downgrades install {path}", expect=expect, timeout_s=300)


def status(box: Box) -> str:
    """Return what dpkg says of the package."""
    return box.output("dpkg-query -W -f '${db:Status-Status}' neuronova")
