"""The readable log: `[YYYY-MM-DD HH:MM:SS] LEVEL: text` to a file and to standard output (the journal)."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import sys
import time
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import TextIO

from monitor_blueprint.domain.models import Status
from monitor_blueprint.domain.sanitize import clean
from monitor_blueprint.domain.text import NOTHING, Public, configured, fill
from monitor_blueprint.faults import reason_of
from monitor_blueprint.text.journal import is_journal, with_priority

SUCCESS = 25
logging.addLevelName(SUCCESS, "SUCCESS")

# `grep ERROR` finds what is CRITICAL, and what keeps the monitor itself from telling it.
LEVELS = {Status.OK: SUCCESS, Status.WARNING: logging.WARNING, Status.UNKNOWN: logging.WARNING, Status.CRITICAL: logging.ERROR}
_COLOURS = {SUCCESS: "32", logging.WARNING: "33", logging.ERROR: "31"}
_MAX_LINE = 2000
_NO_ACCESS = reason_of(PermissionError(errno.EACCES, ""))


class _File(WatchedFileHandler):
    """Appends to a file, and follows logrotate; what cannot be written is remembered instead of printed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", delay=True)
        self._failure = NOTHING
        # It goes on being written as long as it is open; whoever opens it next cannot.
        self._lost = NOTHING
        self._is_over = False

    @property
    def problem(self) -> Public:
        return self._failure or self._lost

    @property
    def is_refused(self) -> bool:
        return bool(self._lost) or self._failure.endswith(_NO_ACCESS)

    def close(self) -> None:
        """Close the file for good: a line that comes later does not open it again."""
        self._is_over = True
        super().close()

    def check(self) -> None:
        """Find out whether the file can be opened, without a line to write, and by whoever comes next."""
        # As `handle` does for `emit`: another thread may be writing, or closing the file.
        self.acquire()
        try:
            if not self._is_over:
                is_ours = os.fstat(self._follow().fileno()).st_uid == os.geteuid()
                is_lost = not is_ours and not os.access(self.baseFilename, os.W_OK)
                self._lost = self._said(_NO_ACCESS) if is_lost else NOTHING
        except OSError as error:
            self._fail(error)
        finally:
            self.release()

    def emit(self, record: logging.LogRecord) -> None:
        if self._is_over:
            return
        try:
            stream = self._follow()
            # One write for a line: lines of two processes do not mix.
            stream.write(self.format(record) + "\n")
            self.flush()
            self._failure = NOTHING
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self._failure = self._said(reason_of(error))
        # What is still buffered would fail again at the next line, and once more at the end of the process.
        with contextlib.suppress(OSError):
            if self.stream is not None:
                self.stream.close()
        self.stream = None

    def _said(self, reason: Public) -> Public:
        return fill("{path}: {reason}", path=configured(self.baseFilename), reason=reason)

    def _follow(self) -> TextIO:
        """Return the open file, anew where it has been renamed or deleted, with its directory where that is missing."""
        try:
            self.reopenIfNeeded()
        except FileNotFoundError:
            self.stream = None
        if self.stream is None:
            Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
            self.stream = self._open()
            self._statstream()
        return self.stream

    def _open(self) -> io.TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=_open_own)


def _open_own(path: str, flags: int) -> int:
    """Open a file in a directory that may be somebody else's, who shall not lead our lines anywhere."""
    found = Path(path)
    if found.is_symlink() and found.lstat().st_uid not in (0, os.geteuid()):
        raise PermissionError(errno.EACCES, _NO_ACCESS)
    # Nor let us wait for the reader of a named pipe.
    return os.open(path, flags | os.O_NONBLOCK, 0o644)


class _Terminal(logging.StreamHandler[TextIO]):
    """Writes to a stream, in colours where a person reads it and with priorities where the journal does.

    Who has stopped reading (`| head`) is no trouble.
    """

    def format(self, record: logging.LogRecord) -> str:
        # A terminal that knows no Korean shows question marks.
        encoding = self.stream.encoding or "utf-8"
        text = super().format(record).encode(encoding, "replace").decode(encoding)
        if is_journal(self.stream):
            return with_priority(record.levelno, text)
        colour = _COLOURS.get(record.levelno)
        return f"\x1b[{colour}m{text}\x1b[0m" if colour and self.stream.isatty() and not os.environ.get("NO_COLOR") else text

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - as in the library
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            # As Python's documentation has it: what is still buffered would fail once more at the end of the process.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.stream.fileno())
            os.close(null)


def _in_zone(seconds: float | None = None) -> time.struct_time:
    """Return local time as the machine has it now: its zone may have been changed since the start."""
    time.tzset()
    return time.localtime(seconds)


class HealthLog:
    """The health check's log, and the log of the schedule's runs (`cron.log`, by the guide's name).

    Writing never raises: what goes wrong is in `problem`, and standard output still has every line.
    """

    def __init__(self, directory: Path, stream: TextIO | None = None) -> None:
        """Write to `health_check.log` and `cron.log` in the directory, and to the stream (default: standard output)."""
        formatter = logging.Formatter("[%(asctime)s] %(levelname)s: %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
        formatter.converter = _in_zone
        self._file = _File(directory / "health_check.log")
        self._runs = _File(directory / "cron.log")
        self._terminal = _Terminal(stream if stream is not None else sys.stdout)
        for handler in (self._file, self._runs, self._terminal):
            handler.setFormatter(formatter)

    @property
    def is_journal(self) -> bool:
        """Tell whether the stream is the journal's."""
        return is_journal(self._terminal.stream)

    @property
    def problem(self) -> Public:
        """Return why lines cannot be written to the files now; empty when they can."""
        return self._file.problem or self._runs.problem

    @property
    def is_refused(self) -> bool:
        """Tell whether the files, or their directory, belong to somebody else."""
        return self._file.is_refused or self._runs.is_refused

    def check(self) -> Public:
        """Try whether the files can be written, and return `problem`."""
        self._file.check()
        self._runs.check()
        return self.problem

    def write(self, level: int, text: Public) -> None:
        """Write one line of a health check."""
        self.keep(level, text)
        self.show(level, text)

    def keep(self, level: int, text: Public) -> None:
        """Write one line of a health check to the file alone."""
        self._file.handle(_record(level, text))

    def show(self, level: int, text: Public) -> None:
        """Write one line to the stream alone."""
        self._terminal.handle(_record(level, text))

    def write_run(self, level: int, text: Public) -> None:
        """Write one line about the schedule's runs."""
        self._runs.handle(_record(level, text))

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        self._runs.close()


def _record(level: int, text: Public) -> logging.LogRecord:
    return logging.LogRecord("neuronova", level, "", 0, clean(text, _MAX_LINE), None, None)
