"""A terminal in which a program runs: a real pseudo-terminal, whose screen is read as it is drawn."""

from __future__ import annotations

import fcntl
import os
import re
import selectors
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_HOME = b"\x1b[H"


class Terminal:
    """Runs a program of Python's in a terminal of so many rows and columns.

    Attributes:
        written: every byte that the program has written.
        pid: its process.
    """

    def __init__(self, *arguments: str, rows: int = 24, columns: int = 80, **environ: str) -> None:
        self._master, self._slave = os.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self._slave)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._master, selectors.EVENT_READ)
        self.written = b""
        # The terminal is that of its session, as sshd makes it: there is Ctrl-C, a size, and a hang-up.
        self._program = subprocess.Popen(
            ["setsid", "--ctty", sys.executable, *arguments],
            cwd=ROOT,
            env={"TERM": "xterm-256color", **os.environ, **environ},
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
        )
        self.pid = self._program.pid

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    @property
    def lines(self) -> list[str]:
        """What stands on the screen: what was drawn since the cursor was last sent home."""
        drawn = self.written.rpartition(_HOME)[2].decode("utf-8", "ignore")
        return [line.rstrip() for line in _CONTROL.sub("", drawn).replace("\r", "").split("\n")]

    @property
    def text(self) -> str:
        """The same as one text in which it does not matter where a line was broken."""
        return " ".join(" ".join(self.lines).split())

    def until(self, is_so: Callable[[str], bool]) -> str:
        """Wait until what stands on the screen is so, and return it."""
        deadline = time.monotonic() + DEADLINE_S
        while not is_so(self.text):
            assert time.monotonic() < deadline, self.text
            assert self._read() or is_so(self.text), self.text
        return self.text

    def until_seen(self, *words: str) -> str:
        return self.until(lambda text: all(word in text for word in words))

    def code(self) -> int:
        """Wait for the program's end and return its exit code."""
        deadline = time.monotonic() + DEADLINE_S
        while self._program.poll() is None:
            assert time.monotonic() < deadline, self.text
            self._read(0.05)
        while self._selector.select(0):
            self.written += os.read(self._master, 65536)
        return self._program.wait()

    def attributes(self) -> list[object]:
        return termios.tcgetattr(self._slave)

    def hang_up(self) -> int:
        """Close the terminal, as the end of an ssh connection does, and return how the program ends."""
        self._selector.close()
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1
        return self._program.wait(DEADLINE_S)

    def close(self) -> None:
        if self._program.poll() is None:
            self._program.kill()
            self._program.wait()
        self._selector.close()
        for descriptor in (self._master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)

    def _read(self, timeout_s: float = 1.0) -> bool:
        """Read what has been written; False where the program has ended and there is nothing left."""
        if self._selector.select(timeout_s):
            self.written += os.read(self._master, 65536)
            return True
        return self._program.poll() is None
