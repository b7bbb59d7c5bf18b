from __future__ import annotations

import math
import os

import pytest

from monitor_blueprint.adapters import limits
from monitor_blueprint.domain.models import CheckResult, Thresholds
from monitor_blueprint.probes import cpu
from monitor_blueprint.text import render
from tests.monitor_blueprint.probes.looking import NOW, looking


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
    assert reading.value == pytest.approx(round(before, 2) / cores * 100)
    assert (reading.aspect, reading.unit) == ("load", "%")


def test_default_limits_are_the_guides() -> None:
    """The guide's limits are what is meant without options."""
    (reading,) = cpu.probe(cpu.Options(), looking()).readings
    assert reading.thresholds == Thresholds(70, 90, 5)


@pytest.mark.parametrize(("busy", "cores", "shown"), [(1.16, 4, 29), (2.8, 4, 70), (6.3, 7, 90), (0.45, 4, 11), (1.8, 1.5, 120)])
def test_what_is_judged_is_what_is_shown(busy: float, cores: float, shown: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No whole percent is lost to binary fractions."""
    monkeypatch.setattr(limits, "load", lambda before: limits.Load(busy, cores, {}))
    (reading,) = cpu.probe(cpu.Options(), looking()).readings
    assert f"({shown}% of {cores} cores" in render.line(CheckResult("CPU", "cpu", (reading,), NOW), reading)
    assert reading.value is not None
    assert math.floor(reading.value) == shown
