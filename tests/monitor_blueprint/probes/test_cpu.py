from __future__ import annotations

import os

from monitor_blueprint.domain.models import Thresholds
from monitor_blueprint.probes import cpu
from tests.monitor_blueprint.probes.looking import looking


def test_load_is_divided_by_cores() -> None:
    """The processors are as busy as the load of a minute over their number."""
    while True:
        before = os.getloadavg()[0]
        (reading,) = cpu.probe(cpu.Options(), looking()).readings
        if os.getloadavg()[0] == before:
            # The kernel has not counted anew in between.
            break
    cores = os.cpu_count() or 1
    assert reading.facts == {"load": round(before, 2), "cores": cores}
    assert reading.value == before / cores * 100
    assert (reading.aspect, reading.unit) == ("load", "%")


def test_default_limits_are_the_guides() -> None:
    """The guide's limits are what is meant without options."""
    (reading,) = cpu.probe(cpu.Options(), looking()).readings
    assert reading.thresholds == Thresholds(70, 90, 5)
