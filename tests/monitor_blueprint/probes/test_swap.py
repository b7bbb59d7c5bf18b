from __future__ import annotations

import psutil

from monitor_blueprint.probes import swap
from tests.monitor_blueprint.probes.looking import looking


def test_swap_usage_is_measured() -> None:
    """The share of used swap is measured."""
    (reading,) = swap.probe(swap.Options(), looking()).readings
    assert reading.value is not None
    assert 0 <= reading.value <= 100
    assert reading.facts["total_bytes"] == psutil.swap_memory().total


def test_possible_where_swap_exists() -> None:
    assert swap.is_possible(swap.Options()) is (psutil.swap_memory().total > 0)
