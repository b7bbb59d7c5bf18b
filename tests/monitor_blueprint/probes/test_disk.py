from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from monitor_blueprint.domain.models import ProbeError, Status, Thresholds
from monitor_blueprint.probes import disk
from monitor_blueprint.probes.disk import Options
from tests.monitor_blueprint.probes.looking import looking


def test_usage_is_that_of_df(tmp_path: Path) -> None:
    """A disk is as full as df says."""
    if shutil.which("df") is None:
        pytest.skip("df is not installed")
    (reading,) = disk.probe(Options(path=str(tmp_path)), looking()).readings
    shown = subprocess.run(["df", "--output=pcent,size", "-B1", tmp_path], capture_output=True, text=True, check=True).stdout
    percent, size = shown.splitlines()[1].split()
    assert reading.value is not None
    # df rounds up; and somebody may have written something in between.
    assert abs(reading.value - int(percent.rstrip("%"))) <= 1.5
    assert (reading.aspect, reading.unit, reading.facts["total_bytes"]) == ("usage", "%", int(size))


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
