from __future__ import annotations

from pathlib import Path

import pytest

from monitor_blueprint.domain.models import Thresholds
from monitor_blueprint.probes import memory
from tests.monitor_blueprint.probes.looking import looking


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="needs /proc/meminfo")
def test_memory_is_used_as_far_as_it_is_not_available() -> None:
    (reading,) = memory.probe(memory.Options(), looking()).readings
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, available = (int(lines[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    assert reading.facts["total_bytes"] == total
    assert reading.value is not None
    # Other programs take and give memory meanwhile.
    assert abs(reading.value - 100 * (1 - available / total)) < 10
    assert (reading.aspect, reading.unit) == ("usage", "%")


def test_the_guides_limits_are_what_is_meant_without_options() -> None:
    (reading,) = memory.probe(memory.Options(), looking()).readings
    assert reading.thresholds == Thresholds(80, 90, 5)
