"""Exactly one process runs the schedule: a lock that the kernel releases when its holder ends."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from monitor_blueprint.domain.text import NOTHING, Public
from monitor_blueprint.faults import reason_of

# struct ucred: process, user, group.
_CREDENTIALS = struct.Struct("iII")
_PAUSE_S = 0.1
_REFUSALS = 20


class ScheduleLock:
    """The right to run the schedule of one state directory.

    It is a lock on a file in that directory and, for the one who has that or where it cannot be had (a directory that
    cannot be written), a name that the kernel gives away once: that of an abstract socket (unix(7)), made from the path
    of the directory. So it does not matter who found the directory usable and who did not.
    """

    def __init__(self, directory: Path) -> None:
        """Use the file `monitor.lock` in the directory, which is made if it is missing."""
        self._path = directory / "monitor.lock"
        place = hashlib.blake2b(os.fsencode(os.path.realpath(directory)), digest_size=16).hexdigest()
        self._name = f"\0neuronova-monitor-{place}"

    def start(self, acquired: Callable[[], None], waiting: Callable[[int], None]) -> Public:
        """Call `acquired` once the lock is held; `waiting` before, with the other's process id, if another holds it.

        Returns why the lock file cannot be used; "" when it can.
        """
        file, problem = None, NOTHING
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            problem = reason_of(error)
        threading.Thread(target=self._wait, args=(file, acquired, waiting), name="lock", daemon=True).start()
        return problem

    def holder(self) -> int:
        """Return the process id of the one who holds the lock file; 0 when nobody does."""
        try:
            with self._path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(file.read() or b"0")
        except (OSError, ValueError):
            return 0
        return 0

    def is_held(self) -> bool:
        """Tell whether somebody runs the schedule, with a lock file or without."""
        if self.holder():
            return True
        with socket.socket(socket.AF_UNIX) as asking:
            return asking.connect_ex(self._name) == 0

    def _wait(self, file: int | None, acquired: Callable[[], None], waiting: Callable[[int], None]) -> None:
        if file is not None:
            _take_file(file, waiting)
        _take_name(self._name, waiting)
        acquired()


def parent_of(pid: int) -> str:
    """Return which process has forked that one, by number and start, as a number is used again; "" where that is not known."""
    with suppress(psutil.Error):
        parent = psutil.Process(pid).parent()
        return f"{parent.pid} {parent.create_time():.2f}" if parent is not None else ""
    return ""


def is_sibling(pid: int) -> bool:
    """Tell whether that process is of the same master: its predecessor while it reads its configuration again, or one of many."""
    return pid > 0 and bool(parent := parent_of(pid)) and parent == parent_of(os.getpid())


def _take_file(descriptor: int, waiting: Callable[[int], None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting(_number(os.pread(descriptor, 32, 0)))
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    # The number is for people only; a full disk must not keep the schedule from running.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def _number(kept: bytes) -> int:
    return int(kept) if kept.strip().isdigit() else 0


def _take_name(name: str, waiting: Callable[[int], None]) -> None:
    """Wait until the name is had; without it where there are no such names, or where a stranger has taken it."""
    has_reported, refusals = False, 0
    while refusals < _REFUSALS:
        try:
            _bind(name)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return
        else:
            return
        try:
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(name)
                pid, user, _ = _CREDENTIALS.unpack(asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
                if user not in (0, os.geteuid()):
                    # Anybody can take any name, but not keep the checks from running.
                    return
                if not has_reported:
                    waiting(pid)
                    has_reported = True
                # Nobody ever answers: it ends when the other process does.
                asking.recv(1)
        except ConnectionResetError:
            refusals = 0
        except OSError:
            # It has just been taken, or given back; one that nobody listens to for long is none of ours.
            refusals += 1
            time.sleep(_PAUSE_S)


def _bind(name: str) -> None:
    """Take the name for as long as this process lives."""
    holding = socket.socket(socket.AF_UNIX)
    try:
        holding.bind(name)
        holding.listen(socket.SOMAXCONN)
    except OSError:
        holding.close()
        raise
    holding.detach()
