"""A process beside the workers: one, whoever starts it, and again when it is gone."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ml_server import companion
from ml_server.companion import Companion

DEADLINE_S = 60
MODULE = "tests.ml_server.companions"


def wait_for(found: Callable[[], list[int]]) -> list[int]:
    end = time.monotonic() + DEADLINE_S
    while not (seen := found()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return seen


class Crowd:
    """As many as workers are: they all want the process."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lock = directory / "tests.lock"
        self.is_wanted = True
        self.companions = [Companion(self.lock, MODULE, str(directory).encode(), lambda: self.is_wanted) for _ in range(4)]

    def wake(self) -> None:
        for each in self.companions:
            each.wake()

    def running(self, besides: int = 0) -> list[int]:
        pids = [int(path.name.removeprefix("runs-")) for path in self.directory.glob("runs-*")]
        return [pid for pid in pids if pid != besides and psutil.pid_exists(pid)]


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    made = Crowd(tmp_path)
    yield made
    made.is_wanted = False
    companion.stop(made.lock)
    for pid in made.running():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_one_for_all(crowd: Crowd) -> None:
    crowd.wake()
    (first,) = wait_for(crowd.running)
    crowd.wake()
    os.kill(first, signal.SIGKILL)
    (second,) = wait_for(lambda: crowd.running(besides=first))
    assert crowd.lock.read_bytes() == str(second).encode()
    assert len(list(crowd.directory.glob("runs-*"))) == 2


def test_not_wanted_not_started(crowd: Crowd) -> None:
    crowd.is_wanted = False
    crowd.wake()
    crowd.is_wanted = True
    crowd.companions[0].wake()
    assert len(wait_for(crowd.running)) == 1


def test_stop_ends_it(crowd: Crowd) -> None:
    crowd.wake()
    (pid,) = wait_for(crowd.running)
    crowd.is_wanted = False
    companion.stop(crowd.lock)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    companion.stop(crowd.lock)


def test_failures_are_spaced(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wants it waits longer after each failure, all of them together."""
    pauses: list[float] = []

    def note(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            (crowd.directory / "fail").unlink()

    (crowd.directory / "fail").touch()
    monkeypatch.setattr(companion, "time", _Clock(note))
    crowd.companions[0].wake()
    wait_for(crowd.running)
    assert pauses == [0.1, 0.2, 0.4, 0.8]


class _Clock:
    def __init__(self, sleep: Callable[[float], None]) -> None:
        self.sleep = sleep
        self.monotonic = time.monotonic


def test_server_is_alive_with_workers(crowd: Crowd) -> None:
    assert not companion.is_server_alive(crowd.directory)
    crowd.wake()
    wait_for(crowd.running)
    assert companion.is_server_alive(crowd.directory)
