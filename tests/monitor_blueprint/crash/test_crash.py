from __future__ import annotations

from pathlib import Path

import pytest

from tests.monitor_blueprint.crash.harness import run


@pytest.mark.slow
def test_killed_monitor_loses_no_event(tmp_path: Path) -> None:
    """A monitor that is killed at any moment loses no event, and keeps their order."""
    report = run(tmp_path / "monitor.db", kills=12, incidents=12, seed=7)
    assert report.incidents >= 12
    assert report.lost == []
    assert report.out_of_order == []
    assert report.trouble == []
    # Each kill may hit the one message that a channel has just accepted; the long form holds them to 2 in 100.
    assert len(report.twice) <= report.kills * len(report.arrivals)
