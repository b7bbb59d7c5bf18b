from __future__ import annotations

import psutil

from monitor_blueprint.probes import swap
from tests.monitor_blueprint.probes.looking import looking


def test_the_share_of_used_swap_is_measured() -> None:
    (reading,) = swap.probe(swap.Options(), looking()).readings
    assert reading.value is not None
    assert 0 <= reading.value <= 100
    assert reading.facts["total_bytes"] == psutil.swap_memory().total


def test_it_is_possible_where_there_is_swap() -> None:
    assert swap.is_possible(swap.Options()) is (psutil.swap_memory().total > 0)
