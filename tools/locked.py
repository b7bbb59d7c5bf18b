"""What a locked file (`make lock`) pins: which version, for which Python, with which hashes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement

# The Pythons of the systems that a server may run: Debian 12, Ubuntu 24.04, Debian 13.
SERVERS = ("3.11", "3.12", "3.13")


@dataclass(frozen=True)
class Pin:
    """One line of a locked file."""

    name: str
    version: str
    marker: Marker | None
    hashes: tuple[str, ...]

    def is_for(self, python: str) -> bool:
        """Tell whether it is installed on a Linux server that has this Python, such as "3.12"."""
        found = {
            "python_version": python,
            "python_full_version": f"{python}.0",
            "sys_platform": "linux",
            "platform_system": "Linux",
        }
        return self.marker is None or self.marker.evaluate({**found, "os_name": "posix", "implementation_name": "cpython"})

    def line(self) -> str:
        """Return it as pip reads it, for whichever Python."""
        return " ".join([f"{self.name}=={self.version}", *(f"--hash=sha256:{each}" for each in self.hashes)])


def read(path: Path) -> Iterator[Pin]:
    """Yield every pin of a locked file."""
    for line in path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if line and not line.startswith((" ", "#")):
            requirement = Requirement(line.partition(" --hash=")[0])
            ((_, version),) = ((each.operator, each.version) for each in requirement.specifier)
            hashes = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
            yield Pin(requirement.name, version, requirement.marker, hashes)


def runtime(root: Path) -> list[Pin]:
    """Return what is installed on a server: the pins that are for one of its Pythons."""
    return [pin for pin in read(root / "requirements.txt") if any(pin.is_for(python) for python in SERVERS)]
