"""Inside the box: counts what the installer changes and starts, and lets one of these fail, or be the last.

Python imports a module of this name at its start, from PYTHONPATH. What it does is in the environment: FAULT_LOG, the
file that every change is written to, FAULT_MODE, and FAULT_AT: the number of the change, or words that it is the first
with:

    record   nothing happens to it
    fail     it is refused by the system; of a command: it cannot be started
    exit     of a command: it is started with an option that it refuses; of anything else: as `fail`
    kill     the process is killed in its place
    soon     the process is killed a moment after it has begun
"""

import errno
import json
import os
import signal
import sys
import threading

CHANGES = {
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.removexattr", "os.rename", "os.rmdir", "os.setxattr",
    "os.symlink", "os.truncate", "os.utime",
}  # fmt: skip
COMMANDS = {"os.exec", "os.posix_spawn", "os.system", "subprocess.Popen"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
SOON_S = 0.05


class Faults:
    """Listens to what Python is about to do."""

    def __init__(self, log: str, mode: str, at: str) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._mode = mode
        self._at = at
        self._number = 0
        self._is_done = False
        self._lock = threading.Lock()

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """Count one event, and act when it is the one."""
        if event in COMMANDS:
            what = " ".join(str(part) for part in arguments[1]) if isinstance(arguments[1], list) else repr(arguments)
        elif event in CHANGES:
            what = " ".join(str(part) for part in arguments[:2])
        elif event == "open" and is_written(arguments):
            what = str(arguments[0])
        else:
            return
        with self._lock:
            self._number += 1
            number = self._number
            is_it = not self._is_done and (self._at in what if self._at.strip("0123456789") else self._at == str(number))
            self._is_done |= is_it
        os.write(self._log, (json.dumps({"number": number, "event": event, "what": what}) + "\n").encode())
        if is_it:
            self._act(event, arguments)

    def _act(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._mode == "soon":
            threading.Timer(SOON_S, os.kill, (os.getpid(), signal.SIGKILL)).start()
        elif self._mode == "exit" and event == "subprocess.Popen" and isinstance(arguments[1], list):
            arguments[1][1:] = ["--no-such-option"]  # the list that is passed on
        elif self._mode in {"fail", "exit"}:
            code = errno.ENOSPC if event == "open" else errno.EIO
            raise OSError(code, os.strerror(code), "injected by the test")


def is_written(arguments: tuple[object, ...]) -> bool:
    """Tell whether a file is opened for writing that lies on a disk, and is no more than a file descriptor."""
    path, _mode, flags = arguments
    return (
        isinstance(path, str | bytes)
        and isinstance(flags, int)
        and bool(flags & WRITES)
        and not os.fsdecode(path).startswith("/dev/")
    )


if "deploy.installer" in sys.orig_argv and "FAULT_MODE" in os.environ:
    sys.addaudithook(Faults(os.environ["FAULT_LOG"], os.environ["FAULT_MODE"], os.environ["FAULT_AT"]))
