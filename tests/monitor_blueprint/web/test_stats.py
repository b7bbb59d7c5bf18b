from __future__ import annotations

import json
import os
from typing import Any

import psutil

from monitor_blueprint.web import stats
from tests.monitor_blueprint import guide


def shape(value: Any) -> Any:
    """What a JSON text is made of: keys in their order, and the types of the values."""
    if isinstance(value, dict):
        return [(key, shape(each)) for key, each in value.items()]
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value)


def test_statistics_have_the_guides_shape() -> None:
    """The statistics have the guide's keys, in the guide's order, with values of the same kind."""
    assert shape(json.loads(json.dumps(stats.read()))) == shape(json.loads(guide.STATS))


def test_figures_describe_this_machine() -> None:
    found: Any = stats.read()
    disk = os.statvfs("/")
    assert found["cpu"]["count"] == os.cpu_count()
    assert found["memory"]["total"] == psutil.virtual_memory().total
    assert found["disk"]["total"] == disk.f_blocks * disk.f_frsize
    assert 0 < found["memory"]["available"] <= found["memory"]["total"]
    assert found["disk"]["used"] + found["disk"]["free"] <= found["disk"]["total"]
    assert all(0 <= found[part]["percent"] <= 100 for part in ("cpu", "memory", "disk"))
    assert all(load == round(load, 2) for load in found["cpu"]["load_avg"])


def test_first_cpu_figure_is_measured() -> None:
    """The first figure of the processor is measured, and not the 0 that means nothing."""
    stats._primed = False
    before = psutil.cpu_times()
    stats.read()
    after = psutil.cpu_times()
    # It took its time: the processors have counted on.
    assert sum(after) - sum(before) > stats._LEAST_INTERVAL_S / 2
