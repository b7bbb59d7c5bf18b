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
# Who waits for so little as a fiftieth of the time that it runs, rests as long as it ran: a request that comes to a processor
# that it has warmed up for itself is late, even if it need not wait.
_REST = 50
_WAITED = Path("/proc/thread-self/schedstat")
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


class Slice:
    """A piece of work of the calling thread, which has stepped back: was it in somebody's way, and so is to rest after?"""

    def __init__(self) -> None:
        """Begin."""
        self._begun = time.thread_time()
        self._waited = _waited_s()

    @property
    def spent_s(self) -> float:
        """Return how much of a processor it has taken so far, in seconds."""
        return time.thread_time() - self._begun

    def rest_s(self, share: float) -> float:
        """Return how long to rest now, in seconds, by how long it had to wait for processors that others wanted.

        That is not at all where nobody did, and no longer than it takes not to have more than this share of a processor.
        """
        waited, most_s = _waited_s(), self.spent_s * (1 / share - 1)
        return most_s if waited is None or self._waited is None else min(most_s, _REST * (waited - self._waited))


def _waited_s() -> float | None:
    """Return how long the calling thread has waited for a processor so far; None where the kernel does not say."""
    try:
        return int(_WAITED.read_bytes().split()[1]) / 1e9
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
