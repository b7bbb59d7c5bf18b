"""A process beside the workers, one in the whole server whoever starts it how often: it has a lock for as long as it lives.

Every worker that has a use for it waits for the lock, so that there is one who starts it anew as soon as it is gone,
whatever has ended it. The lock is handed over to it with its start: there is no moment in between.
"""

import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_logger = logging.getLogger("ml_server")
_ALIVE = "server.lock"
# After an end that was none of its own, in seconds: the first pause, and the longest.
_PAUSES_S = (0.1, 60.0)
_QUIET_S = 60.0
# How often it is asked anew whether it is wanted, in seconds.
_AGAIN_S = 600.0
_LOOK_S = 0.02
# What a server that stops gives it to put down its work.
_LAST_S = 2.0


class Companion:
    """Keeps a Python module running in a process of its own for as long as it is wanted."""

    def __init__(self, lock: Path, module: str, task: bytes, is_wanted: Callable[[], bool]) -> None:
        """`task` is what the module reads from standard input; `is_wanted` is asked before each start, and now and then."""
        self._lock = lock
        self._module = module
        self._task = task
        self._is_wanted = is_wanted
        self._wake = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._alive: int | None = None

    def wake(self) -> None:
        """See to it that the process runs, if it is wanted: in a thread that the first call starts, so after any fork."""
        self._wake.set()
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._lock.stem, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        self._lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._alive = _open(self._lock.parent / _ALIVE)  # for as long as this process lives
        fcntl.flock(self._alive, fcntl.LOCK_SH)
        pause_s = 0.0
        while True:
            self._wake.wait(_AGAIN_S)
            self._wake.clear()
            while self._is_wanted():
                pause_s = self._keep(pause_s)

    def _keep(self, pause_s: float) -> float:
        """Wait until nobody has the process, and have it for as long as it runs; return how long to wait after its end.

        Whoever waits for the lock waits for that pause, too.
        """
        handle = _open(self._lock)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if not self._is_wanted():
                return 0.0
            begun = time.monotonic()
            code = self._have_run(handle)
            if code == 0:
                return 0.0
            is_often = time.monotonic() - begun < _QUIET_S
            pause_s = min(max(2 * pause_s, _PAUSES_S[0]), _PAUSES_S[1]) if is_often else _PAUSES_S[0]
            _logger.error("%s ended with %d: it is started again in %.1f s if need be", self._module, code, pause_s)
            time.sleep(pause_s)
            return pause_s
        finally:
            os.close(handle)

    def _have_run(self, handle: int) -> int:
        with subprocess.Popen(  # noqa: S603 - a module of ours
            [sys.executable, "-m", self._module],
            stdin=subprocess.PIPE,
            env=_environment(),
            pass_fds=(handle,),
            start_new_session=True,
        ) as process:
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(process.pid).encode(), 0)
            with contextlib.suppress(BrokenPipeError):
                process.communicate(self._task)
        os.ftruncate(handle, 0)
        return process.returncode


def is_server_alive(directory: Path) -> bool:
    """Tell whether there is a process left that may start a companion which has its lock in this directory."""
    handle = _open(directory / _ALIVE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def stop(lock: Path) -> None:
    """Have a companion put down its work and end, if there is one: before the server's last process ends."""
    if not lock.exists():
        return
    with _opened(lock) as handle:
        if _is_free(handle):
            return
        pid = os.pread(handle, 20, 0)
        if pid.isdigit():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(pid), signal.SIGTERM)
        end = time.monotonic() + _LAST_S
        while not _is_free(handle) and time.monotonic() < end:
            time.sleep(_LOOK_S)


def _is_free(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = _open(path)
    try:
        yield handle
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _environment() -> dict[str, str]:
    """Return what the process needs of the environment: no key, no setting, and not what is between the workers and others."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
