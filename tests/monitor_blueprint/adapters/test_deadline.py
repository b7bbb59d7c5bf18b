from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from monitor_blueprint.adapters.deadline import Call, Wire, _Watch, cancel_after, cut_after
from tests.monitor_blueprint.shortage import few_threads, said

ROOT = Path(__file__).parents[3]
LONG_S = 60.0


def later(seconds: float) -> float:
    return time.monotonic() + seconds


def test_call_returns_its_result() -> None:
    """A call returns what its function does."""
    call = Call(lambda: 42, "answer")
    assert call.wait(later(LONG_S))
    assert call.result() == 42


def test_call_raises_where_awaited() -> None:
    """A call raises where it is waited for."""
    for raised in (LookupError("lost"), SystemExit(3)):
        call = Call(lambda raised=raised: (_ for _ in ()).throw(raised), "fault")  # type: ignore[misc]
        assert call.wait(later(LONG_S))
        with pytest.raises(type(raised)):
            call.result()


def test_a_late_result_still_counts() -> None:
    released = threading.Event()
    call = Call(lambda: released.wait(LONG_S), "late")
    before = time.monotonic()
    assert not call.wait(later(0.05))
    assert time.monotonic() - before >= 0.05
    assert not call.wait(before)
    released.set()
    assert call.wait(later(LONG_S))
    assert call.result()


def test_call_without_moment_is_awaited() -> None:
    """Without a moment, a call is waited for to the end."""
    call = Call(lambda: time.sleep(0.05), "short")
    assert call.wait()


def test_calls_share_one_moment() -> None:
    """Several calls are waited for until one moment."""
    released = threading.Event()
    calls = [Call(lambda: released.wait(LONG_S), f"hang-{number}") for number in range(5)]
    before = time.monotonic()
    until = later(0.2)
    assert [call.wait(until) for call in calls] == [False] * 5
    assert time.monotonic() - before >= 0.2
    released.set()
    assert all(call.wait(later(LONG_S)) for call in calls)


def test_threadless_call_has_not_begun() -> None:
    called = threading.Event()
    with few_threads(0), pytest.raises(RuntimeError, match="can't start new thread"):
        Call(called.set, "none")
    assert not called.is_set()


def test_late_block_is_cancelled() -> None:
    """A block over its deadline is cancelled."""
    cancelled = threading.Event()
    with cancel_after(0.01, cancelled.set):
        assert cancelled.wait(LONG_S)


def test_a_nearer_deadline_is_kept_first() -> None:
    far, near = threading.Event(), threading.Event()
    with cancel_after(LONG_S, far.set), cancel_after(0.01, near.set):
        assert near.wait(LONG_S)
    assert not far.is_set()


def test_punctual_block_is_not_cancelled() -> None:
    """A block done in time is not cancelled."""
    early, late = threading.Event(), threading.Event()
    with cancel_after(0.05, early.set):
        pass
    with cancel_after(0.1, late.set):
        assert late.wait(LONG_S)
    assert not early.is_set()


def test_nothing_is_cancelled_after_its_block() -> None:
    """The end of a block waits for a `cancel` that is under way: what it was about may be something else afterwards."""
    begun, ended = threading.Event(), threading.Event()

    def cancel() -> None:
        begun.set()
        time.sleep(0.05)
        ended.set()

    with cancel_after(0.01, cancel):
        assert begun.wait(LONG_S)
    assert ended.is_set()


def test_a_failing_cancel_stops_no_other() -> None:
    with said("monitor_blueprint.adapters.deadline", "could not be cancelled") as is_said:
        with cancel_after(0.01, [].pop):
            assert is_said.wait(LONG_S)
        cancelled = threading.Event()
        with cancel_after(0.01, cancelled.set):
            assert cancelled.wait(LONG_S)


def test_one_thread_watches_over_all() -> None:
    with cancel_after(LONG_S, lambda: None):
        before = threading.active_count()
        with cancel_after(LONG_S, lambda: None), cancel_after(1.0, lambda: None):
            assert threading.active_count() == before


def test_threadless_watch_tries_again() -> None:
    """What was refused is not watched half: the next block is."""
    watch, cancelled = _Watch(), threading.Event()
    with few_threads(0), pytest.raises(RuntimeError, match="can't start new thread"):
        watch.add(0.0, cancelled.set)
    assert not cancelled.is_set()
    watch.add(0.0, cancelled.set)
    assert cancelled.wait(LONG_S)


def connected() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.settimeout(LONG_S)
    theirs.settimeout(LONG_S)
    return ours, theirs


def test_connection_is_cut_at_deadline() -> None:
    ours, theirs = connected()
    with ours, theirs, cut_after(0.01) as wire:
        wire.attach(ours)
        assert ours.recv(1) == b""
        assert theirs.recv(1) == b""
        assert wire.is_cut


def test_late_connection_is_cut_at_once() -> None:
    """A connection that is made after the deadline is cut at once."""
    ours, theirs = connected()
    wire = Wire()
    wire.cut()
    with ours, theirs:
        wire.attach(ours)
        assert ours.recv(1) == b""
        wire.close()


def test_connection_ends_with_its_block() -> None:
    """A connection does not outlive its block."""
    ours, theirs = connected()
    with ours, theirs:
        with cut_after(LONG_S) as wire:
            wire.attach(ours)
            ours.sendall(b"all")
        assert not wire.is_cut
        assert theirs.recv(10) == b"all"
        assert theirs.recv(1) == b""


def test_a_deadline_holds_after_a_fork() -> None:
    """No thread survives it, and whoever held a lock at that moment holds it for ever: here the watch, a hundred times."""
    program = """
import os, threading
from monitor_blueprint.adapters.deadline import _watch, cancel_after
for _ in range(100):
    with cancel_after(60.0, print), _watch._changed:
        child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0
        continue
    cancelled = threading.Event()
    with cancel_after(0.001, cancelled.set):
        os._exit(0 if cancelled.wait(60.0) else 1)
"""
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, timeout=100, check=False).returncode == 0
