import threading

from ml_server.deadlines import DeadlineWatch

LONG_S = 60.0


def test_work_that_runs_over_its_deadline_is_cancelled() -> None:
    cancelled = threading.Event()
    with DeadlineWatch().limit(0.01, cancelled.set):
        assert cancelled.wait(LONG_S)


def test_a_nearer_deadline_is_kept_while_a_farther_one_is_watched() -> None:
    watch, far, near = DeadlineWatch(), threading.Event(), threading.Event()
    with watch.limit(LONG_S, far.set), watch.limit(0.01, near.set):
        assert near.wait(LONG_S)
    assert not far.is_set()


def test_work_that_is_done_in_time_is_not_cancelled() -> None:
    watch, early, late = DeadlineWatch(), threading.Event(), threading.Event()
    with watch.limit(0.05, early.set):
        pass
    with watch.limit(0.1, late.set):
        assert late.wait(LONG_S)
    assert not early.is_set()
