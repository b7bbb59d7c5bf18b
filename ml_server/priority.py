"""What a process does so that it is in nobody's way: the processor only when no one else wants it, and the first to go."""

import contextlib
import os
import time
from pathlib import Path

_NICEST = 19
# The kernel shares the processor out among sessions first (sched(7)): a third of what another one gets is enough to end a job,
# and whoever wakes up elsewhere need not wait for it.
_GROUP, _GROUP_NICE = Path("/proc/self/autogroup"), "5"
# It takes one such change in a tenth of a second.
_TRIES, _AGAIN_S = 5, 0.1
_SPENT = Path("/proc/thread-self/schedstat")
_SCORE = Path("/proc/self/oom_score_adj")
_FIRST_TO_GO = 1000


def step_back() -> bool:
    """Give the calling thread, and those that it starts, what the processor has left over; tell whether that was allowed.

    The process must have a session of its own. A sandbox that forbids sched_setscheduler(2) and setpriority(2) leaves it be.
    """
    _group_back()
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except OSError:
        pass
    else:
        return True
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICEST)  # of the thread only, on Linux
    except OSError:
        return False
    return True


def go_first() -> None:
    """Have the kernel end this process before any other of the server, where memory runs out."""
    with contextlib.suppress(OSError):
        _SCORE.write_text(str(_FIRST_TO_GO), encoding="ascii")


def waited_s() -> float | None:
    """Return how long the calling thread has waited for a processor that others had, so far; None where nobody counts that."""
    try:
        return int(_SPENT.read_bytes().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return None


def _group_back() -> None:
    for _ in range(_TRIES):
        try:
            _GROUP.write_text(_GROUP_NICE, encoding="ascii")
        except BlockingIOError:
            time.sleep(_AGAIN_S)
        except OSError:
            return  # there are no such groups here
        else:
            return
