from __future__ import annotations

from pathlib import Path

import pytest

from monitor_blueprint.domain.models import Thresholds
from monitor_blueprint.probes import memory
from tests.monitor_blueprint.probes.looking import looking


def kibibytes() -> list[int]:
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return [int(lines[key].split()[0]) for key in ("MemTotal", "MemAvailable")]


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="needs /proc/meminfo")
def test_unavailable_memory_is_used() -> None:
    """Memory is used as far as it is not available."""
    for _ in range(100):
        total, available = kibibytes()
        (reading,) = memory.probe(memory.Options(), looking()).readings
        # Other programs take and give memory meanwhile.
        if reading.facts["available_bytes"] == available * 1024:
            break
    assert reading.facts == {"available_bytes": available * 1024, "total_bytes": total * 1024}
    assert reading.value == round(100 * (total - available) / total, 1)
    assert (reading.aspect, reading.unit) == ("usage", "%")


def test_default_limits_are_the_guides() -> None:
    """The guide's limits are what is meant without options."""
    (reading,) = memory.probe(memory.Options(), looking()).readings
    assert reading.thresholds == Thresholds(80, 90, 5)
