from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monitor_blueprint.engine import evidence_disk
from monitor_blueprint.text import places
from tests.monitor_blueprint.standins import UNPRIVILEGED

ROOT = Path(__file__).parents[3]
MIB = 1024 * 1024


def lines(path: Path, seconds: float = 60.0) -> list[str]:
    return evidence_disk.listing(str(path), MIB, 2 * MIB, time.monotonic() + seconds).splitlines()


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_disk, "MOST_S", 60.0)


def write(path: Path, mib: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * (mib * MIB))


def test_largest_directories_come_first(tmp_path: Path) -> None:
    """Down to the second level; what lies deeper counts for what it lies in."""
    write(tmp_path / "var" / "log" / "deep" / "deeper" / "file", 5)
    write(tmp_path / "var" / "lib" / "file", 2)
    write(tmp_path / "home" / "file", 1)
    first, *found = lines(tmp_path)
    assert first == "여유 1.0M / 전체 2.0M"
    assert [line.split() for line in found[:3]] == [
        ["5.0M", f"{tmp_path}/var/log"],
        ["2.0M", f"{tmp_path}/var/lib"],
        ["1.0M", f"{tmp_path}/home"],
    ]


def test_a_path_means_its_file_system(tmp_path: Path) -> None:
    first = evidence_disk.usage(str(tmp_path), 0.0).splitlines()[0]
    assert first.endswith(f" / 전체 {places.size(shutil.disk_usage(tmp_path).total)}")


def test_one_large_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_disk, "_LARGE", 2 * MIB)
    write(tmp_path / "var" / "log" / "app.log", 3)
    write(tmp_path / "var" / "log" / "small.log", 1)
    assert lines(tmp_path)[-1].split() == ["3.0M", f"{tmp_path}/var/log/app.log"]


def test_hard_links_count_once(tmp_path: Path) -> None:
    write(tmp_path / "a" / "file", 1)
    (tmp_path / "b").mkdir()
    os.link(tmp_path / "a" / "file", tmp_path / "b" / "file")
    assert [line.split()[0] for line in lines(tmp_path)[1:]].count("1.0M") == 1


def test_links_lead_nowhere(tmp_path: Path) -> None:
    write(tmp_path / "a" / "file", 1)
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert len(lines(tmp_path)) == 2


def test_without_time_it_says_so(tmp_path: Path) -> None:
    write(tmp_path / "a" / "file", 1)
    assert lines(tmp_path, -1.0)[-1].startswith("시간이 모자라 일부만 봄")


def test_what_cannot_be_seen_is_said(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0)
    program = f"from monitor_blueprint.engine import evidence_disk; print(evidence_disk.listing({str(tmp_path)!r}, 1, 2, 1e12))"
    command = [*UNPRIVILEGED, sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)
    assert done.stdout.splitlines()[-1] == "권한이 없어 보지 못한 디렉터리 1개"


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0B"), (1023, "1023B"), (1536, "1.5K"), (5 * MIB, "5.0M"), (3 * 1024 * MIB, "3.0G"), (2**41, "2.0T")]
)
def test_sizes_are_those_of_df(count: int, shown: str) -> None:
    assert places.size(count) == shown
