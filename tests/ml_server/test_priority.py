"""Who has stepped back rests after it was in somebody's way."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ml_server import priority
from ml_server.priority import Slice


@pytest.fixture
def other() -> Iterator[int]:
    """Somebody who always wants the first processor; which one that is."""
    processor = min(os.sched_getaffinity(0))
    pid = os.fork()
    if pid == 0:
        os.sched_setaffinity(0, {processor})
        while True:
            pass
    yield processor
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_rests_after_it_had_to_wait(other: int) -> None:
    """It ends with no more than the share that it is to have."""
    found = []

    def work() -> None:
        os.sched_setaffinity(0, {other})
        part = Slice()
        while part.spent_s < 0.02 or part.rest_s(0.05) < 19 * 0.02:
            pass
        found.append(part.rest_s(0.05) / part.spent_s)

    in_thread(work)
    assert 1 < found[0] <= 19.1


def test_rests_where_nobody_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the kernel's word it is taken to be in the way."""
    monkeypatch.setattr(priority, "_WAITED", tmp_path / "none")
    part = Slice()
    while part.spent_s < 0.001:
        pass
    assert part.rest_s(0.1) >= 0.009


def test_rest_is_no_longer_than_it_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    waited = tmp_path / "waited"
    monkeypatch.setattr(priority, "_WAITED", waited)
    waited.write_text("5000000 1000000000 7\n")
    part = Slice()
    assert part.rest_s(0.1) == 0
    while part.spent_s < 0.02:
        pass
    waited.write_text("25000000 1001000000 9\n")
    assert part.rest_s(0.1) == pytest.approx(50 * 0.001)
