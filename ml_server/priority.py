"""What a process does so that it is in nobody's way: the processor only when no one else wants it, and the first to go."""

import contextlib
import os
from pathlib import Path

_NICEST = 19
_SCORE = Path("/proc/self/oom_score_adj")
_FIRST_TO_GO = 1000


def step_back() -> bool:
    """Give the calling thread, and those that it starts, what the processor has left over; tell whether that was allowed.

    A sandbox that forbids sched_setscheduler(2) and setpriority(2) leaves it as it is.
    """
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
