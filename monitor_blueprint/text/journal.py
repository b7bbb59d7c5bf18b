"""Priorities in the journal: what systemd reads at the beginning of a line (sd-daemon(3)), for `journalctl -p err`."""

from __future__ import annotations

import logging
import os
from copy import copy
from typing import TextIO

from monitor_blueprint.domain.text import fault_of

# By the least level: what is above INFO and below WARNING (SUCCESS) is INFO to the journal.
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))


def is_journal(stream: TextIO) -> bool:
    """Tell whether what is written to the stream goes into the journal: JOURNAL_STREAM names its device and inode."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM", "") == f"{found.st_dev}:{found.st_ino}"


def with_priority(level: int, text: str) -> str:
    """Return the text with its priority before each of its lines."""
    prefix = next(f"<{priority}>" for least, priority in _PRIORITIES if level >= least)
    return "\n".join(f"{prefix}{line}" for line in text.split("\n"))


class PriorityFormatter(logging.Formatter):
    """Formats as another formatter does, with the priority before it."""

    def __init__(self, inner: logging.Formatter | None) -> None:
        """Take the other one; only the message where there is none."""
        super().__init__()
        self._inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of the record; of an exception, which one it is and where it was raised, and not what it says."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record = copy(record)
            record.exc_info = record.exc_text = None
        text = self._inner.format(record)
        return with_priority(record.levelno, text if error is None else f"{text}: {fault_of(error)}")
