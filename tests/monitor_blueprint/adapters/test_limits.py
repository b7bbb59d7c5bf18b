from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from monitor_blueprint.adapters import limits

GIB = 1024**3
ARC = """\
13 1 0x01 147 39984 5253252223 1270893461932
name                            type data
hits                            4    11
c                               4    {c}
c_min                           4    {c_min}
size                            4    {size}
"""


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name.replace("_", ".", 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def container(root: Path, limit: str, current: int = 0, inactive_file: int = 0) -> None:
    write(root, memory_max=f"{limit}\n", memory_current=f"{current}\n", memory_stat=f"anon 1\ninactive_file {inactive_file}\n")


def arc(root: Path, size: int, c_min: int) -> None:
    path = root / "proc/spl/kstat/zfs/arcstats"
    path.parent.mkdir(parents=True)
    path.write_text(ARC.format(size=size, c_min=c_min, c=size))


def steady(root: Path) -> tuple[limits.Memory, int]:
    """What is measured while no other program takes or gives memory, and what is available on this machine."""
    while True:
        before = psutil.virtual_memory().available
        found = limits.memory(root)
        if psutil.virtual_memory().available == before:
            return found, before


def test_plain_machine_is_as_the_kernel_says(tmp_path: Path) -> None:
    found, available = steady(tmp_path)
    assert found == limits.Memory(psutil.virtual_memory().total, available)


@pytest.mark.parametrize(("size", "c_min", "given_back"), [(4096, 1024, 3072), (1024, 4096, 0)])
def test_cache_of_zfs_is_available(tmp_path: Path, size: int, c_min: int, given_back: int) -> None:
    arc(tmp_path, size, c_min)
    found, available = steady(tmp_path)
    assert found.available == min(found.total, available + given_back)


def test_cache_is_never_more_than_there_is(tmp_path: Path) -> None:
    arc(tmp_path, 2**60, 0)
    found = limits.memory(tmp_path)
    assert (found.available, found.used_percent) == (found.total, 0.0)


def test_container_has_its_own_memory(tmp_path: Path) -> None:
    """Its page cache that nobody uses is given back."""
    limit = GIB // 4
    container(tmp_path, str(limit), current=limit, inactive_file=limit // 4)
    assert limits.memory(tmp_path) == (limit, limit // 4)
    assert limits.memory(tmp_path).used_percent == 75.0


@pytest.mark.parametrize("limit", ["max", str(2**60), "", "x"])
def test_no_limit_is_the_machine(limit: str, tmp_path: Path) -> None:
    container(tmp_path, limit, current=1)
    assert limits.memory(tmp_path).total == psutil.virtual_memory().total


def test_limit_of_a_unit_is_not_the_machines(tmp_path: Path) -> None:
    """The monitor's own MemoryMax= lies below the root."""
    unit = tmp_path / "sys/fs/cgroup/system.slice/gunicorn_monitor.service"
    unit.mkdir(parents=True)
    (unit / "memory.max").write_text("1024\n")
    (unit / "memory.current").write_text("1000\n")
    assert limits.memory(tmp_path).total == psutil.virtual_memory().total


def test_container_has_its_own_load(tmp_path: Path) -> None:
    """How much it used of what it may use, since the last look."""
    write(tmp_path, cpu_max="50000 100000\n", cpu_stat="usage_usec 30000000\nuser_usec 1\n")
    found = limits.load({"at": time.monotonic() - 60.0, "used_s": 15.0}, tmp_path)
    assert found.busy == pytest.approx(0.25, rel=0.05)
    assert (found.cores, found.checkpoint["used_s"]) == (0.5, 30.0)


def test_first_load_is_measured(tmp_path: Path) -> None:
    """So is the first one after a restart of the container, which counts from nothing, or of the machine."""
    write(tmp_path, cpu_max="50000 100000\n", cpu_stat="usage_usec 30000000\n")
    for before in ({}, {"at": time.monotonic() - 60.0, "used_s": 99.0}, {"at": time.monotonic() + 1e6, "used_s": 1.0}):
        assert limits.load(before, tmp_path).busy == 0.0


@pytest.mark.parametrize("quota", ["max 100000", "", "900000000 100000"])
def test_load_without_a_limit_is_the_machines(quota: str, tmp_path: Path) -> None:
    write(tmp_path, cpu_max=quota, cpu_stat="usage_usec 1\n")
    found = limits.load({}, tmp_path)
    assert (found.cores, found.checkpoint) == (psutil.cpu_count(), {})
