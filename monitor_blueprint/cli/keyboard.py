"""What is typed at a terminal, key by key, and that its size has changed."""

from __future__ import annotations

import os
import re
import selectors
import signal
import termios
from types import TracebackType
from typing import Self

from monitor_blueprint.text import ko_watch

UP, DOWN, PAGE_UP, PAGE_DOWN, HOME = "up", "down", "page up", "page down", "home"
END_OF_INPUT = "end of input"
INTERRUPT = "\x03"
# What a terminal sends for a key that is no character (ECMA-48, xterm).
_SEQUENCE = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Za-z]|.", re.DOTALL)
_NAMES = {
    "\x1b[A": UP,
    "\x1bOA": UP,
    "\x1b[B": DOWN,
    "\x1bOB": DOWN,
    "\x1b[5~": PAGE_UP,
    "\x1b[6~": PAGE_DOWN,
    "\x1b[H": HOME,
    "\x1bOH": HOME,
    "\x1b[1~": HOME,
} | ko_watch.LATIN_KEYS
_MOST = 1024


class Keyboard:
    """The keys of a terminal, from entering the context until leaving it: unseen, at once, Ctrl-C among them.

    Neither Ctrl-Z nor Ctrl-S does anything meanwhile: they would leave behind a terminal that nobody can read.
    """

    def __init__(self, descriptor: int) -> None:
        """Take the terminal's file descriptor."""
        self._descriptor = descriptor
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._descriptor)
        changed = termios.tcgetattr(self._descriptor)
        changed[0] &= ~(termios.IXON | termios.ICRNL)
        changed[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, changed)
        # A signal wakes whoever waits by a byte.
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        self._earlier_wake = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._earlier_handler = signal.signal(signal.SIGWINCH, lambda _signal, _frame: None)
        self._selector.register(self._descriptor, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        signal.signal(signal.SIGWINCH, self._earlier_handler)
        signal.set_wakeup_fd(self._earlier_wake)
        self._selector.close()
        os.close(self._woken)
        os.close(self._wake)
        try:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)
        except (termios.error, OSError):
            # The terminal has gone.
            return

    def wait(self, timeout_s: float) -> list[str] | None:
        """Wait until something is typed and return the keys; none where the size has changed, None where the time is over."""
        ready = {key.fd for key, _ in self._selector.select(timeout_s)}
        if self._woken in ready:
            os.read(self._woken, _MOST)
        if self._descriptor in ready:
            return self._read()
        return [] if ready else None

    def _read(self) -> list[str]:
        try:
            typed = os.read(self._descriptor, _MOST)
        except OSError:
            typed = b""
        if not typed:
            return [END_OF_INPUT]
        return [_NAMES.get(key, key) for key in _SEQUENCE.findall(typed.decode("utf-8", "ignore"))]
