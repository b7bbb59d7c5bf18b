from __future__ import annotations

import os

from monitor_blueprint.domain.models import Thresholds
from monitor_blueprint.probes import cpu
from tests.monitor_blueprint.probes.looking import looking


def test_the_processors_are_as_busy_as_the_load_of_a_minute_over_their_number() -> None:
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


def test_the_guides_limits_are_what_is_meant_without_options() -> None:
    (reading,) = cpu.probe(cpu.Options(), looking()).readings
    assert reading.thresholds == Thresholds(70, 90, 5)
