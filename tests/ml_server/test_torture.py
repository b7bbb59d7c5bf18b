from pathlib import Path

import pytest

from tests.ml_server.torture import GOOD, Torture

pytestmark = pytest.mark.slow


def test_nothing_is_lost_and_nothing_bad_served(tmp_path: Path) -> None:
    """A few of everything; `python -m tests.ml_server.torture` does hundreds."""
    torture = Torture(tmp_path)
    try:
        torture.run(reload=6, activate=2, rollback=2, kill=2)
    finally:
        torture.server.stop()
    assert torture.tally.wrong == []
    assert torture.tally.answered
    assert {version for version, _ in torture.tally.answered} <= set(GOOD)
