from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor_blueprint.adapters.file_systems import Mount
from monitor_blueprint.domain.models import CheckResult, ProbeError, Status, Thresholds
from monitor_blueprint.probes import disk
from monitor_blueprint.probes.disk import Options
from monitor_blueprint.text import render
from tests.monitor_blueprint.probes.looking import NOW, looking


def test_usage_is_that_of_df(tmp_path: Path) -> None:
    """A disk is as full as df says, to the percent, and that is what is shown."""
    if shutil.which("df") is None:
        pytest.skip("df is not installed")
    while True:
        before = os.statvfs(tmp_path)
        (reading,) = disk.probe(Options(path=str(tmp_path)), looking()).readings
        argv = ["df", "--output=pcent,size", "-B1", str(tmp_path)]
        shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        if os.statvfs(tmp_path) == before:
            # Nobody has written anything in between.
            break
    percent, size = shown.splitlines()[1].split()
    assert f"{reading.value:g}%" == percent
    assert (reading.aspect, reading.unit, reading.facts["total_bytes"]) == ("usage", "%", int(size))
    assert f": {percent} (" in render.line(CheckResult("Disk", "disk", (reading,), NOW), reading)


def test_device_that_is_gone_is_told() -> None:
    """What the kernel remembers of a disk that was pulled out is no measurement."""
    mount = Mount(1, 0, "4000:1", "/", "/data", "ext4", "/dev/sdz1", is_read_only=False)
    before = {"target": "/data", "type": "ext4", "device": "4000:1", "has_device": True}
    assert disk._lost(before, mount) == "device"
    assert disk._lost({**before, "has_device": False}, mount) == ""
    # Another number is another disk, or the same one after a restart.
    assert disk._lost({**before, "device": "8:1"}, mount) == ""


def test_other_path_is_another_file_system(tmp_path: Path) -> None:
    """What is remembered of one path says nothing of the next."""
    (tmp_path / "gone").mkdir()
    first = disk.probe(Options(path=f"{tmp_path}/gone"), looking())
    (tmp_path / "gone").rmdir()
    (lost,) = disk.probe(Options(path=f"{tmp_path}/gone"), looking(checkpoint=first.checkpoint)).readings
    assert (lost.aspect, lost.facts["reason"]) == ("access", "ENOENT")
    (seen,) = disk.probe(Options(path="/"), looking(checkpoint=first.checkpoint)).readings
    assert seen.aspect == "usage"


def test_the_rules_judge_not_the_probe() -> None:
    (reading,) = disk.probe(Options(warning=0.001, critical=0.002), looking()).readings
    assert reading.status is Status.OK
    assert reading.thresholds == Thresholds(0.001, 0.002, 5.0)


def test_missing_mount_point_is_probe_error(tmp_path: Path) -> None:
    """A mount point that is not there could not be looked at."""
    with pytest.raises(ProbeError, match=r"/nowhere: No such file or directory$"):
        disk.probe(Options(path=f"{tmp_path}/nowhere"), looking())


def test_defaults_are_the_guides() -> None:
    """The guide's limits and the root are what is meant without options."""
    assert (Options().path, Options().thresholds) == ("/", Thresholds(80, 90, 5))
