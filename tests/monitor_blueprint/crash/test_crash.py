from __future__ import annotations

from pathlib import Path

import pytest

from tests.monitor_blueprint.crash.harness import run


@pytest.mark.slow
def test_every_belief_ends_at_the_truth(tmp_path: Path) -> None:
    """A monitor that is killed at any moment, with receivers that refuse, stall, acknowledge late and lie."""
    report = run(tmp_path / "monitor.db", kills=12, incidents=12, seed=7)
    assert report.incidents >= 12
    assert report.faults == []
    # Each kill may hit the one message that a receiver has just accepted; the long form holds them to 2 in 100.
    assert report.repeats[1] <= 3 * report.kills * len(report.receivers)
