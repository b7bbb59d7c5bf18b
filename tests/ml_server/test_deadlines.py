import threading
import time
import weakref

import pytest

from ml_server.deadlines import DeadlineWatch
from tests.monitor_blueprint.shortage import few_threads

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


def test_no_thread_is_no_end() -> None:
    """Where the system has no thread to give, the next piece of work gets one."""
    watch, late = DeadlineWatch(), threading.Event()
    with few_threads(0), pytest.raises(RuntimeError), watch.limit(0.01, late.set):
        pass
    with watch.limit(0.01, late.set):
        assert late.wait(LONG_S)


def test_failing_cancel_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be told to stop keeps nobody else from being told."""
    watch, late = DeadlineWatch(), threading.Event()

    def fail() -> None:
        raise ValueError

    with watch.limit(0.01, fail), watch.limit(0.02, late.set):
        assert late.wait(LONG_S)
    assert "could not be told to stop" in caplog.text


def test_nothing_is_kept_of_what_ended() -> None:
    """What a piece of work holds may be of a patient."""

    class Work:
        def stop(self) -> None: ...

    watch, work, looked, is_gone = DeadlineWatch(), Work(), threading.Event(), threading.Event()
    weakref.finalize(work, is_gone.set)
    with watch.limit(0.05, looked.set), watch.limit(LONG_S, work.stop):
        assert looked.wait(LONG_S)  # and then at the work, the last
    del work
    assert is_gone.wait(LONG_S)
