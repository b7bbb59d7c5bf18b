import threading
import time

from ml_server.deadlines import DeadlineWatch

LONG_S = 60.0


def test_late_work_is_cancelled() -> None:
    """Work that runs over its deadline is cancelled."""
    cancelled = threading.Event()
    with DeadlineWatch().limit(0.01, cancelled.set):
        assert cancelled.wait(LONG_S)


def test_nearer_deadline_is_kept() -> None:
    """A nearer deadline is kept while a farther one is watched."""
    watch, far, first, near = DeadlineWatch(), threading.Event(), threading.Event(), threading.Event()
    with watch.limit(LONG_S, far.set), watch.limit(0.01, first.set):
        assert first.wait(LONG_S)  # from here on, the thread lets nobody in before it waits for the far one
        with watch.limit(0.01, near.set):
            assert near.wait(LONG_S)
    assert not far.is_set()


def test_punctual_work_is_not_cancelled() -> None:
    """Work that is done in time is not cancelled."""
    watch, early, late = DeadlineWatch(), threading.Event(), threading.Event()
    with watch.limit(0.05, early.set):
        pass
    with watch.limit(0.1, late.set):
        assert late.wait(LONG_S)
    assert not early.is_set()


def test_waiting_takes_no_processor() -> None:
    """Waiting for a deadline takes no processor time."""
    late = threading.Event()
    before = time.process_time()
    with DeadlineWatch().limit(1.0, late.set):
        assert late.wait(LONG_S)
    assert time.process_time() - before < 0.2
