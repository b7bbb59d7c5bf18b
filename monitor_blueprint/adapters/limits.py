"""What a machine has, or what a container may use of it: memory and processor time.

A container is told by limits at the root of the control groups that can be seen (cgroups(7), version 2): that file is there
in a container only. The limits of groups below, the monitor's own among them, are no matter of the machine's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psutil

ROOT = Path("/")
_CGROUP = "sys/fs/cgroup"
_ARC = "proc/spl/kstat/zfs/arcstats"
# Processor time is measured over no less than this.
_LEAST_SPAN_S = 0.5
_MICRO = 1e6


class Memory(NamedTuple):
    """How much memory there is, and how much of it a program could still get, in bytes."""

    total: int
    available: int

    @property
    def used_percent(self) -> float:
        """Return the used share with one decimal, as the guide's statistics have it."""
        return round(100 * (self.total - self.available) / self.total, 1) if self.total else 0.0


class Load(NamedTuple):
    """How many processors are busy, and how many there are; `checkpoint` is to be given back the next time."""

    busy: float
    cores: float
    checkpoint: Mapping[str, Any]


def memory(root: Path = ROOT) -> Memory:
    """Return the machine's memory, or the container's where that may use less."""
    found = psutil.virtual_memory()
    # ZFS gives its cache back when somebody needs it, but the kernel does not count that as available.
    machine = Memory(found.total, min(found.total, found.available + _arc(root)))
    limit = _number(root, f"{_CGROUP}/memory.max")
    used = _number(root, f"{_CGROUP}/memory.current")
    if limit is None or used is None or limit >= machine.total:
        return machine
    # The page cache that nobody has asked for lately is given back just so.
    inactive = _fields(root, f"{_CGROUP}/memory.stat").get("inactive_file", 0)
    return Memory(limit, min(limit, max(0, limit - used + inactive), machine.available))


def load(before: Mapping[str, Any], root: Path = ROOT) -> Load:
    """Return the machine's load of the last minute; in a container with a limit, how much it used of that since the last look."""
    cores = psutil.cpu_count() or 1
    quota = _quota(root)
    used = _cpu_time(root)
    if quota is None or quota >= cores or used is None:
        return Load(psutil.getloadavg()[0], cores, {})
    # The load of the machine would be held against the container's share of it.
    now = time.monotonic()
    since, used_then = float(before.get("at", now)), float(before.get("used_s", used))
    if now - since < _LEAST_SPAN_S or used < used_then:
        since, used_then = now, used
        time.sleep(_LEAST_SPAN_S)
        now, used = time.monotonic(), _cpu_time(root) or used
    return Load((used - used_then) / (now - since), quota, {"at": now, "used_s": used})


def _arc(root: Path) -> int:
    """Return how much ZFS would give back of its cache: all but the least that it keeps."""
    stats = _fields(root, _ARC)
    return max(0, stats.get("size", 0) - stats.get("c_min", 0))


def _quota(root: Path) -> float | None:
    """Return how many processors' time the container may use; None where there is no limit."""
    words = _text(root, f"{_CGROUP}/cpu.max").split()
    return int(words[0]) / int(words[1]) if len(words) == 2 and words[0].isdecimal() and int(words[1]) else None


def _cpu_time(root: Path) -> float | None:
    used = _fields(root, f"{_CGROUP}/cpu.stat").get("usage_usec")
    return None if used is None else used / _MICRO


def _number(root: Path, name: str) -> int | None:
    text = _text(root, name).strip()
    return int(text) if text.isdecimal() else None


def _fields(root: Path, name: str) -> dict[str, int]:
    """Return the numbers of a file with a name and a value on each line; in kstat's, the type stands in between."""
    lines = [line.split() for line in _text(root, name).splitlines()]
    return {words[0]: int(words[-1]) for words in lines if len(words) in (2, 3) and words[-1].isdecimal()}


def _text(root: Path, name: str) -> str:
    try:
        return (root / name).read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return ""
