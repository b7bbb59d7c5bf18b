"""The machine's figures as the checks see them: a container's limits, ZFS's cache, and the share that a user may fill."""

from __future__ import annotations

from typing import NamedTuple

from monitor_blueprint.adapters import limits
from monitor_blueprint.adapters.file_systems import look, used_percent


class Share(NamedTuple):
    """How much there is, is used and can still be used, in bytes, and the used share in percent."""

    total: int
    used: int
    available: int
    percent: float


def memory() -> Share:
    """Return the memory's figures."""
    found = limits.memory()
    return Share(found.total, found.total - found.available, found.available, found.used_percent)


def disk(path: str = "/") -> Share:
    """Return a file system's figures; raises OSError where it cannot be seen."""
    found = look(path)
    percent = float(used_percent(found.used_bytes, found.available_bytes))
    return Share(found.total_bytes, found.used_bytes, found.available_bytes, percent)
