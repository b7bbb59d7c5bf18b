import threading
from concurrent.futures import Future
from functools import partial
from typing import Any

import pytest

from ml_server.slots import Slots

LONG_S = 60.0


def never() -> str:
    raise AssertionError("nobody has given up")


@pytest.fixture
def occupied() -> Any:
    """Slots whose two threads work, until the event is set."""
    slots, end = Slots(2), threading.Event()
    begun = [threading.Event(), threading.Event()]

    def work(number: int) -> str:
        begun[number].set()
        end.wait(LONG_S)
        return "done"

    running = [slots.submit(partial(work, number), never) for number in (0, 1)]
    assert all(event.wait(LONG_S) for event in begun)
    yield slots, end, running
    end.set()


def test_results_and_errors_come_back() -> None:
    slots = Slots(1)
    assert slots.submit(lambda: 7, lambda: 0).result(LONG_S) == 7
    with pytest.raises(ZeroDivisionError):
        slots.submit(lambda: 1 // 0, lambda: 0).result(LONG_S)


def test_fullness_is_known_beforehand(occupied: Any) -> None:
    """With both threads at work, one more is taken only if its turn comes within a second, by how long work takes."""
    slots, end, running = occupied
    slots.pace.add(0.5)
    assert not slots.is_full
    slots.pace.seconds = 3.0
    assert slots.is_full
    end.set()
    assert [promise.result(LONG_S) for promise in running] == ["done", "done"]
    slots.submit(lambda: "done", never).result(LONG_S)
    assert not slots.is_full


def test_waiting_has_an_end(occupied: Any) -> None:
    """What has waited for too long is given up, and never begun."""
    slots, end, running = occupied
    begun: list[str] = []
    promise: Future[object] = slots.submit(lambda: begun.append("it was"), lambda: "given up")
    assert promise.result(LONG_S) == "given up"
    end.set()
    assert [each.result(LONG_S) for each in running] == ["done", "done"]
    assert slots.submit(lambda: "next", never).result(LONG_S) == "next"
    assert begun == []


def test_threads_are_there_beforehand() -> None:
    slots = Slots(3)
    before = set(threading.enumerate())
    slots.start()
    assert len(set(threading.enumerate()) - before) == 3


def test_what_is_done_counts_no_more() -> None:
    slots = Slots(2)
    for _ in range(4):
        slots.submit(str, never)
    slots._threads.shutdown()
    slots.pace.seconds = 100.0
    assert not slots.is_full
